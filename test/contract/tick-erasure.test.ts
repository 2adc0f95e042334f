/** Ticks and erased customers: what is served and logged forgets them, whenever the process dies. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { calculate } from '../../src/core/calculate.ts';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { EvaluationPool } from '../../src/core/evaluate/evaluation-pool.ts';
import { openLive } from '../../src/core/live/live.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { order } from './engine-contract.ts';

const pool = new EvaluationPool(1);
after(() => pool.close());

async function open() {
  const engine = new MemoryEngine();
  const catalog = new MemoryCatalog();
  const target = openMemoryStore();
  const changes = openMemoryChangeLog();
  const parts = { engine, catalog, target, changes, pool, types: SEGMENT_TYPES };
  const define = (atLeast: number) =>
    catalog.apply([{ key: 'regular', type: 'recurrent', params: { atLeast } }], { author: 'test', at: 0 });
  await define(1);
  await engine.put({ customers: ['ann', 'bob'] });
  await calculate(parts, { moment: 2_000, isPinned: false, calculationNo: 1, onReady: async () => {} });
  const facts = await engine.openLiveFacts();
  const restart = () => openLive({ ...parts, facts });
  const live = await restart();
  await engine.put({ orders: [order('ann', '1'), order('bob', '1')] });
  await live.tick(2_001);
  assert.equal((await changes.read(0, 10)).length, 2);
  const isForgotten = async () => {
    const view = target.view()!;
    assert.equal(await view.isKnown('ann'), false);
    assert.equal(view.customers, 1);
    assert.deepEqual(
      (await changes.read(0, 10)).map(({ customerId }) => customerId),
      ['bob'],
    );
    assert.deepEqual(
      (await engine.erasures(0)).map(({ customerId, isPending }) => [customerId, isPending]),
      [[undefined, false]],
    );
  };
  return { engine, target, changes, live, restart, define, isForgotten };
}

test('a tick forgets an erased customer, logs no exit, and the sizes fall', async () => {
  const { engine, live, isForgotten } = await open();
  await engine.eraseCustomer('ann');
  const report = await live.tick(2_002);
  await isForgotten();
  assert.deepEqual([report.entries, report.exits], [0, 0]);
  assert.deepEqual([...report.exceptionDeltas.values()], [-1]);
});

test('a process that dies after the erasure forgets when it starts again', async () => {
  const { engine, restart, isForgotten } = await open();
  await engine.eraseCustomer('ann');
  const live = await restart();
  await isForgotten();
  await live.tick(2_002);
  await isForgotten();
});

test('one that dies before the id is settled does not forget somebody who is back by then', async () => {
  const { engine, target, live, restart } = await open();
  await engine.eraseCustomer('ann');
  await engine.readmitCustomer('ann');
  await engine.put({ orders: [order('ann', '2')] });
  const settle = engine.settleErasures;
  engine.settleErasures = () => Promise.reject(new Error('killed'));
  await assert.rejects(live.tick(2_002), /killed/);
  engine.settleErasures = settle;
  assert.equal((await engine.erasures(0))[0]!.customerId, 'ann');
  const view = (await restart()) && target.view()!;
  assert.equal(await view.isKnown('ann'), true);
  assert.equal(view.customers, 2);
  assert.equal((await engine.erasures(0))[0]!.isPending, false);
});
