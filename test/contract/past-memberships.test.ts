/** A customer's past: with what was known and defined then, also where corrections arrived later. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Catalog } from '../../src/core/catalog/catalog.ts';
import { DuckDbCatalog } from '../../src/core/catalog/duckdb/duckdb-catalog.ts';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import type { Engine } from '../../src/core/engine/engine.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { MemoryBoundLog } from '../../src/core/history/memory/memory-bound-log.ts';
import { MemoryCalculationLog } from '../../src/core/history/memory/memory-calculation-log.ts';
import { openCore } from '../../src/core/open-core.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { order } from './engine-contract.ts';

const DAY_S = 86_400;
const T = 1_772_000_000;

interface Opened {
  readonly engine: Engine;
  readonly catalog: Catalog;
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
      await assert.rejects(core.explain('ana', 'regular', T - 11, 'then'), { code: 'SEGMENT_NOT_FOUND' });
      assert.equal((await core.explain('ana', 'regular', T - 1, 'then')).known, false);
    } finally {
      await core.close();
      await close();
    }
  });
}
