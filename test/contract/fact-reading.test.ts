/**
 * Rows of JSON are read alike by the import of files and by the reader that HTTP uses: the same facts, and
 * the same reasons for the same bad rows.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import type { FactSource } from '../../src/core/engine/engine.ts';
import { eventIdOf } from '../../src/core/ingest/event-id.ts';
import type { OrderFact } from '../../src/model/fact.ts';
import {
  readCustomer,
  readEvent,
  readListEntry,
  readOrder,
  readScore,
  readStore,
} from '../../src/model/read-fact.ts';

let folder: string;
let engine: DuckDbEngine;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coterie-reading-'));
  engine = new DuckDbEngine(await openDatabase({ folder, memoryMiB: 256, threads: 1 }));
});
after(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const GOOD = { customer_id: 'c', order_id: 'o', ordered_at: '2026-03-01T12:00:00Z', total: 1 };
const LONG = 'é'.repeat(257);

/** Each differs from a good order in one field. */
const ORDERS: readonly (readonly [field: string, values: readonly unknown[]])[] = [
  ['customer_id', [null, '', LONG, 'a\u0001b', 'a\nb', 17, ' padded ', 'ñ', true, { a: 1 }, [1], {}, []]],
  ['order_id', [null, '', LONG, 42, 1.5, false, { a: 1 }, ['x']]],
  ['store_id', [null, '', LONG, 7, 's\u007f', true, {}, [null]]],
  ['previous_customer_id', [null, '', LONG, 7, 'a\nb', true, {}, [null]]],
  [
    'ordered_at',
    [
      null,
      '',
      'soon',
      1_772_366_389,
      '2026-03-01',
      ' 2026-03-01 ',
      '2026-03-01 12:00',
      '2026-03-01T12:00:00',
      '2026-03-01T12:00+02',
      '2026-03-01T12:00:00.987654321+02:00',
      '2026-03-01T12:00:00+0530',
      '2026-03-01T12:00:00-11:45',
      '2026-02-30',
      '2024-02-29',
      '2026-13-01',
      '2026-00-10',
      '2026-01-00',
      '2026-03-01T24:00:00Z',
      '2026-03-01T24:00',
      '2026-03-01T24:00:01Z',
      '2026-03-01T24:30Z',
      '2026-03-01T25:00:00Z',
      '2026-03-01T12:60:00Z',
      '2026-03-01T12:00:60Z',
      '2026-03-01T12:00:00z',
      '1969-12-31T23:59:59Z',
      '1970-01-01T00:00:00Z',
      '1970-01-01T01:00:00+02:00',
      '0000-01-01',
      '2099-12-31T00:00:00Z',
      '2106-02-07T06:28:15Z',
      '2106-02-07T06:28:16Z',
      '9999-12-31',
    ],
  ],
  [
    'total',
    [
      undefined,
      null,
      '',
      0,
      -0,
      19.95,
      -3,
      '19.95',
      ' 7 ',
      '1,5',
      'free',
      '+1',
      '1e2',
      0.0001,
      0.00001,
      1e-7,
      '1.50000',
      '1.00001',
      999_999_999.9999,
      1_000_000_000,
      '0001000000000',
      '12345678901234567890',
      true,
      '.5',
      '5.',
    ],
  ],
  ['discount', [0, 1.25, -0.01, '-1', 'x', 1e-7]],
  ['currency', [null, '', 'EUR', 'eur', ' usd ', 'E', 'EURO1', '€', 'A1234567890', 12]],
  ['status', [null, '', 'completed', 'CANCELLED', 'canceled', 'refunded', ' refunded ', 'lost', 5]],
];

