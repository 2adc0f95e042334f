/** `coterie import` into a running server: rows of CSV and NDJSON are sent to it. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ask, type Coterie, openCoterie } from './api-fixture.ts';
import { coterie, coterieJson } from './coterie-process.ts';

let server: Coterie;
before(async () => {
  server = await openCoterie();
});
after(() => server.close());

interface Sent {
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly rejects: readonly { readonly line: number; readonly reason: string }[];
}

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(server.folder, name);
  await writeFile(path, content);
  return path;
}

async function send(path: string, ...options: readonly string[]): Promise<Sent> {
  return coterieJson<Sent>(['import', path, '--as', 'orders', '--url', server.url, ...options]);
}

test('CSV with quotes and other names, and packed NDJSON, are sent and counted', async () => {
  const csv = [
    '\ufeffhousehold;order_id;date;total;note',
    'kim;1;2026-02-01;12.50;"a;b"',
    '"ki""m\nx";2;2026-02-02;3;',
    'kim;3;never;4;',
    'kim;4',
  ].join('\r\n');
  const sent = await send(
    await file('sales.csv', csv),
    ...[
      '--delimiter',
      ';',
      '--map',
      'customer_id=household',
      '--map',
      'ordered_at=date',
      '--default',
      'currency=EUR',
    ],
  );
  assert.deepEqual([sent.rows, sent.accepted, sent.rejected], [4, 1, 3]);
  assert.deepEqual(sent.rejects, [
    { line: 3, reason: 'customer id with control characters' },
    { line: 5, reason: 'unreadable date' },
    { line: 6, reason: 'wrong number of columns' },
  ]);
  const rows = Array.from({ length: 5000 }, (_, i) => ({
    customer_id: `n${i % 20}`,
    order_id: `${i}`,
    total: 1,
    ordered_at: '2026-02-01',
  }));
  const packed = gzipSync(rows.map((row) => JSON.stringify(row)).join('\n'));
  assert.equal((await send(await file('orders.ndjson.gz', packed))).accepted, 5000);
  const { json } = await ask<{ orders: number }>(`${server.url}/v1/facts`);
  assert.equal(json.orders, 4 + 1 + 5000);
});

test('with --strict a bad row refuses the file; a file of another kind, or without columns, is refused', async () => {
  const lines = `{"customer_id":"s","order_id":"1","ordered_at":"2026-01-01","total":1}\n{"order_id":"2"}\n`;
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    [await file('strict.ndjson', `\n${lines}`), ['--strict'], /strict\.ndjson, line 3: no customer id/],
    [await file('x.parquet', 'PAR1'), [], /neither CSV nor NDJSON/],
    [
      await file('bad.csv', 'a,b\n1,2\n'),
      [],
      /has no column "customer_id", "order_id", "ordered_at", "total"/,
    ],
    [join(server.folder, 'missing.csv'), [], /cannot be read/],
  ];
  for (const [path, options, words] of cases) {
    const { code, stderr } = await coterie([
      'import',
      path,
      '--as',
      'orders',
      '--url',
      server.url,
      ...options,
    ]);
    assert.notEqual(code, 0);
    assert.match(stderr, words);
  }
});
