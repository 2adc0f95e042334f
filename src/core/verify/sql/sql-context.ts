/** What the parts of one query share: its dialect, its parameters, and the tables of facts in force. */

export type SqlDialect = 'duckdb' | 'postgres';

export interface SegmentSqlOptions {
  /** Seconds since 1970. */
  readonly moment: number;
  readonly dialect: SqlDialect;
  /** What was known after this batch; absent means the last one. */
  readonly knownAt?: number;
  /**
   * Every table holds one version of each fact, in `order_base` for orders: nothing is in the tail, and
   * no store, trait, score or entry of a list was ever changed. Makes the query that an analyst writes
   * over such tables.
   */
  readonly assumeCompacted?: boolean;
  /** Where facts in force are read instead, by one who knows: see `FactTables`. */
  readonly facts?: FactTables;
}

/** Facts by the names of `tableSql`, one version of each: what stands behind FROM, without parameters. */
export type FactTables = Readonly<Record<FactName, string>>;

type FactName = keyof typeof COMPACTED;

export interface SqlContext extends SegmentSqlOptions {
  readonly params: string[];
}

/** Customers for which a part of a rule holds: those that `sql` yields, or all others. */
export interface CustomerSet {
  readonly sql: string;
  readonly complement: boolean;
}

/** Names of the facts in force, and of the table that holds them when it holds nothing else. */
const COMPACTED = {
  known_customer: 'customer',
  known_order: 'order_base',
  known_store: 'store',
  known_trait: 'trait',
  known_score: 'score',
  known_list_entry: 'list_entry',
  known_event: 'event',
  known_activation: 'model_activation',
} as const;

/** What to read facts of one kind from. */
export function tableSql(name: FactName, { assumeCompacted, facts }: SqlContext): string {
  return facts?.[name] ?? (assumeCompacted ? COMPACTED[name] : name);
}

/** Facts in force, by the names of `tableSql`: of each the version received last. */
export function factTables(context: SqlContext): { name: FactName; sql: string }[] {
  const { knownAt, assumeCompacted, facts } = context;
  if (assumeCompacted || facts) return [];
  const received = knownAt === undefined ? '' : ` WHERE batch_no <= ${knownAt}`;
  const columns =
    'customer_no, store_no, ordered_at, total_e4, discount_e4, currency_no, status, batch_no, order_id';
  const sources = ['order_base', 'order_tail', ...(knownAt === undefined ? [] : ['order_archive'])];
  const versions = sources.map((table) => `  SELECT ${columns} FROM ${table}${received}`);
  const latest = (from: string, key: string): string =>
    `SELECT * FROM (\n  SELECT *, row_number() OVER (PARTITION BY ${key} ORDER BY batch_no DESC) AS recency\n` +
    `  FROM ${from}) AS version WHERE recency = 1`;
  const received_orders = `(\n${versions.join('\n  UNION ALL\n')}\n  ) AS received`;
  return [
    { name: 'known_customer', sql: `SELECT customer_no FROM customer${received}` },
    { name: 'known_order', sql: latest(received_orders, 'customer_no, order_id') },
    { name: 'known_store', sql: latest(`store${received}`, 'store_no') },
    { name: 'known_trait', sql: latest(`trait${received}`, 'customer_no, name_no') },
    { name: 'known_score', sql: latest(`score${received}`, 'customer_no, name_no') },
    { name: 'known_list_entry', sql: latest(`list_entry${received}`, 'customer_no, name_no') },
    { name: 'known_activation', sql: latest(`model_activation${received}`, 'model') },
    { name: 'known_event', sql: `SELECT * FROM event${received}` },
  ];
}

/** Adds a parameter, and yields the expression that reads it. */
export function textSql(text: string, context: SqlContext): string {
  context.params.push(text);
  return `CAST($${context.params.length} AS VARCHAR)`;
}

/** What stands behind `IN` for some texts. */
export function listSql(texts: readonly string[], context: SqlContext): string {
  if (texts.length === 0) return '(SELECT CAST(NULL AS VARCHAR) WHERE false)';
  const list = texts.map((text) => textSql(text, context));
  if (context.facts) return `(${list.join(', ')})`;
  return `(VALUES ${list.map((text) => `(${text})`).join(', ')})`;
}

/** The tests of inclusive bounds on an expression, of which any may be absent. */
export function boundsSql(
  { atLeast, atMost }: { readonly atLeast?: number; readonly atMost?: number },
  compare: (operator: '>=' | '<=', bound: number) => string,
): string[] {
  return [
    ...(atLeast === undefined ? [] : [compare('>=', atLeast)]),
    ...(atMost === undefined ? [] : [compare('<=', atMost)]),
  ];
}

/** A number that need not be whole. */
export function doubleSql(value: number): string {
  return `CAST('${value}' AS DOUBLE PRECISION)`;
}

/** Whether 0 lies in inclusive bounds: what is counted or added up is 0 for customers without facts. */
export function holdsZero({ atLeast = 0, atMost = 0 }: { atLeast?: number; atMost?: number }): boolean {
  return atLeast <= 0 && atMost >= 0;
}
