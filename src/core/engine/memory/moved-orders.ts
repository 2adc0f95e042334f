/** Orders that corrections move to another customer, spelled out: the previous customer's version is cancelled. */
import type { OrderFact } from '../../../model/fact.ts';
import type { UnmovedOrder } from '../engine.ts';
import { orderKey } from './fact-key.ts';
import type { Received } from './received.ts';

/**
 * Before each order that moves, the cancellation of the previous customer's as it was, if that one has it by
 * then; and those that nothing could be moved from.
 */
export function withMoves(
  orders: readonly OrderFact[],
  known: readonly Received<OrderFact>[],
  erasedIds: ReadonlySet<string>,
): { readonly orders: OrderFact[]; readonly unmoved: UnmovedOrder[] } {
  const had = new Map(known.map(({ fact }) => [orderKey(fact), fact]));
  const all: OrderFact[] = [];
  const unmoved: UnmovedOrder[] = [];
  for (const { previousCustomerId, ...order } of orders) {
    if (previousCustomerId !== undefined && previousCustomerId !== order.customerId) {
      const previous = had.get(orderKey({ ...order, customerId: previousCustomerId }));
      if (previous !== undefined && !erasedIds.has(previousCustomerId)) {
        all.push({ ...previous, status: 'cancelled' });
      } else unmoved.push({ previousCustomerId, orderId: order.orderId });
    }
    all.push(order);
    had.set(orderKey(order), order);
  }
  return { orders: all, unmoved };
}
