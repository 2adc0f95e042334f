/** Orders that corrections move to another customer, spelled out: the previous customer's version is cancelled. */
import type { OrderFact } from '../../../model/fact.ts';
import type { UnmovedOrder } from '../engine.ts';
import { orderKey } from './fact-key.ts';
import type { Received } from './received.ts';

/**
 * Before each order that moves, the cancellation of the previous customer's, if that one has it or gets it
 * in the same batch; and those that nothing could be moved from.
 */
export function withMoves(
  orders: readonly OrderFact[],
  known: readonly Received<OrderFact>[],
  erasedIds: ReadonlySet<string>,
): { readonly orders: OrderFact[]; readonly unmoved: UnmovedOrder[] } {
  const had = new Set([...known.map(({ fact }) => orderKey(fact)), ...orders.map(orderKey)]);
  const all: OrderFact[] = [];
  const unmoved: UnmovedOrder[] = [];
  for (const { previousCustomerId, ...order } of orders) {
    if (previousCustomerId !== undefined && previousCustomerId !== order.customerId) {
      const cancelled = { ...order, customerId: previousCustomerId, status: 'cancelled' as const };
      if (had.has(orderKey(cancelled)) && !erasedIds.has(previousCustomerId)) all.push(cancelled);
      else unmoved.push({ previousCustomerId, orderId: order.orderId });
    }
    all.push(order);
  }
  return { orders: all, unmoved };
}
