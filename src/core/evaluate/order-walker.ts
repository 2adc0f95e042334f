/**
 * Walks one customer's orders and acts on the conditions that they make true. Orders come by store, then
 * time, so the work is per (customer, store) pair: within a pair, the orders of the longest window are a
 * tail of the pair's orders, and those of each shorter window a tail of that tail.
 */
import { LOOK_HEADER } from '../compile/look-list.ts';
import type { OrderIndex, WindowedList } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import type { OrderTallies } from './order-tallies.ts';
import type { OrderColumns, PairOrders } from './pair-orders.ts';
import type { Scratch } from './scratch.ts';
import { endOfCustomer, NO_CUSTOMER, type Walker } from './walker.ts';

/** A count's first word holds the window below its threshold. */
const WINDOW_BITS = 16;
const WINDOW = (1 << WINDOW_BITS) - 1;

export class OrderWalker implements Walker {
  customerNo = NO_CUSTOMER;
  readonly #index: OrderIndex;
  readonly #scratch: Scratch;
  readonly #pair: PairOrders;
  readonly #tallies: OrderTallies;
  readonly #moment: number;
  /** For each window of the plan the time after which orders are in it; seconds. */
  readonly #cutoff: Float64Array;
  #batch: FactBatch | undefined;
  #next = 0;
  #nextUncounted = 0;
  /** Takes what is read ahead, so that it is read. */
  readonly #seen = new Uint32Array(1);

  /** @param moment - Seconds since 1970; later orders do not count yet. */
  constructor(
    index: OrderIndex,
    target: { readonly scratch: Scratch; readonly pair: PairOrders; readonly tallies: OrderTallies },
    moment: number,
  ) {
    this.#index = index;
    this.#scratch = target.scratch;
    this.#pair = target.pair;
    this.#tallies = target.tallies;
    this.#moment = moment;
    this.#cutoff = index.windowS.map((window) => moment - window);
  }

  begin(batch: FactBatch): void {
    this.#batch = batch;
    this.#next = 0;
    this.#nextUncounted = 0;
    this.#seek(batch);
  }

  walk(): void {
    const batch = this.#batch!;
    const { uncounted } = batch;
    const from = this.#next;
    this.#next = endOfCustomer(batch.customerNo, from, batch.orderCount, this.customerNo);
    this.#foresee(batch.storeNo, from, this.#next);
    if (uncounted === undefined) this.#walkOrders(batch, from, this.#next);
    else {
      const fromUncounted = this.#nextUncounted;
      const { customerNo, count } = uncounted;
      this.#nextUncounted = endOfCustomer(customerNo, fromUncounted, count, this.customerNo);
      if (fromUncounted === this.#nextUncounted) this.#walkOrders(batch, from, this.#next);
      else this.#walkBoth(batch, from, this.#next, uncounted, fromUncounted, this.#nextUncounted);
    }
    this.#seek(batch);
  }

  #seek({ customerNo, orderCount, uncounted }: FactBatch): void {
    const counted = this.#next < orderCount ? customerNo[this.#next]! : NO_CUSTOMER;
    const other =
      uncounted !== undefined && this.#nextUncounted < uncounted.count
        ? uncounted.customerNo[this.#nextUncounted]!
        : NO_CUSTOMER;
    this.customerNo = Math.min(counted, other);
  }

  /** Reads the first words of the lists of all stores, so that the cache misses overlap. */
  #foresee(storeNo: Uint32Array, from: number, to: number): void {
    const { look, lookStart, tally, storeLimit } = this.#index;
    let seen = 0;
    let last = -1;
    for (let i = from; i < to; i++) {
      const store = storeNo[i]!;
      if (store === last || store >= storeLimit) continue;
      last = store;
      const at = lookStart[store]!;
      if (at < lookStart[store + 1]!) seen |= look[at]!;
      const pair = tally.start[store]!;
      if (pair < tally.start[store + 1]!) seen |= tally.pairs[pair * 2]!;
    }
    this.#seen[0] = seen;
  }

  /** Acts on the orders [from, to) of a batch, which are all of one customer's. */
  #walkOrders(batch: FactBatch, from: number, to: number): void {
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
  }

  /** The same, store by store with orders that do not count, so that each store is met once. */
  #walkBoth(
    batch: FactBatch,
    from: number,
    to: number,
    uncounted: NonNullable<FactBatch['uncounted']>,
    fromUncounted: number,
    toUncounted: number,
  ): void {
    let order = from;
    for (let first = fromUncounted; first < toUncounted; ) {
      const store = uncounted.storeNo[first]!;
      let next = order;
      while (next < to && batch.storeNo[next]! <= store) next++;
      this.#walkOrders(batch, order, next);
      order = next;
      next = first + 1;
      while (next < toUncounted && uncounted.storeNo[next] === store) next++;
      let end = next;
      while (end > first && uncounted.orderedAt[end - 1]! > this.#moment) end--;
      if (end > first) this.#walkTallies(this.#index.uncounted, store, uncounted, first, end);
      first = next;
    }
    this.#walkOrders(batch, order, to);
  }

  /** The orders [first, end) are in one store, ascending by time, none of them in the future. */
  #walkPair(batch: FactBatch, store: number, first: number, end: number): void {
    const { look, lookStart, lookAll, tally, storeLimit } = this.#index;
    const { orderedAt } = batch;
    if (store < storeLimit) {
      const at = lookStart[store]!;
      if (at < lookStart[store + 1]!) this.#walkList(look, at, orderedAt, first, end);
    }
    this.#walkList(lookAll, 0, orderedAt, first, end);
    if (tally.pairs.length + tally.allPairs.length > 0) this.#walkTallies(tally, store, batch, first, end);
  }

  /** Acts on a pair's orders by one list; see `OrderIndex.look`. */
  #walkList(list: Uint32Array, at: number, orderedAt: Uint32Array, first: number, end: number): void {
    const scratch = this.#scratch;
    const cutoff = this.#cutoff;
    const evers = at + LOOK_HEADER + list[at]!;
    const touches = evers + list[at + 1]! * 2;
    const counts = touches + list[at + 2]! * 2;
    scratch.actAll(list, at + LOOK_HEADER, evers);
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

  /** Adds a pair's orders to the tallies of its store and of all stores. */
  #walkTallies(list: WindowedList, store: number, orders: OrderColumns, first: number, end: number): void {
    this.#pair.begin(orders, store, first, end);
    if (store < this.#index.storeLimit) {
      this.#addTo(list.pairs, list.start[store]! * 2, list.start[store + 1]! * 2);
    }
    this.#addTo(list.allPairs, 0, list.allPairs.length);
  }

  /** Adds the pair's orders to tallies; the words [from, to) are pairs of a window and a tally. */
  #addTo(pairs: Uint32Array, from: number, to: number): void {
    const cutoff = this.#cutoff;
    const { columns, first, end } = this.#pair;
    const { orderedAt } = columns;
    // The longest window comes first: those that no order is in are last, and the others' first order only
    // ever moves on.
    const latest = orderedAt[end - 1]!;
    let last = to;
    while (last > from && latest <= cutoff[pairs[last - 2]!]!) last -= 2;
    const uses = this.#tallies.usesOf(pairs, from, last);
    let start = first;
    for (let i = from; i < last; i += 2) {
      const after = cutoff[pairs[i]!]!;
      while (orderedAt[start]! <= after) start++;
      this.#tallies.add(pairs[i + 1]!, uses[(i - from) >>> 1]!, start);
    }
  }
}
