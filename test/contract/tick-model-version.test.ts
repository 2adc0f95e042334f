import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { calculate } from '../../src/core/calculate.ts';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { EvaluationPool } from '../../src/core/evaluate/evaluation-pool.ts';
import { openLive } from '../../src/core/live/live.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';

const pool = new EvaluationPool(1);
after(() => pool.close());

it('a version of a model that is activated replaces the scores of the one before, of everybody', async () => {
  const engine = new MemoryEngine();
  const catalog = new MemoryCatalog();
  const params = { score: { model: 'churn', atLeast: 0.5 } };
  await catalog.apply([{ key: 'leaving', type: 'rule', params }], { author: 'test', at: 0 });
  const score = (customerId: string, value: number, version: string) => {
    return { customerId, model: 'churn', value, version };
  };
  await engine.put({ scores: [score('a', 0.9, '1'), score('b', 0.1, '1'), score('c', 0.9, '1')] });
  await engine.put({ scores: [score('a', 0.1, '2'), score('b', 0.9, '2')] });
  const target = openMemoryStore();
  const parts = { engine, catalog, target, changes: openMemoryChangeLog(), pool, types: SEGMENT_TYPES };
  const moment = 1_000_000_000;
  await calculate(parts, { moment, isPinned: false, calculationNo: 1, onReady: async () => {} });
  const facts = await engine.openLiveFacts();
  const live = await openLive({ ...parts, facts });
  await engine.activateModelVersion('churn', '2');
  // The scores arrived before: nobody is affected by a fact, and those who lost theirs leave all the same.
  const { affected, entries, exits } = await live.tick(moment + 1);
  assert.deepEqual({ affected, entries, exits }, { affected: 0, entries: 1, exits: 2 });
  await facts.close();
  await engine.close();
});

it('a score that ends in the very tick in which its version is replaced lets its customer go', async () => {
  const engine = new MemoryEngine();
  const catalog = new MemoryCatalog();
  const params = { score: { model: 'churn', atLeast: 0.5 } };
  await catalog.apply([{ key: 'leaving', type: 'rule', params }], { author: 'test', at: 0 });
  const moment = 1_000_000_000;
  const a = { customerId: 'a', model: 'churn', value: 0.9, version: '1', validUntil: moment + 2 };
  await engine.put({ scores: [a] });
  await engine.put({ scores: [{ customerId: 'b', model: 'churn', value: 0.1, version: '2' }] });
  const target = openMemoryStore();
  const parts = { engine, catalog, target, changes: openMemoryChangeLog(), pool, types: SEGMENT_TYPES };
  await calculate(parts, { moment, isPinned: false, calculationNo: 1, onReady: async () => {} });
  const facts = await engine.openLiveFacts();
  const live = await openLive({ ...parts, facts });
  await engine.activateModelVersion('churn', '2');
  const { entries, exits } = await live.tick(moment + 3);
  assert.deepEqual({ entries, exits }, { entries: 0, exits: 1 });
  await facts.close();
  await engine.close();
});
