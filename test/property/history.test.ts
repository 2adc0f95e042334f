/**
 * The history of segments against what was served: while random facts arrive, time passes, definitions
 * change and the process dies, the record of flows gives the sizes that were served at the end of every
 * hour, and the entries and exits that the log of changes tells. `COTERIE_SEED` repeats a case.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { HOUR_S, hourOf } from '../../src/core/history/flow-recorder.ts';
import { MemoryBoundLog } from '../../src/core/history/memory/memory-bound-log.ts';
import { MemoryCalculationLog } from '../../src/core/history/memory/memory-calculation-log.ts';
import { MemoryFlowLog } from '../../src/core/history/memory/memory-flow-log.ts';
import { openCore } from '../../src/core/open-core.ts';
import type { Definition } from '../../src/model/segment.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { runsOf, SEED } from '../random-cases.ts';
import { until } from '../until.ts';

const RUNS = runsOf(5);
const START_S = 1_772_000_000;

const arbitraryStep = fc.record({
  seconds: fc.constantFrom(1, 30, 600, 1_800, 3_600, 7_200, 90_000),
  customer: fc.nat({ max: 8 }),
  orders: fc.nat({ max: 2 }),
  redefines: fc.option(fc.constantFrom('active', 'paused', 'other'), { nil: undefined, freq: 6 }),
  dies: fc.nat({ max: 5 }).map((n) => n === 0),
});

const once: Definition = { key: 'once', type: 'recurrent', params: { atLeast: 1, within: '2h' } };
const fresh: Definition = { key: 'fresh', type: 'new' };
const idle: Definition = { key: 'idle', type: 'inactive', params: { within: '1d' } };
const KEYS = [once.key, fresh.key, idle.key];

it('sizes, entries and exits by the hour are those that were served and logged', async (t) => {
  t.diagnostic(`seed ${SEED}`);
  await fc.assert(fc.asyncProperty(fc.array(arbitraryStep, { minLength: 5, maxLength: 25 }), live), {
    seed: SEED,
    numRuns: RUNS,
    endOnFailure: true,
  });
});

async function live(steps: readonly (typeof arbitraryStep extends fc.Arbitrary<infer T> ? T : never)[]) {
  let clock = START_S;
  const parts = {
    engine: new MemoryEngine(),
    catalog: new MemoryCatalog(),
    calculations: new MemoryCalculationLog(),
    bounds: new MemoryBoundLog(),
    target: openMemoryStore(),
    changes: openMemoryChangeLog(),
    flows: new MemoryFlowLog(),
    threads: 1,
    now: () => clock,
  };
  let core = openCore(parts);
  const note = { author: 'test', at: 0 };
  await core.apply([once, fresh, idle], note);
  await parts.engine.put({ customers: ['c0', 'c1'] });
  await core.calculate({});
  await core.startLive({ periodMs: 1 });
  /** Sizes after the last tick of each hour. */
  const expected = new Map<string, number>();
  const tick = async () => {
    const before = core.liveStatus()!.ticks;
    await until('two ticks', () => {
      const { ticks, failures, failure } = core.liveStatus()!;
      assert.equal(failures, 0, failure);
      return ticks >= before + 2;
    });
    for (const key of KEYS) {
      const { size } = await core.size(key);
      expected.set(`${key} ${hourOf(clock)}`, size);
    }
  };
  let orderNo = 0;
  try {
    await tick();
    for (const step of steps) {
      clock += step.seconds;
      const customerId = `c${step.customer}`;
      for (let i = 0; i < step.orders; i++) {
        await parts.engine.put({ orders: [orderOf(customerId, `${orderNo++}`, clock)] });
      }
      if (step.redefines) {
        const atLeast = step.redefines === 'other' ? 2 : 1;
        const status = step.redefines === 'paused' ? 'paused' : 'active';
        await core.apply([{ ...once, status, params: { atLeast, within: '2h' } }], note);
      }
      await tick();
      if (!step.dies) continue;
      // A process that dies does not write what it has gathered.
      parts.flows.append = async () => {};
      await core.close();
      Reflect.deleteProperty(parts.flows, 'append');
      core = openCore(parts);
      await core.startLive({ periodMs: 1 });
      await tick();
    }
    await compare(core, expected, parts.changes, clock);
  } finally {
    await core.close();
  }
}

async function compare(
  core: ReturnType<typeof openCore>,
  expected: ReadonlyMap<string, number>,
  changes: ReturnType<typeof openMemoryChangeLog>,
  clock: number,
): Promise<void> {
  const logged = await changes.read(0, 100_000);
  for (const [segmentNo, key] of KEYS.entries()) {
    const { points } = await core.history(key, { from: START_S, to: clock + HOUR_S, stepS: HOUR_S });
    for (const { from, to, entries, exits, size } of points) {
      const within = logged.filter(({ at }) => at >= from && at < to);
      assert.equal(
        entries,
        within.filter(({ entered }) => entered.includes(segmentNo)).length,
        `entries ${key} ${from}`,
      );
      assert.equal(
        exits,
        within.filter(({ exited }) => exited.includes(segmentNo)).length,
        `exits ${key} ${from}`,
      );
      const served = expected.get(`${key} ${from}`);
      if (served !== undefined)
        assert.equal(size, served, `${key} in the hour from ${from}, of ${JSON.stringify(points)}`);
    }
  }
}

function orderOf(customerId: string, orderId: string, orderedAt: number) {
  return {
    customerId,
    orderId,
    orderedAt,
    totalE4: 10_000,
    discountE4: 0,
    currency: 'EUR',
    status: 'completed' as const,
  };
}
