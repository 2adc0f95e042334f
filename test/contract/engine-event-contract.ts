/** What every engine promises about events, and about orders that do not count and moments that traits read as. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Engine } from '../../src/core/engine/engine.ts';
import type { EventFact } from '../../src/model/fact.ts';
import { engineTest, type OpenEngine, order } from './engine-contract.ts';
import { EVERYTHING, readEngine } from './live-facts-reading.ts';

/** An event with everything that a test does not care about. */
export function event(customerId: string, eventId: string, rest: Partial<EventFact> = {}): EventFact {
  return { customerId, eventId, name: 'view', occurredAt: 1_000, properties: {}, ...rest };
}

const idsOf = async (engine: Engine, customerId: string, knownAt?: number) =>
  (await engine.customerFacts(customerId, knownAt)).events.map(({ eventId }) => eventId).sort();

/** Defines the suite for one driver. */
export function engineEventContract(name: string, open: OpenEngine): void {
  const test = engineTest(open);

  describe(`events in the ${name} engine`, () => {
    test('come back whole, whatever their names, ids and properties look like', async (engine) => {
      const odd = ["'; DROP TABLE event; --", '"quoted" \\ /', ' spaced ', 'e\u0301', '😀', '__proto__'];
      const events = odd.map((text, i) =>
        event('c', text, {
          name: text,
          occurredAt: i,
          properties: Object.fromEntries([
            [text, text],
            ['', ''],
            ['b', '1.50'],
            ['a', 'x\ny\u0001'],
          ]),
        }),
      );
      const { newCustomers } = await engine.put({ events });
      assert.equal(newCustomers, 1);
      const byTime = [...(await engine.customerFacts('c')).events].sort(
        (a, b) => a.occurredAt - b.occurredAt,
      );
      assert.deepEqual(byTime, events);
      assert.deepEqual(
        byTime.map(({ properties }) => Object.keys(properties).length),
        events.map(() => 4),
      );
      assert.equal((await engine.counts()).events, odd.length);
      assert.deepEqual([...(await engine.dictionary()).eventNames.keys()].sort(), [...odd].sort());
    });

    test('never change: an id that is known of the customer brings nothing, also within a batch', async (engine) => {
      await engine.put({ events: [event('a', '1'), event('a', '1', { name: 'later' }), event('b', '1')] });
      const again = await engine.put({
        events: [event('a', '1', { occurredAt: 5 }), event('a', '2'), event('a', '2', { name: 'later' })],
      });
      assert.deepEqual(again, { batchNo: 2 });
      const { events } = await engine.customerFacts('a');
      assert.deepEqual(
        [...events].sort((a, b) => (a.eventId < b.eventId ? -1 : 1)),
        [event('a', '1'), event('a', '2')],
      );
      assert.equal((await engine.counts()).events, 3);
    });

    test('of a thousand customers with the same ids are a thousand each', async (engine) => {
      const ids = Array.from({ length: 1_000 }, (_, i) => `c${i}`);
      await engine.put({ events: ids.flatMap((id) => ['1', '2'].map((no) => event(id, no))) });
      await engine.put({ events: ids.flatMap((id) => ['2', '3'].map((no) => event(id, no))) });
      assert.equal((await engine.counts()).events, 3_000);
      assert.deepEqual(await idsOf(engine, 'c7'), ['1', '2', '3']);
    });

    test('are read as they were known after an earlier batch', async (engine) => {
      await engine.put({ events: [event('a', '1')] });
      await engine.put({ events: [event('a', '2'), event('b', '1')] });
      assert.deepEqual(await idsOf(engine, 'a', 1), ['1']);
      assert.deepEqual(await idsOf(engine, 'b', 1), []);
      const first = await readEngine(engine, { knownAt: 1 });
      assert.deepEqual(Object.keys(first), ['a']);
      assert.equal(first.a!.events.length, 1);
    });

    test('affect their customer when they are new, and nobody when they are known', async (engine) => {
      await engine.put({ orders: [order('a', '1'), order('b', '1')], events: [event('b', '1')] });
      await engine.put({ events: [event('a', '1')] });
      await engine.put({ events: [event('a', '1'), event('b', '1')] });
      const affected = async (after: number, upTo: number) =>
        engine.customerIds(await engine.affectedCustomers(after, upTo));
      assert.deepEqual(await affected(1, 2), ['a']);
      assert.deepEqual(await affected(2, 3), []);
    });

    test('come in a scan by customer, name and time, those of the names asked for, with what is asked of properties', async (engine) => {
      await engine.put({
        events: [
          event('a', '1', { name: 'buy', occurredAt: 9, properties: { city: 'BCN', amount: '5' } }),
          event('a', '2', { name: 'view', occurredAt: 7, properties: { city: 'MAD', amount: '5.0' } }),
          event('a', '3', { name: 'view', occurredAt: 3, properties: { city: '', other: 'x' } }),
          event('a', '4', { name: 'open' }),
          event('b', '1', { name: 'open' }),
        ],
      });
      const { eventNames } = await engine.dictionary();
      const names = ['buy', 'view'].map((one) => eventNames.get(one)!).sort((a, b) => a - b);
      const properties = [
        { name: 'city', values: ['BCN', 'x'] },
        { name: 'amount', values: [] },
      ];
      const columns = { amounts: false, traits: false, events: { names, properties } };
      const read: unknown[] = [];
      for await (const batch of engine.scan({ columns })) {
        const events = batch.events!;
        for (let i = 0; i < events.count; i++) {
          const own = events.properties.map(({ valueNo, number }) => [valueNo[i], number[i]]);
          read.push([events.customerNo[i], events.nameNo[i], events.occurredAt[i], ...own]);
        }
        assert.equal(batch.orderCount, 0);
        batch.release();
      }
      const a = await engine.customerNo('a');
      const rows = [
        [a, eventNames.get('buy'), 9, [2, Number.NaN], [1, 5]],
        [a, eventNames.get('view'), 3, [1, Number.NaN], [0, Number.NaN]],
        [a, eventNames.get('view'), 7, [1, Number.NaN], [1, 5]],
      ];
      const byName = (x: unknown[], y: unknown[]) =>
        Number(x[1]) - Number(y[1]) || Number(x[2]) - Number(y[2]);
      assert.deepEqual(read, rows.sort(byName));
    });

    test('do not come when they are not asked for, and bring nobody then', async (engine) => {
      await engine.put({ events: [event('a', '1')], orders: [order('b', '1')] });
      for await (const batch of engine.scan({ columns: { amounts: false, traits: true } })) {
        assert.equal(batch.events, undefined);
        assert.deepEqual([...batch.customerNo.subarray(0, batch.orderCount)], [await engine.customerNo('b')]);
        batch.release();
      }
    });
  });

  describe(`a scan of the ${name} engine`, () => {
    test('brings orders that do not count apart, with amounts and status, when they are asked for', async (engine) => {
      await engine.put({
        orders: [
          order('a', '1', { storeId: 's', status: 'cancelled', totalE4: 5, discountE4: 1, currency: 'EUR' }),
          order('a', '2', { storeId: 's', totalE4: 7 }),
          order('b', '1', { status: 'refunded', orderedAt: 3 }),
        ],
      });
      await engine.put({ orders: [order('a', '2', { status: 'refunded', totalE4: 8 }), order('a', '3')] });
      const read = await readEngine(engine);
      assert.deepEqual(Object.keys(read), ['a', 'b']);
      assert.deepEqual(read.a!.orders, [[null, 1_000, 0, 0, '']]);
      assert.deepEqual(
        read.a!.uncounted,
        [
          ['s', 1_000, 5, 1, 'EUR', 1],
          [null, 1_000, 8, 0, '', 2],
        ].sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1)),
      );
      assert.deepEqual(read.b!.uncounted, [[null, 3, 0, 0, '', 2]]);
      const before = await readEngine(engine, { knownAt: 1 });
      assert.deepEqual([before.a!.orders.length, before.a!.uncounted.length], [1, 1]);
      const { uncounted: _, ...counted } = EVERYTHING;
      assert.deepEqual(Object.keys(await readEngine(engine, {}, counted)), ['a']);
    });

    test('brings the moment that a trait reads as', async (engine) => {
      const values: readonly (readonly [string, number | null])[] = [
        ['2026-03-01', 1772323200],
        ['2026-03-01T12:00:00Z', 1772366400],
        ['2026-03-01 12:00', 1772366400],
        ['2026-03-01T12:00:30+02:00', 1772359230],
        ['2026-03-01T00:30-01:30', 1772330400],
        ['1970-01-01', 0],
        ['1970-01-01T01:00:00+02:00', null],
        ['1969-12-31', null],
        ['2106-02-07T06:28:15Z', 0xffff_ffff],
        ['2106-02-07T06:28:16Z', null],
        ['2026-02-29', null],
        ['2024-02-29', 1709164800],
        ['2026-13-01', null],
        ['2026-3-1', null],
        ['2026-03-01T24:00', null],
        ['2026-03-01T12:00:00.5Z', null],
        ['2026-03-01T12:00:00+2000', null],
        ['2026-03-01Z', null],
        ['2026', null],
        ['tomorrow', null],
        ['', null],
      ];
      await engine.put({
        traits: values.map(([value], i) => ({ customerId: `c${i}`, name: 'born', value })),
      });
      const read = await readEngine(engine);
      for (const [i, [value, moment]] of values.entries()) {
        const [row] = read[`c${i}`]!.values as [unknown[]];
        assert.equal(row!.at(-1), `${moment ?? Number.NaN}`, value);
      }
    });
  });
}
