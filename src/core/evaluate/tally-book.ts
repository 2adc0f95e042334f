/**
 * What one customer's facts add up to, tally by tally, and the tests on it after the last fact. A tally
 * whose count is 0 says nothing: none but those that facts led to are read or cleared.
 */
import { KEEP, MEASURE_CODE, type TallyIndex, type ZoneIndex } from '../compile/plan.ts';
import { KeptNumbers } from './kept-numbers.ts';
import { localDate } from './local-time.ts';
import type { Scratch } from './scratch.ts';

export class TallyBook {
  readonly #index: TallyIndex;
  readonly #zones: ZoneIndex;
  readonly #moment: number;
  readonly #count: Uint32Array;
  readonly #sumE4: Float64Array;
  readonly #minimumE4: Float64Array;
  readonly #maximumE4: Float64Array;
  readonly #firstAt: Float64Array;
  readonly #lastAt: Float64Array;
  readonly #stores: Uint32Array;
  readonly #lastStore: Uint32Array;
  readonly #kept: KeptNumbers;
  readonly #touched: Uint32Array;
  #touchedCount = 0;

  /** @param moment - Seconds since 1970; ages are reckoned from here. */
  constructor(index: TallyIndex, zones: ZoneIndex, moment: number) {
    this.#index = index;
    this.#zones = zones;
    this.#moment = moment;
    const tallies = index.keep.length;
    this.#count = new Uint32Array(tallies);
    this.#sumE4 = new Float64Array(tallies);
    this.#minimumE4 = new Float64Array(tallies);
    this.#maximumE4 = new Float64Array(tallies);
    this.#firstAt = new Float64Array(tallies);
    this.#lastAt = new Float64Array(tallies);
    this.#stores = new Uint32Array(tallies);
    this.#lastStore = new Uint32Array(tallies);
    this.#kept = new KeptNumbers(tallies);
    this.#touched = new Uint32Array(tallies);
  }

  /** Adds a fact that passes the tally's filter; the total of an event is 0. */
  add(tally: number, at: number, totalE4: number): void {
    const count = this.#count[tally]!;
    if (count === 0) this.#begin(tally, at, totalE4);
    this.#count[tally] = count + 1;
    this.#sumE4[tally]! += totalE4;
    if (totalE4 < this.#minimumE4[tally]!) this.#minimumE4[tally] = totalE4;
    if (totalE4 > this.#maximumE4[tally]!) this.#maximumE4[tally] = totalE4;
    if (at < this.#firstAt[tally]!) this.#firstAt[tally] = at;
    if (at > this.#lastAt[tally]!) this.#lastAt[tally] = at;
    const keep = this.#index.keep[tally]!;
    if (keep === KEEP.time) this.#kept.add(tally, at);
    else if (keep === KEEP.date) this.#kept.add(tally, localDate(this.#zones, this.#index.zone[tally]!, at));
  }

  /** Says that orders of this store were added. Stores come ascending; 0, no store, is none. */
  addStore(tally: number, store: number): void {
    if (store === this.#lastStore[tally]) return;
    this.#lastStore[tally] = store;
    this.#stores[tally]! += 1;
  }

  /** Acts on every test that the customer's tallies pass, and forgets them; after the last fact. */
  decide(scratch: Scratch): void {
    if (this.#touchedCount === 0) return;
    this.#kept.arrange();
    for (let i = 0; i < this.#touchedCount; i++) {
      this.#testTally(this.#touched[i]!, scratch);
      this.#testSequences(this.#touched[i]!, scratch);
    }
    for (let i = 0; i < this.#touchedCount; i++) this.#count[this.#touched[i]!] = 0;
    this.#touchedCount = 0;
    this.#kept.clear();
  }

  #begin(tally: number, at: number, totalE4: number): void {
    this.#touched[this.#touchedCount++] = tally;
    this.#sumE4[tally] = 0;
    this.#minimumE4[tally] = totalE4;
    this.#maximumE4[tally] = totalE4;
    this.#firstAt[tally] = at;
    this.#lastAt[tally] = at;
    this.#stores[tally] = 0;
    this.#lastStore[tally] = 0;
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
      const count = this.#count[tally]!;
      return this.#sumE4[tally]! >= low * count && this.#sumE4[tally]! <= high * count;
    }
    const value = this.#valueOf(tally, measure);
    return value >= low && value <= high;
  }

  #valueOf(tally: number, measure: number): number {
    switch (measure) {
      case MEASURE_CODE.count:
        return this.#count[tally]!;
      case MEASURE_CODE.sum:
        return this.#sumE4[tally]!;
      case MEASURE_CODE.minimum:
        return this.#minimumE4[tally]!;
      case MEASURE_CODE.maximum:
        return this.#maximumE4[tally]!;
      case MEASURE_CODE.stores:
        return this.#stores[tally]!;
      case MEASURE_CODE.days:
        return this.#kept.countOf(tally);
      case MEASURE_CODE.firstAge:
        return this.#moment - this.#firstAt[tally]!;
      default:
        return this.#moment - this.#lastAt[tally]!;
    }
  }

  #testSequences(tally: number, scratch: Scratch): void {
    const { sequenceStart, sequenceSecond, sequenceWithinS, sequenceWithout, sequenceAction } = this.#index;
    const end = sequenceStart[tally + 1]!;
    for (let i = sequenceStart[tally]!; i < end; i++) {
      const second = sequenceSecond[i]!;
      const seconds = this.#count[second]! > 0 ? second : undefined;
      const holds =
        sequenceWithout[i] === 1
          ? this.#kept.isMissedWithin(tally, seconds, sequenceWithinS[i]!, this.#moment)
          : seconds !== undefined && this.#kept.isFollowedWithin(tally, seconds, sequenceWithinS[i]!);
      if (holds) scratch.act(sequenceAction[i]!);
    }
  }
}
