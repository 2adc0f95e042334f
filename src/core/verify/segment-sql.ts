/**
 * The SQL oracle: one plain query per segment, generated from its rule, over the tables of
 * `engine/duckdb/schema.ts`. It is what an analyst would write by hand, and it shares nothing with the
 * compiler or the evaluator, so that either can be held to the other. Verification runs it on DuckDB;
 * the benchmark against one query per segment runs it on DuckDB and on PostgreSQL.
 *
 * A rule becomes set algebra over customers. Each part is a set, or the complement of one when it holds
 * for customers without facts, so that only a segment whose default is "in" reads the table of customers.
 */
import { strict as assert } from 'node:assert';
import type { OrdersCondition, Rule, StoreSet, TraitCondition } from '../../model/rule.ts';

export type SqlDialect = 'duckdb' | 'postgres';

export interface SegmentSqlOptions {
  /** Seconds since 1970. */
  readonly moment: number;
  readonly dialect: SqlDialect;
  /** What was known after this batch; absent means the last one. */
  readonly knownAt?: number;
  /**
   * Every table holds one version of each fact, in `order_base` for orders: nothing is in the tail, and
   * no store or trait was ever changed. Makes the query that an analyst writes over such tables.
   */
  readonly assumeCompacted?: boolean;
  /**
   * A schema that holds the tables of {@link factsInForceSql}, already reconciled at `knownAt`: the query
   * reads those. For many segments over one state of knowledge.
   */
  readonly factsInForce?: string;
}

export interface SegmentSql {
  /** Yields `customer_no`, each known customer in the segment once, in no order. */
  readonly sql: string;
  /** `$1`, `$2` …: all texts. */
  readonly params: readonly string[];
}

export interface SegmentSetSql extends SegmentSql {
  /** The members are not those that `sql` yields but all other known customers. */
  readonly isComplement: boolean;
}

/** Customers for which a part of a rule holds: those that `sql` yields, or all others. */
interface CustomerSet {
  readonly sql: string;
  readonly complement: boolean;
}

interface Context extends SegmentSqlOptions {
  readonly params: string[];
}

/** The query for one rule (every reference to another segment replaced). */
export function segmentSql(rule: Rule, options: SegmentSqlOptions): SegmentSql {
  const context: Context = { ...options, params: [] };
  const { sql, complement } = customerSet(rule, context);
  const known = context.knownAt === undefined ? '' : ` WHERE batch_no <= ${context.knownAt}`;
  const members = complement ? `SELECT customer_no FROM customer${known}\nEXCEPT\n(${sql})` : sql;
  return { sql: `${withTables(members, context)}${members}`, params: context.params };
}

/**
 * The query for one rule as a set or the complement of one, so that a segment that nearly everybody is in
 * does not have to be listed. `sql` may yield customers who are not known after `knownAt`.
 */
export function segmentSetSql(rule: Rule, options: SegmentSqlOptions): SegmentSetSql {
  const context: Context = { ...options, params: [] };
  const { sql, complement } = customerSet(rule, context);
  const tables = withTables(sql, context);
  return { sql: `${tables}${sql}`, params: context.params, isComplement: complement };
}

/** Queries for the facts in force after a batch, by the names of the tables that hold what they yield. */
export interface FactsInForceSql {
  readonly known_order: string;
  readonly known_store: string;
  readonly known_trait: string;
}

/**
 * Facts in force: of each order, store and trait the version received last.
 *
 * @param options.customers - A table of `customer_no`: only the facts of these.
 */
