/** What live facts of every engine promise. Each driver runs it against the real thing. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Engine } from '../../src/core/engine/engine.ts';
import { STATUS_CODE } from '../../src/core/engine/fact-batch.ts';
import type { TimeOffsets } from '../../src/core/engine/live-facts.ts';
import type { EventFact } from '../../src/model/fact.ts';
import { order } from './engine-contract.ts';
import { allCustomers, liveFactsTest, type OpenEngine, readAll } from './live-facts-fixture.ts';
import { type Asked, offsetsOf, readLive } from './live-facts-reading.ts';

const HOUR_S = 3_600;
const NOON = 1_700_000_000;

const event = (
  customerId: string,
  eventId: string,
  name: string,
  occurredAt: number,
  properties: EventFact['properties'] = {},
): EventFact => ({ customerId, eventId, name, occurredAt, properties });

const byBytes = (ids: string[]) => ids.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** Defines the suite for one driver. */
export function liveFactsContract(name: string, open: OpenEngine): void {
  const test = liveFactsTest(open);
  const idsOf = (engine: Engine, customers: Uint32Array) => engine.customerIds(customers);

  describe(`live facts of the ${name} engine`, () => {
    test('stand at batch 0 before any facts, and bring none', async (opened) => {
      const { facts } = opened;
      assert.equal(facts.batchNo, 0);
      assert.equal(facts.storesBatchNo, 0);
      const { customers, newCustomers } = await facts.received(0);
      assert.deepEqual([customers.length, newCustomers.ids], [0, []]);
      assert.deepEqual(
        await facts.crossing(offsetsOf({ orders: [0, 60], scores: [0] }), 0, NOON),
        new Uint32Array(),
      );
      assert.deepEqual(await readLive(opened.engine, facts, Uint32Array.of(0, 1, 5)), {});
    });

    test('move on by advance alone', async (opened) => {
      const { engine, facts } = opened;
      await engine.put({ orders: [order('a', '1', { storeId: 's' })] });
      assert.equal(facts.batchNo, 0);
      assert.deepEqual(await readAll(opened), {});
      await facts.advance();
      assert.equal(facts.batchNo, 1);
      assert.equal(facts.storesBatchNo, 1);
      assert.equal((await readAll(opened)).a!.orders.length, 1);
    });

    test('bring amounts and traits only when asked for, and traits alone', async ({ engine, facts }) => {
      await engine.put({
        orders: [order('a', '1'), order('b', '1')],
        traits: [{ customerId: 'b', name: 'age', value: '40' }],
      });
      await facts.advance();
      const customers = await allCustomers(engine);
      let orders = 0;
      for await (const batch of facts.scan(customers, { amounts: false, traits: false })) {
        orders += batch.orderCount;
        assert.deepEqual([batch.totalE4, batch.traitCount], [undefined, 0]);
        batch.release();
      }
      assert.equal(orders, 2);
      let traits = 0;
      for await (const batch of facts.scan(customers, { orders: false, amounts: false, traits: true })) {
        traits += batch.traitCount;
        batch.release();
      }
      assert.equal(traits, 1);
    });

    test('follow an order through its versions, stores and times', async (opened) => {
      const { engine, facts, compact } = opened;
      const versions = [
        order('a', '1', { storeId: 's', totalE4: 199_500, currency: 'EUR', orderedAt: NOON }),
        order('a', '1', { storeId: 't', totalE4: -1, discountE4: 7, currency: 'USD', orderedAt: NOON - 1 }),
        order('a', '1', { status: 'cancelled' }),
        order('a', '1', { totalE4: 9_999_999_999_999, orderedAt: 0xffff_ffff }),
        order('a', '1', { status: 'refunded', orderedAt: 0 }),
      ];
      await engine.put({ orders: [order('a', '0', { storeId: 's' }), order('a', '2')] });
      for (const version of versions) {
        await engine.put({ orders: [version] });
        if (version.totalE4 === -1) await compact();
        await facts.advance();
        const { a } = await readAll(opened);
        assert.equal(a!.orders.length, version.status === 'completed' ? 3 : 2);
        const { storeId = null, orderedAt, totalE4, discountE4, currency, status } = version;
        const row = [storeId, orderedAt, totalE4, discountE4, currency];
        if (status === 'completed') assert(a!.orders.some((read) => isDeepStrictEqual(read, row)));
        else assert.deepEqual(a!.uncounted, [[...row, STATUS_CODE[status]]]);
      }
    });

    test('tell who was touched since any batch, and who was first heard of', async ({
      engine,
      facts,
      compact,
    }) => {
      await engine.put({
        orders: [order('b', '1'), order('é', '1'), order('Z', '1'), order('𝒳', '1'), order('ﬀ', '1')],
      });
      await facts.advance();
      await engine.put({ orders: [order('b', '1', { totalE4: 1 })] });
      await engine.put({ traits: [{ customerId: 'd', name: 'x', value: '1' }], orders: [order('Z', '1')] });
      await compact();
      await facts.advance();
      const since = async (after: number) => {
        const { customers, newCustomers } = await facts.received(after);
        assert.deepEqual(await idsOf(engine, newCustomers.customerNos), newCustomers.ids);
        return [byBytes(await idsOf(engine, customers)), newCustomers.ids];
      };
      assert.deepEqual(await since(0), [
        ['Z', 'b', 'd', 'é', 'ﬀ', '𝒳'],
        ['Z', 'b', 'd', 'é', 'ﬀ', '𝒳'],
      ]);
      assert.deepEqual(await since(1), [['b', 'd'], ['d']]);
      assert.deepEqual(await since(2), [['d'], ['d']]);
      assert.deepEqual(await since(3), [[], []]);
      // A tick that failed asks again.
      assert.deepEqual(await since(1), [['b', 'd'], ['d']]);
    });

    test('name the customers with an order at the edge of a window, to the second', async ({
      engine,
      facts,
    }) => {
      await engine.put({
        orders: [order('a', '1', { orderedAt: NOON }), order('b', '1', { orderedAt: NOON + 5 })],
      });
      await facts.advance();
      const crossing = async (windows: number[], after: number, upTo: number) =>
        idsOf(engine, await facts.crossing(offsetsOf({ orders: windows }), after, upTo));
      assert.deepEqual(await crossing([HOUR_S], NOON + HOUR_S - 2, NOON + HOUR_S - 1), []);
      assert.deepEqual(await crossing([HOUR_S], NOON + HOUR_S - 1, NOON + HOUR_S), ['a']);
      assert.deepEqual(await crossing([HOUR_S], NOON + HOUR_S, NOON + HOUR_S + 4), []);
      assert.deepEqual(await crossing([HOUR_S], NOON + HOUR_S, NOON + HOUR_S + 5), ['b']);
      assert.deepEqual(await crossing([HOUR_S], NOON + HOUR_S, NOON + HOUR_S), []);
      // Another window, and a wider step that was asked before in part.
      assert.deepEqual(await crossing([HOUR_S, HOUR_S + 60], NOON + HOUR_S + 5, NOON + HOUR_S + 60), ['a']);
      assert.deepEqual(await crossing([HOUR_S], NOON, NOON + 2 * HOUR_S), ['a', 'b']);
    });

    test('name a customer when an order of the future begins to count', async ({ engine, facts }) => {
      const far = 0xffff_ffff - 10;
      await engine.put({
        orders: [order('a', '1', { orderedAt: NOON + 60 }), order('b', '1', { orderedAt: far })],
      });
      await facts.advance();
      const begins = async (after: number, upTo: number) =>
        idsOf(engine, await facts.crossing(offsetsOf({ orders: [0] }), after, upTo));
      assert.deepEqual(await begins(NOON, NOON + 59), []);
      assert.deepEqual(await begins(NOON + 59, NOON + 60), ['a']);
      // Received while the hour is under way.
      await engine.put({ orders: [order('c', '1', { orderedAt: NOON + 90 })] });
      await facts.advance();
      assert.deepEqual(await begins(NOON + 60, NOON + 89), []);
      assert.deepEqual(await begins(NOON + 89, NOON + 90), ['c']);
      assert.deepEqual(await begins(far - 1, far), ['b']);
    });

    test('follow an order that a correction moves in time', async ({ engine, facts }) => {
      await engine.put({ orders: [order('a', '1', { orderedAt: NOON })] });
      await facts.advance();
      const crossing = async (after: number, upTo: number) =>
        (await facts.crossing(offsetsOf({ orders: [HOUR_S] }), after, upTo)).length;
      assert.equal(await crossing(NOON, NOON + 1), 0);
      await engine.put({ orders: [order('a', '1', { orderedAt: NOON - 600 })] });
      await facts.advance();
      assert.equal(await crossing(NOON + 1, NOON + HOUR_S - 601), 0);
      assert.equal(await crossing(NOON + HOUR_S - 601, NOON + HOUR_S - 600), 1);
    });

    test('say which batch changed stores last, and that names were added', async ({ engine, facts }) => {
      const state = async () => {
        await facts.advance();
        return [facts.storesBatchNo, facts.dictionarySize];
      };
      const [, none] = await state();
      await engine.put({ orders: [order('a', '1', { storeId: 's', currency: 'EUR' })] });
      const first = await state();
      assert.deepEqual(first, [1, none! + 1]);
      await engine.put({ traits: [{ customerId: 'a', name: 'x', value: '1' }] });
      assert.deepEqual(await state(), [1, none! + 3]);
      await engine.put({ stores: [{ storeId: 's', city: 'BCN' }] });
      await engine.put({ orders: [order('a', '2', { storeId: 's', currency: 'EUR' })] });
      assert.deepEqual(await state(), [3, none! + 3]);
      await engine.put({ stores: [{ storeId: 's', city: 'BCN' }] });
      assert.deepEqual(await state(), [3, none! + 3]);
      let [, size] = await state();
      const score = { customerId: 'a', model: 'churn', value: 1 };
      const additions = [
        () => engine.put({ events: [event('a', '1', 'seen', NOON)] }),
        () => engine.put({ listEntries: [{ customerId: 'a', list: 'vip', isListed: true }] }),
        () => engine.put({ scores: [{ ...score, version: 'v1' }] }),
        () => engine.put({ scores: [{ ...score, version: 'v2' }] }),
        () => engine.activateModelVersion('churn', 'v2'),
        () => engine.activateModelVersion('churn', 'v1'),
      ];
      for (const add of additions) {
        await add();
        const [, next] = await state();
        assert.notEqual(next, size);
        size = next;
      }
      await engine.put({
        events: [event('b', '1', 'seen', NOON)],
        scores: [{ ...score, version: 'v2', value: 2 }],
      });
      assert.deepEqual((await state())[1], size);
    });

    test('bring events, scores and lists, and of each only what is asked for', async (opened) => {
      const { engine, facts } = opened;
      const only = async (asked: Asked) => readLive(engine, facts, await allCustomers(engine), asked);
      await engine.put({
        events: [
          event('a', '1', 'seen', NOON, { city: 'BCN', amount: '5.50' }),
          event('a', '2', 'bought', NOON - 5, { city: 'é', '"odd"/~': '-1' }),
          event('a', '3', 'seen', NOON - 1),
        ],
        scores: [
          { customerId: 'a', model: 'churn', version: '', value: -0.5, validUntil: NOON },
          { customerId: 'b', model: 'churn', version: '', value: 1e300 },
        ],
        listEntries: [{ customerId: 'b', list: 'vip', isListed: true }],
        traits: [{ customerId: 'b', name: 'born', value: '2000-02-29' }],
        orders: [order('c', '1', { status: 'cancelled' })],
      });
      await engine.put({
        events: [event('a', '1', 'seen', NOON), event('a', '4', 'seen', NOON - 9, { amount: '5' })],
        orders: [order('c', '2', { status: 'refunded', storeId: 's' })],
      });
      await facts.advance();
      const nan = 'NaN';
      assert.deepEqual(await readAll(opened), {
        a: {
          orders: [],
          uncounted: [],
          values: [['score churn', 0, '-0.5', `${NOON}`]],
          events: [
            ['bought', NOON - 5, [3, nan], [0, nan]],
            ['seen', NOON - 9, [0, nan], [2, '5']],
            ['seen', NOON - 1, [0, nan], [0, nan]],
            ['seen', NOON, [2, nan], [1, '5.5']],
          ],
        },
        b: {
          orders: [],
          uncounted: [],
          values: [
            ['list vip', 0, nan, nan],
            ['score churn', 0, '1e+300', 'Infinity'],
            ['trait born', '2000-02-29', nan, '951782400'],
          ],
          events: [],
        },
        c: {
          orders: [],
          uncounted: [
            ['s', 1_000, 0, 0, '', 2],
            [null, 1_000, 0, 0, '', 1],
          ],
          values: [],
          events: [],
        },
      });
      const none = { orders: false, amounts: false, traits: false };
      const bought = await only({
        ...none,
        eventNames: ['bought'],
        properties: [{ name: '"odd"/~', values: ['-1'] }],
      });
      assert.deepEqual(bought.a!.events, [['bought', NOON - 5, [2, '-1']]]);
      assert.deepEqual(Object.keys(bought), ['a']);
      const vip = await only({ ...none, traits: true, names: ['list vip', 'trait born'] });
      assert.deepEqual(Object.keys(vip), ['b']);
      assert.equal(vip.b!.values.length, 2);
      assert.deepEqual(await only({ ...none, traits: true, names: [] }), {});
      assert.deepEqual(Object.keys(await only({ ...none, uncounted: true })), ['c']);
    });

    test('follow who is on a list, and leaves it', async (opened) => {
      const { engine, facts } = opened;
      const listed = async () => {
        await facts.advance();
        return Object.keys(await readAll(opened));
      };
      const entry = (customerId: string, isListed = true) => ({ customerId, list: 'vip', isListed });
      await engine.put({ listEntries: [entry('a'), entry('b'), entry('c')] });
      assert.deepEqual(await listed(), ['a', 'b', 'c']);
      await engine.put({ listEntries: [entry('b', false)] });
      assert.deepEqual(await listed(), ['a', 'c']);
      await engine.put({ emptiedLists: ['vip'], listEntries: [entry('b'), entry('c')] });
      assert.deepEqual(await listed(), ['b', 'c']);
      assert.deepEqual(await idsOf(engine, (await facts.received(2)).customers), ['a', 'b']);
      // Nothing is left of who leaves the last list, and nothing of others comes in its place.
      await engine.put({ listEntries: [entry('b', false)], orders: [order('a', '1'), order('a', '2')] });
      assert.deepEqual(await listed(), ['a', 'c']);
      await engine.put({
        orders: [order('a', '3')],
        traits: [{ customerId: 'b', name: 'tier', value: 'gold' }],
      });
      assert.deepEqual(await listed(), ['a', 'b', 'c']);
      const { b } = await readAll(opened);
      assert.deepEqual([b?.orders, b?.values.length], [[], 1]);
    });

    test('name customers whose events, traits, scores and uncounted orders come to an offset', async ({
      engine,
      facts,
    }) => {
      const crossing = async (offsets: Partial<TimeOffsets>, after: number, upTo: number) =>
        byBytes(await idsOf(engine, await facts.crossing(offsetsOf(offsets), after, upTo)));
      const born = new Date(NOON * 1_000).toISOString().replace('.000', '');
      const put = (suffix: string, shiftS: number) =>
        engine.put({
          events: [event(`event${suffix}`, '1', 'seen', NOON + shiftS)],
          traits: [{ customerId: `trait${suffix}`, name: 'born', value: shiftS === 0 ? born : 'unknown' }],
          scores: [
            { customerId: `score${suffix}`, model: 'm', version: '1', value: 1, validUntil: NOON + shiftS },
            { customerId: `score${suffix}`, model: 'm', version: '2', value: 1, validUntil: NOON + 5 },
            { customerId: `for ever${suffix}`, model: 'm', version: '1', value: 1 },
          ],
          orders: [order(`order${suffix}`, '1', { status: 'refunded', orderedAt: NOON + shiftS })],
        });
      await put('', 0);
      await facts.advance();
      const offsets: TimeOffsets = { orders: [60], events: [0, 70], traits: [-80, 90], scores: [0] };
      assert.deepEqual(await crossing(offsets, NOON - 81, NOON - 80), ['trait']);
      assert.deepEqual(await crossing(offsets, NOON - 80, NOON - 1), []);
      assert.deepEqual(await crossing(offsets, NOON - 1, NOON), ['event', 'score']);
      assert.deepEqual(await crossing(offsets, NOON, NOON + 59), []);
      // Received while the hour is under way.
      await put(' later', 20);
      await facts.advance();
      assert.deepEqual(await crossing(offsets, NOON + 59, NOON + 60), ['order']);
      assert.deepEqual(await crossing(offsets, NOON + 60, NOON + 69), []);
      assert.deepEqual(await crossing(offsets, NOON + 69, NOON + 89), ['event', 'order later']);
      assert.deepEqual(await crossing(offsets, NOON + 89, NOON + 95), ['event later', 'trait']);
      assert.deepEqual(await crossing(offsets, NOON, NOON + 20), ['event later', 'score later']);
      // Of another version: it counts from the activation on.
      await engine.activateModelVersion('m', '2');
      await facts.advance();
      assert.deepEqual(await crossing({ scores: [0] }, NOON, NOON + 20), ['score', 'score later']);
    });
  });
}
