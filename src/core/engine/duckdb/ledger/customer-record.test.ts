/** A customer's facts written as a value and read back, at the edges of every number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Column, ColumnBlock } from '../column-block.ts';
import { eventTypes, orderTypes, TRAIT_TYPES, UNCOUNTED_TYPES } from '../fact-columns.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { CustomerRecord, ORDER_COLUMN_TYPES, REMOVED_MOMENT } from './customer-record.ts';
import { EventFilter, readEvents, readOrders, readTraits } from './customer-value.ts';

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
  const counted = new ColumnBlock(orderTypes(true), 1);
  readOrders(value, 7, { counted, amounts: true });
  return rowsOf(counted);
}

const rowsOf = ({ columns, count }: ColumnBlock) =>
  Array.from({ length: count }, (_, i) => columns.map((column) => column[i]!));

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

test('orders that do not count come apart, with their status', () => {
  const record = new CustomerRecord();
  const orders: Order[] = [
    [0, 9, 100, 0, 2, 1, 1],
    [0, 9, -7, 3, 2, 0, 2],
    [4, 8, 50, 100, 0, 2, 3],
  ];
  record.replaceOrders(orderColumns(orders), 0, orders.length);
  const value = written(record);
  const counted = new ColumnBlock(orderTypes(false), 1);
  const uncounted = new ColumnBlock(UNCOUNTED_TYPES, 1);
  readOrders(value, 7, { counted, uncounted, amounts: false });
  assert.deepEqual(rowsOf(counted), [[7, 0, 9]]);
  const expected = [
    [7, 0, 9, 100, 0, 2, 1],
    [7, 4, 8, 50, 100, 0, 2],
  ];
  assert.deepEqual(rowsOf(uncounted), expected);
  readOrders(value, 7, { uncounted, amounts: true });
  assert.deepEqual(rowsOf(uncounted), [...expected, ...expected]);
});

const traitColumns = (rows: readonly (readonly number[])[]) =>
  TRAIT_TYPES.map((type, c) => type.from(rows.map((row) => row[c]!)));

test('traits are replaced by name, and ascend by it', () => {
  const { NaN: nan, POSITIVE_INFINITY: forEver } = Number;
  const record = new CustomerRecord();
  const rows = [
    [7, 5, 0, nan, nan],
    [7, 2, 0xffff_ffff, -0.5, 0xffff_ffff],
    [7, 0xffff_ffff, 3, 40, nan],
    [7, 5, 1, 0, 0],
    [7, 3, 0, 1e-300, forEver],
    [7, 4, 0, nan, nan],
    [7, 0, 0, nan, nan],
    [7, 4, 0, nan, REMOVED_MOMENT],
    [7, 9, 0, nan, REMOVED_MOMENT],
  ];
  record.replaceTraits(traitColumns(rows), 0, rows.length);
  const value = written(record);
  record.read(value);
  assert.deepEqual(written(record), value);
  const block = new ColumnBlock(TRAIT_TYPES, 1);
  readTraits(value, 7, block);
  assert.deepEqual(rowsOf(block), [rows[6], rows[1], rows[4], rows[3], rows[2]]);
  block.count = 0;
  readTraits(value, 7, block, { only: new Set([0, 3, 5]), hidden: new Set([3, 2]) });
  assert.deepEqual(rowsOf(block), [rows[6], rows[3]]);
  record.dropTraits(new Set([0, 3, 8, 0xffff_ffff]));
  block.count = 0;
  readTraits(written(record), 7, block);
  assert.deepEqual(rowsOf(block), [rows[1], rows[3]]);
});

test('a customer who leaves the last list has an empty value', () => {
  const record = new CustomerRecord();
  record.replaceTraits(traitColumns([[7, 1, 0, Number.NaN, Number.NaN]]), 0, 1);
  assert.notEqual(record.write().length, 0);
  record.replaceTraits(traitColumns([[7, 1, 0, Number.NaN, REMOVED_MOMENT]]), 0, 1);
  assert.equal(record.write().length, 0);
});

test('events come by name and time, with what is asked for of their properties', () => {
  const record = new CustomerRecord();
  record.replaceOrders(orderColumns([[1, 5, 100, 0, 0, 0, 1]]), 0, 1);
  const text = (properties: object) => JSON.stringify(properties);
  record.events.add(3, 0xffff_ffff, 1, text({ city: 'é𝒳\u0000', amount: '5.50' }));
  record.events.add(3, 0, 2, text({}));
  record.events.add(0xffff_ffff, 7, 2, text({ __proto: '1', city: 'x'.repeat(70_000) }));
  record.events.add(0, 9, 1, text({ city: 'BCN' }));
  const value = written(record);
  const columns = {
    names: [0, 3, 0xffff_ffff],
    properties: [
      { name: 'city', values: ['BCN', 'é𝒳\u0000'] },
      { name: 'amount', values: [] },
      { name: 'toString', values: ['x'] },
    ],
  };
  const block = new ColumnBlock(eventTypes(columns), 1);
  readEvents(value, 7, block, new EventFilter(columns));
  const nan = Number.NaN;
  const none = [0, nan];
  assert.deepEqual(rowsOf(block), [
    [7, 0, 9, 2, nan, ...none, ...none],
    [7, 3, 0, ...none, ...none, ...none],
    [7, 3, 0xffff_ffff, 3, nan, 1, 5.5, ...none],
    [7, 0xffff_ffff, 7, 1, nan, ...none, ...none],
  ]);
  const again = new CustomerRecord();
  again.read(value);
  assert.deepEqual(written(again), value);
  assert.equal(read(value).length, 1);
});

test('events that are in are not taken in again', () => {
  const record = new CustomerRecord();
  // Of one step, in no order of batches.
  record.events.add(1, 5, 3, '{}');
  record.events.add(1, 5, 2, '{}');
  record.read(written(record));
  record.events.add(1, 5, 2, '{}');
  record.events.add(1, 5, 3, '{}');
  record.events.add(1, 6, 4, '{}');
  const columns = { names: [1], properties: [] };
  const block = new ColumnBlock(eventTypes(columns), 1);
  readEvents(written(record), 7, block, new EventFilter(columns));
  assert.deepEqual(rowsOf(block), [
    [7, 1, 5],
    [7, 1, 5],
    [7, 1, 6],
  ]);
});

test('a customer without facts has an empty value', () => {
  const record = new CustomerRecord();
  assert.equal(record.write().length, 0);
});
