/**
 * The plan: all active segments, compiled for evaluation. It is data, not closures: typed arrays on
 * shared memory, so that every worker reads one copy and a distributed engine could load the same
 * tables. Lists of lists are CSR: the entries of list i are [start[i], start[i + 1]).
 *
 * Invariant: a condition can hold only for a customer with a fact that its index leads to, so a customer
 * without facts gets entry 0 of every truth table, the default membership.
 */
import type { ScanColumns, TimeOffsets } from '../engine/engine.ts';

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
  /** Operand is the number of a program, which runs after the customer's last fact. Of shared conditions only. */
  run: 4,
  /** Of shared conditions only: operand is the number of a list of actions. */
  list: 5,
  /** Of shared conditions only: it causes nothing; programs ask whether it holds. */
  nothing: 6,
  /** As `run`, of a program that nothing else leads to. */
  runAlone: 7,
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

  /** Store → tallies over orders that count. */
  readonly tally: WindowedList;
  /** Store → tallies over orders of other statuses; a tally over both is in both. */
  readonly uncounted: WindowedList;
  /** By clock: its zone, and 6 words with a bit for each hour of a week from Monday on. */
  readonly clockZone: Uint32Array;
  readonly clockHours: Uint32Array;
}

/**
 * What a tally over orders makes use of, as bits above those of the statuses, which are bit `STATUS_CODE` of
 * each. `filter`: more than the currency decides which orders pass.
 */
export const USES = { amounts: 8, clock: 16, keep: 32, stores: 64, filter: 128 } as const;

/** Store → (window as an index into `windowS`, tally), pair after pair, longest window first. */
export interface WindowedList {
  /** Counts pairs. */
  readonly start: Uint32Array;
  readonly pairs: Uint32Array;
  /** The same for all stores. */
  readonly allPairs: Uint32Array;
}

/**
 * Conditions that events decide. An event leads to filters by its name and the value of a property, so
 * that thousands of "checkout at this store" cost no more than one; the filters it passes lead to tallies.
 */
export interface EventIndex {
  /** Names from here on are in no list. */
  readonly nameLimit: number;
  /** Distinct windows, longest first; entry 0 is Infinity, "ever". Seconds. */
  readonly windowS: Float64Array;
  /** Name → the longest window over its events, as an index into `windowS`. */
  readonly nameWindow: Uint32Array;
  /**
   * Name → branches: a property (index in `EventColumns.properties`, −1 where every event leads on), and
   * where the lists of its values start: as many as `branchValues`.
   */
  readonly branchStart: Uint32Array;
  readonly branchProperty: Int32Array;
  readonly branchBase: Uint32Array;
  readonly branchValues: Uint32Array;
  /** Value of a branch → filters that its events have to pass. */
  readonly filterStart: Uint32Array;
  readonly filter: Uint32Array;
  /** Filter → tests that are left, on properties; see `TEST`. Bounds are inclusive. */
  readonly testStart: Uint32Array;
  readonly testKind: Uint8Array;
  readonly testProperty: Uint32Array;
  readonly testLow: Float64Array;
  readonly testHigh: Float64Array;
  /** Test → numbers of values as in the batch, of which the property must have one. */
  readonly testValueStart: Uint32Array;
  readonly testValue: Uint32Array;
  /** Filter → tallies, longest window first. */
  readonly tallyStart: Uint32Array;
  readonly tallyWindow: Uint32Array;
  readonly tally: Uint32Array;
}

/** Kinds of tests on properties. */
export const TEST = { exists: 0, in: 1, range: 2 } as const;

export const MEASURE_CODE = {
  count: 0,
  sum: 1,
  average: 2,
  minimum: 3,
  maximum: 4,
  stores: 5,
  days: 6,
  firstAge: 7,
  lastAge: 8,
} as const;

/** What a tally keeps of each fact, for the end of a customer: nothing, its local date, or its time. */
export const KEEP = { nothing: 0, date: 1, time: 2 } as const;

/**
 * A tally's record: what it is over, what it keeps, and the first test on it, in one line of a cache, since
 * the time goes into cache misses. Words of `TallyIndex.words`, from tally × `TALLY.words` on; numbers of
 * `TallyIndex.numbers`, from tally × `TALLY.numbers` on.
 */
export const TALLY = {
  words: 16,
  numbers: 8,
  /** Of a tally over orders, see `USES`. */
  uses: 0,
  /** Number of the only currency, and 1; 0 for any. */
  currency: 1,
  /** 0 any, 1 without a discount, 2 with one. */
  discounted: 2,
  /** Hours of the week that its orders are in, where it uses a clock. */
  clock: 3,
  /** See `KEEP`, and the zone of the dates. */
  keep: 4,
  zone: 5,
  /** The first test, see `TEST_WORDS`; and where further ones are. */
  test: 6,
  moreStart: 8,
  moreEnd: 9,
  /** Numbers: the lowest total; and the inclusive bounds of the first test. */
  minimumE4: 5,
  low: 6,
  high: 7,
} as const;

