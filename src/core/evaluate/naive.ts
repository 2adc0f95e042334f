/**
 * The naive evaluator: one rule, one customer, one moment, straight from the words of `model/rule.ts`.
 * Slow and obvious on purpose: it is what the fast evaluator and the SQL oracle are held to, and what
 * explains a membership to people. It shares no code with either.
 */
import { strict as assert } from 'node:assert';
import { formatAmountE4 } from '../../model/amount.ts';
import { type CustomerFacts, type OrderFact, type StoreFact, traitNumber } from '../../model/fact.ts';
import type {
  Condition,
  OrdersCondition,
  Rule,
  StoreAttributes,
  StoreSet,
  TraitCondition,
} from '../../model/rule.ts';
import type { StoreTable } from '../engine/engine.ts';

/** Known stores by id, each with its attributes in force. */
export type StoreLookup = ReadonlyMap<string, StoreFact>;

/** One condition, evaluated for one customer at one moment. */
export interface ConditionOutcome {
  readonly holds: boolean;
  /**
   * What was measured: a number of orders, an amount as decimal text (an average is rounded to 4 places
   * here; the test itself is exact), or a trait's value. Null where there is none.
   */
  readonly value: number | string | null;
  /** The orders that the condition looks at, latest first; empty for a trait. */
  readonly orders: readonly OrderFact[];
  /** The trait that the condition looks at, if the customer has it. */
  readonly trait?: { readonly name: string; readonly value: string };
}

/** Facts of a customer never heard of: what a segment's default membership is evaluated on. */
export const NO_FACTS: CustomerFacts = { orders: [], traits: new Map() };

/** The engine's table of stores, by id. */
export function storeLookup(table: StoreTable): StoreLookup {
  const lookup = new Map<string, StoreFact>();
  for (const [i, storeId] of table.ids.entries()) {
    const [brand, city, category, tags] = [table.brand[i], table.city[i], table.category[i], table.tags[i]];
    lookup.set(storeId, {
      storeId,
      ...(brand === undefined ? {} : { brand }),
      ...(city === undefined ? {} : { city }),
      ...(category === undefined ? {} : { category }),
      ...(tags === undefined ? {} : { tags }),
    });
  }
  return lookup;
}

/**
 * Whether a rule holds for one customer.
 *
 * @param rule - With every reference to another segment replaced.
 * @param facts - Latest versions, cancelled and refunded orders included.
 * @param moment - Seconds since 1970.
 */
export function evaluateNaive(
  rule: Rule,
  facts: CustomerFacts,
  moment: number,
  stores: StoreLookup,
): boolean {
  switch (rule.kind) {
    case 'all':
      return rule.rules.every((part) => evaluateNaive(part, facts, moment, stores));
    case 'any':
      return rule.rules.some((part) => evaluateNaive(part, facts, moment, stores));
    case 'not':
      return !evaluateNaive(rule.rule, facts, moment, stores);
    case 'segment':
      return assert.fail(`reference to segment "${rule.key}" was not replaced before evaluation`);
    default:
      return evaluateConditionNaive(rule, facts, moment, stores).holds;
  }
}

/** Evaluates one condition, with what was measured and the facts that it looked at. */
export function evaluateConditionNaive(
  condition: Condition,
  facts: CustomerFacts,
  moment: number,
  stores: StoreLookup,
): ConditionOutcome {
  return condition.kind === 'trait'
    ? evaluateTrait(condition, facts)
    : evaluateOrders(condition, facts, moment, stores);
}

function evaluateOrders(
  condition: OrdersCondition,
  facts: CustomerFacts,
  moment: number,
  stores: StoreLookup,
): ConditionOutcome {
  const orders = facts.orders
    .filter((order) => looksAt(condition, order, moment, stores))
    .sort((a, b) => b.orderedAt - a.orderedAt);
  const totals = orders.map((order) => order.totalE4);
  const { atLeast, atMost } = condition;
  const within = (measured: bigint, scale = 1n): boolean =>
    (atLeast === undefined || measured >= BigInt(atLeast) * scale) &&
    (atMost === undefined || measured <= BigInt(atMost) * scale);
  const sum = totals.reduce((total, amount) => total + BigInt(amount), 0n);

  if (condition.measure === 'count') {
    return { holds: within(BigInt(orders.length)), value: orders.length, orders };
  }
  if (condition.measure === 'sum') {
    return { holds: within(sum), value: formatAmountE4(Number(sum)), orders };
  }
  if (orders.length === 0) return { holds: false, value: null, orders };
  if (condition.measure === 'average') {
    // sum ÷ count ≥ bound, without dividing: exact.
    const rounded = Math.round(Number(sum) / orders.length);
    return { holds: within(sum, BigInt(orders.length)), value: formatAmountE4(rounded), orders };
  }
  const extreme = condition.measure === 'minimum' ? Math.min(...totals) : Math.max(...totals);
  return { holds: within(BigInt(extreme)), value: formatAmountE4(extreme), orders };
}

function looksAt(condition: OrdersCondition, order: OrderFact, moment: number, stores: StoreLookup): boolean {
  const { withinS, currency, minimumTotalE4, discounted } = condition;
  if (order.status !== 'completed') return false;
  if (order.orderedAt > moment) return false;
  if (withinS !== undefined && order.orderedAt <= moment - withinS) return false;
  if (currency !== undefined && order.currency !== currency) return false;
  if (minimumTotalE4 !== undefined && order.totalE4 < minimumTotalE4) return false;
  if (discounted !== undefined && order.discountE4 > 0 !== discounted) return false;
  return isInStores(condition.stores, order.storeId, stores);
}

function isInStores(set: StoreSet, storeId: string | undefined, stores: StoreLookup): boolean {
  if (set.kind === 'all') return true;
  if (storeId === undefined) return false;
  if (set.kind === 'ids') return set.ids.includes(storeId);
  const store = stores.get(storeId);
  return store !== undefined && hasAttributes(store, set.attributes);
}

function hasAttributes(store: StoreFact, wanted: StoreAttributes): boolean {
  const has = (value: string | undefined, values: readonly string[] | undefined): boolean =>
    values === undefined || (value !== undefined && values.includes(value));
  return (
    has(store.brand, wanted.brand) &&
    has(store.city, wanted.city) &&
    has(store.category, wanted.category) &&
    (wanted.tag === undefined || (store.tags ?? []).some((tag) => wanted.tag?.includes(tag)))
  );
}

function evaluateTrait(condition: TraitCondition, facts: CustomerFacts): ConditionOutcome {
  const value = facts.traits.get(condition.name);
  if (value === undefined) return { holds: false, value: null, orders: [] };
  const trait = { name: condition.name, value };
  return { holds: passes(condition.test, value), value, orders: [], trait };
}

function passes(test: TraitCondition['test'], value: string): boolean {
  if (test.kind === 'exists') return true;
  if (test.kind === 'in') return test.values.includes(value);
  const number = traitNumber(value);
  if (number === undefined) return false;
  return (
    (test.atLeast === undefined || number >= test.atLeast) &&
    (test.atMost === undefined || number <= test.atMost)
  );
}
