/**
 * What one customer's facts add up to, tally by tally, and the tests on it after the last fact. A tally that
 * facts lead to gets a place for the time of the customer, so that all that is gathered of a customer lies
 * together; none but these are read or cleared.
 */
import {
  KEEP,
  MEASURE_CODE,
  TALLY,
  type TallyIndex,
  TEST_OUTSIDE,
  TEST_WORDS,
  type ZoneIndex,
} from '../compile/plan.ts';
import { KeptNumbers } from './kept-numbers.ts';
import { localDate } from './local-time.ts';
import type { Scratch } from './scratch.ts';

/** Numbers at a place. */
const COUNT = 0;
const SUM_E4 = 1;
const MINIMUM_E4 = 2;
const MAXIMUM_E4 = 3;
const FIRST_AT = 4;
const LAST_AT = 5;
const STORES = 6;
const LAST_STORE = 7;
const SLOTS = 8;

const MEASURE = TEST_OUTSIDE - 1;

export class TallyBook {
  readonly #index: TallyIndex;
  readonly #zones: ZoneIndex;
  readonly #moment: number;
  /** By tally: its place, from 1; 0 for none. */
  readonly #placeOf: Uint32Array;
  /** By place: its tally. */
  readonly #tallies: Uint32Array;
  #places = 1;
  /** Place after place, its `SLOTS` numbers side by side. Place 0 has none. */
  readonly #slots: Float64Array;
  /** By place. */
  readonly #kept: KeptNumbers;

  /** @param moment - Seconds since 1970; ages are reckoned from here. */
  constructor(index: TallyIndex, zones: ZoneIndex, moment: number) {
    this.#index = index;
    this.#zones = zones;
    this.#moment = moment;
    const places = index.count + 1;
    this.#placeOf = new Uint32Array(index.count);
    this.#tallies = new Uint32Array(places);
    this.#slots = new Float64Array(places * SLOTS);
    this.#kept = new KeptNumbers(places);
  }

  /** Adds an event that passes the tally's filter. */
  addEvent(tally: number, at: number): void {
    this.add(tally, 1, at, at, 0, 0, 0);
    const { words } = this.#index;
    const record = tally * TALLY.words;
    const keep = words[record + TALLY.keep];
    if (keep === KEEP.nothing) return;
    this.keep(tally, keep === KEEP.time ? at : localDate(this.#zones, words[record + TALLY.zone]!, at));
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
    const slot = this.#open(tally) * SLOTS;
    const before = slots[slot + COUNT]!;
    slots[slot + COUNT] = before + count;
    if (before === 0) {
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
    const slot = this.#open(tally) * SLOTS;
    if (store === this.#slots[slot + LAST_STORE]) return;
    this.#slots[slot + LAST_STORE] = store;
    this.#slots[slot + STORES]! += 1;
  }

  /** Keeps the time of a fact that is added, or its local date, for a tally that does. */
  keep(tally: number, timeOrDate: number): void {
    this.#kept.add(this.#open(tally), timeOrDate);
  }

  /** The place of a tally, which gets one if it has none. */
  #open(tally: number): number {
    let place = this.#placeOf[tally]!;
    if (place === 0) {
      place = this.#places++;
      this.#placeOf[tally] = place;
      this.#tallies[place] = tally;
      this.#slots[place * SLOTS + COUNT] = 0;
    }
    return place;
  }

  /** Acts on every test that the customer's tallies pass, and forgets them; after the last fact. */
  decide(scratch: Scratch): void {
    const places = this.#places;
    if (places === 1) return;
    const tallies = this.#tallies;
    this.#kept.arrange();
    for (let place = 1; place < places; place++) this.#testTally(tallies[place]!, place, scratch);
    if (this.#index.sequenceAction.length > 0) {
      for (let place = 1; place < places; place++) this.#testSequences(tallies[place]!, place, scratch);
    }
    for (let place = 1; place < places; place++) this.#placeOf[tallies[place]!] = 0;
    this.#places = 1;
    this.#kept.clear();
  }

  #testTally(tally: number, place: number, scratch: Scratch): void {
    const { words, numbers, moreTests, moreBounds } = this.#index;
    const record = tally * TALLY.words;
    const bounds = tally * TALLY.numbers;
    const test = words[record + TALLY.test]!;
    // Of a tally without tests this is one that no count passes: of 0 facts.
    if (this.#holds(test, place, numbers[bounds + TALLY.low]!, numbers[bounds + TALLY.high]!)) {
      scratch.act(words[record + TALLY.test + 1]!);
    }
    const end = words[record + TALLY.moreEnd]!;
    for (let i = words[record + TALLY.moreStart]!; i < end; i++) {
      if (this.#holds(moreTests[i * TEST_WORDS]!, place, moreBounds[i * 2]!, moreBounds[i * 2 + 1]!)) {
        scratch.act(moreTests[i * TEST_WORDS + 1]!);
      }
    }
  }

  #holds(test: number, place: number, low: number, high: number): boolean {
    return this.#isInside(test & MEASURE, place, low, high) !== (test & TEST_OUTSIDE) > 0;
  }

  #isInside(measure: number, place: number, low: number, high: number): boolean {
    if (measure === MEASURE_CODE.average) {
      // Compared without dividing, so that it is exact: low ≤ sum ÷ count ⇔ low × count ≤ sum.
      const count = this.#slots[place * SLOTS + COUNT]!;
      const sumE4 = this.#slots[place * SLOTS + SUM_E4]!;
      return sumE4 >= low * count && sumE4 <= high * count;
    }
    const value = this.#valueOf(measure, place);
    return value >= low && value <= high;
  }

  #valueOf(measure: number, place: number): number {
    const slot = place * SLOTS;
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
        return this.#kept.countOf(place);
      case MEASURE_CODE.firstAge:
        return this.#moment - this.#slots[slot + FIRST_AT]!;
      default:
        return this.#moment - this.#slots[slot + LAST_AT]!;
    }
  }

  #testSequences(tally: number, place: number, scratch: Scratch): void {
    const { words, sequenceStart, sequenceSecond, sequenceWithinS, sequenceWithout, sequenceAction } =
      this.#index;
    // Firsts keep their times.
    if (words[tally * TALLY.words + TALLY.keep] !== KEEP.time) return;
    const end = sequenceStart[tally + 1]!;
    for (let i = sequenceStart[tally]!; i < end; i++) {
      // Place 0, of a second that nothing led to, has kept nothing.
      const second = this.#placeOf[sequenceSecond[i]!]!;
      const withinS = sequenceWithinS[i]!;
      const holds =
        sequenceWithout[i] === 1
          ? this.#kept.isMissedWithin(place, second, withinS, this.#moment)
          : this.#kept.isFollowedWithin(place, second, withinS);
      if (holds) scratch.act(sequenceAction[i]!);
    }
  }
}
