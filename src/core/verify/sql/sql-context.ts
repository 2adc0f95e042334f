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
export type FactTables = Readonly<Record<KnownTable, string>>;

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

/** A table of facts in force. */
export type KnownTable = keyof typeof COMPACTED;

/** What to read facts of one kind from. */
export function tableSql(name: KnownTable, { assumeCompacted, facts }: SqlContext): string {
  return facts?.[name] ?? (assumeCompacted ? COMPACTED[name] : name);
}

/**
 * Facts in force: a query for each of `tableSql`'s tables, which yields of every fact the version received
 * last. All columns of the facts' tables are there.
 *
 * @param options.customers - A table of `customer_no`: only the facts of these.
 */
export function factsInForceSql(options: {
  readonly knownAt?: number;
  readonly customers?: string;
}): Readonly<Record<KnownTable, string>> {
  const { knownAt, customers } = options;
  const where = (tests: readonly string[]): string =>
    tests.length === 0 ? '' : ` WHERE ${tests.join(' AND ')}`;
  const known = knownAt === undefined ? [] : [`batch_no <= ${knownAt}`];
  const received = where(known);
  const theirs = where(
    customers === undefined ? known : [...known, `customer_no IN (SELECT customer_no FROM ${customers})`],
  );
  const columns =
    'customer_no, store_no, ordered_at, total_e4, discount_e4, currency_no, status, batch_no, order_id';
  const sources = ['order_base', 'order_tail', ...(knownAt === undefined ? [] : ['order_archive'])];
  const versions = sources.map((table) => `  SELECT ${columns} FROM ${table}${theirs}`);
  // DuckDB 1.5 rewrites a row number that is filtered at 1, and fails or loses rows where it reads a join, as
  // it does for some customers. It leaves alone what is ordered by two columns; within a key the second is one value.
  const newest = customers === undefined ? () => 'batch_no DESC' : (key: string) => `batch_no DESC, ${key}`;
  const latest = (from: string, key: string): string =>
    `SELECT * FROM (\n  SELECT *, row_number() OVER (PARTITION BY ${key} ORDER BY ${newest(key)}) AS recency\n` +
    `  FROM ${from}) AS version WHERE recency = 1`;
  return {
    known_customer: `SELECT customer_no FROM customer${received}`,
    known_order: latest(`(\n${versions.join('\n  UNION ALL\n')}\n  ) AS received`, 'customer_no, order_id'),
    known_store: latest(`store${received}`, 'store_no'),
    known_trait: latest(`trait${theirs}`, 'customer_no, name_no'),
    known_score: latest(`score${theirs}`, 'customer_no, name_no'),
    known_list_entry: latest(`list_entry${theirs}`, 'customer_no, name_no'),
    known_activation: latest(`model_activation${received}`, 'model'),
    known_event: `SELECT * FROM event${theirs}`,
  };
}

/** The tables of facts in force that a query names, before it, unless they are there already. */
export function withTables(sql: string, { knownAt, assumeCompacted, facts }: SqlContext): string {
  if (assumeCompacted || facts !== undefined) return '';
  const tables = Object.entries(factsInForceSql(knownAt === undefined ? {} : { knownAt }))
    .filter(([name]) => sql.includes(`${name} AS`))
    .map(([name, table]) => `${name} AS (\n${table}\n)`);
  return tables.length === 0 ? '' : `WITH ${tables.join(',\n')}\n`;
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
