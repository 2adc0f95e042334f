/** A customer's past: with what was known and defined then, also where corrections arrived later. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Catalog } from '../../src/core/catalog/catalog.ts';
import { DuckDbCatalog } from '../../src/core/catalog/duckdb/duckdb-catalog.ts';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import type { Engine } from '../../src/core/engine/engine.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import type { AsOfLog } from '../../src/core/history/as-of-log.ts';
import { DuckDbAsOfLog } from '../../src/core/history/duckdb/duckdb-as-of-log.ts';
import { MemoryAsOfLog } from '../../src/core/history/memory/memory-as-of-log.ts';
import { MemoryBoundLog } from '../../src/core/history/memory/memory-bound-log.ts';
import { MemoryCalculationLog } from '../../src/core/history/memory/memory-calculation-log.ts';
import { PastKnowledge } from '../../src/core/history/past-knowledge.ts';
import { openCore } from '../../src/core/open-core.ts';
import { formatMoment } from '../../src/model/time.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { until } from '../until.ts';
import { order } from './engine-contract.ts';

const DAY_S = 86_400;
const T = 1_772_000_000;

interface Opened {
  readonly engine: Engine;
  readonly catalog: Catalog;
  readonly asOfs: AsOfLog;
  /** Sets the clock that batches are dated by, before the next put. */
  put(at: number, facts: Parameters<Engine['put']>[0]): Promise<void>;
  close(): Promise<void>;
}

async function openDuckDb(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-past-'));
  const database = await openDatabase({ folder });
  const engine = new DuckDbEngine(database);
  return {
    engine,
    catalog: new DuckDbCatalog(database),
    asOfs: new DuckDbAsOfLog(database),
    async put(at, facts) {
      const { batchNo } = await engine.put(facts);
      await database.run('UPDATE batch SET received_at = $1 WHERE batch_no = $2', [at, batchNo]);
    },
    close: () => rm(folder, { recursive: true }),
  };
}

async function openMemory(): Promise<Opened> {
  let clock = 0;
  const engine = new MemoryEngine(() => clock);
  return {
    engine,
    catalog: new MemoryCatalog(),
    asOfs: new MemoryAsOfLog(),
    async put(at, facts) {
      clock = at;
      await engine.put(facts);
    },
    async close() {},
  };
}

for (const [name, open] of Object.entries({ duckdb: openDuckDb, memory: openMemory })) {
  it(`a past membership is by what was known and defined then, ${name}`, async () => {
    const { engine, catalog, put, close } = await open();
    const parts = {
      engine,
      catalog,
      calculations: new MemoryCalculationLog(),
      bounds: new MemoryBoundLog(),
      target: openMemoryStore(),
    };
    const core = openCore({ ...parts, threads: 1, now: () => T + 9 * DAY_S });
    try {
      const regular = {
        key: 'regular',
        type: 'recurrent',
        owner: 'crm',
        params: { atLeast: 2, within: '5d' },
      };
      const newAt = {
        key: 'new-at',
        type: 'new',
        forEach: 'store',
        params: { stores: { each: true } },
      } as const;
      await core.apply([regular], { author: 'a', at: T - 10 });
      await put(T, {
        orders: [order('ana', '1', { storeId: 's1', orderedAt: T - 60 })],
      });
      // Two days on, an order of the first day arrives late; then it is cancelled; then the rule is another.
      await put(T + 2 * DAY_S, {
        orders: [order('ana', '2', { storeId: 's2', orderedAt: T - 30 })],
      });
      await put(T + 3 * DAY_S, {
        orders: [order('ana', '2', { storeId: 's2', orderedAt: T - 30, status: 'cancelled' })],
      });
      await core.apply([{ ...regular, params: { atLeast: 1 } }, newAt], { author: 'a', at: T + 4 * DAY_S });
      await core.calculate({});
      const at = async (moment: number, filter = {}) => {
        const { known, segments } = await core.membershipsAt('ana', moment, filter);
        return [known, ...segments.map(({ key }) => key)];
      };
      assert.deepEqual(await at(T - 11), [false], 'nothing was defined');
      assert.deepEqual(await at(T - 1), [false], 'nothing was known');
      assert.deepEqual(await at(T), [true], 'one order was known');
      assert.deepEqual(await at(T + 2 * DAY_S - 1), [true], 'the late order had not arrived');
      assert.deepEqual(await at(T + 2 * DAY_S), [true, 'regular']);
      assert.deepEqual(await at(T + 3 * DAY_S), [true], 'it was cancelled');
      assert.deepEqual(await at(T + 4 * DAY_S), [true, 'new-at@s2', 'regular'], 'defined otherwise');
      assert.deepEqual(await at(T + 4 * DAY_S, { owner: 'crm' }), [true, 'regular']);
      assert.deepEqual(await at(T + 4 * DAY_S, { store: 's2' }), [true, 'new-at@s2']);
      for (const [moment, knowledge, member] of [
        [T + 2 * DAY_S - 1, 'then', false],
        [T + 2 * DAY_S, 'then', true],
        [T + 3 * DAY_S, 'then', false],
        [T + 3 * DAY_S, 'now', true],
      ] as const) {
        const report = await core.explain('ana', 'regular', moment, knowledge);
        assert.equal(report.member, member, `${knowledge} at ${moment - T}`);
      }
      await assert.rejects(core.explain('ana', 'regular', T - 11, 'then'), {
        code: 'SEGMENT_DEFINED_LATER',
        message: `Segment "regular" was not defined yet at ${formatMoment(T - 11)}: its first version is of ${formatMoment(T - 10)}`,
      });
      await assert.rejects(core.explain('ana', 'nowhere', T - 11, 'then'), { code: 'SEGMENT_NOT_FOUND' });
      assert.equal((await core.explain('ana', 'regular', T - 1, 'then')).known, false);
    } finally {
      await core.close();
      await close();
    }
  });
}

