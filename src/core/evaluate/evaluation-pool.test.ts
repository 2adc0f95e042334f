import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { decodeRow } from '../../model/row.ts';
import type { Segment } from '../../model/segment.ts';
import { compile } from '../compile/compile.ts';
import { sharedUint32 } from '../compile/csr.ts';
import type { FactBatch } from '../engine/engine.ts';
import { EvaluationPool } from './evaluation-pool.ts';

const NOW = 1_000_000;

/** Customer i ordered i times at store 1, one second apart, the last one now. */
const SEGMENTS: Segment[] = [2, 5].map((atLeast, i) => ({
  segmentNo: i,
  key: `at-least-${atLeast}`,
  definition: { key: `at-least-${atLeast}`, type: 'rule' },
  rule: { kind: 'orders', stores: { kind: 'all' }, measure: 'count', atLeast },
}));
const NO_STORES = { ids: [], brand: [], city: [], category: [], tags: [] };
const PLAN = await compile({
  segments: SEGMENTS,
  stores: NO_STORES,
  dictionary: {
    traitNames: new Map(),
    traitValues: new Map(),
    models: new Map(),
    lists: new Map(),
    eventNames: new Map(),
    currencies: new Map(),
  },
});

function batchOf(customers: readonly number[], onRelease: () => void): FactBatch {
  const owners = customers.flatMap((customer) => new Array<number>(customer).fill(customer));
  const customerNo = sharedUint32(owners.length);
  const orderedAt = sharedUint32(owners.length);
  customerNo.set(owners);
  owners.forEach((owner, i) => {
    orderedAt[i] = NOW - (owners.lastIndexOf(owner) - i);
  });
  const storeNo = sharedUint32(owners.length);
  return { orderCount: owners.length, customerNo, storeNo, orderedAt, traitCount: 0, release: onRelease };
}

async function* batches(count: number, released: { batches: number }): AsyncGenerator<FactBatch> {
  for (let i = 0; i < count; i++) {
    yield batchOf([i * 2 + 1, i * 2 + 2], () => {
      released.batches++;
    });
  }
}

describe('the evaluation pool', () => {
  const pool = new EvaluationPool(2);
  after(() => pool.close());

  it('gives rows back in the order of the customers, and every batch to the scan', async () => {
    const released = { batches: 0 };
    const rows: [number, number[]][] = [];
    const result = await pool.run({
      plan: PLAN,
      moment: NOW,
      batches: batches(40, released),
      onRows: async (batch) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        for (let i = 0; i < batch.count; i++) {
          const row = batch.rows.subarray(batch.offsets[i]!, batch.offsets[i + 1]!);
          rows.push([batch.customerNos[i]!, decodeRow(row)]);
        }
      },
    });
    const expected = Array.from({ length: 79 }, (_, i) => [i + 2, i + 2 >= 5 ? [0, 1] : [0]]);
    assert.deepEqual(rows, expected);
    assert.deepEqual([...result.exceptionCounts], [79, 76]);
    assert.equal(released.batches, 40);
  });

  it('keeps several runs apart', async () => {
    const runs = [NOW, NOW - 1].map((moment) =>
      pool.run({ plan: PLAN, moment, batches: batches(10, { batches: 0 }), onRows: () => {} }),
    );
    const [now, before] = await Promise.all(runs);
    assert.deepEqual([...now!.exceptionCounts], [19, 16]);
    assert.deepEqual([...before!.exceptionCounts], [18, 15], 'the last order has not been made yet');
  });

  it('fails with what failed: the scan, the writing, or a signal', async () => {
    const failing = async function* (): AsyncGenerator<FactBatch> {
      yield batchOf([3], () => {});
      throw new Error('the scan broke');
    };
    const request = { plan: PLAN, moment: NOW, onRows: () => {} };
    await assert.rejects(pool.run({ ...request, batches: failing() }), /the scan broke/);
    const full = () => {
      throw new Error('the disk is full');
    };
    await assert.rejects(
      pool.run({ ...request, batches: batches(20, { batches: 0 }), onRows: full }),
      /the disk is full/,
    );
    await assert.rejects(
      pool.run({
        ...request,
        batches: batches(3, { batches: 0 }),
        signal: AbortSignal.abort(new Error('stop')),
      }),
      /stop/,
    );
    const { orders } = await pool.run({ ...request, batches: batches(2, { batches: 0 }) });
    assert.equal(orders, 10, 'and goes on working');
  });
});

for (const ending of ['throw new Error("not here")', 'process.exit(1)'])
  it(`a thread that a plug-in ends by ${ending} fails the run that it was in, and no later one waits for it`, () =>
    endsByItself(ending));

async function endsByItself(ending: string): Promise<void> {
  const pool = new EvaluationPool(2, [`data:text/javascript,${ending}`]);
  const run = () =>
    pool.run({
      plan: PLAN,
      moment: NOW,
      batches: batches(3, { batches: 0 }),
      onRows: async () => {},
    });
  // More often than there are threads: none that ended is waited for.
  for (let i = 0; i < 20; i++) await assert.rejects(run());
  await pool.close();
}
