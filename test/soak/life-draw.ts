/** What all parts of a simulated life draw from: the same for the same seed, hour and stream. */
import { randomFrom } from '../../bench/benchmark-segments.ts';

export const HOUR_S = 3_600;

export interface LifeOptions {
  readonly seed: number;
  readonly customers: number;
  readonly stores: number;
  /** Definitions at the start, families aside. */
  readonly segments: number;
  readonly ordersPerHour: number;
  readonly eventsPerHour: number;
  /** 0: orders, traits and stores are all that is known, and all that definitions look at. */
  readonly everyKind: number;
  /** Seconds since 1970: the end of the history before hour 1. */
  readonly start: number;
}

/** Numbers in [0, 1). */
export type Random = () => number;

/** Each kind of thing draws from a stream of its own, so that one more of one kind changes no other. */
export type Stream =
  | 'definitions'
  | 'batches'
  | 'orders'
  | 'events'
  | 'baskets'
  | 'traits'
  | 'scores'
  | 'lists'
  | 'stores'
  | 'erasures'
  | 'corrections';

const STREAMS: readonly Stream[] = [
  'definitions',
  'batches',
  'orders',
  'events',
  'baskets',
  'traits',
  'scores',
  'lists',
  'stores',
  'erasures',
  'corrections',
];

export class LifeDraw {
  readonly options: LifeOptions;

  constructor(options: LifeOptions) {
    this.options = options;
  }

  /** The same numbers each time for an hour. */
  random(hour: number, stream: Stream): Random {
    return randomFrom(this.options.seed * 1_000_003 + hour * 101 + STREAMS.indexOf(stream));
  }

  /** Some much more often than others; one in fifty is new to the market. */
  customer(random: Random): string {
    return this.customerAt(Math.floor(random() ** 2 * this.options.customers * 1.02));
  }

  customerAt(index: number): string {
    return `c${String(1 + index).padStart(7, '0')}`;
  }

  store(random: Random): string {
    return `s${String(1 + Math.floor(random() * this.options.stores)).padStart(5, '0')}`;
  }

  /** The end of an hour, which is what the hour is named after. */
  endOf(hour: number): number {
    return this.options.start + hour * HOUR_S;
  }

  /** Most of this hour; some come late by up to 40 days; a few are dated ahead. */
  momentIn(hour: number, random: Random): number {
    const kind = random();
    const lateS =
      kind < 0.9 ? random() * HOUR_S : kind < 0.98 ? random() * 40 * 24 * HOUR_S : -random() * 6 * HOUR_S;
    return Math.floor(this.endOf(hour) - lateS);
  }
}

/** One of some values. */
export function oneOf<T>(values: readonly T[], random: Random): T {
  return values[Math.floor(random() * values.length)]!;
}

/** So many draws of something. */
export function many<T>(count: number, draw: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => draw(i));
}
