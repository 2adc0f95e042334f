/** Webhooks over HTTP, with receivers that listen: signed, in order, retried, given up, sent again. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { parseMoment } from '../../src/model/time.ts';
import { until } from '../until.ts';
import { ask, type Coterie, NOW, openCoterie } from './api-fixture.ts';

const AT = parseMoment(NOW) - 1000;
const DELIVERY = { timeoutMs: 300, backOffMs: 5, backOffMaxMs: 20, attemptsMax: 3, batchChanges: 2 };
let coterie: Coterie;
let numbers: ReadonlyMap<string, number>;
before(async () => {
  coterie = await openCoterie({ delivery: DELIVERY });
  numbers = new Map(coterie.store.view()!.directory.entries.map((entry) => [entry.key, entry.segmentNo]));
});
const receivers: { close(): void }[] = [];
after(async () => {
  // A test that failed left its own listening.
  for (const each of receivers) each.close();
  await coterie.close();
});

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers with a status, or never. */
type Answer = (count: number) => number | 'never';

async function receiver(answer: Answer = () => 204) {
  const received: Received[] = [];
  const server: Server = createServer(async (request, response) => {
    received.push({ headers: request.headers, body: await text(request) });
    const status = answer(received.length);
    if (status !== 'never') response.writeHead(status, { location: '/elsewhere' }).end('thanks');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const opened = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    changes: () => received.flatMap(({ body }) => (JSON.parse(body) as { changes: Change[] }).changes),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  receivers.push(opened);
  return opened;
}

interface Change {
  readonly position: number;
  readonly customer: string;
  readonly entered: readonly string[];
  readonly exited: readonly string[];
}

interface View {
  readonly id: string;
  readonly position: number;
  readonly behind: number;
  readonly failures: number;
  readonly deadLetters: number;
  readonly lastError?: string;
  readonly secret?: string;
  readonly code?: string;
}

function put(id: string, body: object, at = coterie) {
  return ask<View>(`${at.url}/v1/webhooks/${id}`, { method: 'PUT', body });
}

async function view(id: string, at = coterie): Promise<View> {
  return (await ask<View>(`${at.url}/v1/webhooks/${id}`)).json;
}

function enter(customer: string, ...keys: readonly string[]): Promise<void> {
  return enterAt(coterie, customer, ...keys);
}

async function enterAt(at: Coterie, customer: string, ...keys: readonly string[]): Promise<void> {
  const entered = keys.map((key) => numbers.get(key)!);
  const change = { customerNo: 0, customerId: customer, entered, exited: [] };
  await at.changes.append({ at: AT, batchNo: 1, catalogNo: 1, changes: [change] });
}

test('a key that no definition ever had is refused, with the nearest; an archived one may stay', async () => {
  const url = 'http://127.0.0.1:9/hook';
  const refusal = async (segment: string) => {
    const { status, json } = await put('typo', { url, segments: ['lapsed', segment] });
    return [status, json.code, (json as unknown as { detail: string }).detail];
  };
  const expected = 'segments[1]: expected the key of a segment or family that is defined, found';
  assert.deepEqual(await refusal('reguler'), [
    400,
    'WEBHOOK_INVALID',
    `${expected} "reguler"; did you mean "regular"?`,
  ]);
  assert.deepEqual(await refusal('nope'), [400, 'WEBHOOK_INVALID', `${expected} "nope"`]);
  assert.deepEqual(await refusal('regular@s1'), [400, 'WEBHOOK_INVALID', `${expected} "regular@s1"`]);
  const segments = ['gone', 'new-at@s9'];
  await ask(`${coterie.url}/v1/segments/gone`, { method: 'PUT', body: { type: 'new' } });
  assert.equal((await put('stays', { url, segments })).status, 201);
  await ask(`${coterie.url}/v1/segments/gone`, { method: 'DELETE' });
  assert.equal((await put('stays', { url: `${url}2`, segments })).status, 200);
  await ask(`${coterie.url}/v1/webhooks/stays`, { method: 'DELETE' });
});

test('changes arrive in order, in batches, narrowed to what was asked for, and signed', async () => {
  const target = await receiver();
  const { status, json } = await put('first', { url: target.url, segments: ['regular', 'new-at'] });
  assert.equal(status, 201);
  assert.match(json.secret!, /^whsec_/);
  for (const [i, key] of ['regular', 'lapsed', 'new-at@s1', 'regular', 'in-bcn'].entries())
    await enter(`c${i}`, key);
  await until('three are told', () => target.changes().length === 3);
  assert.deepEqual(
    target.changes().map(({ customer, entered }) => [customer, entered]),
    [
      ['c0', ['regular']],
      ['c2', ['new-at@s1']],
      ['c3', ['regular']],
    ],
  );
  for (const { headers, body } of target.received) {
    const key = Buffer.from(json.secret!.slice('whsec_'.length), 'base64');
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const expected = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
    assert.equal(headers['webhook-signature'], expected);
  }
  await until('nothing is left to tell', async () => (await view('first')).behind === 0);
  assert.equal((await view('first')).secret, undefined, 'a secret is shown once');
  const again = await put('first', { url: target.url, owner: 'crm', tag: 'vip' });
  assert.deepEqual([again.status, again.json.secret], [200, undefined]);
  await enter('c9', 'lapsed', 'regular');
  await until('the fourth is told', () => target.changes().length === 4);
  assert.deepEqual(target.changes()[3]!.entered, ['regular'], 'lapsed has the owner, not the tag');
  assert.equal((await ask(`${coterie.url}/v1/webhooks/first`, { method: 'DELETE' })).status, 204);
  target.close();
});

test('a batch that fails is sent again with the same id, and what follows waits for it', async () => {
  const target = await receiver((count) => (count <= 2 ? [500, 302][count - 1]! : 200));
  await put('flaky', { url: target.url, segments: ['regular'] });
  await enter('a', 'regular');
  await until('the first arrives', () => target.received.length >= 1);
  await enter('b', 'regular');
  await until('the fourth arrives', () => target.received.length === 4);
  const ids = target.received.map(({ headers }) => headers['webhook-id']);
  assert.deepEqual([ids[0] === ids[1], ids[1] === ids[2], ids[2] === ids[3]], [true, true, false]);
  assert.deepEqual(
    target.changes().map((change) => change.customer),
    ['a', 'a', 'a', 'b'],
  );
  await until('it succeeds', async () => (await view('flaky')).failures === 0);
  await coterie.webhooks.remove('flaky');
  target.close();
});

test('an address that hangs is given up after so many attempts, and stalls nobody else', async () => {
  let isHanging = true;
  const hanging = await receiver(() => (isHanging ? 'never' : 200));
  const other = await receiver();
  await put('hanging', { url: hanging.url, segments: ['regular'] });
  await put('other', { url: other.url, segments: ['regular'] });
  await enter('x', 'regular');
  await enter('y', 'regular');
  await until('the other is told', () => other.changes().length === 2);
  assert.equal((await view('hanging')).deadLetters, 0, 'the other did not wait for it');
  await until('it is given up', async () => (await view('hanging')).deadLetters > 0);
  await until('nothing is left to try', async () => (await view('hanging')).behind === 0);
  const path = `${coterie.url}/v1/webhooks/hanging/dead-letters`;
  const { json } = await ask<{
    total: number;
    items: { error: string; attempts: number; body: { changes: Change[] } }[];
  }>(path);
  assert.match(json.items[0]!.error, /no answer within 300 ms/);
  assert.equal(json.items[0]!.attempts, 3);
  assert.deepEqual(
    json.items.flatMap(({ body }) => body.changes.map((change) => change.customer)),
    ['x', 'y'],
  );
  const refused = await ask<{ redelivered: number; error: string }>(`${path}/redeliver`, { method: 'POST' });
  assert.deepEqual([refused.status, refused.json.redelivered], [200, 0]);
  isHanging = false;
  const sent = await ask<{ redelivered: number; deadLetters: number }>(`${path}/redeliver`, {
    method: 'POST',
  });
  assert.deepEqual([sent.json.redelivered, sent.json.deadLetters], [json.total, 0]);
  await coterie.webhooks.remove('hanging');
  await coterie.webhooks.remove('other');
  hanging.close();
  other.close();
});

test('a customer who is forgotten goes from dead letters and from what is tried again', async () => {
  // The attempt that hangs goes on hanging until the customer is forgotten, however slow the machine.
  const patient = await openCoterie({ delivery: { ...DELIVERY, timeoutMs: 3_000 } });
  try {
    let isUp = false;
    const target = await receiver((count) => (isUp ? 204 : count <= 3 ? 500 : 'never'));
    await put('down', { url: target.url, segments: ['regular'] }, patient);
    await enterAt(patient, 'ana', 'regular');
    await until('it is given up', async () => (await view('down', patient)).deadLetters === 1);
    await enterAt(patient, 'ana', 'regular');
    await until('the fourth arrives', () => target.received.length === 4);
    const erased = await ask(`${patient.url}/v1/customers/ana`, { method: 'DELETE' });
    assert.equal(erased.status, 202);
    const told = target.changes().length;
    isUp = true;
    assert.equal((await view('down', patient)).deadLetters, 0);
    await enterAt(patient, 'x', 'regular');
    await until('x is told of', () => target.changes().some(({ customer }) => customer === 'x'));
    const since = target.changes().slice(told);
    assert.deepEqual(
      since.map(({ customer }) => customer),
      ['x'],
    );
    assert.equal((await view('down', patient)).deadLetters, 0);
    target.close();
  } finally {
    await patient.close();
  }
});

test('a webhook that makes no sense is refused, and one that does not exist is not found', async () => {
  for (const body of [
    { url: 'ftp://a/' },
    { url: 'nowhere' },
    { url: 'http://user:word@a/' },
    { url: 'http://a/', secret: 'short' },
    { url: 'http://a/', secret: 'whsec_c2hvcnQ=' },
  ]) {
    const { status, json } = await put('bad', body);
    assert.deepEqual([status, json.code], [400, 'WEBHOOK_INVALID'], JSON.stringify(body));
  }
  assert.equal((await put('bad', { url: 'http://a/', segment: ['x'] })).json.code, 'REQUEST_INVALID');
  assert.equal((await put('b%20d', { url: 'http://a/' })).json.code, 'WEBHOOK_INVALID');
  for (const path of ['nope', 'nope/dead-letters']) {
    assert.equal((await ask<View>(`${coterie.url}/v1/webhooks/${path}`)).json.code, 'WEBHOOK_NOT_FOUND');
  }
  const { json } = await ask<{ items: View[] }>(`${coterie.url}/v1/webhooks`);
  assert.deepEqual(json.items, []);
});
