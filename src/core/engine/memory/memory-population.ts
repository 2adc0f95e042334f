/** The oracle's values of a population: everybody's, measured one by one, sorted and counted off. */
import type { CustomerFacts, OrderFact } from '../../../model/fact.ts';
import { localTime } from '../../evaluate/naive/naive-local-time.ts';
import { ordersUpToNow } from '../../evaluate/naive/naive-orders.ts';
import type { PopulationRequest, PopulationValues } from '../population-values.ts';

/** @param everybody - Facts as they were at the mark; orders in other stores than those asked for are left out. */
export function memoryPopulationValues(
  everybody: readonly CustomerFacts[],
  { measure, moment, ranksOf }: PopulationRequest,
): PopulationValues {
  const measuredOf = (facts: CustomerFacts): number | undefined => {
    if (measure.kind === 'score') {
      const { value, validUntil = Number.POSITIVE_INFINITY } = facts.scores.get(measure.model) ?? {};
      return validUntil > moment ? value : undefined;
    }
    const filter = { ...measure, stores: { kind: 'all' as const } };
    const { withinS = Number.POSITIVE_INFINITY } = measure;
    const orders = ordersUpToNow(filter, { facts, moment, stores: new Map() }).filter(
      (order) => order.orderedAt > moment - withinS,
    );
    return orders.length === 0 ? undefined : measured(measure, orders);
  };
  const values = everybody.map(measuredOf).filter((value) => value !== undefined);
  values.sort((a, b) => a - b);
  if (values.length === 0) return { customers: 0, values: [] };
  return { customers: values.length, values: ranksOf(values.length).map((rank) => values[rank - 1]!) };
}

/** @param orders - At least one. */
function measured(
  { measure, timeZone = 'UTC' }: Extract<PopulationRequest['measure'], { kind: 'orders' }>,
  orders: readonly OrderFact[],
): number {
  const totals = orders.map((order) => order.totalE4);
  const times = orders.map((order) => order.orderedAt);
  const sum = totals.reduce((total, amount) => total + amount, 0);
  switch (measure) {
    case 'count':
      return orders.length;
    case 'days':
      return new Set(times.map((time) => localTime(time, timeZone).date)).size;
    case 'stores':
      return new Set(orders.map((order) => order.storeId).filter((id) => id !== undefined)).size;
    case 'sum':
      return sum;
    case 'average': {
      const [total, count] = [BigInt(sum), BigInt(orders.length)];
      const isBelow = total < 0n && total % count !== 0n;
      return Number(total / count) - (isBelow ? 1 : 0);
    }
    case 'minimum':
      return Math.min(...totals);
    case 'maximum':
      return Math.max(...totals);
    case 'firstAge':
      return Math.min(...times);
    case 'lastAge':
      return Math.max(...times);
  }
}
