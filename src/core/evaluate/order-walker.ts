/**
 * Walks one customer's orders and acts on the conditions that they make true. Orders come by store, then
 * time, so the work is per (customer, store) pair: within a pair, the orders of the longest window are a
 * tail of the pair's orders, and those of each shorter window a tail of that tail.
 */
import { LOOK_HEADER } from '../compile/look-list.ts';
import type { OrderIndex, WindowedList } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import type { Scratch } from './scratch.ts';
import { addToTally, testTallies } from './tally.ts';

/** A count's first word holds the window below its threshold. */
const WINDOW_BITS = 16;
const WINDOW = (1 << WINDOW_BITS) - 1;

export class OrderWalker {
  readonly #index: OrderIndex;
  readonly #scratch: Scratch;
  readonly #moment: number;
  /** For each window of the plan the time after which orders are in it; seconds. */
  readonly #cutoff: Float64Array;

  /** @param moment - Seconds since 1970; later orders do not count yet. */
  constructor(index: OrderIndex, scratch: Scratch, moment: number) {
    this.#index = index;
    this.#scratch = scratch;
    this.#moment = moment;
    this.#cutoff = index.windowS.map((window) => moment - window);
  }

  /** Acts on the orders [from, to) of a batch, which are all of one customer's. */
  walk(batch: FactBatch, from: number, to: number): void {
    const { storeNo, orderedAt } = batch;
    const moment = this.#moment;
    for (let first = from; first < to; ) {
      const store = storeNo[first]!;
      let next = first + 1;
      while (next < to && storeNo[next] === store) next++;
      let end = next;
      while (end > first && orderedAt[end - 1]! > moment) end--;
      if (end > first) this.#walkPair(batch, store, first, end);
      first = next;
    }
    if (this.#scratch.touchedTallies > 0) testTallies(this.#index, this.#scratch);
  }

  /** The orders [first, end) are in one store, ascending by time, none of them in the future. */
  #walkPair(batch: FactBatch, store: number, first: number, end: number): void {
    const { look, lookStart, lookAll, tally, storeLimit } = this.#index;
    const { orderedAt } = batch;
    if (store < storeLimit) {
      const at = lookStart[store]!;
      if (at < lookStart[store + 1]!) this.#walkList(look, at, orderedAt, first, end);
      if (tally.item.length > 0) this.#tally(tally, store, batch, first, end);
    }
    this.#walkList(lookAll, 0, orderedAt, first, end);
    for (let i = 0; i < tally.allItem.length; i++) {
      const after = this.#cutoff[tally.allWindow[i]!]!;
      if (!addToTally(this.#index, tally.allItem[i]!, after, batch, first, end, this.#scratch)) return;
    }
  }

  /** Acts on a pair's orders by one list; see `OrderIndex.look`. */
  #walkList(list: Uint32Array, at: number, orderedAt: Uint32Array, first: number, end: number): void {
    const scratch = this.#scratch;
    const cutoff = this.#cutoff;
    const evers = at + LOOK_HEADER + list[at]!;
    const touches = evers + list[at + 1]! * 2;
    const counts = touches + list[at + 2]! * 2;
    for (let i = at + LOOK_HEADER; i < evers; i++) scratch.act(list[i]!);
    const latest = orderedAt[end - 1]!;
    for (let i = evers; i < touches; i += 2) {
      if (latest <= cutoff[list[i]!]!) break;
      scratch.act(list[i + 1]!);
    }
    let start = first;
    for (let i = touches; i < counts; i += 2) {
      const test = list[i]!;
      const after = cutoff[test & WINDOW]!;
      while (start < end && orderedAt[start]! <= after) start++;
      if (start === end) return;
      scratch.count(list[i + 1]!, end - start, test >>> WINDOW_BITS);
    }
  }

  #tally(list: WindowedList, store: number, batch: FactBatch, first: number, end: number): void {
    const to = list.start[store + 1]!;
    for (let i = list.start[store]!; i < to; i++) {
      const after = this.#cutoff[list.window[i]!]!;
      if (!addToTally(this.#index, list.item[i]!, after, batch, first, end, this.#scratch)) return;
    }
  }
}