const STORES: readonly unknown[] = [
  { store_id: '1' },
  { brand: 'b' },
  { store_id: LONG },
  { store_id: { id: 1 } },
  { store_id: ['1'] },
  { store_id: true },
  { store_id: '2', brand: ' b ', city: 'BCN', category: '', tags: 'z; a;;a', opened_at: '2020-01-01' },
  { store_id: '3', brand: LONG },
  { store_id: '4', opened_at: 'x' },
  { store_id: '5', closed_at: '2199-01-01' },
  { store_id: '6', tags: 'é;z;Z;😀;豆' },
];

const CUSTOMERS: readonly unknown[] = [
  { customer_id: 'a', city: 'BCN', age: 34, vip: true, notes: null, empty: '', ratio: 0.5 },
  { customer_id: null, city: 'BCN' },
  { customer_id: { a: 1 }, city: 'BCN' },
  { customer_id: false },
  { customer_id: 12 },
  { customer_id: 'b', city: ' spaced ' },
  { customer_id: 'c', city: 'x'.repeat(4097) },
  { customer_id: 'd', city: 'x'.repeat(4096) },
  { customer_id: 'e', list: [1, 'two'], nested: { a: 1 } },
];

const EVENT = { customer_id: 'c', name: 'view', occurred_at: '2026-03-01T12:00:00Z' };

/** Each is a good event but for what it says here. */
const EVENTS: readonly object[] = [
  {},
  { event_id: 'e1' },
  { event_id: 17 },
  { event_id: true },
  { event_id: LONG },
  { event_id: '' },
  { name: null },
  { name: '' },
  { name: 7 },
  { name: { a: 1 } },
  { name: LONG },
  { name: 'a\nb' },
  { name: ' padded ' },
  { customer_id: null },
  { customer_id: [1] },
  { occurred_at: null },
  { occurred_at: 'soon' },
  { occurred_at: '2107-01-01' },
  { occurred_at: '2026-03-01T12:00:00.9+02:00' },
  {
    properties: { page: 'home', count: 3, half: 0.5, big: 1e21, small: 1e-7, whole: 2, yes: true, no: false },
  },
  { properties: { empty: '', none: null, '': 'nameless' } },
  ...[1e15, 1e16, 123456789012345680000, 1e-6, 0.00012345, -1e-7, 1.5e300, 2 ** 60, 0.1 + 0.2].map((n) => ({
    n,
  })),
  { properties: { b: 1, a: 2, B: 3, é: 4, 'z"q,': 'x"y,z' }, page: 'beside' },
  { page: 'one', properties: { page: 'two' } },
  { page: ' spaced ' },
  { list: [1, 'two'], nested: { a: 1 } },
  { properties: { list: [1, 'two'], nested: { a: 1 } } },
  { properties: '{"as":"text","n":1}' },
  { properties: '[1]' },
  { properties: 'text' },
  { properties: [1] },
  { properties: 5 },
  { properties: {} },
  { properties: '' },
  { page: 'x'.repeat(4096) },
  { page: 'x'.repeat(4097) },
  { properties: { page: 'x'.repeat(4097) } },
  { properties: { [LONG]: 1 } },
  { emoji: '😀', text: 'line\nbreak\ttab' },
];

const SCORE = { customer_id: 'c', model: 'm', value: 0.5 };
const SCORES: readonly object[] = [
  {},
  ...[
    0,
    -0,
    1e300,
    -1.5e-3,
    5e-324,
    '1e-400',
    '1e3',
    '1E+2',
    '007',
    ' 0.5 ',
    '-0',
    '0.1',
    123456789.123456,
  ].map((value) => ({ value })),
  ...['NaN', 'Infinity', '-inf', '1e999', '0x10', '1_0', '.5', '5.', '+1', 'abc', true, {}, [], [1]].map(
    (value) => ({ value }),
  ),
  { value: null },
  { value: '' },
  { value: undefined },
  { model: null },
  { model: 5 },
  { model: LONG },
  { model: {} },
  { version: null },
  { version: '' },
  { version: 3 },
  { version: 'v\u0001' },
  { version: LONG },
  { version: [1] },
  { customer_id: '' },
  { valid_until: '2027-01-01' },
  { valid_until: '' },
  { valid_until: 'never' },
  { valid_until: '2107-01-01' },
  { valid_until: 5 },
];

