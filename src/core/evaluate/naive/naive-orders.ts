/** Conditions on orders, straight from the words of `model/rule.ts`. */
import { strict as assert } from 'node:assert';
import { formatAmountE4 } from '../../../model/amount.ts';
import type { OrderFact, StoreFact } from '../../../model/fact.ts';
import type { OrderFilter, OrdersCondition, StoreAttributes, StoreSet } from '../../../model/rule.ts';
import { localTime } from './naive-local-time.ts';
import { isWithin, type NaiveOutcome, type NaiveQuestion, type StoreLookup } from './naive-outcome.ts';

/** Orders that pass a filter and have come by the moment, latest first. */
export function ordersUpToNow(filter: OrderFilter, { facts, moment, stores }: NaiveQuestion): OrderFact[] {
  return facts.orders
    .filter((order) => order.orderedAt <= moment && passesOrderFilter(filter, order, stores))
    .sort((a, b) => b.orderedAt - a.orderedAt);
}

export function evaluateOrdersNaive(condition: OrdersCondition, question: NaiveQuestion): NaiveOutcome {
  assert(condition.population === undefined, 'bounds of the population were not replaced before evaluation');
  const { moment } = question;
  const { withinS, measure, timeZone = 'UTC' } = condition;
  const orders = ordersUpToNow(condition, question).filter(
    (order) => withinS === undefined || order.orderedAt > moment - withinS,
  );
  const outcome = (measured: number): NaiveOutcome => ({
    holds: isWithin(measured, condition),
    value: measured,
    orders,
    events: [],
  });
  switch (measure) {
    case 'count':
      return outcome(orders.length);
    case 'days':
      return outcome(new Set(orders.map((order) => localTime(order.orderedAt, timeZone).date)).size);
    case 'stores':
      return outcome(new Set(orders.map((order) => order.storeId).filter((id) => id !== undefined)).size);
    case 'firstAge':
    case 'lastAge': {
      const oldestOrLatest = measure === 'firstAge' ? orders.at(-1) : orders[0];
      return oldestOrLatest
        ? outcome(moment - oldestOrLatest.orderedAt)
        : { holds: false, value: null, orders, events: [] };
    }
    default:
      return { ...evaluateAmount(condition, orders), orders, events: [] };
  }
}

function evaluateAmount(
  condition: OrdersCondition,
  orders: readonly OrderFact[],
): Pick<NaiveOutcome, 'holds' | 'value'> {
  const { atLeast, atMost, measure } = condition;
  const totals = orders.map((order) => order.totalE4);
  const within = (measured: bigint, scale = 1n): boolean =>
    (atLeast === undefined || measured >= BigInt(atLeast) * scale) &&
    (atMost === undefined || measured <= BigInt(atMost) * scale);
  const sum = totals.reduce((total, amount) => total + BigInt(amount), 0n);

  if (measure === 'sum') return { holds: within(sum), value: formatAmountE4(Number(sum)) };
  if (orders.length === 0) return { holds: false, value: null };
  if (measure === 'average') {
    // sum ÷ count ≥ bound, without dividing: exact.
    const rounded = Math.round(Number(sum) / orders.length);
    return { holds: within(sum, BigInt(orders.length)), value: formatAmountE4(rounded) };
  }
  const extreme = measure === 'minimum' ? Math.min(...totals) : Math.max(...totals);
  return { holds: within(BigInt(extreme)), value: formatAmountE4(extreme) };
}

/** Whether a condition looks at an order, whatever its time. */
export function passesOrderFilter(filter: OrderFilter, order: OrderFact, stores: StoreLookup): boolean {
  const { currency, minimumTotalE4, discounted, statuses = ['completed'], weekdays, hours } = filter;
  if (!statuses.includes(order.status)) return false;
  if (currency !== undefined && order.currency !== currency) return false;
  if (minimumTotalE4 !== undefined && order.totalE4 < minimumTotalE4) return false;
  if (discounted !== undefined && order.discountE4 > 0 !== discounted) return false;
  if (!isInStores(filter.stores, order.storeId, stores)) return false;
  if (weekdays === undefined && hours === undefined) return true;
  const local = localTime(order.orderedAt, filter.timeZone ?? 'UTC');
  if (weekdays !== undefined && !weekdays.includes(local.weekday)) return false;
  return hours === undefined || isInHours(local.hour, hours);
}

function isInHours(hour: number, { from, to }: NonNullable<OrderFilter['hours']>): boolean {
  return from < to ? hour >= from && hour < to : hour >= from || hour < to;
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
