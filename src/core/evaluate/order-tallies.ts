/** Adds orders that pass a filter to tallies. Amounts are whole ten-thousandths, exact up to 2^53. */
import { type OrderIndex, USES, type ZoneIndex } from '../compile/plan.ts';
import { isOnClock } from './local-time.ts';
import type { TallyBook } from './tally-book.ts';

/** Of a batch, the orders that count or those that do not. */
export interface OrderColumns {
  readonly orderedAt: Uint32Array;
  readonly totalE4?: Float64Array;
  readonly discountE4?: Float64Array;
  readonly currencyNo?: Uint16Array;
  /** Absent: all are completed. */
  readonly status?: Uint8Array;
}

/** Bits of `USES` below its own. */
const STATUSES = USES.amounts - 1;

export class OrderTallies {
  readonly #index: OrderIndex;
  readonly #zones: ZoneIndex;
  readonly #book: TallyBook;

  constructor(index: OrderIndex, zones: ZoneIndex, book: TallyBook) {
    this.#index = index;
    this.#zones = zones;
    this.#book = book;
  }

  /** Adds those of the orders [first, end) of one store, ascending, that came after a time and pass. */
  add(tally: number, after: number, orders: OrderColumns, store: number, first: number, end: number): void {
    const { orderedAt, status, totalE4, discountE4, currencyNo } = orders;
    const index = this.#index;
    const book = this.#book;
    const uses = index.tallyUses[tally]!;
    const statuses = uses & STATUSES;
    const currency = index.tallyCurrency[tally]!;
    const minimum = index.tallyMinimumE4[tally]!;
    const discounted = index.tallyDiscounted[tally]!;
    let count = 0;
    let firstAt = 0;
    let lastAt = 0;
    let sumE4 = 0;
    let lowestE4 = 0;
    let highestE4 = 0;
    for (let i = end - 1; i >= first; i--) {
      const at = orderedAt[i]!;
      if (at <= after) break;
      if (status !== undefined && ((statuses >>> status[i]!) & 1) === 0) continue;
      let total = 0;
      if (uses & USES.amounts) {
        total = totalE4![i]!;
        if (currency >= 0 && currencyNo![i] !== currency) continue;
        if (total < minimum) continue;
        if (discounted >= 0 && Number(discountE4![i]! > 0) !== discounted) continue;
      }
      if (uses & USES.clock && !isOnClock(index, this.#zones, index.tallyClock[tally]!, at)) continue;
      if (uses & USES.keep) book.keep(tally, at);
      if (count++ === 0) {
        lastAt = at;
        lowestE4 = total;
        highestE4 = total;
      }
      firstAt = at;
      sumE4 += total;
      if (total < lowestE4) lowestE4 = total;
      if (total > highestE4) highestE4 = total;
    }
    if (count === 0) return;
    book.add(tally, count, firstAt, lastAt, sumE4, lowestE4, highestE4);
    if (uses & USES.stores) book.addStore(tally, store);
  }
}
