/**
 * What happens in a simulated marketplace, hour by hour, the same for the same seed whatever was killed in
 * between: new, late, repeated, corrected and cancelled orders, traits and stores that change, and
 * definitions that are changed, paused, archived and added.
 */
import { randomFrom } from '../../bench/benchmark-segments.ts';
import type { OrderFact, StoreFact, TraitFact } from '../../src/model/fact.ts';
import type { Definition } from '../../src/model/segment.ts';

export const HOUR_S = 3_600;
const WINDOWS = ['1h', '3h', '12h', '1d', '2d', '7d', '14d', '30d', '90d', '180d', '365d'] as const;

/** So many segments are changed, paused, archived and taken up again more often than others. */
const RESTLESS_SEGMENTS = 30;

export interface LifeOptions {
  readonly seed: number;
  readonly customers: number;
  readonly stores: number;
  readonly segments: number;
  readonly ordersPerHour: number;
  /** Seconds since 1970: the end of the history before hour 1. */
  readonly start: number;
}

export interface Received {
  readonly orders: readonly OrderFact[];
  readonly stores: readonly StoreFact[];
  readonly traits: readonly TraitFact[];
}

export class MarketplaceLife {
  readonly #options: LifeOptions;

  constructor(options: LifeOptions) {
    this.#options = options;
  }

  /** The definitions at the start: families over all stores, and single ones of every kind. */
  firstDefinitions(): Definition[] {
    return Array.from({ length: this.#options.segments }, (_, index) => this.#definition(index, 0));
  }

  /**
   * Changes of definitions in an hour, none in most: any of them, some that come and go again and again,
   * and new ones.
   */
  definitions(hour: number): Definition[] {
    const random = this.#random(hour, 1);
    if (random() > 0.4) return [];
    const { segments } = this.#options;
    return Array.from({ length: 1 + Math.floor(random() * 3) }, (_, i) => {
      const kind = random();
      const place =
        kind < 0.4
          ? Math.floor(random() * segments)
          : kind < 0.8
            ? Math.floor(random() * Math.min(RESTLESS_SEGMENTS, segments))
            : segments + 3 * hour + i;
      const status = (['active', 'active', 'active', 'paused', 'archived'] as const)[
        Math.floor(random() * 5)
      ]!;
      return { ...this.#definition(place, hour), status };
    }).filter(({ key }, i, all) => all.findIndex((other) => other.key === key) === i);
  }

  /** Facts of an hour, in one to three batches. */
  batches(hour: number): Received[] {
    const random = this.#random(hour, 2);
    const orders = this.#orders(hour).flatMap((order) => {
      const kind = random();
      if (kind < 0.03) return [order, order];
      if (kind < 0.08 && hour > 1)
        return [order, this.#corrected(1 + Math.floor(random() * (hour - 1)), random)];
      return [order];
    });
    const traits = Array.from({ length: 5 }, () => ({
      customerId: this.#customer(random),
      name: 'tier',
      value: ['bronze', 'silver', 'gold'][Math.floor(random() * 3)]!,
    }));
    const stores: StoreFact[] =
      random() < 0.1
        ? [{ storeId: this.#store(random), brand: `brand-${Math.floor(random() * 5)}`, city: 'BCN' }]
        : [];
    const parts = 1 + Math.floor(random() * 3);
    return Array.from({ length: parts }, (_, part) => ({
      orders: orders.filter((__, i) => i % parts === part),
      traits: part === 0 ? traits : [],
      stores: part === 0 ? stores : [],
    }));
  }

  #orders(hour: number): OrderFact[] {
    const random = this.#random(hour, 3);
    return Array.from({ length: this.#options.ordersPerHour }, (_, i) => {
      const kind = random();
      // Most are of this hour; some come late by up to 40 days; a few are dated ahead.
      const lateS =
        kind < 0.9 ? random() * HOUR_S : kind < 0.98 ? random() * 40 * 24 * HOUR_S : -random() * 6 * HOUR_S;
      const order = {
        customerId: this.#customer(random),
        orderId: `life-${hour}-${i}`,
        orderedAt: Math.floor(this.#options.start + hour * HOUR_S - lateS),
        totalE4: Math.floor(random() * 800_000),
        discountE4: random() < 0.3 ? 20_000 : 0,
        currency: random() < 0.8 ? 'EUR' : 'USD',
        status: random() < 0.04 ? ('cancelled' as const) : ('completed' as const),
      };
      return random() < 0.05 ? order : { ...order, storeId: this.#store(random) };
    });
  }

  /** A later version of an order of an earlier hour: cancelled, moved in time, or at another price. */
  #corrected(hour: number, random: () => number): OrderFact {
    const orders = this.#orders(hour);
    const order = orders[Math.floor(random() * orders.length)]!;
    const kind = random();
    if (kind < 0.4) return { ...order, status: 'cancelled' };
    if (kind < 0.7) return { ...order, orderedAt: order.orderedAt - Math.floor(random() * 10 * 24 * HOUR_S) };
    return { ...order, totalE4: order.totalE4 + 10_000, storeId: this.#store(random) };
  }

  #definition(index: number, hour: number): Definition {
    const random = randomFrom(this.#options.seed * 31 + index * 7_919 + hour);
    const within = WINDOWS[Math.floor(random() * WINDOWS.length)]!;
    const stores = Array.from({ length: 1 + Math.floor(random() ** 3 * 60) }, () => this.#store(random));
    const key = `life-${index}`;
    // The widest rule costs the oracle as much as five others: one in twelve is enough.
    switch (index % 12 === 11 ? 1 : index % 6) {
      case 0:
        return { key, type: 'new', params: { stores } };
      case 1:
        return { key, type: 'recurrent', params: { stores, atLeast: 2 + Math.floor(random() * 3), within } };
      case 2:
        return { key, type: 'inactive', params: { stores, within } };
      case 3:
        return { key, type: 'rule', params: { orders: { within, count: { atLeast: 1, atMost: 3 } } } };
      case 4:
        return {
          key,
          type: 'rule',
          params: {
            all: [
              { orders: { within, stores, sum: { atLeast: Math.floor(random() * 90), currency: 'EUR' } } },
              { not: { trait: { name: 'tier', equals: 'gold' } } },
            ],
          },
        };
      default:
        return {
          key,
          type: 'rule',
          params: {
            any: [
              { orders: { within, stores: { city: 'BCN' }, average: { atMost: 30, currency: 'EUR' } } },
              {
                all: [
                  { orders: { stores } },
                  { not: { orders: { stores, within } } },
                  { trait: { name: 'tier', in: ['gold', 'silver'] } },
                ],
              },
            ],
          },
        };
    }
  }

  #random(hour: number, stream: number): () => number {
    return randomFrom(this.#options.seed * 1_000_003 + hour * 17 + stream);
  }

  #customer(random: () => number): string {
    return `c${String(1 + Math.floor(random() ** 2 * this.#options.customers * 1.02)).padStart(7, '0')}`;
  }

  #store(random: () => number): string {
    return `s${String(1 + Math.floor(random() * this.#options.stores)).padStart(5, '0')}`;
  }
}