const ENTRY = { customer_id: 'c', list: 'l' };
const ENTRIES: readonly object[] = [
  {},
  ...[true, false, 'TRUE', 'False', ' true ', 1, 0, '1', '0', null, ''].map((listed) => ({ listed })),
  ...['yes', 'no', 2, 'x', {}, []].map((listed) => ({ listed })),
  { list: null },
  { list: '' },
  { list: 5 },
  { list: LONG },
  { list: ['l'] },
  { list: 'a\u007f' },
  { customer_id: null },
  { customer_id: { a: 1 } },
];

/** Line → reason, as the import of a file of these rows sets them aside. */
async function importReasons(source: FactSource, rows: readonly unknown[]): Promise<Map<number, string>> {
  const file = join(folder, `${source}.ndjson`);
  const rejectsFile = join(folder, `${source}-rejects.csv`);
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const report = await engine.importFile({ source, file, map: {}, strict: false, rejectsFile });
  if (report.rejected === 0) return new Map();
  const lines = (await readFile(rejectsFile, 'utf8')).split('\n').slice(1);
  const found = lines.flatMap((line) => {
    const match = /^(\d+),"?([^",]+)"?,/.exec(line);
    return match ? [[Number(match[1]), match[2]!] as const] : [];
  });
  assert.equal(found.length, report.rejected, 'every rejected row is in the file');
  return new Map(found);
}

function readerReasons(rows: readonly unknown[], read: (row: unknown) => object): Map<number, string> {
  const reasons = new Map<number, string>();
  rows.forEach((row, i) => {
    const outcome = read(row) as { readonly reason?: string };
    if (outcome.reason !== undefined) reasons.set(i + 1, outcome.reason);
  });
  return reasons;
}

test('orders are taken and refused alike, field by field', async () => {
  const rows = ORDERS.flatMap(([field, values], i) =>
    values.map((value, j) => ({ ...GOOD, order_id: `${i}-${j}`, [field]: value })),
  );
  const imported = await importReasons('orders', rows);
  assert.ok(imported.size > 30, 'there are bad rows of many kinds');
  const same = readerReasons(rows, readOrder);
  for (const [i, row] of rows.entries()) {
    assert.equal(same.get(i + 1), imported.get(i + 1), JSON.stringify(row).slice(0, 200));
  }
  const expected = rows.map(readOrder).flatMap((outcome) => ('fact' in outcome ? [outcome.fact] : []));
  const stored = new Map<string, OrderFact>();
  for (const customerId of new Set(expected.map((order) => order.customerId))) {
    const { orders } = await engine.customerFacts(customerId);
    for (const order of orders) stored.set(`${order.customerId} ${order.orderId}`, order);
  }
  // What is stored says no more whose an order was: the previous customer's is cancelled.
  for (const { previousCustomerId: _, ...order } of expected) {
    assert.deepEqual(stored.get(`${order.customerId} ${order.orderId}`), order);
  }
});

test('stores are taken and refused alike', async () => {
  assert.deepEqual(readerReasons(STORES, readStore), await importReasons('stores', STORES));
  const table = await engine.storeTable();
  for (const row of STORES) {
    const outcome = readStore(row);
    if ('reason' in outcome) continue;
    const i = table.ids.indexOf(outcome.fact.storeId);
    const { brand, city, category, tags } = outcome.fact;
    assert.deepEqual([table.brand[i], table.city[i], table.category[i]], [brand, city, category]);
    assert.deepEqual(table.tags[i], tags);
  }
});

