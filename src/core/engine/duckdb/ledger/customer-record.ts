/**
 * One customer's facts on the workbench: read from a value or from rows, brought up to date by later rows,
 * and written as a value again. One record serves all customers in turn, so nothing is allocated for each.
 */
import { type Column, ColumnBlock } from '../column-block.ts';
import { TRAIT_TYPES } from '../fact-columns.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import {
  HEAD_CURRENCY,
  HEAD_DISCOUNT,
  HEAD_HUNDREDTHS,
  HEADER_BYTES,
  readTraits,
  STATUS_MASK,
  TRAIT_FOR_EVER,
  TRAIT_HEAD,
  TRAIT_MOMENT,
  TRAIT_NUMBER,
} from './customer-value.ts';
import { EventList } from './event-list.ts';
import type { EventRows } from './event-rows.ts';
import { PlaceOrder } from './place-order.ts';

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

/** The moment of a row that stands for no value: the customer is no longer on the list. */
export const REMOVED_MOMENT = Number.NEGATIVE_INFINITY;
/** Columns of traits, as of `TRAIT_TYPES`. */
const NAME = 1;
const MOMENT = 4;

/** An order at its longest: head, store, time, currency, two amounts, hash. */
const ORDER_BYTES_MAX = 1 + 5 + 5 + 3 + 8 + 8 + 8;
const TRAIT_BYTES_MAX = 5 + 5 + 8 + 5;

const reader = new ByteReader();

export class CustomerRecord {
  /** Rows of events are added to it. */
  readonly events = new EventList();
  readonly #orders = new ColumnBlock(ORDER_COLUMN_TYPES, 256);
  readonly #traits = new ColumnBlock(TRAIT_TYPES, 16);
  readonly #order = new PlaceOrder();
  readonly #writer = new ByteWriter();
  /** Positions of orders by hash: open addressing, −1 is empty. Made when rows replace orders. */
  #places = new Int32Array(0);
  /** Of the part of `#places` that is in use. */
  #mask = 0;
  /** How many orders may be out of order. */
  #moved = 0;

  /** Orders of all states. */
  get orderCount(): number {
    return this.#orders.count;
  }

  clear(): void {
    this.#orders.count = 0;
    this.#traits.count = 0;
    this.events.clear();
    this.#moved = 0;
  }

  /** Takes the facts of a value in place of its own. */
  read(value: Buffer): void {
    this.clear();
    reader.reset(value);
    const count = reader.uint32();
    reader.uint32();
    const events = reader.uint32();
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
    reader.at = events;
    this.events.read(value, reader);
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

  /** Takes rows in, each in place of the value of the same name if there is one: later rows win. */
  replaceTraits(columns: readonly Column[], from: number, to: number): void {
    const traits = this.#traits;
    while (traits.count + to - from > traits.capacity) traits.grow();
    const names = traits.columns[NAME]!;
    for (let i = from; i < to; i++) {
      const nameNo = columns[NAME]![i]!;
      let at = traits.count;
      while (at > 0 && names[at - 1]! >= nameNo) at--;
      const isKnown = at < traits.count && names[at] === nameNo;
      if (columns[MOMENT]![i] === REMOVED_MOMENT) {
        if (isKnown) this.#removeTrait(at);
        continue;
      }
      if (!isKnown) {
        for (const column of traits.columns) column.copyWithin(at + 1, at, traits.count);
        traits.count++;
      }
      for (let c = NAME; c <= MOMENT; c++) traits.columns[c]![at] = columns[c]![i]!;
    }
  }

  /** Lets go of scores that will not be asked for again. */
  dropTraits(names: ReadonlySet<number>): void {
    if (names.size === 0) return;
    for (let at = this.#traits.count - 1; at >= 0; at--) {
      if (names.has(this.#traits.columns[NAME]![at]!)) this.#removeTrait(at);
    }
  }

  #removeTrait(at: number): void {
    for (const column of this.#traits.columns) column.copyWithin(at, at + 1, this.#traits.count);
    this.#traits.count--;
  }

  /** The facts as a value, valid until the next one; empty when there are none. */
  write(): Buffer {
    const { count } = this.#orders;
    const writer = this.#writer;
    const traitBytesMax = 5 + this.#traits.count * TRAIT_BYTES_MAX;
    writer.reset(HEADER_BYTES + count * ORDER_BYTES_MAX + traitBytesMax + this.events.bytesMax);
    if (count + this.#traits.count + this.events.count === 0) return writer.written();
    const { columns } = this.#orders;
    const order = this.#order.by(columns[STORE]!, columns[TIME]!, count, this.#moved);
    writer.word(count);
    writer.word(0);
    writer.word(0);
    this.#writeOrders(order);
    writer.wordAt(writer.at, 4);
    this.#writeTraits();
    writer.wordAt(writer.at, 8);
    this.events.write(writer);
    this.#writeHashes(order);
    return writer.written();
  }

  #writeOrders(sorted: Uint32Array): void {
    const writer = this.#writer;
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

  #writeHashes(sorted: Uint32Array): void {
    const writer = this.#writer;
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
    const [, names, values, numbers, moments] = this.#traits.columns;
    writer.varint(this.#traits.count);
    let nameNo = 0;
    for (let i = 0; i < this.#traits.count; i++) {
      const number = numbers![i]!;
      const moment = moments![i]!;
      let head = Number.isNaN(number) ? 0 : TRAIT_NUMBER;
      if (Number.isFinite(moment)) head |= TRAIT_MOMENT;
      else if (moment === Number.POSITIVE_INFINITY) head |= TRAIT_FOR_EVER;
      writer.varint(names![i]! - nameNo);
      writer.varint(TRAIT_HEAD * values![i]! + head);
      if (head & TRAIT_NUMBER) writer.float64(number);
      if (head & TRAIT_MOMENT) writer.varint(moment);
      nameNo = names![i]!;
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

/** Takes rows of events in. */
export function addEvents(record: CustomerRecord, rows: EventRows, from: number, to: number): void {
  const [, names, times, batches] = rows.columns;
  for (let i = from; i < to; i++) {
    record.events.add(names![i]!, times![i]!, batches![i]!, rows.properties[i]!);
  }
}

/** Whether an amount is a whole multiple of 100; by integers where it can be, since `%` of floats is slow. */
function isHundredths(amountE4: number): boolean {
  const whole = amountE4 | 0;
  if (whole === amountE4) return ((whole / 100) | 0) * 100 === whole;
  return amountE4 % 100 === 0;
}
