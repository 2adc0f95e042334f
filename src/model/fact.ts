/**
 * Facts: what is known about a customer. An order is identified by its customer and its order id; the
 * latest version received wins; one that is cancelled or refunded does not count.
 */
import { MOMENT_MAX_S } from './time.ts';

/** What rows of facts are of, in the order in which they are listed for people. Plug-ins bring more. */
export const FACT_SOURCES = ['orders', 'customers', 'stores', 'events', 'scores', 'lists'] as const;
export type FactSource = (typeof FACT_SOURCES)[number];

export type OrderStatus = 'completed' | 'cancelled' | 'refunded';

export interface OrderFact {
  readonly customerId: string;
  readonly orderId: string;
  /** Absent when the order has no store, which is legal. */
  readonly storeId?: string;
  /** Seconds since 1970, UTC. */
  readonly orderedAt: number;
  /** Ten-thousandths of the currency. A negative total is kept. */
  readonly totalE4: number;
  /** Ten-thousandths, 0 or more. */
  readonly discountE4: number;
  /** ISO 4217, or '' when the source has none. */
  readonly currency: string;
  readonly status: OrderStatus;
  /** A correction: the order was this customer's, whose version is cancelled in the same batch. Not kept. */
  readonly previousCustomerId?: string;
}

export interface TraitFact {
  readonly customerId: string;
  readonly name: string;
  readonly value: string;
}

/** Something that happened. It never changes: an id of the same customer that is known already brings nothing. */
export interface EventFact {
  readonly customerId: string;
  /** Unique for the customer. A row without one gets a hash of all that it says. */
  readonly eventId: string;
  readonly name: string;
  /** Seconds since 1970, UTC. */
  readonly occurredAt: number;
  /** Name → value as text: a number is its shortest text, a truth value `true` or `false`. */
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * What a model says of a customer. Scores of a version that is not in force count for nothing until the
 * version is activated; then it replaces the one before, whole, at once.
 */
export interface ScoreFact {
  readonly customerId: string;
  readonly model: string;
  /** Finite. */
  readonly value: number;
  /** Of the model; the empty text is a version like any other. */
  readonly version: string;
  /** Seconds since 1970: it counts before this moment, not at it. Absent: for ever. */
  readonly validUntil?: number;
}

/** That a customer is on a list from now on, or is not. */
export interface ListEntryFact {
  readonly customerId: string;
  readonly list: string;
  readonly isListed: boolean;
}

export interface StoreFact {
  readonly storeId: string;
  readonly brand?: string;
  readonly city?: string;
  readonly category?: string;
  readonly tags?: readonly string[];
  /** Seconds since 1970. */
  readonly openedAt?: number;
  readonly closedAt?: number;
}

/** Everything known about one customer at some moment: what the naive evaluator reads. */
export interface CustomerFacts {
  /** Latest versions only, cancelled and refunded ones included, in no particular order. */
  readonly orders: readonly OrderFact[];
  /** Latest value of each trait. */
  readonly traits: ReadonlyMap<string, string>;
  /** In no particular order. */
  readonly events: readonly EventFact[];
  /** Model → its score of the version in force, whether it counts still or not. */
  readonly scores: ReadonlyMap<string, ScoreFact>;
  /** Names of the lists that the customer is on. */
  readonly lists: ReadonlySet<string>;
}

/** The number a trait's value stands for in a range, or undefined. The engine stores the same. */
export function traitNumber(value: string): number | undefined {
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(value) ? Number(value) : undefined;
}

const TRAIT_MOMENT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?:Z|([+-])([01]\d):([0-5]\d))?)?$/;

/**
 * The moment that a trait's value stands for in seconds since 1970, or undefined: a date such as
 * `2026-03-01` (its first second in UTC), or with a time, `2026-03-01T12:00:00Z`; without an offset it is
 * UTC. Between 1970 and 2106. The engine stores the same.
 */
export function traitMoment(value: string): number | undefined {
  const match = TRAIT_MOMENT.exec(value);
  if (match === null) return undefined;
  const [, year, month, day, hour = 0, minute = 0, second = 0, sign, hours = 0, minutes = 0] = match;
  const midnight = new Date(0);
  midnight.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) return undefined;
  const offsetS = (Number(hours) * 3600 + Number(minutes) * 60) * (sign === '-' ? -1 : 1);
  const seconds =
    midnight.getTime() / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offsetS;
  return seconds >= 0 && seconds <= MOMENT_MAX_S ? seconds : undefined;
}

/** Most bytes of a customer, store or order id, in UTF-8. */
export const ID_BYTES_MAX = 512;
