/**
 * One customer's facts on the workbench: read from a value or from rows, brought up to date by later rows,
 * and written as a value again. One record serves all customers in turn, so nothing is allocated for each.
 */
import { type Column, ColumnBlock } from '../column-block.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import {
  HEAD_CURRENCY,
  HEAD_DISCOUNT,
  HEAD_HUNDREDTHS,
  HEADER_BYTES,
  readTraits,
  STATUS_MASK,
} from './customer-value.ts';

/** The columns of an order, in every place where orders are rows; see `ORDER_COLUMN_TYPES`. */
const STORE = 1;
const TIME = 2;
const TOTAL = 3;
const DISCOUNT = 4;
const CURRENCY = 5;
const STATUS = 6;
const HASH_LOW = 7;
const HASH_HIGH = 8;

/** Customer, store, time, total, discount, currency, status, and the two halves of the id's hash. */
export const ORDER_COLUMN_TYPES = [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Float64Array,
  Float64Array,
  Uint16Array,
  Uint16Array,
  Uint32Array,
  Uint32Array,
] as const;

/** Customer, name, value, and the number that it stands for or NaN. */
export const TRAIT_COLUMN_TYPES = [Uint32Array, Uint32Array, Uint32Array, Float64Array] as const;

/** An order at its longest: head, store, time, currency, two amounts, hash. */
const ORDER_BYTES_MAX = 1 + 5 + 5 + 3 + 8 + 8 + 8;
const TRAIT_BYTES_MAX = 5 + 5 + 8;
/** Out of order by more than this many, orders are sorted instead of inserted. */
const INSERTIONS_MAX = 32;

const reader = new ByteReader();

export class CustomerRecord {
  readonly #orders = new ColumnBlock(ORDER_COLUMN_TYPES, 256);
  readonly #traits = new ColumnBlock(TRAIT_COLUMN_TYPES, 16);
  readonly #writer = new ByteWriter();
  /** Positions of orders by hash: open addressing, −1 is empty. Made when rows replace orders. */
  #places = new Int32Array(0);
  /** Of the part of `#places` that is in use. */
  #mask = 0;
  #sorted = new Uint32Array(256);
  /** How many orders may be out of order. */
  #moved = 0;

  /** Orders of all states. */
  get orderCount(): number {
    return this.#orders.count;
  }

  clear(): void {
    this.#orders.count = 0;
    this.#traits.count = 0;
    this.#moved = 0;
  }

