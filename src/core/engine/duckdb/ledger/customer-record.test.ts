/** A customer's facts written as a value and read back, at the edges of every number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, ColumnBlock } from '../column-block.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { CustomerRecord, ORDER_COLUMN_TYPES, TRAIT_COLUMN_TYPES } from './customer-record.ts';
import { readOrders, readTraits } from './customer-value.ts';

/** Store, time, total, discount, currency, status, hash. */
type Order = readonly [number, number, number, number, number, number, number];

function orderColumns(orders: readonly Order[]): Column[] {
  const rows = orders.map(([store, time, total, discount, currency, status, hash]) => [
    7,
    store,
    time,
    total,
    discount,
    currency,
    status,
    hash,
    hash >>> 3,
  ]);
  return ORDER_COLUMN_TYPES.map((type, c) => type.from(rows.map((row) => row[c]!)));
}

function read(value: Buffer): number[][] {
  const block = new ColumnBlock(
    [Uint32Array, Uint32Array, Uint32Array, Float64Array, Float64Array, Uint16Array],
    1,
  );
  readOrders(value, 7, block, true);
  return Array.from({ length: block.count }, (_, i) => block.columns.map((column) => column[i]!));
}

const written = (record: CustomerRecord) => Buffer.from(record.write());

test('integers read back as they were written, at every length', () => {
  const writer = new ByteWriter();
  const reader = new ByteReader();
  for (let bits = 0; bits <= 52; bits++) {
    for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1].filter((value) => value <= 2 ** 52)) {
      writer.reset(100);
      writer.varint(value);
      writer.signed(value / 2 > 2 ** 51 ? 0 : Math.floor(value / 2));
      writer.signed(-Math.floor(value / 2));
      writer.signed32(value | 0);
      reader.reset(writer.written());
      assert.equal(reader.varint(), value);
      assert.equal(reader.signed(), Math.floor(value / 2));
      assert.equal(reader.signed(), -Math.floor(value / 2) + 0);
      assert.equal(reader.signed32(), value | 0);
      assert.equal(reader.at, writer.written().length);
    }
  }
});

test('orders at the edges of every column read back', () => {
  const orders: Order[] = [
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0xffff_ffff, 9_999_999_999_999, 9_999_999_999_999, 0xffff, 0, 2],
    [1, 0, -9_999_999_999_999, 0, 0, 0, 3],
    [1, 0x8000_0000, 2_147_483_647, 100, 3, 0, 4],
    [0xffff_ffff, 5, -2_147_483_700, 1, 3, 0, 0xffff_ffff],
  ];
  const record = new CustomerRecord();
  record.appendOrders(orderColumns(orders), 0, orders.length);
  const value = written(record);
  assert.deepEqual(
    read(value),
    orders.map(([store, time, total, discount, currency]) => [7, store, time, total, discount, currency]),
  );
  const again = new CustomerRecord();
  again.read(value);
  assert.deepEqual(written(again), value);
});

test('a later version takes the place of the one with its hash, and nothing else', () => {
  const record = new CustomerRecord();
  const many = Array.from({ length: 300 }, (_, i): Order => [i % 7, 1_000 - i, i, 0, 0, 0, i]);
  record.replaceOrders(orderColumns(many), 0, many.length);
  // All even ones are cancelled, all multiples of 3 move; one is new.
  const later = many.flatMap((order): Order[] => {
    const [store, time, total, discount, currency, , hash] = order;
    if (hash % 2 === 0) return [[store, time, total, discount, currency, 1, hash]];
    return hash % 3 === 0 ? [[9, 5, total + 1, discount, currency, 0, hash]] : [];
  });
  record.read(written(record));
  record.replaceOrders(orderColumns([...later, [3, 3, 3, 3, 3, 0, 999]]), 0, later.length + 1);
  const expected = many
    .filter(([, , , , , , hash]) => hash % 2 === 1)
    .map(([store, time, total, , , , hash]) =>
      hash % 3 === 0 ? [7, 9, 5, total + 1, 0, 0] : [7, store, time, total, 0, 0],
    );
  expected.push([7, 3, 3, 3, 3, 3]);
  const byAll = (a: number[], b: number[]) => a[1]! - b[1]! || a[2]! - b[2]! || a[3]! - b[3]!;
  const found = read(written(record));
  assert.deepEqual([...found].sort(byAll), expected.sort(byAll));
  for (let i = 1; i < found.length; i++) {
    assert(found[i - 1]![1]! - found[i]![1]! || found[i - 1]![2]! - found[i]![2]! <= 0, 'by store and time');
  }
  // A cancelled one is completed again.
  record.read(written(record));
  record.replaceOrders(orderColumns([many[0]!]), 0, 1);
  assert.equal(read(written(record)).length, found.length + 1);
});

test('traits are replaced by name, and ascend by it', () => {
  const record = new CustomerRecord();
  const columns = (rows: readonly (readonly number[])[]) =>
    TRAIT_COLUMN_TYPES.map((type, c) => type.from(rows.map((row) => row[c]!)));
  const rows = [
    [7, 5, 0, Number.NaN],
    [7, 2, 0xffff_ffff, -0.5],
    [7, 0xffff_ffff, 3, 40],
    [7, 5, 1, 0],
  ];
  record.replaceTraits(columns(rows), 0, rows.length);
  const value = written(record);
  record.read(value);
  assert.deepEqual(written(record), value);
  const block = new ColumnBlock(TRAIT_COLUMN_TYPES, 1);
  readTraits(value, 7, block);
  assert.deepEqual(
    Array.from({ length: block.count }, (_, i) => block.columns.map((column) => column[i])),
    [rows[1], rows[3], rows[2]],
  );
});

test('a customer without facts has an empty value', () => {
  const record = new CustomerRecord();
  assert.equal(record.write().length, 0);
});
