/**
 * The plan: all active segments, compiled for evaluation. It is data, not closures: typed arrays on
 * shared memory, so that every worker reads one copy and a distributed engine could load the same
 * tables. Lists of lists are CSR: the entries of list i are [start[i], start[i + 1]).
 *
 * Invariant: a condition can hold only for a customer with a fact that its index leads to, so a customer
 * without facts gets entry 0 of every truth table, the default membership.
 */

/**
 * What happens when a condition is found to hold: 3 bits of kind, and an operand above them. Idempotent,
 * so that an index may lead to the same one several times for one customer.
 *
 * Most segments are "any of these conditions, and none of those": a bit raised by the first, and
 * suppressed by the second, in sets of bits that fit the innermost cache.
 */
export const ACTION = {
  /** Operand is a segment's place: it is an exception, unless it is suppressed. */
  raise: 0,
  /** Operand is a segment's place: it is no exception, whatever raises it. */
  suppress: 1,
  /** Sets one bit in a segment's mask, and looks its table up: operand is place × 8 + bit. */
  mark: 2,
  /** Several segments use it: operand is the number of the shared condition. */
  share: 3,
  /** In lists of uses only: operand is the place of a segment with a program. */
  run: 4,
} as const;

/** Bits of the kind in an action. */
export const ACTION_BITS = 3;

/** Conditions that the customer's orders decide, reached from the stores of the orders. */
export interface OrderIndex {
  /** Store numbers from here on have no list. */
  readonly storeLimit: number;
  /** Distinct windows, longest first; entry 0 is Infinity, "ever". Seconds. */
  readonly windowS: Float64Array;
  /**
   * Store → its list in `look`, in one piece, since the time goes into cache misses:
   *
   *     ever, touches, counts        how many entries of each kind follow
   *     ever × (action)              caused by one order at any time
   *     touches × (window, action)   caused by one order in a window, longest window first
   *     counts × (window + threshold × 65536, counter)   counters of orders in a window, longest first
   */
  readonly lookStart: Uint32Array;
  readonly look: Uint32Array;
  /** The list of rules over all stores, where orders without a store count too. */
  readonly lookAll: Uint32Array;
  /** By counter: what its threshold causes. */
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
  /** Whether every place is its segment's number, so that none has to be looked up. */
  readonly isDense: boolean;
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
/** Places have 26 bits in an action. */
export const SEGMENTS_MAX = 1 << 26;
/** Windows and thresholds have 16 bits each in a list. */
export const WINDOWS_MAX = 0xffff;
export const THRESHOLD_MAX = 0xffff;
