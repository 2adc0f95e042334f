/** Adds orders that pass a filter to tallies. Amounts are whole ten-thousandths, exact up to 2^53. */
import { ANY_TIME } from '../compile/clocks.ts';
import type { OrderIndex, ZoneIndex } from '../compile/plan.ts';
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
    const { orderedAt, status } = orders;
    const index = this.#index;
    const statuses = index.tallyStatuses[tally]!;
    const clock = index.tallyClock[tally]!;
    const readsAmounts = index.tallyAmounts[tally] === 1;
    let added = 0;
    for (let i = end - 1; i >= first && orderedAt[i]! > after; i--) {
      if (status !== undefined && ((statuses >>> status[i]!) & 1) === 0) continue;
      if (readsAmounts && !passesAmounts(index, tally, orders, i)) continue;
      const at = orderedAt[i]!;
      if (clock !== ANY_TIME && !isOnClock(index, this.#zones, clock, at)) continue;
      this.#book.add(tally, at, readsAmounts ? orders.totalE4![i]! : 0);
      added++;
    }
    if (added > 0) this.#book.addStore(tally, store);
  }
}

function passesAmounts(index: OrderIndex, tally: number, orders: OrderColumns, i: number): boolean {
  const currency = index.tallyCurrency[tally]!;
  if (currency >= 0 && orders.currencyNo![i] !== currency) return false;
  if (orders.totalE4![i]! < index.tallyMinimumE4[tally]!) return false;
  const discounted = index.tallyDiscounted[tally]!;
  return discounted < 0 || Number(orders.discountE4![i]! > 0) === discounted;
}
