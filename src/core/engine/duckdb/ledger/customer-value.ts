/**
 * A customer's facts as one binary value: about 17 bytes an order. Integers are LEB128 (7 bits a byte,
 * lowest first), signed ones zigzag-coded before.
 *
 *     u32 orders · u32 where the traits begin
 *     orders, ascending by store, then time:
 *       head: bits 0–1 status, 2 another currency than the order before, 3 amounts are whole hundredths,
 *             4 there is a discount
 *       store (distance) · time (signed 32-bit distance, wrapping) · [currency] · total · [discount]
 *     traits, ascending by name: count, then name (distance) · value × 2 + (1 if it is a number) · [f64]
 *     8 bytes an order: the hash of its id, in the same order; last, since a scan does not read it
 *
 * Cancelled and refunded orders are kept, so that a later version finds the one that it replaces.
 */
import type { ColumnBlock } from '../column-block.ts';
import { ByteReader } from './byte-reader.ts';

/** Raised whenever the value's shape changes. */
export const VALUE_FORMAT = 1;

export const HEADER_BYTES = 8;
export const STATUS_MASK = 3;
export const HEAD_CURRENCY = 4;
export const HEAD_HUNDREDTHS = 8;
export const HEAD_DISCOUNT = 16;
/** As the tables number it. */
const COMPLETED = 0;

/** Columns of orders in a `FactBatch`'s block, with amounts or without. */
const CUSTOMER = 0;
const STORE = 1;
const TIME = 2;
const TOTAL = 3;
const DISCOUNT = 4;
const CURRENCY = 5;

const reader = new ByteReader();

/**
 * Appends the orders of a value that count to a block, which grows if it must.
 *
 * @param block - Columns: customer, store, time, and with amounts: total, discount, currency.
 */
export function readOrders(value: Buffer, customerNo: number, block: ColumnBlock, amounts: boolean): void {
  reader.reset(value);
  const orders = reader.uint32();
  reader.uint32();
  while (block.count + orders > block.capacity) block.grow();
  const columns = block.columns;
  let at = block.count;
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
    if ((head & STATUS_MASK) !== COMPLETED) continue;
    columns[CUSTOMER]![at] = customerNo;
    columns[STORE]![at] = storeNo;
    columns[TIME]![at] = orderedAt;
    if (amounts) {
      columns[TOTAL]![at] = total * unit;
      columns[DISCOUNT]![at] = discount * unit;
      columns[CURRENCY]![at] = currencyNo;
    }
    at++;
  }
  block.count = at;
}

/** Appends the traits of a value to a block of customer, name, value, number; it grows if it must. */
export function readTraits(value: Buffer, customerNo: number, block: ColumnBlock): void {
  reader.reset(value);
  reader.uint32();
  reader.at = reader.uint32();
  const traits = reader.varint();
  while (block.count + traits > block.capacity) block.grow();
  const [customers, names, values, numbers] = block.columns;
  let at = block.count;
  let nameNo = 0;
  for (let i = 0; i < traits; i++, at++) {
    nameNo += reader.varint();
    const coded = reader.varint();
    customers![at] = customerNo;
    names![at] = nameNo;
    values![at] = Math.floor(coded / 2);
    numbers![at] = coded % 2 === 1 ? reader.float64() : Number.NaN;
  }
  block.count = at;
}
