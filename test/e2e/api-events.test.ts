/** Events over HTTP: read, told apart, filtered by properties of any type, explained. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CoterieClient, type EventRow } from '../../src/client/client.ts';
import { ask, type Coterie, NOW, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
let client: CoterieClient;
before(async () => {
  coterie = await openCoterie();
  client = new CoterieClient({ url: coterie.url, timeoutMs: 30_000 });
});
after(() => coterie.close());

const view = (customer: string, properties: EventRow['properties'] = {}, change: object = {}): EventRow => ({
  customer_id: customer,
  name: 'view',
  occurred_at: '2026-02-28T10:00:00Z',
  properties,
  ...change,
});

async function membersOf(key: string): Promise<string[]> {
  const members: string[] = [];
  for await (const id of client.members(key)) members.push(id);
  return members.sort();
}

test('an event without an id is known by all it says, one with an id by that', async () => {
  const before = (await client.factCounts()).events;
  const rows = [
    view('ida', { page: 'home' }),
    { ...view('ida'), page: 'home' },
    view('ida', { page: 'shop' }),
  ];
  assert.equal((await client.sendFacts('events', rows)).accepted, 3);
  await client.sendFacts('events', rows);
  assert.equal((await client.factCounts()).events - before, 2, 'the first two say the same');
  await client.sendFacts('events', [
    view('ida', { page: 'cart' }, { event_id: 'e1' }),
    view('ida', { page: 'other' }, { event_id: 'e1' }),
    view('ivo', { page: 'cart' }, { event_id: 'e1' }),
  ]);
  assert.equal(
    (await client.factCounts()).events - before,
    4,
    'ids are of one customer, and the first stays',
  );
});

test('a filter by property reads numbers, texts and truth values alike, whatever type they came in', async () => {
  await client.sendFacts('events', [
    view('t1', { size: 5, isNew: true }),
    view('t2', { size: '5', isNew: 'true' }),
    view('t3', { size: 7.5, isNew: false }),
    view('t4', { size: 'large' }),
    view('t5', { size: null }),
    view('t6'),
  ]);
  const where = (test: unknown) => ({ event: { name: 'view', where: { size: test } } });
  await client.apply(
    [
      { key: 'size-five', type: 'rule', params: where({ in: [5] }) },
      { key: 'size-five-text', type: 'rule', params: where({ in: ['5'] }) },
      { key: 'size-from-six', type: 'rule', params: where({ atLeast: 6 }) },
      { key: 'size-any', type: 'rule', params: where({ exists: true }) },
      { key: 'is-new', type: 'rule', params: { event: { name: 'view', where: { isNew: true } } } },
    ],
    { author: 'test' },
  );
  await client.calculate({ at: NOW });
  assert.deepEqual(await membersOf('size-five'), ['t1', 't2']);
  assert.deepEqual(await membersOf('size-five-text'), ['t1', 't2']);
  assert.deepEqual(await membersOf('size-from-six'), ['t3']);
  assert.deepEqual(await membersOf('size-any'), ['t1', 't2', 't3', 't4']);
  assert.deepEqual(await membersOf('is-new'), ['t1', 't2']);
  const { rule, member } = await client.explain('t3', 'size-from-six');
  assert.equal(member, true);
  assert.equal(rule.condition?.facts.length, 1, JSON.stringify(rule));
});

test('bad events are set aside by reason, and cost nothing else', async () => {
  const { json } = await ask<{ accepted: number; reasons: object; rejects: object }>(
    `${coterie.url}/v1/facts/events`,
    {
      body: [
        view('bad', { page: 'x'.repeat(4097) }),
        { ...view('bad'), name: '' },
        { ...view('bad'), name: { is: 'odd' } },
        { ...view('bad'), occurred_at: '2026-02-30' },
        { ...view('bad'), occurred_at: null },
        { ...view('bad'), properties: [1, 2] },
        { ...view('bad'), event_id: 'e'.repeat(513) },
        { ...view('bad'), properties: '{"page":"as text"}' },
        view('bad', { '': 1, ñ: 'ü', __proto__: null, 'a.b "c"': 0 }),
      ],
    },
  );
  assert.deepEqual(json.reasons, {
    'a property longer than 4096 bytes': 1,
    'no event name': 1,
    'event name is not text': 1,
    'unreadable date': 1,
    'no date': 1,
    'properties are not a JSON object': 1,
    'event id longer than 512 bytes': 1,
  });
  assert.equal(json.accepted, 2);
});

test('an event dated in the future counts when its time comes', async () => {
  await client.sendFacts('events', [
    view('later', {}, { name: 'soon', occurred_at: '2026-03-02T00:00:00Z' }),
  ]);
  await client.apply([{ key: 'soon', type: 'rule', params: { event: { name: 'soon' } } }], {
    author: 'test',
  });
  await client.calculate({ at: NOW });
  assert.equal((await client.size('soon')).size, 0);
  const { nextChange } = await client.explain('later', 'soon');
  assert.deepEqual(nextChange, { at: '2026-03-02T00:00:00Z', member: true });
  await client.calculate({ at: '2026-03-02T00:00:00Z' });
  assert.equal((await client.size('soon')).size, 1);
});
