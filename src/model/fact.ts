/**
 * Facts: what is known about a customer. An order is identified by its customer and its order id; the
 * latest version received wins; one that is cancelled or refunded does not count.
 */

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
}

/** The number a trait's value stands for in a range, or undefined. The engine stores the same. */
export function traitNumber(value: string): number | undefined {
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(value) ? Number(value) : undefined;
}

/** Most bytes of a customer, store or order id, in UTF-8. */
export const ID_BYTES_MAX = 512;
