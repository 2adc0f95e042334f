/** Facts that stream in: gathered, counted, all or none where asked, and turned away before memory grows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as pause } from 'node:timers/promises';
import { CoterieError } from '../../model/error.ts';
import type { Engine } from '../engine/engine.ts';
import { MemoryEngine } from '../engine/memory/memory-engine.ts';
import { createIngest, type IngestOptions } from './ingest.ts';
import { UnreadableRow } from './row-tally.ts';

const order = (id: number | string, change: object = {}) => ({
  customer_id: `c${id}`,
  order_id: `o${id}`,
  ordered_at: '2026-03-01T12:00:00Z',
  total: 10,
  ...change,
});
const orders = (count: number) => Array.from({ length: count }, (_, i) => order(i));

type Put = Engine['put'];

/** More than this is too much for the engine in memory, which walks over all it has; it is counted only. */
const KNOWN_ROWS_MAX = 1000;

/** An engine in memory whose writes wait until they are let through, and can be made to fail. */
function gatedEngine() {
  const engine = new MemoryEngine();
  const waiting: (() => void)[] = [];
  const sizes: number[] = [];
  const orderIds = new Set<string>();
  let isOpen = true;
  let failure: ((facts: Parameters<Put>[0]) => Error | undefined) | undefined;
  const put: Put = async (facts) => {
    sizes.push(facts.orders?.length ?? 0);
    if (!isOpen) await new Promise<void>((enter) => waiting.push(enter));
    const error = failure?.(facts);
    if (error) throw error;
    for (const fact of facts.orders ?? []) orderIds.add(fact.orderId);
    return (facts.orders?.length ?? 0) > KNOWN_ROWS_MAX ? engine.put({}) : engine.put(facts);
  };
  return {
    engine,
    put,
    sizes,
    orderIds,
    close() {
      isOpen = false;
    },
    open() {
      isOpen = true;
      for (const enter of waiting.splice(0)) enter();
    },
    failWith(decide: NonNullable<typeof failure>) {
      failure = decide;
    },
  };
}

function openIngest(options: Partial<IngestOptions> = {}) {
  const gate = gatedEngine();
  return { gate, ingest: createIngest({ engine: gate, options: { gatherMs: 1, ...options } }) };
}

const codeOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => assert.fail('expected a failure'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CoterieError, String(error));
  return error;
};

test('a bad row in 10,000 rejects only itself, with index and reason', async () => {
  const { gate, ingest } = openIngest();
  const rows: unknown[] = orders(10_000);
  rows[6000] = order(6000, { total: 'free' });
  const report = await ingest.submit('orders', rows);
  assert.deepEqual([report.accepted, report.rejected], [9999, 1]);
  assert.deepEqual(report.reasons, { 'total is not a number': 1 });
  assert.deepEqual(report.rejects, [{ index: 6000, reason: 'total is not a number' }]);
  assert.equal(gate.orderIds.size, 9999);
});

test('every rejected row is counted, and the first hundred are listed', async () => {
  const { ingest } = openIngest();
  const report = await ingest.submit('orders', [
    ...orders(3),
    ...Array.from({ length: 150 }, () => ({})),
    new UnreadableRow('not a JSON object'),
  ]);
  assert.deepEqual([report.accepted, report.rejected, report.rejects.length], [3, 151, 100]);
  assert.deepEqual(report.reasons, { 'no customer id': 150, 'not a JSON object': 1 });
  const none = await ingest.submit('orders', [{}]);
  assert.deepEqual([none.accepted, none.batchNo], [0, undefined]);
});

test('many requests become few batches, and each learns the batch that holds its rows', async () => {
  const { gate, ingest } = openIngest();
  gate.close();
  const first = ingest.submit('orders', [order('first')]);
  while (gate.sizes.length === 0) await pause();
  const others = Array.from({ length: 50 }, (_, i) => ingest.submit('orders', [order(i)]));
  await pause();
  gate.open();
  assert.equal((await first).batchNo, 1);
  const reports = await Promise.all(others);
  assert.deepEqual(new Set(reports.map((report) => report.batchNo)), new Set([2]));
  assert.deepEqual(gate.sizes, [1, 50]);
});

test('no batch holds more rows than it may, whatever one request brings', async () => {
  const { gate, ingest } = openIngest({ batchRowsMax: 1000 });
  const report = await ingest.submit('orders', orders(3500));
  assert.equal(report.accepted, 3500);
  assert.deepEqual(gate.sizes, [1000, 1000, 1000, 500]);
});

