/**
 * Walks one customer's orders and acts on the conditions that they make true. Orders come by store, then
 * time, so the work is per (customer, store) pair: within a pair, the orders of the longest window are a
 * tail of the pair's orders, and those of each shorter window a tail of that tail.
 */
import type { OrderIndex, WindowedList } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import type { Scratch } from './scratch.ts';
import { addToTally, testTallies } from './tally.ts';

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
    let any = false;
    for (let first = from; first < to; ) {
      const store = storeNo[first]!;
      let next = first + 1;
      while (next < to && storeNo[next] === store) next++;
      let end = next;
      while (end > first && orderedAt[end - 1]! > moment) end--;
      if (end > first) {
        any = true;
        this.#walkPair(batch, store, first, end);
      }
      first = next;
    }
    if (any) for (const action of this.#index.everAllAction) this.#scratch.act(action);
    if (this.#scratch.touchedTallies > 0) testTallies(this.#index, this.#scratch);
  }

  /** The orders [first, end) are in one store, ascending by time, none of them in the future. */
  #walkPair(batch: FactBatch, store: number, first: number, end: number): void {
    const { touch, count, tally, everStart, everAction, storeLimit } = this.#index;
    const { orderedAt } = batch;
    if (store < storeLimit) {
      const scratch = this.#scratch;
      const everEnd = everStart[store + 1]!;
      for (let i = everStart[store]!; i < everEnd; i++) scratch.act(everAction[i]!);
      this.#touch(
        touch.window,
        touch.item,
        touch.start[store]!,
        touch.start[store + 1]!,
        orderedAt[end - 1]!,
      );
      this.#count(
        count.window,
        count.item,
        count.start[store]!,
        count.start[store + 1]!,
        orderedAt,
        first,
        end,
      );
      if (tally.item.length > 0) this.#tally(tally, store, batch, first, end);
    }
    this.#walkAllStores(batch, first, end);
  }

  #walkAllStores(batch: FactBatch, first: number, end: number): void {
    const { touch, count, tally } = this.#index;
    const { orderedAt } = batch;
    this.#touch(touch.allWindow, touch.allItem, 0, touch.allItem.length, orderedAt[end - 1]!);
    this.#count(count.allWindow, count.allItem, 0, count.allItem.length, orderedAt, first, end);
    for (let i = 0; i < tally.allItem.length; i++) {
      const after = this.#cutoff[tally.allWindow[i]!]!;
      if (!addToTally(this.#index, tally.allItem[i]!, after, batch, first, end, this.#scratch)) return;
    }
  }

  /** Acts for every window that the latest order of a pair is in. */
  #touch(windows: Uint32Array, actions: Uint32Array, from: number, to: number, latest: number): void {
    const cutoff = this.#cutoff;
    const scratch = this.#scratch;
    for (let i = from; i < to; i++) {
      if (latest <= cutoff[windows[i]!]!) return;
      scratch.act(actions[i]!);
    }
  }

  /** Adds the orders of a pair to counters, and acts where a counter reaches its threshold. */
  #count(
    windows: Uint32Array,
    counters: Uint32Array,
    from: number,
    to: number,
    orderedAt: Uint32Array,
    first: number,
    end: number,
  ): void {
    const cutoff = this.#cutoff;
    const scratch = this.#scratch;
    const { counter, epoch } = scratch;
    let window = -1;
    let start = first;
    for (let i = from; i < to; i++) {
      if (windows[i] !== window) {
        window = windows[i]!;
        const after = cutoff[window]!;
        while (start < end && orderedAt[start]! <= after) start++;
        if (start === end) return;
      }
      const slot = counters[i]! * 4;
      const before = counter[slot] === epoch ? counter[slot + 1]! : 0;
      const orders = before + end - start;
      counter[slot] = epoch;
      counter[slot + 1] = orders;
      if (orders >= counter[slot + 2]! && before < counter[slot + 2]!) scratch.act(counter[slot + 3]!);
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
