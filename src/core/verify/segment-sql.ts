/**
 * The SQL oracle: one plain query per segment, generated from its rule, over the tables of
 * `engine/duckdb/schema.ts`. It is what an analyst would write by hand, and it shares nothing with the
 * compiler or the evaluator, so that either can be held to the other. Verification runs it on DuckDB;
 * the benchmark against one query per segment runs it on DuckDB and on PostgreSQL.
 */
import { strict as assert } from 'node:assert';
import type { Rule } from '../../model/rule.ts';
import { eventSet } from './sql/event-sql.ts';
import { ordersSet, soleStoreSet } from './sql/orders-sql.ts';
import { pluginSql } from './sql/plugin-sql.ts';
import { sequenceSql } from './sql/sequence-sql.ts';
import {
  type CustomerSet,
  type SegmentSqlOptions,
  type SqlContext,
  tableSql,
  withTables,
} from './sql/sql-context.ts';
import { listedSql, scoreSql, traitSql } from './sql/value-sql.ts';

export type { FactTables, SegmentSqlOptions, SqlDialect } from './sql/sql-context.ts';

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

/**
 * The query for one rule (every reference to another segment replaced, and bounds of the population by
 * numbers).
 *
 * A rule becomes set algebra over customers. Each part is a set, or the complement of one when it holds
 * for customers without facts, so that only a segment whose default is "in" reads the table of customers.
 */
export function segmentSql(rule: Rule, options: SegmentSqlOptions): SegmentSql {
  const context: SqlContext = { ...options, params: [] };
  const { sql, complement } = customerSet(rule, context);
  const everybody = () => `SELECT c.customer_no FROM ${tableSql('known_customer', context)} AS c`;
  const members = complement ? `${everybody()}\nEXCEPT\n(${sql})` : sql;
  return { sql: `${withTables(members, context)}${members}`, params: context.params };
}

/**
 * The query for one rule as a set or the complement of one, so that a segment that nearly everybody is in
 * does not have to be listed. Which of the two it is depends on the rule alone. `sql` may yield customers who
 * are not known after `knownAt`.
 */
export function segmentSetSql(rule: Rule, options: SegmentSqlOptions): SegmentSetSql {
  const context: SqlContext = { ...options, params: [] };
  const { sql, complement } = customerSet(rule, context);
  const tables = withTables(sql, context);
  return { sql: `${tables}${sql}`, params: context.params, isComplement: complement };
}

function customerSet(rule: Rule, context: SqlContext): CustomerSet {
  // Conditions on orders in the same stores are measured in one pass over those orders.
  if (soleStoreSet(rule) !== undefined) return ordersSet(rule, context);
  switch (rule.kind) {
    case 'trait':
      return { sql: traitSql(rule, context), complement: false };
    case 'event':
      return eventSet(rule, context);
    case 'score':
      return { sql: scoreSql(rule, context), complement: false };
    case 'listed':
      return { sql: listedSql(rule, context), complement: false };
    case 'sequence':
      return { sql: sequenceSql(rule, context), complement: false };
    case 'plugin':
      return { sql: pluginSql(rule, context), complement: false };
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
function parts(kind: 'all' | 'any', rules: readonly Rule[], context: SqlContext): CustomerSet[] {
  return grouped(kind, rules).map((rule) => customerSet(rule, context));
}

function grouped(kind: 'all' | 'any', rules: readonly Rule[]): Rule[] {
  const groups = new Map<string, Rule[]>();
  for (const [i, rule] of rules.entries()) {
    const key = soleStoreSet(rule) ?? `part ${i}`;
    groups.set(key, [...(groups.get(key) ?? []), rule]);
  }
  return [...groups.values()].map((group) => (group.length === 1 ? group[0]! : { kind, rules: group }));
}

/** The parts of a rule that the query measures one by one, each by a pass over facts of its kind. */
export function queryParts(rule: Rule): Rule[] {
  if (soleStoreSet(rule) !== undefined) return [rule];
  if (rule.kind === 'not') return queryParts(rule.rule);
  if (rule.kind === 'all' || rule.kind === 'any') return grouped(rule.kind, rule.rules).flatMap(queryParts);
  return [rule];
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