test('nothing is acknowledged before its batch is durable', async () => {
  const { gate, ingest } = openIngest();
  gate.close();
  let acknowledged = false;
  const request = ingest.submit('orders', orders(2)).then(() => {
    acknowledged = true;
  });
  while (gate.sizes.length === 0) await pause();
  for (let i = 0; i < 10; i++) await pause();
  assert.equal(acknowledged, false);
  gate.open();
  await request;
});

test('more than may wait is turned away whole, and taken again later', async () => {
  const { gate, ingest } = openIngest({ waitingRowsMax: 10 });
  gate.close();
  const inside = ingest.submit('orders', orders(8));
  const error = await codeOf(ingest.submit('orders', orders(3)));
  assert.equal(error.code, 'INGEST_OVERLOADED');
  assert.deepEqual([error.status, error.retry], [429, true]);
  assert.deepEqual(ingest.status().waitingRows, 8);
  gate.open();
  assert.equal((await inside).accepted, 8);
  assert.equal((await ingest.submit('orders', orders(3))).accepted, 3);
  assert.deepEqual(ingest.status().waitingRows, 0);
  assert.equal((await gate.engine.counts()).orders, 8, 'the three were among the eight');
});

test('the same holds for bytes', async () => {
  const { gate, ingest } = openIngest({ waitingBytesMax: 5000 });
  gate.close();
  const inside = ingest.submit('customers', [{ customer_id: 'a', note: 'x'.repeat(4000) }]);
  assert.equal(
    (await codeOf(ingest.submit('customers', [{ customer_id: 'b', note: 'x'.repeat(4000) }]))).code,
    'INGEST_OVERLOADED',
  );
  gate.open();
  await inside;
});

test('a stream is read no further than what may wait', async () => {
  const { gate, ingest } = openIngest({ waitingRowsMax: 10_000, batchRowsMax: 5000 });
  gate.close();
  let read = 0;
  async function* rows() {
    for (; read < 60_000; read += 1000)
      yield orders(1000).map((row, i) => ({ ...row, order_id: String(read + i) }));
  }
  const stream = ingest.submit('orders', rows());
  for (let last = -1; last !== read; ) {
    last = read;
    for (let i = 0; i < 50; i++) await pause();
  }
  assert.ok(read > 0 && read <= 15_000, `${read} rows were read`);
  gate.open();
  assert.equal((await stream).accepted, 60_000);
});

test('a stream that breaks in the middle says what is durable, and that much is', async () => {
  const { gate, ingest } = openIngest();
  async function* rows() {
    yield orders(12_000);
    throw new CoterieError('REQUEST_INVALID', 'the body broke off');
  }
  const error = await codeOf(ingest.submit('orders', rows()));
  assert.equal(error.code, 'REQUEST_INVALID');
  assert.equal(error.details.accepted, 10_000);
  assert.match(error.message, /10000 rows before this are durable/);
  assert.equal(gate.orderIds.size, 10_000);
  assert.equal((await ingest.submit('orders', orders(12_000))).accepted, 12_000);
  assert.equal(gate.orderIds.size, 12_000);
});

test('a stream that breaks before anything was taken says so too', async () => {
  const { ingest } = openIngest();
  async function* rows() {
    yield [{}];
    throw new CoterieError('REQUEST_INVALID', 'the body broke off');
  }
  const error = await codeOf(ingest.submit('orders', rows()));
  assert.deepEqual(error.details, { accepted: 0, rejected: 1, reasons: { 'no customer id': 1 } });
  assert.equal(error.message, 'the body broke off');
});

test('what is worth a look in rows that are taken is told, and of unknown fields only so many names', async () => {
  const { ingest } = openIngest();
  const [row] = orders(1);
  const rows = [
    { ...row, total: null, curency: 'EUR' },
    { ...row, total: '', curency: 'EUR' },
    { ...row, total: -4 },
    { ...row, total: 0 },
    { ...row, total: 'x', unread: 1 },
  ];
  const { accepted, warnings } = await ingest.submit('orders', rows);
  assert.equal(accepted, 4);
  assert.deepEqual(warnings, {
    'no total, taken as 0': 2,
    'field "curency" is not known, and was not read': 2,
    'negative total, kept': 1,
  });
  const many = Array.from({ length: 30 }, (_, i) => ({ ...row, total: -1, [`field ${i}`]: i }));
  const told = (await ingest.submit('orders', many)).warnings!;
  assert.equal(Object.keys(told).length, 10 + 2);
  assert.equal(told['further fields are not known, and were not read'], 20);
  assert.equal(told['negative total, kept'], 30);
});

