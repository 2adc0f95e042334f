/** Ticks in which a segment's default becomes another one: everybody enters or leaves, and the log says so. */
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { calculate } from '../../src/core/calculate.ts';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { openLmdbChangeLog } from '../../src/core/change/lmdb/lmdb-change-log.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { EvaluationPool } from '../../src/core/evaluate/evaluation-pool.ts';
import { openLive } from '../../src/core/live/live.ts';
import type { Definition } from '../../src/model/segment.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { order } from './engine-contract.ts';

const pool = new EvaluationPool(1);
const folder = mkdtempSync(join(tmpdir(), 'coterie-tick-'));
after(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

test('a family whose instances all flip is logged whole for those whom nothing else touches', async () => {
  const engine = new MemoryEngine();
  const catalog = new MemoryCatalog();
  const changes = await openLmdbChangeLog({ folder });
  const target = openMemoryStore();
  const parts = { engine, catalog, target, changes, pool, types: SEGMENT_TYPES };
  const moment = 1_000_000_000;
  const define = (definition: Definition) => catalog.apply([definition], { author: 'test', at: moment });
  const stores = { each: true };
  // Numbers are given as brands come to be, and so do not follow the order of the stores that have them.
  await engine.put({ stores: ['s1', 's2'].map((storeId) => ({ storeId, brand: 'zeta' })) });
  await define({ key: 'new', type: 'new', forEach: 'brand', params: { stores } });
  await engine.put({ customers: ['ann', 'bob'], orders: [order('bob', '1', { storeId: 's2' })] });
  await calculate(parts, { moment, isPinned: false, calculationNo: 1, onReady: async () => {} });
  const facts = await engine.openLiveFacts();
  const live = await openLive({ ...parts, facts });
  await engine.put({ stores: [{ storeId: 's3', brand: 'alpha' }] });
  await live.tick(moment + 1);
  await engine.put({ stores: [{ storeId: 's1', brand: 'mu' }] });
  await live.tick(moment + 2);
  await define({ key: 'new', type: 'inactive', forEach: 'brand', params: { stores, within: '3h' } });
  const { entries, exits } = await live.tick(moment + 3);
  const keys = new Map(target.view()!.directory.entries.map(({ segmentNo, key }) => [segmentNo, key]));
  const logged = (await changes.read(0, 10)).map(({ customerId, entered, exited }) => ({
    customerId,
    entered: entered.map((segmentNo) => keys.get(segmentNo)),
    exited: exited.map((segmentNo) => keys.get(segmentNo)),
  }));
  assert.deepEqual(logged, [
    { customerId: 'bob', entered: ['new@zeta'], exited: ['new@alpha', 'new@mu'] },
    { customerId: 'ann', entered: [], exited: ['new@zeta', 'new@alpha', 'new@mu'] },
  ]);
  assert.deepEqual({ entries, exits }, { entries: 1, exits: 5 });
  await facts.close();
  await changes.close();
  await engine.close();
});
