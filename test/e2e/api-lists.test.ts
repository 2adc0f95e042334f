/** Lists over HTTP: replaced whole, added to, removed from, emptied; short and long, odd names, bad bodies. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CoterieClient } from '../../src/client/client.ts';
import { CoterieError } from '../../src/model/error.ts';
import { type Coterie, NOW, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
let client: CoterieClient;
before(async () => {
  coterie = await openCoterie({ options: { bodyLimitBytes: 1_048_576 } });
  client = new CoterieClient({ url: coterie.url, timeoutMs: 30_000 });
});
after(() => coterie.close());

interface Report {
  readonly accepted: number;
  readonly rejected: number;
  readonly unchanged: number;
  readonly unknown: number;
  readonly delisted?: number;
  readonly reasons: Record<string, number>;
  readonly code: string;
  readonly detail: string;
}

async function send(
  method: string,
  path: string,
  body: string | Buffer | Readable,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<{ readonly status: number; readonly json: Report }> {
  const response = await fetch(`${coterie.url}/v1/lists/${path}`, {
    method,
    headers,
    body: body instanceof Readable ? (Readable.toWeb(body) as ReadableStream) : body,
    ...(body instanceof Readable ? { duplex: 'half' } : {}),
  } as RequestInit);
  return { status: response.status, json: (await response.json()) as Report };
}

const TEXT = { 'content-type': 'text/plain' };
const NDJSON = { 'content-type': 'application/x-ndjson' };

async function sizeOf(list: string): Promise<number | undefined> {
  return (await client.lists()).find((one) => one.list === list)?.customers;
}

test('ids come as text, JSON, NDJSON, rows and gzip; blanks are nothing, repeats change nothing', async () => {
  const text = await send('PUT', 'kinds', 'ana\r\n\n  bo \nana\n\t\nnew-1', TEXT);
  assert.deepEqual(
    [text.status, text.json.accepted, text.json.rejected, text.json.unchanged, text.json.unknown],
    [200, 4, 0, 1, 1],
  );
  assert.equal(await sizeOf('kinds'), 3);
  const ids = ['ana', 'bo', 'new-1'];
  const rows = ids.map((id) => ({ customer_id: id }));
  const lines = (of: readonly unknown[]) => of.map((one) => `${JSON.stringify(one)}\n`).join('');
  const bodies: readonly (readonly [string | Buffer, Record<string, string>?])[] = [
    [JSON.stringify(ids)],
    [JSON.stringify({ rows: ids })],
    [JSON.stringify(rows)],
    [lines(ids), NDJSON],
    [lines(rows), NDJSON],
    [gzipSync('ana\nbo\nnew-1\n'), { ...TEXT, 'content-encoding': 'gzip' }],
  ];
  for (const [body, headers] of bodies) {
    const { status, json } = await send('PUT', 'kinds', body, headers);
    assert.deepEqual([status, json.accepted, json.unchanged, json.unknown], [200, 3, 3, 0], String(body));
  }
  assert.equal(await sizeOf('kinds'), 3);
});

test('a replacement leaves nobody who is not in it, an addition everybody, a removal the others', async () => {
  await client.apply([{ key: 'vip', type: 'rule', params: { listed: { list: 'vip' } } }], { author: 'test' });
  const members = async () => {
    await client.calculate({ at: NOW });
    const { memberships } = await client.check('ana', ['vip']);
    return [memberships.vip, (await client.size('vip')).size];
  };
  await client.replaceList('vip', ['ana', 'bo']);
  assert.deepEqual(await members(), [true, 2]);
  const replaced = await client.replaceList('vip', new Set(['bo', 'cy']));
  assert.deepEqual(
    [replaced.accepted, replaced.unchanged, replaced.unknown, replaced.delisted],
    [2, 1, 1, 1],
  );
  assert.deepEqual(await members(), [false, 2]);
  const added = await client.addToList('vip', ['bo', 'ana']);
  assert.deepEqual([added.accepted, added.unchanged, added.delisted], [2, 1, undefined]);
  assert.deepEqual(await members(), [true, 3]);
  const removed = await client.removeFromList('vip', ['ana', 'nobody']);
  assert.deepEqual([removed.accepted, removed.unchanged], [2, 1]);
  assert.deepEqual(await members(), [false, 2]);
  const { removed: emptied, batchNo } = await client.emptyList('vip');
  assert.equal(emptied, 2);
  assert.deepEqual(await members(), [false, 0]);
  assert.ok(batchNo > removed.batchNo);
  assert.equal(await sizeOf('vip'), 0, 'an empty list is known');
});

test('rows of the source "lists" do the same, and say which list', async () => {
  const rows = [
    { customer_id: 'ana', list: 'one' },
    { customer_id: 'bo', list: 'two' },
    { customer_id: 'bo', list: 'one', listed: true },
    { customer_id: 'bo', list: 'one', listed: false },
    { customer_id: 'bo' },
  ];
  const report = await client.sendFacts('lists', rows as never);
  assert.deepEqual([report.accepted, report.reasons], [4, { 'no list': 1 }]);
  assert.deepEqual([await sizeOf('one'), await sizeOf('two')], [1, 1]);
});

test('names with odd characters are percent-encoded, and are lists of their own', async () => {
  for (const name of ['a/b', 'ñ "quoted", x', ' padded ', '100%', '€'.repeat(100)]) {
    assert.equal((await client.replaceList(name, ['ana'])).accepted, 1, name);
    assert.equal(await sizeOf(name), 1, name);
  }
  const bad = [encodeURIComponent('x'.repeat(513)), 'a%00b', 'a%0Ab', '%20'.repeat(600)];
  for (const name of bad) {
    const { status, json } = await send('PUT', name, '["ana"]');
    assert.deepEqual([status, json.code], [400, 'REQUEST_INVALID'], name.slice(0, 40));
  }
});

test('a body without a usable id changes nothing, so that an empty export empties no list', async () => {
  await client.replaceList('precious', ['ana', 'bo']);
  const cases: readonly (readonly [string, Record<string, string> | undefined, string])[] = [
    ['[]', undefined, 'REQUEST_INVALID'],
    ['', TEXT, 'REQUEST_INVALID'],
    ['\n \n', TEXT, 'REQUEST_INVALID'],
    ['', NDJSON, 'REQUEST_INVALID'],
    ['{"ids":["ana"]}', undefined, 'REQUEST_INVALID'],
    ['[{"id":"ana"}, {}]', undefined, 'IMPORT_NOTHING_USABLE'],
    ['ana,bo', { 'content-type': 'text/csv' }, 'MEDIA_TYPE_UNSUPPORTED'],
  ];
  for (const [body, headers, code] of cases) {
    const { json } = await send('PUT', 'precious', body, headers);
    assert.equal(json.code, code, body);
    assert.equal(await sizeOf('precious'), 2, body);
  }
  const strict = await send('PUT', 'precious?strict=true', '["cy", {"id": "ana"}]');
  assert.equal(strict.json.code, 'IMPORT_ROW_REJECTED');
  assert.equal(await sizeOf('precious'), 2);
});

test('bad entries are set aside by reason', async () => {
  const rows = [
    'ana',
    42,
    '',
    null,
    true,
    ['bo'],
    { id: 'x' },
    { customer_id: 'bo', list: 'other' },
    { customer_id: 'bo', list: 'mixed', listed: 'perhaps' },
    'x'.repeat(513),
  ];
  const { json } = await send('PUT', 'mixed', JSON.stringify(rows));
  assert.deepEqual([json.accepted, json.rejected], [2, 8]);
  assert.deepEqual(json.reasons, {
    'no customer id': 2,
    'not a JSON object': 3,
    'names another list than the request': 1,
    'listed is neither true nor false': 1,
    'customer id longer than 512 bytes': 1,
  });
});

test('what is not known as a list is not removed from or emptied', async () => {
  const unknown = (error: unknown) => error instanceof CoterieError && error.code === 'LIST_NOT_FOUND';
  await assert.rejects(client.removeFromList('no such list', ['ana']), unknown);
  await assert.rejects(client.emptyList('no such list'), unknown);
});

/** More than are put at once. */
const MANY = 60_000;