test('with strict one bad row refuses all, and good rows are one batch', async () => {
  const { gate, ingest } = openIngest({ batchRowsMax: 100 });
  const error = await codeOf(ingest.submit('orders', [...orders(500), {}], { strict: true }));
  assert.equal(error.code, 'IMPORT_ROW_REJECTED');
  assert.deepEqual(error.details.rejects, [{ index: 500, reason: 'no customer id' }]);
  assert.deepEqual(gate.sizes, []);
  assert.equal((await ingest.submit('orders', orders(500), { strict: true })).accepted, 500);
  assert.deepEqual(gate.sizes, [500]);
});

test('a request that the engine refuses does not fail those gathered with it', async () => {
  const { gate, ingest } = openIngest();
  gate.failWith((facts) =>
    facts.orders?.some((fact) => fact.orderId === 'obad')
      ? new CoterieError('ENGINE_FAILED', 'no')
      : undefined,
  );
  const requests = [ingest.submit('orders', [order(1)]), ingest.submit('orders', [order(2)])];
  const bad = ingest.submit('orders', [order('bad')]);
  assert.equal((await codeOf(bad)).code, 'ENGINE_FAILED');
  assert.deepEqual(
    (await Promise.all(requests)).map((report) => report.accepted),
    [1, 1],
  );
});

test('a full disk fails what was gathered, and the next request is taken', async () => {
  const { gate, ingest } = openIngest();
  let isFull = true;
  gate.failWith(() => (isFull ? new CoterieError('DISK_FULL', 'full') : undefined));
  assert.equal((await codeOf(ingest.submit('orders', orders(3)))).code, 'DISK_FULL');
  isFull = false;
  assert.equal((await ingest.submit('orders', orders(3))).accepted, 3);
});

test('a close makes durable what was taken, and takes no more', async () => {
  const { gate, ingest } = openIngest({ gatherMs: 60_000 });
  const request = ingest.submit('orders', orders(5));
  await pause();
  await ingest.close();
  assert.equal((await request).accepted, 5);
  assert.equal((await gate.engine.counts()).orders, 5);
  assert.equal((await codeOf(ingest.submit('orders', orders(1)))).code, 'OVERLOADED');
});

test('of two versions of an order the one that came later stays, over requests and within one', async () => {
  const { gate, ingest } = openIngest();
  await Promise.all([
    ingest.submit('orders', [order('x', { total: 1 }), order('x', { total: 2 })]),
    ingest.submit('orders', [order('x', { total: 3 })]),
  ]);
  const { orders: known } = await gate.engine.customerFacts('cx');
  assert.deepEqual(
    known.map((fact) => fact.totalE4),
    [30_000],
  );
});

test('customers without traits are known from their row on, and stores with all they have', async () => {
  const { gate, ingest } = openIngest();
  await ingest.submit('customers', [
    { customer_id: 'bare' },
    { customer_id: 'ana', traits: { city: 'BCN' } },
  ]);
  await ingest.submit('stores', [{ store_id: 's1', city: 'BCN', tags: ['a', 'b'] }]);
  assert.equal((await gate.engine.counts()).customers, 2);
  assert.equal((await gate.engine.customerFacts('ana')).traits.get('city'), 'BCN');
  assert.deepEqual((await gate.engine.storeTable()).tags, [['a', 'b']]);
});

test('versions are those of rows that are taken: rows of erased customers bring none', async () => {
  const { gate, ingest } = openIngest();
  await gate.engine.put({ customers: ['c1'] });
  await gate.engine.eraseCustomer('c1');
  const score = (id: number, version: string) => ({
    customer_id: `c${id}`,
    model: 'churn',
    value: 1,
    version,
  });
  const dropped = await ingest.submit('scores', [score(1, 'v1')]);
  assert.deepEqual([dropped.accepted, dropped.erased, dropped.versions], [0, 1, undefined]);
  const { versions } = await ingest.submit('scores', [score(2, 'v1'), score(1, 'v2')]);
  assert.deepEqual(versions, [{ model: 'churn', version: 'v1' }]);
});
