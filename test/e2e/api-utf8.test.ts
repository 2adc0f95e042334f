/** Bodies that are not UTF-8: no row of them is taken for another's, however it comes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Coterie, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
before(async () => {
  coterie = await openCoterie();
});
after(() => coterie.close());

interface Report {
  readonly accepted?: number;
  readonly rejects?: readonly { readonly index: number; readonly reason: string }[];
  readonly code?: string;
  readonly detail?: string;
}

async function send(method: string, path: string, type: string, body: Buffer, packed = false) {
  const headers = { 'content-type': type, ...(packed ? { 'content-encoding': 'gzip' } : {}) };
  const response = await fetch(`${coterie.url}${path}`, { method, headers, body });
  return { status: response.status, json: (await response.json()) as Report };
}

const latin = (text: string) => Buffer.from(text, 'latin1');
const order = (customer: string) =>
  `{"customer_id":"${customer}","order_id":"1","ordered_at":"2026-02-01","total":1}\n`;

test('a line that is not UTF-8 is set aside, in text and in NDJSON, packed or not', async () => {
  const text = await send('PUT', '/v1/lists/latin', 'text/plain', latin('jos\xe9\nana\njos\xe8\n'));
  assert.deepEqual([text.status, text.json.accepted], [200, 1]);
  assert.deepEqual(text.json.rejects, [
    { index: 0, reason: 'not UTF-8' },
    { index: 2, reason: 'not UTF-8' },
  ]);
  const none = await send('PUT', '/v1/lists/latin', 'text/plain', latin('jos\xe9\njos\xe8\n'));
  assert.equal(none.json.code, 'IMPORT_NOTHING_USABLE');
  const orders = latin(order('mar\xeda') + order('mar\xe0a') + order('maria'));
  for (const packed of [false, true]) {
    const body = packed ? gzipSync(orders) : orders;
    const { json } = await send('POST', '/v1/facts/orders', 'application/x-ndjson', body, packed);
    assert.deepEqual([json.accepted, json.rejects?.map(({ index }) => index)], [1, [0, 1]]);
  }
});

test('a JSON text that is not UTF-8 is refused whole', async () => {
  const rows = latin('[{"customer_id":"jos\xe9","list":"json"},{"customer_id":"ana","list":"json"}]');
  const bodies: readonly (readonly [method: string, path: string, body: Buffer])[] = [
    ['POST', '/v1/facts/lists', rows],
    ['PUT', '/v1/lists/json', latin('["jos\xe9"]')],
    ['POST', '/v1/check', latin('{"customer":"jos\xe9","segments":["regular"]}')],
    ['POST', '/v1/segments', latin('[{"key":"jos\xe9"}]')],
  ];
  for (const [method, path, body] of bodies) {
    const { status, json } = await send(method, path, 'application/json', body);
    assert.deepEqual(
      [status, json.code, json.detail],
      [400, 'REQUEST_INVALID', 'The body is not UTF-8'],
      path,
    );
  }
});

test('a replacement character that was written is text like any other', async () => {
  const { json } = await send('PUT', '/v1/lists/real', 'text/plain', Buffer.from('a\ufffd\na\n'));
  assert.deepEqual([json.accepted, json.rejects], [2, []]);
});

test('a body that unpacks to endless empty lines ends in an error', async () => {
  const body = gzipSync(Buffer.alloc(40 * 1_048_576, '\n'));
  const { status, json } = await send('POST', '/v1/facts/orders', 'application/x-ndjson', body, true);
  assert.deepEqual([status, json.code], [400, 'REQUEST_INVALID']);
  assert.match(json.detail ?? '', /more than 16777216 bytes of empty, overlong or unreadable lines/);
});