for (const [name, open] of Object.entries({ duckdb: openDuckDb, memory: openMemory })) {
  it(`as of a moment that was served, the past is what was served then, ${name}`, async () => {
    const { engine, catalog, asOfs, put, close } = await open();
    let clock = T;
    const core = openCore({
      engine,
      catalog,
      asOfs,
      calculations: new MemoryCalculationLog(),
      bounds: new MemoryBoundLog(),
      target: openMemoryStore(),
      changes: openMemoryChangeLog(),
      threads: 1,
      now: () => clock,
    });
    const ordered = (...ids: readonly string[]) => ({
      orders: ids.map((id) => order(id, '1', { orderedAt: T - 60 })),
    });
    const isIn = async (customer: string, moment: number) => {
      const { segments } = await core.membershipsAt(customer, moment);
      const { member } = await core.explain(customer, 'fresh', moment, 'then');
      assert.equal(member, segments.length === 1, 'an explanation agrees');
      return member;
    };
    try {
      await core.apply([{ key: 'fresh', type: 'recurrent', params: { atLeast: 1 } }], { author: 'a', at: T });
      // The clock that receipts are dated by is ahead: what was received later was served already.
      await put(T + 1, ordered('ana'));
      await core.calculate({});
      assert.equal(await isIn('ana', T), true);
      // After the last tick of a second something comes within it.
      await put(T, ordered('bob'));
      assert.equal(await isIn('bob', T), false);
      clock = T + 2;
      await core.startLive({ periodMs: 1 });
      await until('a tick has been', () => (core.liveStatus()?.lastTick?.at.moment ?? 0) === T + 2);
      assert.equal(await isIn('bob', T), false);
      assert.equal(await isIn('bob', T + 2), true);
      // The clock goes back: what is served then is as of the same moment as before.
      clock = T + 1;
      await put(T + 9, ordered('cid'));
      await until('a tick took it', () => core.liveStatus()!.lastTick!.at.batchNo === 3);
      assert.deepEqual([await isIn('cid', T + 1), await isIn('cid', T + 2)], [false, true]);
      assert.equal(await isIn('cid', T + 8), true, 'and is not forgotten as of later moments');
      assert.equal(await isIn('bob', T + 1), true, 'between ticks it is what had been received');
    } finally {
      await core.close();
      await close();
    }
  });

  it(`what was known as of a moment is known after a restart, ${name}`, async () => {
    const { engine, catalog, asOfs, put, close } = await open();
    try {
      for (const at of [T, T + 5, T + 5, T + 5]) await put(at, {});
      const asOf = (moment: number, batchNo: number) => ({ moment, batchNo, catalogNo: 0, calculationNo: 7 });
      const before = new PastKnowledge({ engine, catalog, log: asOfs });
      for (const [moment, batchNo] of [
        [T, 1],
        [T + 1, 1],
        [T + 5, 1],
        [T + 5, 2],
        [T + 6, 2],
        [T + 100, 4],
      ] as const) {
        await before.note(asOf(moment, batchNo));
      }
      await before.flush();
      const after = new PastKnowledge({ engine, catalog, log: asOfs });
      await after.note(asOf(T + 200, 4));
      for (const knowledge of [before, after]) {
        const known = async (moment: number) => (await knowledge.at(moment)).batchNo;
        assert.deepEqual(
          [await known(T - 1), await known(T), await known(T + 4), await known(T + 5), await known(T + 6)],
          [0, 1, 1, 2, 2],
        );
        assert.deepEqual([await known(T + 7), await known(T + 100), await known(T + 101)], [4, 4, 4]);
      }
    } finally {
      await engine.close();
      await close();
    }
  });
}