export function factsInForceSql(options: {
  readonly knownAt?: number;
  readonly customers?: string;
}): FactsInForceSql {
  const { knownAt, customers } = options;
  const received = knownAt === undefined ? [] : [`batch_no <= ${knownAt}`];
  const theirs = customers === undefined ? [] : [`customer_no IN (SELECT customer_no FROM ${customers})`];
  const where = (tests: readonly string[]): string =>
    tests.length === 0 ? '' : ` WHERE ${tests.join(' AND ')}`;
  const columns =
    'customer_no, store_no, ordered_at, total_e4, discount_e4, currency_no, status, batch_no, order_id';
  const sources = ['order_base', 'order_tail', ...(knownAt === undefined ? [] : ['order_archive'])];
  const versions = sources.map(
    (table) => `  SELECT ${columns} FROM ${table}${where([...received, ...theirs])}`,
  );
  const latest = (from: string, key: string, and = ''): string =>
    `SELECT * FROM (\n  SELECT *, row_number() OVER (PARTITION BY ${key} ORDER BY batch_no DESC) AS recency\n` +
    `  FROM ${from}) AS version WHERE recency = 1${and}`;
  return {
    known_order: latest(
      `(\n${versions.join('\n  UNION ALL\n')}\n  ) AS received`,
      'customer_no, order_id',
      ' AND status = 0', // neither cancelled nor refunded
    ),
    known_store: latest(`store${where(received)}`, 'store_no'),
    known_trait: latest(`trait${where([...received, ...theirs])}`, 'customer_no, name_no'),
  };
}

/** The tables of facts that a query names, before it, unless they are there already. */
function withTables(sql: string, { knownAt, assumeCompacted, factsInForce }: Context): string {
  if (assumeCompacted || factsInForce !== undefined) return '';
  const known = knownAt === undefined ? {} : { knownAt };
  const tables = Object.entries(factsInForceSql(known))
    .filter(([name]) => sql.includes(name))
    .map(([name, table]) => `${name} AS (\n${table}\n)`);
  return tables.length === 0 ? '' : `WITH ${tables.join(',\n')}\n`;
}

/** What holds the facts in force of one kind. */
function tableOf(kind: 'order' | 'store' | 'trait', context: Context): string {
  if (context.assumeCompacted) return kind === 'order' ? 'order_base' : kind;
  const schema = context.factsInForce === undefined ? '' : `${context.factsInForce}.`;
  return `${schema}known_${kind}`;
}

function customerSet(rule: Rule, context: Context): CustomerSet {
  // Conditions on orders in the same stores are measured in one pass over those orders.
  if (soleStoreSet(rule) !== undefined) return ordersSet(rule, context);
  switch (rule.kind) {
    case 'trait':
      return { sql: traitSql(rule, context), complement: false };
    case 'not':
      return opposite(customerSet(rule.rule, context));
    case 'all':
      return intersection(parts('all', rule.rules, context));
    case 'any':
      return opposite(intersection(parts('any', rule.rules, context).map(opposite)));
    default:
      return assert.fail(`a rule of kind "${rule.kind}" has no customers of its own`);
  }
}

/** The parts of a tree's node, those over the same stores taken together. */
function parts(kind: 'all' | 'any', rules: readonly Rule[], context: Context): CustomerSet[] {
  const groups = new Map<string, Rule[]>();
  for (const [i, rule] of rules.entries()) {
    const key = soleStoreSet(rule) ?? `part ${i}`;
    groups.set(key, [...(groups.get(key) ?? []), rule]);
  }
  return [...groups.values()].map((group) =>
    customerSet(group.length === 1 ? group[0]! : { kind, rules: group }, context),
  );
}

function opposite(set: CustomerSet): CustomerSet {
  return { sql: set.sql, complement: !set.complement };
}

function intersection(sets: readonly CustomerSet[]): CustomerSet {
  const inside = sets.filter((set) => !set.complement).map((set) => `(${set.sql})`);
  const outside = sets.filter((set) => set.complement).map((set) => `(${set.sql})`);
  if (inside.length === 0) return { sql: outside.join('\nUNION\n'), complement: true };
  const within = inside.join('\nINTERSECT\n');
  return {
    sql: outside.length === 0 ? within : `(${within})\nEXCEPT\n(${outside.join('\nUNION\n')})`,
    complement: false,
  };
}