/**
 * Two words of a test: its measure, see `MEASURE_CODE`, with `TEST_OUTSIDE` if the condition holds outside of
 * the bounds; and the action.
 */
export const TEST_WORDS = 2;
export const TEST_OUTSIDE = 16;

/**
 * Tallies: count, sum, minimum, maximum, stores, first and last of a customer's facts (of orders and of
 * events) that pass a filter. Tests on them come after the customer's last fact.
 */
export interface TallyIndex {
  /** How many there are. */
  readonly count: number;
  /** Records, see `TALLY`: two views of one memory. */
  readonly words: Uint32Array;
  readonly numbers: Float64Array;
  /** Tests beyond the first of a tally: words, see `TEST_WORDS`, and bounds, low and high. */
  readonly moreTests: Uint32Array;
  readonly moreBounds: Float64Array;
  /** Tally of firsts → sequences: the tally of seconds, the time in between, 1 where no second may come. */
  readonly sequenceStart: Uint32Array;
  readonly sequenceSecond: Uint32Array;
  readonly sequenceWithinS: Float64Array;
  readonly sequenceWithout: Uint8Array;
  readonly sequenceAction: Uint32Array;
}

/** Zone → its transitions: from a moment on, local time is ahead of UTC by so much. Zone 0 is UTC. Seconds. */
export interface ZoneIndex {
  readonly start: Uint32Array;
  /** Ascending; the first of each zone is 0. */
  readonly fromS: Float64Array;
  readonly offsetS: Int32Array;
}

/** Conditions that a trait, a score or a list decides: name number → value number → actions. */
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
  /** Name → ranges of the seconds since the moment that the value reads as, inclusive. */
  readonly ageStart: Uint32Array;
  readonly ageLow: Float64Array;
  readonly ageHigh: Float64Array;
  readonly ageAction: Uint32Array;
  /** By name: 1 for scores, whose moment is the end of their validity. One that does not count is as if absent. */
  readonly expires: Uint8Array;
}

/**
 * Conditions of plug-ins, by what they look at in events. The code is loaded in every thread; the plan names
 * it, and holds its parameters.
 */
export interface PluginView {
  /** Which source of a plug-in evaluates them. */
  readonly source: string;
  /** Numbers of event names, and of each its place among those that the conditions declare. */
  readonly nameNos: Uint32Array;
  readonly namePlaces: Uint32Array;
  /** Declared properties: index in `EventColumns.properties`, and the batch's numbers of declared values. */
  readonly properties: readonly { readonly column: number; readonly valueNos: Uint32Array }[];
  /** By condition: its parameters, as JSON, and what it causes. */
  readonly params: readonly unknown[];
  readonly action: Uint32Array;
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
  readonly events: EventIndex;
  readonly plugins: readonly PluginView[];
  readonly tallies: TallyIndex;
  readonly zones: ZoneIndex;

  /** By shared condition: what follows from it. */
  readonly sharedAction: Uint32Array;
  /** List → actions. */
  readonly listStart: Uint32Array;
  readonly listAction: Uint32Array;
  /**
   * By place: bit k of the 64 is 1 where the membership under the mask k differs from the default.
   * (So entry 0 is 0.) Only for segments without a program.
   */
  readonly exceptionLow: Uint32Array;
  readonly exceptionHigh: Uint32Array;
  /**
   * Program → words, of segments with more than 6 conditions or few triggers (`trigger.ts`): the segment's
   * place, and a program (`program.ts`) that says whether a customer is an exception.
   */
  readonly programStart: Uint32Array;
  readonly program: Uint32Array;

  /** What a scan must bring; `EventIndex` means properties by their place in here. */
  readonly columns: ScanColumns;
  /** When time alone can change a membership. */
  readonly timeOffsets: TimeOffsets;
}

/** Most conditions that a truth table of 64 bits can have. */
export const TABLE_CONDITIONS_MAX = 6;
/** Places have 26 bits in an action. */
export const SEGMENTS_MAX = 1 << 26;
/** Windows and thresholds have 16 bits each in a list. */
export const WINDOWS_MAX = 0xffff;
export const THRESHOLD_MAX = 0xffff;
/** What tallies keep is sorted as numbers below 2^53: the tally above the 32 bits of a time, and room for a span. */
export const TALLIES_MAX = (1 << 21) - 2;