test('a long list streams in, is replaced in one batch, and leaves no file behind', async () => {
  const at = (await client.factCounts()).batchNo;
  async function* ids() {
    for (let i = 0; i < MANY; i++) yield i % 7 === 0 ? `long "${i}", x` : `long ${i}`;
  }
  const first = await client.replaceList('long, "odd"', ids());
  assert.deepEqual([first.accepted, first.unchanged, first.unknown], [MANY, 0, MANY]);
  assert.equal(first.batchNo, at + 1, 'one batch');
  assert.equal(await sizeOf('long, "odd"'), MANY);
  async function* text() {
    for (let i = 1; i < MANY; i += 50) yield Array.from({ length: 50 }, (_, j) => `long ${i + j}\n`).join('');
    yield 'long 1\nana\n';
  }
  const second = await send('PUT', encodeURIComponent('long, "odd"'), Readable.from(text()), TEXT);
  assert.equal(second.json.accepted, MANY + 2, JSON.stringify(second.json));
  assert.ok(second.json.unchanged > MANY / 2, 'most were on it');
  assert.ok(second.json.delisted! > 0, 'those with odd names are off it');
  assert.ok((await sizeOf('long, "odd"'))! >= MANY);
  const left = existsSync(coterie.uploadFolder) ? readdirSync(coterie.uploadFolder) : [];
  assert.deepEqual(left, [], join(coterie.uploadFolder, 'is empty'));
});

test('a body over the limit is refused as JSON, and taken as text', async () => {
  const ids = Array.from({ length: 200_000 }, (_, i) => `big-${i}`);
  const { status, json } = await send('PUT', 'big', JSON.stringify(ids));
  assert.deepEqual([status, json.code], [413, 'BODY_TOO_LARGE']);
  assert.equal(await sizeOf('big'), undefined);
});