/** A text that names the stores which all conditions of a rule look at; undefined if they differ. */
function soleStoreSet(rule: Rule): string | undefined {
  switch (rule.kind) {
    case 'orders':
      return JSON.stringify(rule.stores);
    case 'not':
      return soleStoreSet(rule.rule);
    case 'all':
    case 'any': {
      const [first, ...others] = rule.rules.map(soleStoreSet);
      return others.every((other) => other === first) ? first : undefined;
    }
    default:
      return undefined;
  }
}

function conditionsOf(rule: Rule): OrdersCondition[] {
  if (rule.kind === 'all' || rule.kind === 'any') return rule.rules.flatMap(conditionsOf);
  if (rule.kind === 'not') return conditionsOf(rule.rule);
  return rule.kind === 'orders' ? [rule] : [];
}

/** Customers for whom a rule over one store set differs from what it is without orders. */
function ordersSet(rule: Rule, context: Context): CustomerSet {
  const conditions = conditionsOf(rule);
  const only = conditions.length === 1 ? conditions[0] : undefined;
  const windows = conditions.map((condition) => condition.withinS);
  const oldest = windows.includes(undefined)
    ? undefined
    : context.moment - Math.max(...windows.map((window) => window ?? 0));
  const where = [
    ...(context.assumeCompacted ? ['o.status = 0'] : []),
    `o.ordered_at <= ${context.moment}`,
    ...(oldest === undefined ? [] : [`o.ordered_at > ${oldest}`]),
    ...storeFilter(conditions[0]!.stores, context),
    ...(only ? factFilters(only, context) : []),
  ];
  const holds = testSql(rule, context.dialect, (condition) => {
    if (condition === only) return '';
    const filters = factFilters(condition, context);
    if (condition.withinS !== undefined)
      filters.unshift(`o.ordered_at > ${context.moment - condition.withinS}`);
    return filters.length === 0 ? '' : ` FILTER (WHERE ${filters.join(' AND ')})`;
  });
  const complement = holdsWithoutOrders(rule);
  const sql =
    `SELECT o.customer_no FROM ${tableOf('order', context)} AS o\nWHERE ${where.join('\n  AND ')}\n` +
    `GROUP BY o.customer_no HAVING ${complement ? `NOT (${holds})` : holds}`;
  return { sql, complement };
}

function testSql(rule: Rule, dialect: SqlDialect, filterOf: (condition: OrdersCondition) => string): string {
  if (rule.kind === 'not') return `NOT (${testSql(rule.rule, dialect, filterOf)})`;
  if (rule.kind === 'all' || rule.kind === 'any') {
    const operator = rule.kind === 'all' ? ' AND ' : ' OR ';
    return rule.rules.map((part) => `(${testSql(part, dialect, filterOf)})`).join(operator);
  }
  assert(rule.kind === 'orders');
  return boundsSql(rule, filterOf(rule), dialect);
}

/** The bounds of one condition over the aggregates of a customer's orders; never null. */
function boundsSql(condition: OrdersCondition, filter: string, dialect: SqlDialect): string {
  const count = `count(*)${filter}`;
  // The product of an amount and a count can leave 64 bits.
  const wide = (amount: number): string =>
    `CAST(${amount} AS ${dialect === 'duckdb' ? 'HUGEINT' : 'NUMERIC'})`;
  const compare = (operator: string, bound: number): string => {
    switch (condition.measure) {
      case 'count':
        return `${count} ${operator} ${bound}`;
      case 'sum':
        return `coalesce(sum(o.total_e4)${filter}, 0) ${operator} ${bound}`;
      case 'average':
        return `coalesce(sum(o.total_e4)${filter} ${operator} ${wide(bound)} * ${count}, false)`;
      case 'minimum':
        return `coalesce(min(o.total_e4)${filter} ${operator} ${bound}, false)`;
      case 'maximum':
        return `coalesce(max(o.total_e4)${filter} ${operator} ${bound}, false)`;
    }
  };
  return [
    ...(condition.atLeast === undefined ? [] : [compare('>=', condition.atLeast)]),
    ...(condition.atMost === undefined ? [] : [compare('<=', condition.atMost)]),
  ].join(' AND ');
}

