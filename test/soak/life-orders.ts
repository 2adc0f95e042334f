/**
 * Orders of a simulated life: new, late, repeated, dated ahead, corrected, cancelled, refunded, and moved
 * to another customer. Some follow upon a basket filled, to the second where windows of sequences end.
 */
import type { OrderFact, OrderStatus } from '../../src/model/fact.ts';
import { HOUR_S, type LifeDraw, many, oneOf, type Random } from './life-draw.ts';

/** Seconds after a basket was filled: edges of the windows of sequences, and within them. */
const AFTER_BASKET_S = [0, 1, 60, HOUR_S, HOUR_S + 1, 3 * HOUR_S, 12 * HOUR_S] as const;

export class LifeOrders {
  readonly #draw: LifeDraw;

  constructor(draw: LifeDraw) {
    this.#draw = draw;
  }

  /** All that arrives in an hour, besides what follows upon baskets. */
  received(hour: number): OrderFact[] {
    const random = this.#draw.random(hour, 'corrections');
    return this.#new(hour).flatMap((order) => {
      const kind = random();
      if (kind < 0.03) return [order, order];
      if (kind < 0.1 && hour > 1)
        return [order, this.#corrected(1 + Math.floor(random() * (hour - 1)), random)];
      return [order];
    });
  }

  /** The order that a basket leads to; half of them lead to none. */
  ofBasket(basket: {
    readonly hour: number;
    readonly index: number;
    readonly customerId: string;
    readonly filledAt: number;
  }): OrderFact[] {
    const random = this.#draw.random(basket.hour * 1_000 + basket.index, 'baskets');
    if (random() < 0.5) return [];
    const { hour, index, customerId, filledAt } = basket;
    const orderedAt = filledAt + oneOf(AFTER_BASKET_S, random);
    return [{ ...this.#order(random), customerId, orderId: `basket-${hour}-${index}`, orderedAt }];
  }

  #new(hour: number): OrderFact[] {
    const random = this.#draw.random(hour, 'orders');
    return many(this.#draw.options.ordersPerHour, (i) => ({
      ...this.#order(random),
      customerId: this.#draw.customer(random),
      orderId: `life-${hour}-${i}`,
      orderedAt: this.#draw.momentIn(hour, random),
    }));
  }

  #order(random: Random): Omit<OrderFact, 'customerId' | 'orderId' | 'orderedAt'> {
    const kind = random();
    const status: OrderStatus = kind < 0.04 ? 'cancelled' : kind < 0.08 ? 'refunded' : 'completed';
    const order = {
      totalE4: Math.floor(random() * 800_000),
      discountE4: random() < 0.3 ? 20_000 : 0,
      currency: random() < 0.8 ? 'EUR' : 'USD',
      status,
    };
    return random() < 0.05 ? order : { ...order, storeId: this.#draw.store(random) };
  }

  /**
   * A later version of an order of an earlier hour: cancelled, refunded, moved in time or to another
   * customer, or at another price.
   */
  #corrected(hour: number, random: Random): OrderFact {
    const order = oneOf(this.#new(hour), random);
    const kind = random();
    if (kind < 0.25) return { ...order, status: 'cancelled' };
    if (kind < 0.45) return { ...order, status: 'refunded' };
    if (kind < 0.65)
      return { ...order, orderedAt: order.orderedAt - Math.floor(random() * 10 * 24 * HOUR_S) };
    if (kind < 0.85)
      return { ...order, customerId: this.#draw.customer(random), previousCustomerId: order.customerId };
    return { ...order, totalE4: order.totalE4 + 10_000, storeId: this.#draw.store(random) };
  }
}
