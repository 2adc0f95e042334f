/**
 * Conditions on orders in the same stores, measured in one pass over those orders: one row a customer,
 * each condition an aggregate with a filter of its own.
 */
import { strict as assert } from 'node:assert';
import type { OrderFilter, OrdersCondition, Rule, StoreSet } from '../../../model/rule.ts';
import {
  boundsSql,
  type CustomerSet,
  holdsZero,
  listSql,
  type SqlContext,
  tableSql,
  textSql,
} from './sql-context.ts';

const STATUS = { completed: 0, cancelled: 1, refunded: 2 } as const;

/** A text that names the stores which all conditions of a rule look at; undefined if they differ. */
export function soleStoreSet(rule: Rule): string | undefined {
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

/** Customers for whom a rule over one store set differs from what it is without orders. */
export function ordersSet(rule: Rule, context: SqlContext): CustomerSet {
  const conditions = conditionsOf(rule);
  const only = conditions.length === 1 ? conditions[0] : undefined;
  const windows = conditions.map((condition) => condition.withinS);
  const oldest = windows.includes(undefined)
    ? undefined
    : context.moment - Math.max(...windows.map((window) => window ?? 0));
  const [statuses, ...others] = conditions.map(statusSql);
  const isSameStatus = others.every((other) => other === statuses);
  const where = [
    ...(isSameStatus ? [statuses!] : []),
    `o.ordered_at <= ${context.moment}`,
    ...(oldest === undefined ? [] : [`o.ordered_at > ${oldest}`]),
    ...storeFilter(conditions[0]!.stores, context),
    ...(only ? factFilters(only, context) : []),
  ];
  const holds = testSql(rule, context, (condition) => {
    if (condition === only) return '';
    const filters = [
      ...(isSameStatus ? [] : [statusSql(condition)]),
      ...(condition.withinS === undefined ? [] : [`o.ordered_at > ${context.moment - condition.withinS}`]),
      ...factFilters(condition, context),
    ];
    return filters.length === 0 ? '' : ` FILTER (WHERE ${filters.join(' AND ')})`;
  });
  const complement = holdsWithoutOrders(rule);
  const sql =
    `SELECT o.customer_no FROM ${tableSql('known_order', context)} AS o\nWHERE ${where.join('\n  AND ')}\n` +
    `GROUP BY o.customer_no HAVING ${complement ? `NOT (${holds})` : holds}`;
  return { sql, complement };
}

/** What an order `o` must pass to be looked at, whatever its time. */
export function orderFilters(filter: OrderFilter, context: SqlContext): string[] {
  return [statusSql(filter), ...storeFilter(filter.stores, context), ...factFilters(filter, context)];
}

function conditionsOf(rule: Rule): OrdersCondition[] {
  if (rule.kind === 'all' || rule.kind === 'any') return rule.rules.flatMap(conditionsOf);
  if (rule.kind === 'not') return conditionsOf(rule.rule);
  return rule.kind === 'orders' ? [rule] : [];
}

function testSql(rule: Rule, context: SqlContext, filterOf: (condition: OrdersCondition) => string): string {
  if (rule.kind === 'not') return `NOT (${testSql(rule.rule, context, filterOf)})`;
  if (rule.kind === 'all' || rule.kind === 'any') {
    const operator = rule.kind === 'all' ? ' AND ' : ' OR ';
    return rule.rules.map((part) => `(${testSql(part, context, filterOf)})`).join(operator);
  }
  assert(rule.kind === 'orders');
  return measureSql(rule, filterOf(rule), context);
}

/** The bounds of one condition over the aggregates of a customer's orders; never null. */
function measureSql(condition: OrdersCondition, filter: string, context: SqlContext): string {
  assert(condition.population === undefined, 'bounds of the population were not replaced');
  const count = `count(*)${filter}`;
  // The product of an amount and a count can leave 64 bits.
  const wide = (amount: number): string =>
    `CAST(${amount} AS ${context.dialect === 'duckdb' ? 'HUGEINT' : 'NUMERIC'})`;
  const date = condition.measure === 'days' ? `CAST(${localSql(condition, context)} AS DATE)` : '';
  const tests = boundsSql(condition, (operator, bound) => {
    switch (condition.measure) {
      case 'count':
        return `${count} ${operator} ${bound}`;
      case 'days':
        return `count(DISTINCT ${date})${filter} ${operator} ${bound}`;
      case 'stores':
        return `count(DISTINCT nullif(o.store_no, 0))${filter} ${operator} ${bound}`;
      case 'sum':
        return `coalesce(sum(o.total_e4)${filter}, 0) ${operator} ${bound}`;
      case 'average':
        return `coalesce(sum(o.total_e4)${filter} ${operator} ${wide(bound)} * ${count}, false)`;
      case 'minimum':
        return `coalesce(min(o.total_e4)${filter} ${operator} ${bound}, false)`;
      case 'maximum':
        return `coalesce(max(o.total_e4)${filter} ${operator} ${bound}, false)`;
      case 'firstAge':
        return `coalesce(${context.moment} - min(CAST(o.ordered_at AS BIGINT))${filter} ${operator} ${bound}, false)`;
      case 'lastAge':
        return `coalesce(${context.moment} - max(CAST(o.ordered_at AS BIGINT))${filter} ${operator} ${bound}, false)`;
    }
  });
  return tests.join(' AND ');
}

function holdsWithoutOrders(rule: Rule): boolean {
  if (rule.kind === 'not') return !holdsWithoutOrders(rule.rule);
  if (rule.kind === 'all') return rule.rules.every(holdsWithoutOrders);
  if (rule.kind === 'any') return rule.rules.some(holdsWithoutOrders);
  assert(rule.kind === 'orders');
  return ['count', 'days', 'stores', 'sum'].includes(rule.measure) && holdsZero(rule);
}

function statusSql({ statuses = ['completed'] }: OrderFilter): string {
  const codes = [...new Set(statuses.map((status) => STATUS[status]))].sort();
  return codes.length === 1 ? `o.status = ${codes[0]}` : `o.status IN (${codes.join(', ')})`;
}

/** Local time of an order. */
function localSql({ timeZone = 'UTC' }: OrderFilter, context: SqlContext): string {
  return `timezone(${textSql(timeZone, context)}, to_timestamp(o.ordered_at))`;
}

function factFilters(filter: OrderFilter, context: SqlContext): string[] {
  const { currency, minimumTotalE4, discounted, weekdays, hours } = filter;
  const filters: string[] = [];
  if (currency !== undefined) {
    filters.push(
      `o.currency_no = (SELECT currency_no FROM currency WHERE code = ${textSql(currency, context)})`,
    );
  }
  if (minimumTotalE4 !== undefined) filters.push(`o.total_e4 >= ${minimumTotalE4}`);
  if (discounted !== undefined) filters.push(`o.discount_e4 ${discounted ? '>' : '<='} 0`);
  if (weekdays !== undefined) {
    filters.push(`extract(isodow FROM ${localSql(filter, context)}) IN (${weekdays.join(', ')})`);
  }
  if (hours !== undefined) {
    const hour = (): string => `extract(hour FROM ${localSql(filter, context)})`;
    const through = hours.from < hours.to ? 'AND' : 'OR';
    filters.push(`(${hour()} >= ${hours.from} ${through} ${hour()} < ${hours.to})`);
  }
  return filters;
}

function storeFilter(stores: StoreSet, context: SqlContext): string[] {
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
  return [`o.store_no IN (SELECT s.store_no FROM ${tableSql('known_store', context)} AS s${filter})`];
}