function holdsWithoutOrders(rule: Rule): boolean {
  if (rule.kind === 'not') return !holdsWithoutOrders(rule.rule);
  if (rule.kind === 'all') return rule.rules.every(holdsWithoutOrders);
  if (rule.kind === 'any') return rule.rules.some(holdsWithoutOrders);
  assert(rule.kind === 'orders');
  const { measure, atLeast = 0, atMost = 0 } = rule;
  return (measure === 'count' || measure === 'sum') && atLeast <= 0 && atMost >= 0;
}

function factFilters(condition: OrdersCondition, context: Context): string[] {
  const { currency, minimumTotalE4, discounted } = condition;
  const filters: string[] = [];
  if (currency !== undefined) {
    filters.push(
      `o.currency_no = (SELECT currency_no FROM currency WHERE code = ${textSql(currency, context)})`,
    );
  }
  if (minimumTotalE4 !== undefined) filters.push(`o.total_e4 >= ${minimumTotalE4}`);
  if (discounted !== undefined) filters.push(`o.discount_e4 ${discounted ? '>' : '<='} 0`);
  return filters;
}

function storeFilter(stores: StoreSet, context: Context): string[] {
  if (stores.kind === 'all') return [];
  const where: string[] = [];
  if (stores.kind === 'ids') {
    where.push(`s.store_id IN ${listSql(stores.ids, context)}`);
  } else {
    for (const attribute of ['brand', 'city', 'category'] as const) {
      const values = stores.attributes[attribute];
      if (values) where.push(`s.${attribute} IN ${listSql(values, context)}`);
    }
    const { tag } = stores.attributes;
    if (tag) {
      where.push(
        `EXISTS (SELECT 1 FROM unnest(s.tags) AS given(tag) WHERE given.tag IN ${listSql(tag, context)})`,
      );
    }
  }
  const filter = where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`;
  return [`o.store_no IN (SELECT s.store_no FROM ${tableOf('store', context)} AS s${filter})`];
}

function traitSql({ name, test }: TraitCondition, context: Context): string {
  const where = [`n.name = ${textSql(name, context)}`];
  if (test.kind === 'in') where.push(`v.value IN ${listSql(test.values, context)}`);
  if (test.kind === 'range') {
    // Read from the text, not from `trait_value.number`: the oracle checks that column too.
    const pattern = '^-?[0-9]{1,15}([.][0-9]{1,15})?$';
    const reads =
      context.dialect === 'duckdb' ? `regexp_matches(v.value, '${pattern}')` : `v.value ~ '${pattern}'`;
    const number = `CASE WHEN ${reads} THEN CAST(v.value AS DOUBLE PRECISION) END`;
    const bound = (value: number): string => `CAST('${value}' AS DOUBLE PRECISION)`;
    if (test.atLeast !== undefined) where.push(`${number} >= ${bound(test.atLeast)}`);
    if (test.atMost !== undefined) where.push(`${number} <= ${bound(test.atMost)}`);
  }
  return (
    `SELECT t.customer_no FROM ${tableOf('trait', context)} AS t JOIN trait_name AS n ON n.name_no = t.name_no\n` +
    `JOIN trait_value AS v ON v.name_no = t.name_no AND v.value_no = t.value_no\nWHERE ${where.join(' AND ')}`
  );
}

/** Adds a parameter, and yields the expression that reads it. */
function textSql(text: string, context: Context): string {
  context.params.push(text);
  return `CAST($${context.params.length} AS VARCHAR)`;
}

function listSql(texts: readonly string[], context: Context): string {
  if (texts.length === 0) return '(SELECT CAST(NULL AS VARCHAR) WHERE false)';
  return `(VALUES ${texts.map((text) => `(${textSql(text, context)})`).join(', ')})`;
}
