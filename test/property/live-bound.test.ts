/**
 * Ranked rules in a living Core: while random facts arrive, time passes and full passes come between ticks,
 * what is served is what the rules say by the bounds in force, those bounds change at full passes alone, the
 * log of changes, replayed, leads to what is served, and past memberships are told by the bounds of then.
 * `COTERIE_RUNS` sets the number of cases, `COTERIE_SEED` repeats one.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { BoundSource } from '../../src/core/bound-source.ts';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { readRule } from '../../src/core/catalog/read-rule.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import type { Core } from '../../src/core/core.ts';
import type { Engine } from '../../src/core/engine/engine.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { evaluateNaive } from '../../src/core/evaluate/naive.ts';
import { DuckDbBoundLog } from '../../src/core/history/duckdb/duckdb-bound-log.ts';
import { MemoryBoundLog } from '../../src/core/history/memory/memory-bound-log.ts';
import { MemoryCalculationLog } from '../../src/core/history/memory/memory-calculation-log.ts';
import { openCore } from '../../src/core/open-core.ts';
import type { AsOf } from '../../src/model/membership.ts';
import type { Rule } from '../../src/model/rule.ts';
import type { WrittenRule } from '../../src/model/rule-schema.ts';
import type { Definition } from '../../src/model/segment.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { check } from '../../src/store/check.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { runsOf, SEED, throwCause } from '../random-cases.ts';
import { CENTRE_S, WINDOWS_S } from './arbitrary/vocabulary.ts';
import { arbitraryWorld, inWords, knowledgeAfter, type World } from './arbitrary/world.ts';
import { receive, receiveFacts } from './received-facts.ts';

const RUNS = runsOf(6);
const NOTE = { author: 'test', at: 0 };

const ruleOf = (key: string, params: WrittenRule): Definition => ({ key, type: 'rule', params });
const DEFINITIONS: readonly Definition[] = [
  ruleOf('top', { orders: { count: { topPercent: 30 }, within: '30d' } }),
  ruleOf('recent', { orders: { last: { quintile: { atLeast: 4 } } } }),
  ruleOf('least', { not: { orders: { sum: { quintile: { atLeast: 2 }, currency: 'EUR' } } } }),
  ruleOf('average', {
    any: [
      { orders: { average: { quintile: { atMost: 2 }, currency: 'EUR' } } },
      { score: { model: 'churn', topPercent: 50 } },
    ],
  }),
  { key: 'champions', type: 'rfm', params: { group: 'champions', currency: 'EUR' } },
];
/** Defined later: its bounds are taken when it is first compiled. */
const LATER = ruleOf('later', { orders: { maximum: { topPercent: 20, currency: 'EUR' } } });

interface Step {
  readonly seconds: number;
  readonly does: 'receive' | 'pass' | 'define' | 'restart';
}

const arbitraryStep: fc.Arbitrary<Step> = fc.record({
  // At 0 seconds a pass and what is before and after it share one second of the clock.
  seconds: fc.oneof(fc.constantFrom(0, 0, 1, 2), fc.constantFrom(...WINDOWS_S.slice(1, 6))),
  does: fc.constantFrom<Step['does'][]>('receive', 'receive', 'pass', 'pass', 'define', 'restart'),
});

for (const [name, open] of [
  [
    'duckdb',
    async (world: World) => {
      const received = await receiveFacts({ ...world, received: [] }, 0);
      return { ...received, bounds: new DuckDbBoundLog(received.database) };
    },
  ],
  [
    'memory',
    async () => ({ engine: new MemoryEngine(), bounds: new MemoryBoundLog(), close: async () => {} }),
  ],
] as const) {
  it('ranked rules are served by the bounds of the last full pass, and no entry or exit goes untold', async (t) => {
    t.diagnostic(`${name}, seed ${SEED}, ${RUNS} lives`);
    const seen = { passes: 0, boundsChanged: 0, changes: 0, past: 0 };
    const steps = fc.array(arbitraryStep, { minLength: 6, maxLength: 10, size: 'max' });
    await fc.assert(
      fc.asyncProperty(arbitraryWorld, steps, async (world, life) => {
        const { engine, bounds, close } = await open(world);
        try {
          await live({ engine, bounds, world, life, seen });
        } finally {
          await close();
        }
      }),
      {
        seed: SEED,
        numRuns: name === 'duckdb' ? Math.ceil(RUNS / 3) : RUNS,
        endOnFailure: true,
        reporter: throwCause,
      },
    );
    t.diagnostic(JSON.stringify(seen));
    assert.ok(seen.boundsChanged > 0 && seen.changes > 0 && seen.past > 0);
  });
}

