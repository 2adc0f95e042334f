/**
 * What one customer's facts add up to, tally by tally, and the tests on it after the last fact. A tally
 * whose count is 0 says nothing: none but those that facts led to are read or cleared.
 */
import { KEEP, MEASURE_CODE, type TallyIndex, type ZoneIndex } from '../compile/plan.ts';
import { KeptNumbers } from './kept-numbers.ts';
import { localDate } from './local-time.ts';
import type { Scratch } from './scratch.ts';

const COUNT = 0;
const SUM_E4 = 1;
const MINIMUM_E4 = 2;
const MAXIMUM_E4 = 3;
const FIRST_AT = 4;
const LAST_AT = 5;
const STORES = 6;
const LAST_STORE = 7;
const SLOTS = 8;

export class TallyBook {
  readonly #index: TallyIndex;
  readonly #zones: ZoneIndex;
  readonly #moment: number;
  /** Tally after tally, its `SLOTS` numbers side by side: a tally is in one line of a cache. */
  readonly #slots: Float64Array;
  readonly #kept: KeptNumbers;
  readonly #touched: Uint32Array;
  #touchedCount = 0;

  /** @param moment - Seconds since 1970; ages are reckoned from here. */
  constructor(index: TallyIndex, zones: ZoneIndex, moment: number) {
    this.#index = index;
    this.#zones = zones;
    this.#moment = moment;
    const tallies = index.keep.length;
    this.#slots = new Float64Array(tallies * SLOTS);
    this.#kept = new KeptNumbers(tallies);
    this.#touched = new Uint32Array(tallies);
  }

  /** Adds an event that passes the tally's filter. */
  addEvent(tally: number, at: number): void {
    this.add(tally, 1, at, at, 0, 0, 0);
    if (this.#index.keep[tally] !== KEEP.nothing) this.keep(tally, at);
  }

  /** Adds facts that pass the tally's filter: how many, when, and what their totals are. */
  add(
    tally: number,
    count: number,
    firstAt: number,
    lastAt: number,
    sumE4: number,
    minimumE4: number,
    maximumE4: number,
  ): void {
    const slots = this.#slots;
    const slot = tally * SLOTS;
    const before = slots[slot + COUNT]!;
    slots[slot + COUNT] = before + count;
    if (before === 0) {
      this.#touched[this.#touchedCount++] = tally;
      slots[slot + FIRST_AT] = firstAt;
      slots[slot + LAST_AT] = lastAt;
      slots[slot + SUM_E4] = sumE4;
      slots[slot + MINIMUM_E4] = minimumE4;
      slots[slot + MAXIMUM_E4] = maximumE4;
      slots[slot + STORES] = 0;
      slots[slot + LAST_STORE] = 0;
      return;
    }
    slots[slot + SUM_E4]! += sumE4;
    if (firstAt < slots[slot + FIRST_AT]!) slots[slot + FIRST_AT] = firstAt;
    if (lastAt > slots[slot + LAST_AT]!) slots[slot + LAST_AT] = lastAt;
    if (minimumE4 < slots[slot + MINIMUM_E4]!) slots[slot + MINIMUM_E4] = minimumE4;
    if (maximumE4 > slots[slot + MAXIMUM_E4]!) slots[slot + MAXIMUM_E4] = maximumE4;
  }

  /** Says that orders of this store were added. Stores come ascending; 0, no store, is none. */
  addStore(tally: number, store: number): void {
    const slot = tally * SLOTS;
    if (store === this.#slots[slot + LAST_STORE]) return;
    this.#slots[slot + LAST_STORE] = store;
    this.#slots[slot + STORES]! += 1;
  }

  /** Keeps the time of a fact that is added, or its date, for a tally that does. */
  keep(tally: number, at: number): void {
    const isTime = this.#index.keep[tally] === KEEP.time;
    this.#kept.add(tally, isTime ? at : localDate(this.#zones, this.#index.zone[tally]!, at));
  }

  /** Acts on every test that the customer's tallies pass, and forgets them; after the last fact. */
  decide(scratch: Scratch): void {
    if (this.#touchedCount === 0) return;
    this.#kept.arrange();
    const hasSequences = this.#index.sequenceAction.length > 0;
    for (let i = 0; i < this.#touchedCount; i++) {
      const tally = this.#touched[i]!;
      this.#testTally(tally, scratch);
      if (hasSequences) this.#testSequences(tally, scratch);
      this.#slots[tally * SLOTS + COUNT] = 0;
    }
    this.#touchedCount = 0;
    this.#kept.clear();
  }

  #testTally(tally: number, scratch: Scratch): void {
    const { testStart, testMeasure, testLow, testHigh, testOutside, testAction } = this.#index;
    const end = testStart[tally + 1]!;
    for (let test = testStart[tally]!; test < end; test++) {
      const inside = this.#isInside(tally, testMeasure[test]!, testLow[test]!, testHigh[test]!);
      if (inside !== (testOutside[test] === 1)) scratch.act(testAction[test]!);
    }
  }

  #isInside(tally: number, measure: number, low: number, high: number): boolean {
    if (measure === MEASURE_CODE.average) {
      // Compared without dividing, so that it is exact: low ≤ sum ÷ count ⇔ low × count ≤ sum.
      const count = this.#slots[tally * SLOTS + COUNT]!;
      const sumE4 = this.#slots[tally * SLOTS + SUM_E4]!;
      return sumE4 >= low * count && sumE4 <= high * count;
    }
    const value = this.#valueOf(tally, measure);
    return value >= low && value <= high;
  }

  #valueOf(tally: number, measure: number): number {
    const slot = tally * SLOTS;
    switch (measure) {
      case MEASURE_CODE.count:
        return this.#slots[slot + COUNT]!;
      case MEASURE_CODE.sum:
        return this.#slots[slot + SUM_E4]!;
      case MEASURE_CODE.minimum:
        return this.#slots[slot + MINIMUM_E4]!;
      case MEASURE_CODE.maximum:
        return this.#slots[slot + MAXIMUM_E4]!;
      case MEASURE_CODE.stores:
        return this.#slots[slot + STORES]!;
      case MEASURE_CODE.days:
        return this.#kept.countOf(tally);
      case MEASURE_CODE.firstAge:
        return this.#moment - this.#slots[slot + FIRST_AT]!;
      default:
        return this.#moment - this.#slots[slot + LAST_AT]!;
    }
  }

  #testSequences(tally: number, scratch: Scratch): void {
    const { sequenceStart, sequenceSecond, sequenceWithinS, sequenceWithout, sequenceAction } = this.#index;
    const end = sequenceStart[tally + 1]!;
    for (let i = sequenceStart[tally]!; i < end; i++) {
      const second = sequenceSecond[i]!;
      const withinS = sequenceWithinS[i]!;
      const holds =
        sequenceWithout[i] === 1
          ? this.#kept.isMissedWithin(tally, second, withinS, this.#moment)
          : this.#kept.isFollowedWithin(tally, second, withinS);
      if (holds) scratch.act(sequenceAction[i]!);
    }
  }
}