  /** Takes the facts of a value in place of its own. */
  read(value: Buffer): void {
    this.clear();
    reader.reset(value);
    const count = reader.uint32();
    reader.uint32();
    while (count > this.#orders.capacity) this.#orders.grow();
    const columns = this.#orders.columns;
    let storeNo = 0;
    let orderedAt = 0;
    let currencyNo = 0;
    const hashes = value.length - 8 * count;
    for (let i = 0; i < count; i++) {
      const head = reader.byte();
      storeNo += reader.varint();
      orderedAt = (orderedAt + reader.signed32()) >>> 0;
      if (head & HEAD_CURRENCY) currencyNo = reader.varint();
      const unit = head & HEAD_HUNDREDTHS ? 100 : 1;
      columns[STORE]![i] = storeNo;
      columns[TIME]![i] = orderedAt;
      columns[TOTAL]![i] = reader.signed() * unit;
      columns[DISCOUNT]![i] = head & HEAD_DISCOUNT ? reader.signed() * unit : 0;
      columns[CURRENCY]![i] = currencyNo;
      columns[STATUS]![i] = head & STATUS_MASK;
      columns[HASH_LOW]![i] = value.readUInt32LE(hashes + 8 * i);
      columns[HASH_HIGH]![i] = value.readUInt32LE(hashes + 8 * i + 4);
    }
    this.#orders.count = count;
    readTraits(value, 0, this.#traits);
  }

  /** Appends rows that are later than all it has, by store and time, and versions of none of them. */
  appendOrders(columns: readonly Column[], from: number, to: number): void {
    const orders = this.#orders;
    while (orders.count + to - from > orders.capacity) orders.grow();
    for (let c = STORE; c <= HASH_HIGH; c++) {
      const source = columns[c]!;
      const target = orders.columns[c]!;
      let at = orders.count;
      for (let i = from; i < to; i++) target[at++] = source[i]!;
    }
    orders.count += to - from;
  }

  /** Takes rows in, each in place of the version of the same order if there is one: later rows win. */
  replaceOrders(columns: readonly Column[], from: number, to: number): void {
    if (from === to) return;
    const orders = this.#orders;
    while (orders.count + to - from > orders.capacity) orders.grow();
    this.#findPlaces(orders.count + to - from);
    const lows = columns[HASH_LOW]!;
    const highs = columns[HASH_HIGH]!;
    for (let i = from; i < to; i++) {
      const place = this.#placeOf(lows[i]!, highs[i]!);
      let at = this.#places[place]!;
      if (at < 0) {
        at = orders.count++;
        this.#places[place] = at;
      }
      for (let c = STORE; c <= HASH_HIGH; c++) orders.columns[c]![at] = columns[c]![i]!;
    }
    this.#moved += to - from;
  }

  /** Takes rows in, each in place of the value of the same trait if there is one: later rows win. */
  replaceTraits(columns: readonly Column[], from: number, to: number): void {
    const traits = this.#traits;
    while (traits.count + to - from > traits.capacity) traits.grow();
    const names = traits.columns[1]!;
    for (let i = from; i < to; i++) {
      const nameNo = columns[1]![i]!;
      let at = traits.count;
      while (at > 0 && names[at - 1]! >= nameNo) at--;
      if (at === traits.count || names[at] !== nameNo) {
        for (const column of traits.columns) column.copyWithin(at + 1, at, traits.count);
        traits.count++;
      }
      for (let c = 1; c < TRAIT_COLUMN_TYPES.length; c++) traits.columns[c]![at] = columns[c]![i]!;
    }
  }

  /** The facts as a value, valid until the next one; empty when there are none. */
  write(): Buffer {
    const { count } = this.#orders;
    const writer = this.#writer;
    writer.reset(HEADER_BYTES + count * ORDER_BYTES_MAX + 5 + this.#traits.count * TRAIT_BYTES_MAX);
    if (count === 0 && this.#traits.count === 0) return writer.written();
    this.#sort();
    writer.word(count);
    writer.word(0);
    this.#writeOrders();
    writer.wordAt(writer.at, 4);
    this.#writeTraits();
    this.#writeHashes();
    return writer.written();
  }

  #writeOrders(): void {
    const writer = this.#writer;
    const sorted = this.#sorted;
    const { columns, count } = this.#orders;
    const [, stores, times, totals, discounts, currencies, statuses] = columns;
    let storeNo = 0;
    let orderedAt = 0;
    let currencyNo = 0;
    for (let k = 0; k < count; k++) {
      const i = sorted[k]!;
      const currency = currencies![i]!;
      let total = totals![i]!;
      let discount = discounts![i]!;
      let head = statuses![i]!;
      if (currency !== currencyNo) head |= HEAD_CURRENCY;
      if (discount !== 0) head |= HEAD_DISCOUNT;
      if (isHundredths(total) && isHundredths(discount)) {
        head |= HEAD_HUNDREDTHS;
        total /= 100;
        discount /= 100;
      }
      writer.byte(head);
      writer.varint(stores![i]! - storeNo);
      writer.signed32((times![i]! - orderedAt) | 0);
      if (currency !== currencyNo) writer.varint(currency);
      writer.signed(total);
      if (discount !== 0) writer.signed(discount);
      storeNo = stores![i]!;
      orderedAt = times![i]!;
      currencyNo = currency;
    }
  }

  #writeHashes(): void {
    const writer = this.#writer;
    const sorted = this.#sorted;
    const { columns, count } = this.#orders;
    const lows = columns[HASH_LOW]!;
    const highs = columns[HASH_HIGH]!;
    for (let k = 0; k < count; k++) {
      const i = sorted[k]!;
      writer.word(lows[i]!);
      writer.word(highs[i]!);
    }
  }

  #writeTraits(): void {
    const writer = this.#writer;
    const [, names, values, numbers] = this.#traits.columns;
    writer.varint(this.#traits.count);
    let nameNo = 0;
    for (let i = 0; i < this.#traits.count; i++) {
      const isNumber = !Number.isNaN(numbers![i]!);
      writer.varint(names![i]! - nameNo);
      writer.varint(2 * values![i]! + (isNumber ? 1 : 0));
      if (isNumber) writer.float64(numbers![i]!);
      nameNo = names![i]!;
    }
  }

  /** Puts the positions of orders in the order of store and time. */
  #sort(): void {
    const { columns, count, capacity } = this.#orders;
    if (this.#sorted.length < count) this.#sorted = new Uint32Array(capacity);
    const sorted = this.#sorted;
    const stores = columns[STORE]!;
    const times = columns[TIME]!;
    for (let i = 0; i < count; i++) sorted[i] = i;
    if (this.#moved > INSERTIONS_MAX) {
      sorted.subarray(0, count).sort((a, b) => stores[a]! - stores[b]! || times[a]! - times[b]!);
      return;
    }
    for (let i = 1; i < count; i++) {
      const order = sorted[i]!;
      let at = i;
      for (; at > 0; at--) {
        const before = sorted[at - 1]!;
        if (stores[before]! < stores[order]!) break;
        if (stores[before] === stores[order] && times[before]! <= times[order]!) break;
        sorted[at] = before;
      }
      sorted[at] = order;
    }
  }

  #findPlaces(countMax: number): void {
    let size = 16;
    while (size < 2 * countMax) size *= 2;
    if (this.#places.length < size) this.#places = new Int32Array(size);
    this.#places.fill(-1, 0, size);
    this.#mask = size - 1;
    const { columns, count } = this.#orders;
    for (let i = 0; i < count; i++) {
      this.#places[this.#placeOf(columns[HASH_LOW]![i]!, columns[HASH_HIGH]![i]!)] = i;
    }
  }

  /** Where the order of this hash is in the table, or would be. */
  #placeOf(low: number, high: number): number {
    const mask = this.#mask;
    const lows = this.#orders.columns[HASH_LOW]!;
    const highs = this.#orders.columns[HASH_HIGH]!;
    let place = low & mask;
    for (;;) {
      const at = this.#places[place]!;
      if (at < 0 || (lows[at] === low && highs[at] === high)) return place;
      place = (place + 1) & mask;
    }
  }
}

/** Whether an amount is a whole multiple of 100; by integers where it can be, since `%` of floats is slow. */
function isHundredths(amountE4: number): boolean {
  const whole = amountE4 | 0;
  if (whole === amountE4) return ((whole / 100) | 0) * 100 === whole;
  return amountE4 % 100 === 0;
}
