/** Rows of every source on their way into the engine: what is put, alone or with others, and what is told of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as pause } from 'node:timers/promises';
import type { Engine, FactSource } from '../engine/engine.ts';
import { sourceOf } from '../stream/message-stream.ts';
import { emptyChunk } from './fact-chunk.ts';
import { createIngest } from './ingest.ts';

type Facts = Parameters<Engine['put']>[0];

/** Remembers what was put. */
function recorded(erasedCustomers?: readonly string[]) {
  const puts: Facts[] = [];
  const put: Engine['put'] = async (facts) => {
    puts.push(structuredClone(facts));
    return { batchNo: puts.length, ...(erasedCustomers ? { erasedCustomers } : {}) };
  };
  return { puts, ingest: createIngest({ engine: { put }, options: { gatherMs: 5 } }) };
}

const entry = (customerId: string) => ({ customerId, list: 'l', isListed: true });

test('events, scores and list entries are read, and bad ones set aside by reason', async () => {
  const { puts, ingest } = recorded();
  const at = '2026-03-01T12:00:00Z';
  const cases: readonly (readonly [FactSource, readonly unknown[], Record<string, number>])[] = [
    [
      'events',
      [
        { customer_id: 'c', name: 'view', occurred_at: at, page: 3, properties: { size: 'L', page: null } },
        { customer_id: 'c', name: 'view' },
        { customer_id: 'c', occurred_at: at },
        { customer_id: 'c', name: 'view', occurred_at: at, properties: 'x' },
        { customer_id: 'c', name: 'view', occurred_at: at, text: 'x'.repeat(4097) },
      ],
      {
        'no date': 1,
        'no event name': 1,
        'properties are not a JSON object': 1,
        'a property longer than 4096 bytes': 1,
      },
    ],
    [
      'scores',
      [
        { customer_id: 'c', model: 'churn', value: 0.7, version: 2, valid_until: '2026-04-01' },
        { customer_id: 'c', model: 'churn', value: 'NaN' },
        { customer_id: 'c', model: 'churn', value: '1e999' },
        { customer_id: 'c', model: 'churn' },
        { customer_id: 'c', value: 1 },
        { customer_id: 'c', model: 'churn', value: 1, valid_until: 'soon' },
      ],
      { 'value is not a finite number': 2, 'no value': 1, 'no model': 1, 'unreadable end of validity': 1 },
    ],
    [
      'lists',
      [
        { customer_id: 'c', list: 'vip' },
        { customer_id: 'd', list: 'vip', listed: 'no' },
        { customer_id: 'd' },
        { customer_id: 'd', list: 'vip', listed: false },
      ],
      { 'listed is neither true nor false': 1, 'no list': 1 },
    ],
  ];
  for (const [source, rows, reasons] of cases) {
    const report = await ingest.submit(source, rows);
    assert.deepEqual(report.reasons, reasons);
    const bad = Object.values(reasons).reduce((sum, count) => sum + count);
    assert.deepEqual([report.accepted, report.rejected], [rows.length - bad, bad]);
    if (source === 'scores') assert.deepEqual(report.versions, [{ model: 'churn', version: '2' }]);
  }
  assert.deepEqual(puts[0]!.events, [
    {
      customerId: 'c',
      eventId: puts[0]!.events![0]!.eventId,
      name: 'view',
      occurredAt: 1_772_366_400,
      properties: { page: '3', size: 'L' },
    },
  ]);
  assert.match(puts[0]!.events![0]!.eventId, /^[0-9a-f]{32}$/);
  assert.deepEqual(puts[1]!.scores, [
    { customerId: 'c', model: 'churn', value: 0.7, version: '2', validUntil: 1_775_001_600 },
  ]);
  assert.deepEqual(puts[2]!.listEntries, [
    { customerId: 'c', list: 'vip', isListed: true },
    { customerId: 'd', list: 'vip', isListed: false },
  ]);
});

test('what empties a list, or is to be counted by itself, is a batch of its own, in its turn', async () => {
  const { puts, ingest } = recorded();
  const replacing = { ...emptyChunk(), listEntries: [entry('new')], emptiedLists: ['l'], rows: 1 };
  const submit = (customer: string) => ingest.submit('lists', [{ customer_id: customer, list: 'l' }]);
  const before = [submit('a'), submit('b')];
  await pause();
  const alone = ingest.putAlone(replacing, 2);
  await Promise.all([...before, alone, submit('c')]);
  assert.deepEqual(
    puts.map(({ listEntries, emptiedLists }) => [listEntries, emptiedLists]),
    [
      [[entry('a'), entry('b')], []],
      [[entry('new')], ['l']],
      [[entry('c')], []],
    ],
  );
  const { acceptedRows, rejectedRows, waitingRows } = ingest.status();
  assert.deepEqual([acceptedRows, rejectedRows, waitingRows], [4, 2, 0]);
});

test('rows of every source about customers who were erased are not accepted', async () => {
  const { ingest } = recorded(['gone']);
  const rows: Readonly<Partial<Record<FactSource, object>>> = {
    events: { name: 'view', occurred_at: '2026-03-01' },
    scores: { model: 'm', value: 1 },
    lists: { list: 'l' },
  };
  for (const [source, row] of Object.entries(rows)) {
    const report = await ingest.submit(source as FactSource, [
      { ...row, customer_id: 'gone' },
      { ...row, customer_id: 'here' },
    ]);
    assert.deepEqual([report.accepted, report.erased], [1, 1], source);
  }
});

test('a subject says which facts it brings; "events" is also a word for others', () => {
  const subjects = ['facts.scores', 'lists', 'shop.events.v1', 'events.orders', 'events', 'elsewhere'];
  assert.deepEqual(
    subjects.map((subject) => sourceOf(subject)),
    ['scores', 'lists', 'events', 'orders', 'events', undefined],
  );
});
