/**
 * One customer's orders in one store, and what many tallies ask of them, worked out once and only when one
 * does: totals of the latest orders, and the local time of each.
 */
import type { ZoneIndex } from '../compile/plan.ts';
import { localDate, localHour } from './local-time.ts';

/** Of a batch, the orders that count or those that do not. */
export interface OrderColumns {
  readonly orderedAt: Uint32Array;
  readonly totalE4?: Float64Array;
  readonly discountE4?: Float64Array;
  readonly currencyNo?: Uint16Array;
  /** Absent: all are completed. */
  readonly status?: Uint8Array;
}

/** Orders of several currencies have none in common. */
const SEVERAL = -1;
const ORDERS_FIRST = 64;

export class PairOrders {
  readonly #zones: ZoneIndex;
  columns: OrderColumns = { orderedAt: new Uint32Array(0) };
  store = 0;
  /** The orders are [first, end) of the columns, ascending by time. */
  first = 0;
  end = 0;
  /** Counts pairs; what is worked out carries the pair that it is of. */
  #pair = 0;
  #amountsPair = 0;
  #currency = SEVERAL;
  /** By order, from the pair's first on: of it and all later ones. */
  #sumE4 = new Float64Array(ORDERS_FIRST);
  #minimumE4 = new Float64Array(ORDERS_FIRST);
  #maximumE4 = new Float64Array(ORDERS_FIRST);
  /** By zone, and within it by order. */
  readonly #hours: Uint8Array[];
  readonly #hoursPair: Float64Array;
  readonly #dates: Uint32Array[];
  readonly #datesPair: Float64Array;

  constructor(zones: ZoneIndex) {
    this.#zones = zones;
    const count = zones.start.length - 1;
    this.#hours = Array.from({ length: count }, () => new Uint8Array(ORDERS_FIRST));
    this.#hoursPair = new Float64Array(count);
    this.#dates = Array.from({ length: count }, () => new Uint32Array(ORDERS_FIRST));
    this.#datesPair = new Float64Array(count);
  }

  /** Goes to the orders [first, end) of a store; at least one. */
  begin(columns: OrderColumns, store: number, first: number, end: number): void {
    this.columns = columns;
    this.store = store;
    this.first = first;
    this.end = end;
    this.#pair++;
  }

  /** The currency that all orders are in; `SEVERAL`, which no currency's number is, if there are several. */
  currency(): number {
    if (this.#amountsPair !== this.#pair) this.#addAmounts();
    return this.#currency;
  }

  /** Total of an order and all later ones, the lowest and the highest of these; all after `currency()` alone. */
  sumE4From(order: number): number {
    return this.#sumE4[order - this.first]!;
  }

  minimumE4From(order: number): number {
    return this.#minimumE4[order - this.first]!;
  }

  maximumE4From(order: number): number {
    return this.#maximumE4[order - this.first]!;
  }

  /** By order, from the pair's first on: its hour of the local week. */
  hours(zone: number): Uint8Array {
    let hours = this.#hours[zone]!;
    if (this.#hoursPair[zone] === this.#pair) return hours;
    this.#hoursPair[zone] = this.#pair;
    const count = this.end - this.first;
    if (count > hours.length) {
      hours = new Uint8Array(count * 2);
      this.#hours[zone] = hours;
    }
    const { orderedAt } = this.columns;
    for (let i = 0; i < count; i++) hours[i] = localHour(this.#zones, zone, orderedAt[this.first + i]!);
    return hours;
  }

  /** By order, from the pair's first on: its local date, as days since 1969-12-31. */
  dates(zone: number): Uint32Array {
    let dates = this.#dates[zone]!;
    if (this.#datesPair[zone] === this.#pair) return dates;
    this.#datesPair[zone] = this.#pair;
    const count = this.end - this.first;
    if (count > dates.length) {
      dates = new Uint32Array(count * 2);
      this.#dates[zone] = dates;
    }
    const { orderedAt } = this.columns;
    for (let i = 0; i < count; i++) dates[i] = localDate(this.#zones, zone, orderedAt[this.first + i]!);
    return dates;
  }

  #addAmounts(): void {
    this.#amountsPair = this.#pair;
    const { totalE4, currencyNo } = this.columns;
    const { first, end } = this;
    const count = end - first;
    if (count > this.#sumE4.length) {
      this.#sumE4 = new Float64Array(count * 2);
      this.#minimumE4 = new Float64Array(count * 2);
      this.#maximumE4 = new Float64Array(count * 2);
    }
    let sumE4 = 0;
    let minimumE4 = Number.POSITIVE_INFINITY;
    let maximumE4 = Number.NEGATIVE_INFINITY;
    let currency = currencyNo![first]!;
    for (let i = end - 1; i >= first; i--) {
      const total = totalE4![i]!;
      sumE4 += total;
      if (total < minimumE4) minimumE4 = total;
      if (total > maximumE4) maximumE4 = total;
      this.#sumE4[i - first] = sumE4;
      this.#minimumE4[i - first] = minimumE4;
      this.#maximumE4[i - first] = maximumE4;
      if (currencyNo![i] !== currency) currency = SEVERAL;
    }
    this.#currency = currency;
  }
}
