/**
 * Adds a pair's orders to tallies. Amounts are whole ten-thousandths, exact up to 2^53. A tally without a
 * filter of its own takes what is known of the pair's latest orders; for the others they are looked at one
 * by one.
 */
import { KEEP, type OrderIndex, TALLY, type TallyIndex, USES } from '../compile/plan.ts';
import { isOnClock } from './local-time.ts';
import type { PairOrders } from './pair-orders.ts';
import type { TallyBook } from './tally-book.ts';

/** Bits of `USES` below its own. */
const STATUSES = USES.amounts - 1;

export class OrderTallies {
  readonly #index: OrderIndex;
  readonly #words: Uint32Array;
  readonly #numbers: Float64Array;
  readonly #book: TallyBook;
  readonly #pair: PairOrders;
  #uses = new Uint32Array(64);

  constructor(index: OrderIndex, { words, numbers }: TallyIndex, book: TallyBook, pair: PairOrders) {
    this.#index = index;
    this.#words = words;
    this.#numbers = numbers;
    this.#book = book;
    this.#pair = pair;
  }

  /**
   * What tallies make use of, for the words [from, to), pairs of a window and a tally. Read for all of a list
   * before any of them is added to: their records lie far apart, and so the cache misses overlap.
   *
   * @returns Valid until the next call.
   */
  usesOf(pairs: Uint32Array, from: number, to: number): Uint32Array {
    const count = (to - from) >>> 1;
    if (count > this.#uses.length) this.#uses = new Uint32Array(count * 2);
    const uses = this.#uses;
    const words = this.#words;
    for (let i = 0; i < count; i++) uses[i] = words[pairs[from + i * 2 + 1]! * TALLY.words + TALLY.uses]!;
    return uses;
  }

  /** Adds those of the pair's orders from `start` on that pass; there is at least one. */
  add(tally: number, uses: number, start: number): void {
    const record = tally * TALLY.words;
    const pair = this.#pair;
    if (uses & USES.filter || pair.columns.status !== undefined) {
      this.#addEach(tally, start, uses);
      return;
    }
    const { orderedAt } = pair.columns;
    let sumE4 = 0;
    let minimumE4 = 0;
    let maximumE4 = 0;
    if (uses & USES.amounts) {
      const wanted = this.#words[record + TALLY.currency]! - 1;
      const currency = pair.currency();
      if (wanted >= 0 && wanted !== currency) {
        // Of several currencies, some orders may be in the one that is wanted.
        if (currency < 0) this.#addEach(tally, start, uses);
        return;
      }
      sumE4 = pair.sumE4From(start);
      minimumE4 = pair.minimumE4From(start);
      maximumE4 = pair.maximumE4From(start);
    }
    const { end } = pair;
    if (uses & USES.keep) for (let i = start; i < end; i++) this.#keep(tally, i);
    this.#book.add(tally, end - start, orderedAt[start]!, orderedAt[end - 1]!, sumE4, minimumE4, maximumE4);
    if (uses & USES.stores) this.#book.addStore(tally, pair.store);
  }

  #addEach(tally: number, start: number, uses: number): void {
    const pair = this.#pair;
    const { orderedAt, status, totalE4, discountE4, currencyNo } = pair.columns;
    const words = this.#words;
    const record = tally * TALLY.words;
    const statuses = uses & STATUSES;
    const currency = words[record + TALLY.currency]! - 1;
    const discounted = words[record + TALLY.discounted]! - 1;
    const minimum = this.#numbers[tally * TALLY.numbers + TALLY.minimumE4]!;
    const clock = words[record + TALLY.clock]!;
    const hours = uses & USES.clock ? pair.hours(this.#index.clockZone[clock]!) : undefined;
    const { first, end } = pair;
    let count = 0;
    let firstAt = 0;
    let lastAt = 0;
    let sumE4 = 0;
    let lowestE4 = 0;
    let highestE4 = 0;
    for (let i = start; i < end; i++) {
      if (status !== undefined && ((statuses >>> status[i]!) & 1) === 0) continue;
      if (hours !== undefined && !isOnClock(this.#index, clock, hours[i - first]!)) continue;
      let total = 0;
      if (uses & USES.amounts) {
        total = totalE4![i]!;
        if (currency >= 0 && currencyNo![i] !== currency) continue;
        if (total < minimum) continue;
        if (discounted >= 0 && Number(discountE4![i]! > 0) !== discounted) continue;
      }
      if (uses & USES.keep) this.#keep(tally, i);
      lastAt = orderedAt[i]!;
      if (count++ === 0) {
        firstAt = lastAt;
        lowestE4 = total;
        highestE4 = total;
      }
      sumE4 += total;
      if (total < lowestE4) lowestE4 = total;
      if (total > highestE4) highestE4 = total;
    }
    if (count === 0) return;
    this.#book.add(tally, count, firstAt, lastAt, sumE4, lowestE4, highestE4);
    if (uses & USES.stores) this.#book.addStore(tally, pair.store);
  }

  /** Keeps an order's time or date; ascending, which is the order that they are sorted into. */
  #keep(tally: number, order: number): void {
    const pair = this.#pair;
    const record = tally * TALLY.words;
    const isTime = this.#words[record + TALLY.keep] === KEEP.time;
    this.#book.keep(
      tally,
      isTime
        ? pair.columns.orderedAt[order]!
        : pair.dates(this.#words[record + TALLY.zone]!)[order - pair.first]!,
    );
  }
}
