/** Files of events: what they may look like, and what becomes of each row. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openImporting, what } from '../../../../test/importing-engine.ts';
import { readEvent } from '../../../model/read-fact.ts';
import { eventIdOf } from '../../ingest/event-id.ts';

const importing = openImporting('events');
const { imported } = importing;

const eventsOf = async (customerId: string) => (await importing.engine.customerFacts(customerId)).events;

const EVENTS = `customer_id,event_id,name,occurred_at,page,amount,note
a,1,view,2026-01-01T00:00:05Z,home,5.0,
a,2,checkout_started,2026-01-02,,12,"say ""hi"""
b,1,view,2026-01-03,é,,x
`;

describe('an import of events', () => {
  it('takes every other column for a property, and leaves out what is empty', async () => {
    const report = await imported('events.csv', EVENTS);
    assert.deepEqual([what(report), report.rows, report.newCustomers], [[3, 0, 0, 0], 3, 2]);
    assert.deepEqual(await eventsOf('a'), [
      {
        customerId: 'a',
        eventId: '1',
        name: 'view',
        occurredAt: Date.UTC(2026, 0, 1, 0, 0, 5) / 1000,
        properties: { amount: '5.0', page: 'home' },
      },
      {
        customerId: 'a',
        eventId: '2',
        name: 'checkout_started',
        occurredAt: Date.UTC(2026, 0, 2) / 1000,
        properties: { amount: '12', note: 'say "hi"' },
      },
    ]);
  });

  it('brings nothing for an id that is known, of the file or from before; the first row is taken', async () => {
    await imported('events.csv', EVENTS);
    const more =
      'customer_id,event_id,name,occurred_at\na,1,other,2026-02-01\na,3,view,2026-02-01\na,3,later,2026-02-02\nb,3,view,2026-02-01\n';
    const report = await imported('more.csv', more);
    assert.deepEqual([what(report), report.newCustomers], [[2, 0, 2, 0], undefined]);
    const names = (await eventsOf('a')).map(({ eventId, name }) => [eventId, name]);
    assert.deepEqual(names, [
      ['1', 'view'],
      ['2', 'checkout_started'],
      ['3', 'view'],
    ]);
    const again = await imported('more.csv', more);
    assert.deepEqual([again.batchNo, what(again)], [2, [0, 0, 4, 0]]);
  });

  it('gives an event without an id the one that the same event has when it comes as JSON', async () => {
    await imported(
      'anonymous.csv',
      'customer_id,name,occurred_at,b,a\né,view,2026-01-01,x,\né,view,2026-01-01,x,"1,2"\né,view,2026-01-01,x,\n',
    );
    const read = [{ b: 'x' }, { b: 'x', a: '1,2' }].map((properties) =>
      readEvent({ customer_id: 'é', name: 'view', occurred_at: '2026-01-01', properties }, eventIdOf),
    );
    assert.deepEqual(
      (await eventsOf('é')).map((event) => event.eventId).sort(),
      read.map((reading) => 'fact' in reading && reading.fact.eventId).sort(),
    );
  });

  it('reads properties of NDJSON as the reader of JSON rows does, ids included', async () => {
    const rows: Record<string, unknown>[] = [
      { page: 'home', amount: 5.0, n: 1e3, ok: true, none: null, empty: '', list: [1, 'x'], deep: { a: 1 } },
      { properties: { page: 'home', 'a/b~c': 'slash', amount: 0.25, ok: false, none: null, list: [] } },
      { page: 'beside', other: 'y', properties: { page: 'wins' } },
      { page: 'beside', properties: { page: null } },
      { page: 'beside', properties: {} },
      { properties: '{"as": "text"}' },
      { properties: '' },
      { properties: 'no object' },
      { properties: [1] },
      { properties: 7 },
      { properties: { long: 'x'.repeat(4097) } },
      { long: 'x'.repeat(4097) },
      { name: '' },
      { name: true },
      { event_id: { a: 1 } },
      { occurred_at: 'soon' },
      { properties: { é: '😀', "quo'te": 'a"b\\c' }, "it's": '{"a":1}' },
      { event_id: 17, big: 12345 },
    ].map((row, i) => ({
      customer_id: 'c',
      name: 'view',
      occurred_at: '2026-01-01',
      event_id: `e${i}`,
      ...row,
    }));
    const anonymous = rows.map(({ event_id: _, ...row }, i) => ({ ...row, no: i }));
    const all = [...rows, ...anonymous];
    const report = await imported('events.ndjson', all.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const readings = all.map((row) => readEvent(row, eventIdOf));
    const facts = readings.flatMap((reading) => ('fact' in reading ? [reading.fact] : []));
    const byId = (a: { eventId: string }, b: { eventId: string }) => (a.eventId < b.eventId ? -1 : 1);
    assert.deepEqual([...(await eventsOf('c'))].sort(byId), [...facts].sort(byId));
    const reasons: Record<string, number> = {};
    for (const reading of readings) {
      if ('reason' in reading) reasons[reading.reason] = (reasons[reading.reason] ?? 0) + 1;
    }
    assert.deepEqual({ ...report.reasons }, reasons);
  });

  it('reads a number of NDJSON as its shortest text, however it is written', async () => {
    const texts = ['5.0', '1e3', '0.50', '-0.0', '12345678901234', '0.1', 'true'];
    const own = texts.map((text, i) => `"n${i}":${text}`).join(',');
    const fields = '"customer_id":"a","name":"v","occurred_at":"2026-01-01"';
    await imported('numbers.ndjson', `{${fields},${own},"properties":{${own.replaceAll('"n', '"p')}}}\n`);
    const expected = ['5', '1000', '0.5', '0', '12345678901234', '0.1', 'true'];
    const { properties } = (await eventsOf('a'))[0]!;
    for (const prefix of ['n', 'p']) {
      assert.deepEqual(
        texts.map((_, i) => properties[`${prefix}${i}`]),
        expected,
      );
    }
  });

  it('reads a field "properties" of CSV as JSON, and renames, leaves out and sets fields', async () => {
    const report = await imported(
      'renamed.csv',
      'who,when,what,props,secret,page\na,2026-01-01,view,"{""x"":1}",s,home\na,2026-01-02,view,nonsense,s,home\n',
      {
        map: { customer_id: 'who', occurred_at: 'when', kind: 'what', properties: 'props', secret: '' },
        defaults: { name: 'seen' },
      },
    );
    assert.deepEqual(
      [what(report), report.reasons],
      [[1, 0, 0, 1], { 'properties are not a JSON object': 1 }],
    );
    assert.deepEqual(
      (await eventsOf('a')).map(({ name, properties }) => [name, properties]),
      [['seen', { kind: 'view', page: 'home', x: '1' }]],
    );
  });

  it('reads Parquet: numbers with their shortest text, structures and maps as properties', async () => {
    const file = join(importing.folder, 'events.parquet');
    await importing.database.run(`COPY (SELECT 'a' AS customer_id, 'view' AS name, TIMESTAMP '2026-01-01 00:00:01' AS occurred_at,
      5.0::DOUBLE AS whole, 4.3::FLOAT AS fraction, true AS ok, {'x': 1, 'y': NULL, 'z': 't'} AS properties)
      TO '${file}' (FORMAT parquet)`);
    await importing.engine.importFile({ source: 'events', file, map: {}, strict: true });
    const map = join(importing.folder, 'map.parquet');
    await importing.database.run(`COPY (SELECT 'b' AS customer_id, 'view' AS name, '2026-01-01' AS occurred_at,
      MAP {'k': 'v', 'n': NULL} AS properties) TO '${map}' (FORMAT parquet)`);
    await importing.engine.importFile({ source: 'events', file: map, map: {}, strict: true });
    const [[a], [b]] = [await eventsOf('a'), await eventsOf('b')];
    assert.deepEqual(
      [a!.occurredAt, a!.properties],
      [1767225601, { fraction: '4.3', ok: 'true', whole: '5', x: '1', z: 't' }],
    );
    assert.deepEqual(b!.properties, { k: 'v' });
  });

  it('needs a customer, a name and a time', async () => {
    await assert.rejects(imported('short.csv', 'customer_id,page\na,b\n'), {
      code: 'IMPORT_COLUMNS_MISSING',
      message: /"name", "occurred_at"/,
    });
  });
});
