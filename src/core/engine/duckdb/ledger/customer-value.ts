/**
 * A customer's facts as one binary value: about 17 bytes an order. Integers are LEB128 (7 bits a byte,
 * lowest first), signed ones zigzag-coded before.
 *
 *     u32 orders · u32 where the traits begin · u32 where the events begin
 *     orders, ascending by store, then time:
 *       head: bits 0–1 status, 2 another currency than the order before, 3 amounts are whole hundredths,
 *             4 there is a discount
 *       store (distance) · time (signed 32-bit distance, wrapping) · [currency] · total · [discount]
 *     traits, scores and lists, ascending by name: count, then
 *       name (distance) · value × 8 + (1: a number, 2: a moment, 4: for ever) · [f64] · [moment]
 *     events, ascending by name, then time: the last batch that brought one · count, then
 *       name (distance) · time (as of orders) · bytes of the properties · properties (JSON; none for {})
 *     8 bytes an order: the hash of its id, in the same order; last, since a scan does not read it
 *
 * Orders of all states are kept, so that a later version finds the one that it replaces; so are scores of
 * versions that are not in force, so that an activation changes no value.
 */
import { traitNumber } from '../../../../model/fact.ts';
import { type EventColumns, FIRST_VALUE_NO, STATUS_CODE } from '../../fact-batch.ts';
import type { ColumnBlock } from '../column-block.ts';
import { EVENT_PROPERTIES_AT } from '../fact-columns.ts';
import { ByteReader } from './byte-reader.ts';

/** Raised whenever the value's shape changes. */
export const VALUE_FORMAT = 2;

export const HEADER_BYTES = 12;
export const STATUS_MASK = 3;
export const HEAD_CURRENCY = 4;
export const HEAD_HUNDREDTHS = 8;
export const HEAD_DISCOUNT = 16;
/** Bits below a trait's value. */
export const TRAIT_HEAD = 8;
export const TRAIT_NUMBER = 1;
export const TRAIT_MOMENT = 2;
export const TRAIT_FOR_EVER = 4;

/** Columns of orders in a `FactBatch`'s block, with amounts or without. */
const CUSTOMER = 0;
const STORE = 1;
const TIME = 2;
const TOTAL = 3;
const DISCOUNT = 4;
const CURRENCY = 5;
const STATUS = 6;

const reader = new ByteReader();

/**
 * Appends the orders of a value to blocks, which grow if they must.
 *
 * @param into - `counted`: columns of `orderTypes`; `uncounted`: of `UNCOUNTED_TYPES`; absent ones are left out.
 */
export function readOrders(
  value: Buffer,
  customerNo: number,
  into: { readonly counted?: ColumnBlock; readonly uncounted?: ColumnBlock; readonly amounts: boolean },
): void {
  reader.reset(value);
  const orders = reader.uint32();
  reader.at = HEADER_BYTES;
  for (const block of [into.counted, into.uncounted]) {
    while (block !== undefined && block.count + orders > block.capacity) block.grow();
  }
  let storeNo = 0;
  let orderedAt = 0;
  let currencyNo = 0;
  for (let i = 0; i < orders; i++) {
    const head = reader.byte();
    storeNo += reader.varint();
    orderedAt = (orderedAt + reader.signed32()) >>> 0;
    if (head & HEAD_CURRENCY) currencyNo = reader.varint();
    const unit = head & HEAD_HUNDREDTHS ? 100 : 1;
    const total = reader.signed();
    const discount = head & HEAD_DISCOUNT ? reader.signed() : 0;
    const status = head & STATUS_MASK;
    const counts = status === STATUS_CODE.completed;
    const block = counts ? into.counted : into.uncounted;
    if (block === undefined) continue;
    const columns = block.columns;
    const at = block.count++;
    columns[CUSTOMER]![at] = customerNo;
    columns[STORE]![at] = storeNo;
    columns[TIME]![at] = orderedAt;
    if (!counts) columns[STATUS]![at] = status;
    else if (!into.amounts) continue;
    columns[TOTAL]![at] = total * unit;
    columns[DISCOUNT]![at] = discount * unit;
    columns[CURRENCY]![at] = currencyNo;
  }
}

/** Which names a scan brings. */
export interface NameFilter {
  /** Only these; absent: all. */
  readonly only?: ReadonlySet<number>;
  /** None of these. */
  readonly hidden?: ReadonlySet<number>;
}

/** Appends traits, scores and lists of a value to a block of `TRAIT_TYPES`, which grows if it must. */
export function readTraits(
  value: Buffer,
  customerNo: number,
  block: ColumnBlock,
  { only, hidden }: NameFilter = {},
): void {
  reader.reset(value);
  reader.at = 4;
  reader.at = reader.uint32();
  const traits = reader.varint();
  while (block.count + traits > block.capacity) block.grow();
  const [customers, names, values, numbers, moments] = block.columns;
  let at = block.count;
  let nameNo = 0;
  for (let i = 0; i < traits; i++) {
    nameNo += reader.varint();
    const coded = reader.varint();
    const head = coded % TRAIT_HEAD;
    const number = head & TRAIT_NUMBER ? reader.float64() : Number.NaN;
    const ends = head & TRAIT_FOR_EVER ? Number.POSITIVE_INFINITY : Number.NaN;
    const moment = head & TRAIT_MOMENT ? reader.varint() : ends;
    if (hidden?.has(nameNo) || only?.has(nameNo) === false) continue;
    customers![at] = customerNo;
    names![at] = nameNo;
    values![at] = Math.floor(coded / TRAIT_HEAD);
    numbers![at] = number;
    moments![at] = moment;
    at++;
  }
  block.count = at;
}

/** What a scan brings of events, ready to be looked up. */
export class EventFilter {
  readonly names: ReadonlySet<number>;
  readonly properties: readonly { readonly name: string; readonly valueNos: ReadonlyMap<string, number> }[];

  constructor({ names, properties }: EventColumns) {
    this.names = new Set(names);
    this.properties = properties.map(({ name, values }) => ({
      name,
      valueNos: new Map(values.map((value, i) => [value, i + FIRST_VALUE_NO])),
    }));
  }
}

/** Appends events of a value to a block of `eventTypes`, which grows if it must. */
export function readEvents(
  value: Buffer,
  customerNo: number,
  block: ColumnBlock,
  { names, properties }: EventFilter,
): void {
  reader.reset(value);
  reader.at = 8;
  reader.at = reader.uint32();
  reader.varint();
  const events = reader.varint();
  while (block.count + events > block.capacity) block.grow();
  const { columns } = block;
  let nameNo = 0;
  let occurredAt = 0;
  for (let i = 0; i < events; i++) {
    nameNo += reader.varint();
    occurredAt = (occurredAt + reader.signed32()) >>> 0;
    const length = reader.varint();
    const from = reader.at;
    reader.at = from + length;
    if (!names.has(nameNo)) continue;
    const at = block.count++;
    columns[0]![at] = customerNo;
    columns[1]![at] = nameNo;
    columns[2]![at] = occurredAt;
    if (properties.length === 0) continue;
    const found: Record<string, string> =
      length === 0 ? {} : JSON.parse(value.toString('utf8', from, from + length));
    properties.forEach(({ name, valueNos }, p) => {
      const text = Object.hasOwn(found, name) ? found[name] : undefined;
      const place = EVENT_PROPERTIES_AT + 2 * p;
      columns[place]![at] = text === undefined ? 0 : (valueNos.get(text) ?? 1);
      columns[place + 1]![at] = (text === undefined ? undefined : traitNumber(text)) ?? Number.NaN;
    });
  }
}
