/** Facts over HTTP: JSON, NDJSON, gzip, long streams, bad rows, bad bodies and back-pressure. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ask, type Coterie, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
before(async () => {
  coterie = await openCoterie({ options: { bodyLimitBytes: 1_048_576 } });
});
after(() => coterie.close());

interface Report {
  readonly accepted: number;
  readonly rejected: number;
  readonly reasons: Record<string, number>;
  readonly rejects: readonly { readonly index: number; readonly reason: string }[];
  readonly batchNo?: number;
  readonly code?: string;
  readonly detail?: string;
  readonly details?: Record<string, unknown>;
}

const order = (customer: string, id: string | number, change: object = {}) => ({
  customer_id: customer,
  order_id: String(id),
  store_id: 's1',
  ordered_at: '2026-02-28T10:00:00+01:00',
  total: 19.95,
  currency: 'EUR',
  ...change,
});

async function send(
  source: string,
  body: string | Buffer | Readable,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly json: Report; readonly headers: Headers }> {
  const response = await fetch(`${coterie.url}/v1/facts/${source}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body instanceof Readable ? (Readable.toWeb(body) as ReadableStream) : body,
    ...(body instanceof Readable ? { duplex: 'half' } : {}),
  } as RequestInit);
  return { status: response.status, json: (await response.json()) as Report, headers: response.headers };
}

const NDJSON = { 'content-type': 'application/x-ndjson' };
const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

test('a list, an object with rows, NDJSON and gzip bring the same', async () => {
  const rows = [order('eva', 1), order('eva', 2, { total: '5' })];
  const first = await send('orders', JSON.stringify(rows));
  assert.equal(first.status, 200);
  assert.deepEqual([first.json.accepted, first.json.rejected, first.json.rejects], [2, 0, []]);
  const bodies: readonly (readonly [string | Buffer, Record<string, string>])[] = [
    [JSON.stringify({ rows }), {}],
    [lines(rows), NDJSON],
    [`\n${lines(rows).trimEnd()}`, NDJSON],
    [gzipSync(JSON.stringify(rows)), { 'content-encoding': 'gzip' }],
    [gzipSync(lines(rows)), { ...NDJSON, 'content-encoding': 'gzip' }],
  ];
  for (const [body, headers] of bodies) {
    const { status, json } = await send('orders', body, headers);
    assert.deepEqual([status, json.accepted], [200, 2], JSON.stringify(json));
  }
  const { json } = await ask<{ orders: number }>(`${coterie.url}/v1/facts`);
  assert.equal(json.orders, 4 + 2, 'sending again changes nothing');
});

test('customers and stores come in too, and an acknowledged batch is known', async () => {
  const customers = await send(
    'customers',
    JSON.stringify([{ customer_id: 'bare' }, { customer_id: 'zoe', age: 41 }]),
  );
  const stores = await send('stores', JSON.stringify([{ store_id: 's9', city: 'BCN', tags: ['x'] }]));
  assert.deepEqual([customers.json.accepted, stores.json.accepted], [2, 1]);
  const { json } = await ask<{ batchNo: number; stores: number }>(`${coterie.url}/v1/facts`);
  assert.ok(json.batchNo >= stores.json.batchNo! && stores.json.batchNo! > customers.json.batchNo!);
  assert.equal(json.stores, 3);
});

test('a bad row costs itself, with index and reason; with strict it refuses all', async () => {
  const before = await knownCustomers();
  const rows = [order('bad', 1), order('bad', 2, { ordered_at: '2107-01-01' }), 5];
  const strict = await send('orders?strict=true', JSON.stringify(rows));
  assert.deepEqual([strict.status, strict.json.code], [400, 'IMPORT_ROW_REJECTED']);
  assert.deepEqual(strict.json.details?.rejects, [
    { index: 1, reason: 'date outside 1970 to 2106' },
    { index: 2, reason: 'not a JSON object' },
  ]);
  assert.equal(await knownCustomers(), before);
  const { status, json } = await send('orders', JSON.stringify(rows));
  assert.deepEqual([status, json.accepted, json.rejected], [200, 1, 2]);
  assert.deepEqual(json.reasons, { 'date outside 1970 to 2106': 1, 'not a JSON object': 1 });
  const broken = await send('orders', `${lines([order('bad', 3)])}{"customer_id": \n[1]\n`, NDJSON);
  assert.deepEqual([broken.json.accepted, broken.json.reasons], [1, { 'not a JSON object': 2 }]);
});

test('the metrics count what was accepted, set aside and gathered', async () => {
  const { text } = await ask(`${coterie.url}/metrics`);
  assert.match(text, /^coterie_facts_accepted_total [1-9]/m);
  assert.match(text, /^coterie_facts_rejected_total [1-9]/m);
  assert.match(text, /^coterie_facts_batches_total [1-9]/m);
  assert.match(text, /^coterie_facts_waiting_rows 0$/m);
});

test('an order dated in 2099 is kept until its time comes', async () => {
  const { json } = await send('orders', JSON.stringify([order('future', 1, { ordered_at: '2099-06-01' })]));
  assert.equal(json.accepted, 1);
  const facts = await ask<{ lastOrderAt: string }>(`${coterie.url}/v1/facts`);
  assert.equal(facts.json.lastOrderAt, '2099-06-01T00:00:00Z');
});

async function knownCustomers(): Promise<number> {
  const { json } = await ask<{ customers: number }>(`${coterie.url}/v1/facts`);
  return json.customers;
}

test('NDJSON far larger than the limit of bodies streams in', async () => {
  const block = (from: number) =>
    lines(Array.from({ length: 1000 }, (_, i) => order(`many${i % 50}`, `m${from + i}`)));
  async function* body() {
    for (let from = 0; from < 20_000; from += 1000) yield block(from);
  }
  const { status, json } = await send('orders', Readable.from(body()), NDJSON);
  assert.deepEqual([status, json.accepted, json.rejected], [200, 20_000, 0]);
});

test('a line that is too long is set aside without being held', async () => {
  async function* body() {
    yield '{"customer_id":"';
    for (let i = 0; i < 40; i++) yield 'x'.repeat(65_536);
    yield `"}\n${lines([order('after', 1)])}`;
  }
  const { json } = await send('orders', Readable.from(body()), NDJSON);
  assert.deepEqual([json.accepted, json.rejected], [1, 1]);
  assert.match(json.rejects[0]!.reason, /^a row longer than/);
});

test('bodies that cannot be read are refused in words', async () => {
  const cases: readonly (readonly [string | Buffer, Record<string, string>, number, string, RegExp])[] = [
    ['', {}, 400, 'REQUEST_INVALID', /empty|nothing/],
    ['{"orders": []}', {}, 400, 'REQUEST_INVALID', /list of rows/],
    ['[{]', {}, 400, 'REQUEST_INVALID', /not JSON/],
    ['a,b', { 'content-type': 'text/csv' }, 415, 'MEDIA_TYPE_UNSUPPORTED', /text\/csv/],
    ['[]', { 'content-encoding': 'br' }, 415, 'MEDIA_TYPE_UNSUPPORTED', /gzip/],
    ['[]', { 'content-encoding': 'gzip' }, 400, 'REQUEST_INVALID', /gzip/],
    [
      gzipSync(JSON.stringify('x'.repeat(2_000_000))),
      { 'content-encoding': 'gzip' },
      413,
      'BODY_TOO_LARGE',
      /unpacked/,
    ],
    [
      gzipSync(lines([order('cut', 1)])).subarray(0, 60),
      { ...NDJSON, 'content-encoding': 'gzip' },
      400,
      'REQUEST_INVALID',
      /gzip/,
    ],
  ];
  for (const [body, headers, status, code, words] of cases) {
    const found = await send('orders', body, headers);
    assert.deepEqual([found.status, found.json.code], [status, code], JSON.stringify(found.json));
    assert.match(found.json.detail!, words);
    if (words.source === 'gzip' && headers['content-type']) assert.equal(found.json.details?.accepted, 0);
  }
  assert.equal((await send('visits', '[]')).json.code, 'REQUEST_INVALID');
});

test('a client that breaks off in the middle leaves the server as it was', async () => {
  const request = httpRequest(`${coterie.url}/v1/facts/orders`, { method: 'POST', headers: NDJSON });
  request.on('error', () => {});
  request.write(lines([order('gone', 1)]));
  await new Promise((sent) => request.write('{"customer_id"', sent));
  request.destroy();
  assert.equal((await send('orders', JSON.stringify([order('next', 1)]))).json.accepted, 1);
});

test('more than may wait is answered with 429 and Retry-After, and nothing of it was taken', async () => {
  const busy = await openCoterie({ ingest: { waitingRowsMax: 5, gatherMs: 50 } });
  try {
    const post = (from: number) =>
      ask<Report>(`${busy.url}/v1/facts/orders`, {
        body: Array.from({ length: 4 }, (_, i) => order(`w${from}`, from + i)),
      });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => post(i * 10)));
    const refused = answers.filter((answer) => answer.status === 429);
    assert.ok(refused.length > 0);
    assert.equal(refused[0]!.json.code, 'INGEST_OVERLOADED');
    assert.ok(Number(refused[0]!.headers.get('retry-after')) >= 1);
    const taken = answers.filter((answer) => answer.status === 200).length;
    const { json } = await ask<{ orders: number }>(`${busy.url}/v1/facts`);
    assert.equal(json.orders, 4 + taken * 4);
  } finally {
    await busy.close();
  }
});