async function live({
  engine,
  bounds,
  world,
  life,
  seen,
}: {
  readonly engine: Engine;
  readonly bounds: MemoryBoundLog | DuckDbBoundLog;
  readonly world: World;
  readonly life: readonly Step[];
  readonly seen: { passes: number; boundsChanged: number; changes: number; past: number };
}): Promise<void> {
  let clock = CENTRE_S;
  const catalog = new MemoryCatalog();
  const target = openMemoryStore();
  const changes = openMemoryChangeLog();
  const parts = { engine, catalog, target, changes, bounds, threads: 1, now: () => clock };
  const shared = { ...parts, calculations: new MemoryCalculationLog() };
  const opened = () => openCore({ ...shared, engine: unclosed(engine) });
  let core: Core = opened();
  const definitions = [...DEFINITIONS];
  await core.apply(definitions, NOTE);
  await receive(engine, world.received[0]!);
  let received = 1;
  await core.calculate({});
  const failures: unknown[] = [];
  const tick = { periodMs: 2, onFailure: (error: unknown) => failures.push(error) };
  await core.startLive(tick);
  const replica = new Map<string, boolean>();
  let position = 0;
  const past: { readonly asOf: AsOf; readonly members: ReadonlyMap<string, string[]> }[] = [];
  await follow(0);
  try {
    for (const { does, seconds } of life) {
      clock += seconds;
      if (does === 'receive' && received < world.received.length) {
        await receive(engine, world.received[received++]!);
      }
      if (does === 'define' && !definitions.includes(LATER)) {
        definitions.push(LATER);
        await core.apply([LATER], NOTE);
      }
      if (does === 'restart') {
        await core.close();
        core = opened();
        await core.startLive(tick);
      }
      const { moment } = target.asOf()!;
      const before = await bounds.inForce(target.asOf()!);
      if (does === 'pass') {
        const report = await core.calculate({});
        assert.ok(report.asOf.moment > moment, 'new bounds are in force from a second on that is theirs');
        assert.ok(report.phases.bounds !== undefined);
        seen.passes++;
      }
      await ticked(core, {
        clock,
        batchNo: await engine.lastBatchNo(),
        catalogNo: await catalog.catalogNo(),
      });
      const now = await bounds.inForce(target.asOf()!);
      for (const [key, bound] of before) {
        if (does !== 'pass') assert.deepEqual(now.get(key), bound, 'a tick changes no bounds');
        // Of a version that is not in force any more none are taken.
        else if (String(now.get(key)?.values ?? bound.values) !== String(bound.values)) seen.boundsChanged++;
      }
      await follow(definitions.includes(LATER) ? 1 : 0);
    }
    await checkPast();
  } finally {
    await core.close();
    await target.close();
  }
  assert.deepEqual(failures, []);

  /** Until a tick has been there. */
  async function ticked(
    following: Core,
    to: { readonly clock: number; readonly batchNo: number; readonly catalogNo: number },
  ): Promise<void> {
    for (;;) {
      const asOf = target.asOf()!;
      const isThere =
        asOf.moment >= to.clock && asOf.batchNo === to.batchNo && asOf.catalogNo === to.catalogNo;
      if (isThere) return;
      const { failures: failed = 0, failure } = following.liveStatus() ?? {};
      assert.equal(failed, 0, failure);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async function follow(later: number): Promise<void> {
    const asOf = target.asOf()!;
    const knowledge = knowledgeAfter(world, received);
    for (const change of await changes.read(position, 100_000)) {
      position = change.position;
      seen.changes++;
      for (const no of change.entered) replica.set(`${no} ${change.customerId}`, true);
      for (const no of change.exited) replica.set(`${no} ${change.customerId}`, false);
    }
    const view = target.view()!;
    const source = new BoundSource({ engine, log: bounds });
    const members = new Map<string, string[]>();
    for (const [segment, definition] of [...DEFINITIONS, ...(later ? [LATER] : [])].entries()) {
      const rule = await boundedAsOf(source, engine, definition, asOf);
      for (const [customerId, facts] of knowledge.customers) {
        const answer = check(view, customerId, [definition.key]);
        assert.ok(!(answer instanceof Promise));
        const expected = evaluateNaive(rule, facts, asOf.moment, knowledge.stores);
        const where = `${definition.key} of ${customerId} at ${asOf.moment}: ${JSON.stringify(rule)}\n${inWords(facts)}`;
        assert.equal(answer.memberships[definition.key], expected, where);
        const id = `${segment} ${customerId}`;
        if (!replica.has(id)) replica.set(id, expected);
        assert.equal(replica.get(id), expected, `the log says otherwise: ${where}`);
        if (expected) members.set(customerId, [...(members.get(customerId) ?? []), definition.key].sort());
      }
    }
    past.push({ asOf, members });
  }

  /** What was served at each past as-of is told again, with the facts of then. */
  async function checkPast(): Promise<void> {
    const served = new Map<number, (typeof past)[number]>(past.map((one) => [one.asOf.moment, one]));
    for (const { asOf, members } of served.values()) {
      for (const [key, definition] of definitions.map((each) => [each.key, each] as const)) {
        if (definition === LATER) continue;
        const rule = await boundedAsOf(new BoundSource({ engine, log: bounds }), engine, definition, {
          ...asOf,
          calculationNo: 0,
        });
        const { stores } = knowledgeAfter(world, asOf.batchNo);
        for (const [customerId, facts] of knowledgeAfter(world, asOf.batchNo).customers) {
          const expected = members.get(customerId)?.includes(key) ?? false;
          assert.equal(evaluateNaive(rule, facts, asOf.moment, stores), expected, `${key} then`);
          seen.past++;
        }
      }
    }
  }
}

/** A Core closes its engine, which goes on here. */
function unclosed(engine: Engine): Engine {
  return new Proxy(engine, {
    get(target, name) {
      if (name === 'close') return async () => {};
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function boundedAsOf(
  source: BoundSource,
  engine: Engine,
  definition: Definition,
  asOf: AsOf,
): Promise<Rule> {
  const rule = readRule(definition, SEGMENT_TYPES);
  const segment = { segmentNo: 0, key: definition.key, definition, rule };
  const stores = await engine.storeTable(asOf.batchNo);
  const { segments, fresh } = await source.boundAsOf([segment], stores, asOf);
  assert.deepEqual(fresh, [], 'all bounds of what is served are on record');
  return segments[0]!.rule;
}
