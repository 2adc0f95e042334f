/** What live facts of every engine promise. Each driver runs it against the real thing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Engine } from '../../src/core/engine/engine.ts';
import type { LiveFacts } from '../../src/core/engine/live-facts.ts';
import { order } from './engine-contract.ts';
import { readLive } from './live-facts-reading.ts';

/** An engine without facts, and a way to fold its tail in, where it has one; closed by the suite. */
export type OpenEngine = () => Promise<{ readonly engine: Engine; compact(): Promise<void> }>;

interface Opened {
  readonly engine: Engine;
  readonly facts: LiveFacts;
  compact(): Promise<void>;
}

const HOUR_S = 3_600;
const NOON = 1_700_000_000;

const byBytes = (ids: string[]) => ids.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** Defines the suite for one driver. */
export function liveFactsContract(name: string, open: OpenEngine): void {
  const test = (sentence: string, body: (opened: Opened) => Promise<void>) =>
    it(sentence, async () => {
      const { engine, compact } = await open();
      const facts = await engine.openLiveFacts();
      try {
        await body({ engine, facts, compact });
      } finally {
        await facts.close();
        await engine.close();
      }
    });
  const idsOf = (engine: Engine, customers: Uint32Array) => engine.customerIds(customers);
  const all = async (engine: Engine) =>
    Uint32Array.from({ length: (await engine.counts()).customers }, (_, i) => i);
  const read = async ({ engine, facts }: Opened) => readLive(engine, facts, await all(engine));

  describe(`live facts of the ${name} engine`, () => {
    test('stand at batch 0 before any facts, and bring none', async (opened) => {
      const { facts } = opened;
      assert.equal(facts.batchNo, 0);
      assert.equal(facts.storesBatchNo, 0);
      const { customers, newCustomers } = await facts.received(0);
      assert.deepEqual([customers.length, newCustomers.ids], [0, []]);
      assert.deepEqual(await facts.crossing([0, 60], 0, NOON), new Uint32Array());
      assert.deepEqual(await readLive(opened.engine, facts, Uint32Array.of(0, 1, 5)), {});
    });

    test('move on by advance alone', async (opened) => {
      const { engine, facts } = opened;
      await engine.put({ orders: [order('a', '1', { storeId: 's' })] });
      assert.equal(facts.batchNo, 0);
      assert.deepEqual(await read(opened), {});
      await facts.advance();
      assert.equal(facts.batchNo, 1);
      assert.equal(facts.storesBatchNo, 1);
      assert.equal((await read(opened)).a!.orders.length, 1);
    });

    test('bring amounts and traits only when asked for, and traits alone', async ({ engine, facts }) => {
      await engine.put({
        orders: [order('a', '1'), order('b', '1')],
        traits: [{ customerId: 'b', name: 'age', value: '40' }],
      });
      await facts.advance();
      const customers = await all(engine);
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
        const { a } = await read(opened);
        assert.equal(a!.orders.length, version.status === 'completed' ? 3 : 2);
        const found = a!.orders.filter(
          (read) => read.orderedAt === version.orderedAt && version.orderedAt > 1_000,
        );
        for (const { totalE4, discountE4, currency, store } of found) {
          const { storeId = null, ...rest } = version;
          assert.deepEqual(
            [totalE4, discountE4, currency, store],
            [rest.totalE4, rest.discountE4, rest.currency, storeId],
          );
        }
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
        idsOf(engine, await facts.crossing(windows, after, upTo));
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
        idsOf(engine, await facts.crossing([0], after, upTo));
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
        (await facts.crossing([HOUR_S], after, upTo)).length;
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
    });
  });
}
