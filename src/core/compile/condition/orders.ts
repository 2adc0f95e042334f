/**
 * Conditions on orders. Counts without a filter, and the time since the last order, become thresholds,
 * which the lists of stores lead to in one step; everything else is a test on a tally.
 */
import assert from 'node:assert/strict';
import type { OrderFilter, OrderMeasure, OrdersCondition } from '../../../model/rule.ts';
import { STATUS_CODE } from '../../engine/fact-batch.ts';
import { all, type Expression, FALSE, not, TRUE } from '../expression.ts';
import type { Look } from '../look-list.ts';
import { ANY, COUNTED, type OrderLook } from '../order-source.ts';
import { KEEP, THRESHOLD_MAX, USES } from '../plan.ts';
import { type Bounds, boundsOf, KEEP_NOTHING, type Keep } from '../tally-table.ts';
import { addAgeOffsets, addWindowOffsets } from './age.ts';
import type { ConditionKind, Sources } from './condition-kind.ts';

/** What measures need beside counts and times. */
const MEASURE_USES: Partial<Record<OrderMeasure, number>> = {
  sum: USES.amounts,
  average: USES.amounts,
  minimum: USES.amounts,
  maximum: USES.amounts,
  stores: USES.stores,
};

export function ordersKind(sources: Sources): ConditionKind<OrdersCondition> {
  return {
    express(condition) {
      assert.equal(condition.population, undefined, 'bounds of the population are set before compiling');
      const bounds = boundsOf(condition);
      if (bounds.low > bounds.high) return FALSE;
      const look = {
        storeSet: sources.stores.numberOf(condition.stores),
        windowS: condition.withinS ?? Number.POSITIVE_INFINITY,
      };
      addWindowOffsets(sources.offsets.orders, look.windowS);
      if (isPlain(condition)) {
        if (condition.measure === 'lastAge') return lastAge(sources, look, bounds);
        if (condition.measure === 'count' && fitsCounter(bounds)) return counted(sources, look, bounds);
      }
      return tallied(sources, condition, look, bounds);
    },
  };
}

/** Orders that pass a filter, in numbers of the plan; undefined where none can. */
export function orderLook(sources: Sources, filter: OrderFilter, windowS: number): OrderLook | undefined {
  const statuses = statusesOf(filter);
  const clock = sources.clocks.numberOf(filter);
  // Nothing can be in a currency that no fact has.
  const currencyNo = filter.currency === undefined ? ANY : sources.dictionary.currencies.get(filter.currency);
  if (statuses === 0 || clock === undefined || currencyNo === undefined) return undefined;
  return {
    storeSet: sources.stores.numberOf(filter.stores),
    windowS,
    currencyNo,
    minimumE4: filter.minimumTotalE4 ?? Number.NEGATIVE_INFINITY,
    discounted: filter.discounted === undefined ? ANY : Number(filter.discounted),
    statuses,
    clock,
  };
}

/** Counts are thresholds only: between 2 and 5 is at least 2 and not at least 6. */
function counted({ orders }: Sources, look: Look, { low, high }: Bounds): Expression {
  const from = low >= 1 ? orders.atLeast(Math.ceil(low), look) : TRUE;
  if (high === Number.POSITIVE_INFINITY) return from;
  if (high < 0) return FALSE;
  const notAbove = not(orders.atLeast(Math.floor(high) + 1, look));
  return from === TRUE ? notAbove : all(from, notAbove);
}

/** An age of at most y seconds is an order within y + 1; one of at least x is an order, and none within x. */
function lastAge({ orders, offsets }: Sources, look: Look, bounds: Bounds): Expression {
  const { low, high } = bounds;
  if (high < 0) return FALSE;
  addAgeOffsets(offsets.orders, bounds);
  const { storeSet } = look;
  const recent = orders.atLeast(1, { storeSet, windowS: Math.min(look.windowS, Math.floor(high) + 1) });
  if (low <= 0) return recent;
  const windowS = Math.min(look.windowS, Math.ceil(low));
  return all(recent, not(orders.atLeast(1, { storeSet, windowS })));
}

function tallied(
  sources: Sources,
  condition: OrdersCondition,
  { windowS }: Look,
  bounds: Bounds,
): Expression {
  const { measure } = condition;
  if (measure === 'firstAge' || measure === 'lastAge') addAgeOffsets(sources.offsets.orders, bounds);
  const keep: Keep =
    measure === 'days' ? { keep: KEEP.date, zone: sources.zones.numberOf(condition.timeZone) } : KEEP_NOTHING;
  return sources.tallies.test(measure, bounds, () => {
    const look = orderLook(sources, condition, windowS);
    return look && sources.orders.tally(look, keep, MEASURE_USES[measure] ?? 0);
  });
}

/** Whether every order that counts is looked at, in its stores and window. */
function isPlain(filter: OrderFilter): boolean {
  return (
    filter.currency === undefined &&
    filter.minimumTotalE4 === undefined &&
    filter.discounted === undefined &&
    filter.weekdays === undefined &&
    filter.hours === undefined &&
    statusesOf(filter) === COUNTED
  );
}

/** As a set of bits. */
function statusesOf({ statuses }: OrderFilter): number {
  if (statuses === undefined) return COUNTED;
  let bits = 0;
  for (const status of statuses) bits |= 1 << STATUS_CODE[status];
  return bits;
}

function fitsCounter({ low, high }: Bounds): boolean {
  return low <= THRESHOLD_MAX && (high < THRESHOLD_MAX || high === Number.POSITIVE_INFINITY);
}
