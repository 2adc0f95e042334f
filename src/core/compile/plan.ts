/**
 * The plan: all active segments, compiled for evaluation. It is data, not closures: typed arrays on
 * shared memory, so that every worker reads one copy and a distributed engine could load the same
 * tables. Lists of lists are CSR: the entries of list i are [start[i], start[i + 1]).
 *
 * Invariant: a condition can hold only for a customer with a fact that its index leads to, so a customer
 * without facts gets entry 0 of every truth table, the default membership.
 */

/**
 * What happens when a condition is found to hold: 2 bits of kind, and an operand above them. Idempotent,
 * so that an index may lead to the same one several times for one customer.
 */
export const ACTION = {
  /** The condition alone decides its only segment: operand is the segment's place; it is an exception. */
  decide: 0,
  /** Sets one bit in the mask of the condition's only segment: operand is place × 8 + bit. */
  mark: 1,
  /** Several segments, or a large one, use it: operand is the number of the shared condition. */
  share: 2,
  /** In lists of uses only: operand is the place of a segment with a program. */
  run: 3,
} as const;

/** Conditions that the customer's orders decide, reached from the stores of the orders. */
export interface OrderIndex {
  /** Store numbers from here on are in no list. */
  readonly storeLimit: number;
  /** Store → actions of conditions that one order at any time makes true. */
  readonly everStart: Uint32Array;
  readonly everAction: Uint32Array;
  /** The same for rules over all stores, where an order without a store counts too. */
  readonly everAllAction: Uint32Array;

  /** Distinct windows, longest first; entry 0 is Infinity, "ever". Seconds. */
  readonly windowS: Float64Array;
  /** Store → actions that one order in a window causes, longest window first: an old order stops early. */
  readonly touch: WindowedList;
  /** Store → counters of orders in a window. */
  readonly count: WindowedList;
  /** By counter: so many orders, at least 2, cause the action. */
  readonly counterThreshold: Uint32Array;
  readonly counterAction: Uint32Array;

  /** Store → tallies: count, sum, minimum and maximum of the orders in a window that pass a filter. */
  readonly tally: WindowedList;
  /** Filters, by tally: currency number or −1 for any; lowest total; 1 discounted only, 0 without, −1 any. */
  readonly tallyCurrency: Int32Array;
  readonly tallyMinimumE4: Float64Array;
  readonly tallyDiscounted: Int8Array;
  /** Tests on tallies, by tally. */
  readonly testStart: Uint32Array;
  /** See `MEASURE_CODE`. */
  readonly testMeasure: Uint8Array;
  /** Inclusive bounds. */
  readonly testLow: Float64Array;
  readonly testHigh: Float64Array;
  /** 1 where the condition holds outside of the bounds. */
  readonly testOutside: Uint8Array;
  readonly testAction: Uint32Array;
}

/** Store → (window, item), longest window first; and the same for all stores. */
export interface WindowedList {
  readonly start: Uint32Array;
  /** Index into `windowS`. */
  readonly window: Uint32Array;
  readonly item: Uint32Array;
  readonly allWindow: Uint32Array;
  readonly allItem: Uint32Array;
}

export const MEASURE_CODE = { count: 0, sum: 1, average: 2, minimum: 3, maximum: 4 } as const;

/** Conditions that a trait decides: trait name number → value number → actions. */
export interface TraitIndex {
  /** Names from here on are in no list. */
  readonly nameLimit: number;
  /** Name → where its values start in `valueStart`, and how many value numbers are covered. */
  readonly valueBase: Uint32Array;
  readonly valueLimit: Uint32Array;
  readonly valueStart: Uint32Array;
  readonly valueAction: Uint32Array;
  /** Name → actions that any value causes. */
  readonly existsStart: Uint32Array;
  readonly existsAction: Uint32Array;
  /** Name → ranges of numbers, inclusive. */
  readonly rangeStart: Uint32Array;
  readonly rangeLow: Float64Array;
  readonly rangeHigh: Float64Array;
  readonly rangeAction: Uint32Array;
}

export interface Plan {
  /** Segment numbers, ascending. Everywhere below a segment is its index in here, its place. */
  readonly segmentNos: Uint32Array;
  /** By place: whether a customer without facts is in it. */
  readonly defaults: Uint8Array;
  readonly orders: OrderIndex;
  readonly traits: TraitIndex;

  /** Shared condition → actions on each of the segments that use it. */
  readonly sharedStart: Uint32Array;
  readonly sharedAction: Uint32Array;
  /**
   * By place: bit k of the 64 is 1 where the membership under the mask k differs from the default.
   * (So entry 0 is 0.) Only for segments with at most 6 conditions.
   */
  readonly exceptionLow: Uint32Array;
  readonly exceptionHigh: Uint32Array;
  /** Place → program, for segments with more conditions; empty otherwise. See `program.ts`. */
  readonly programStart: Uint32Array;
  readonly program: Uint32Array;

  /** Whether any condition needs these columns. */
  readonly needsOrders: boolean;
  readonly needsAmounts: boolean;
  readonly needsTraits: boolean;
}

/** Most conditions that a truth table of 64 bits can have. */
export const TABLE_CONDITIONS_MAX = 6;
/** Places have 27 bits in an action. */
export const SEGMENTS_MAX = 1 << 27;