test('customers are taken and refused alike, every other field a trait', async () => {
  assert.deepEqual(readerReasons(CUSTOMERS, readCustomer), await importReasons('customers', CUSTOMERS));
  for (const row of CUSTOMERS) {
    const outcome = readCustomer(row);
    if ('reason' in outcome) continue;
    const { customerId, traits } = outcome.fact;
    const stored = (await engine.customerFacts(customerId)).traits;
    assert.deepEqual(
      Object.fromEntries(stored),
      Object.fromEntries(traits.map(({ name, value }) => [name, value])),
    );
  }
});

test('events are taken and refused alike, down to the ids of those that have none', async () => {
  const rows = EVENTS.map((change, i) => ({ ...EVENT, customer_id: `event-${i}`, ...change }));
  const imported = await importReasons('events', rows);
  const same = readerReasons(rows, (row) => readEvent(row, eventIdOf));
  for (const [i, row] of rows.entries()) {
    assert.equal(same.get(i + 1), imported.get(i + 1), JSON.stringify(row).slice(0, 200));
    const outcome = readEvent(row, eventIdOf);
    if ('reason' in outcome) continue;
    const { events } = await engine.customerFacts(outcome.fact.customerId);
    assert.deepEqual(events, [outcome.fact], JSON.stringify(row).slice(0, 200));
  }
});

test('scores are taken and refused alike', async () => {
  // A model of its own for each, so that its first version is in force.
  const rows = SCORES.map((change, i) => ({ ...SCORE, model: `m${i}`, ...change }));
  const imported = await importReasons('scores', rows);
  const same = readerReasons(rows, readScore);
  const { scores } = await engine.customerFacts('c');
  for (const [i, row] of rows.entries()) {
    assert.equal(same.get(i + 1), imported.get(i + 1), JSON.stringify(row).slice(0, 200));
    const outcome = readScore(row);
    if ('reason' in outcome) continue;
    assert.deepEqual(scores.get(outcome.fact.model), outcome.fact, JSON.stringify(row).slice(0, 200));
  }
});

test('list entries are taken and refused alike', async () => {
  const rows = ENTRIES.map((change, i) => ({ ...ENTRY, customer_id: `entry-${i}`, ...change }));
  const imported = await importReasons('lists', rows);
  const same = readerReasons(rows, readListEntry);
  for (const [i, row] of rows.entries()) {
    assert.equal(same.get(i + 1), imported.get(i + 1), JSON.stringify(row).slice(0, 200));
    const outcome = readListEntry(row);
    if ('reason' in outcome) continue;
    const { lists } = await engine.customerFacts(outcome.fact.customerId);
    const expected = outcome.fact.isListed ? [outcome.fact.list] : [];
    assert.deepEqual([...lists], expected, JSON.stringify(row).slice(0, 200));
  }
});

test('traits also come as an object of their own', () => {
  assert.deepEqual(readCustomer({ customer_id: 'a', traits: { city: 'BCN', age: 3 }, vip: false }), {
    fact: {
      customerId: 'a',
      traits: [
        { customerId: 'a', name: 'city', value: 'BCN' },
        { customerId: 'a', name: 'age', value: '3' },
        { customerId: 'a', name: 'vip', value: 'false' },
      ],
    },
  });
});

test('what JSON can bring and a file of columns cannot is refused rather than guessed', () => {
  const reasonOf = (change: object) =>
    (readOrder({ ...GOOD, ...change }) as { readonly reason?: string }).reason;
  assert.equal(reasonOf({ order_id: 2 ** 53 }), 'order id is not text');
  assert.equal(reasonOf({ customer_id: { a: 1 } }), 'customer id is not text');
  assert.equal(reasonOf({ store_id: true }), 'store id is not text');
  assert.equal(reasonOf({ total: null }), undefined, 'none is known, and it is taken as 0');
  const { total: _, ...without } = GOOD;
  assert.deepEqual(readOrder(without), { reason: 'no field total' });
  assert.equal(reasonOf({ customer_id: 'a\ud800' }), 'customer id with half a character');
  for (const row of [null, 5, 'x', [GOOD]]) assert.deepEqual(readOrder(row), { reason: 'not a JSON object' });
});
