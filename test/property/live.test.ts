/**
 * Holds ticks to the naive evaluator: while random facts arrive, time passes and definitions change, what
 * is served after every tick is what the rules say, and the log of changes, replayed, leads to the same.
 * `COTERIE_RUNS` sets the number of cases, `COTERIE_SEED` repeats one.
 */
import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import fc from 'fast-check';
import { calculate } from '../../src/core/calculate.ts';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { readRule } from '../../src/core/catalog/read-rule.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import type { Engine } from '../../src/core/engine/engine.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { EvaluationPool } from '../../src/core/evaluate/evaluation-pool.ts';
import { evaluateNaive, NO_FACTS } from '../../src/core/evaluate/naive.ts';
import { openLive } from '../../src/core/live/live.ts';
import type { Rule } from '../../src/model/rule.ts';
import type { Definition } from '../../src/model/segment.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { check } from '../../src/store/check.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { runsOf, SEED, throwCause } from '../random-cases.ts';
import { arbitraryConditionOf } from './arbitrary/condition.ts';
import { arbitraryRule } from './arbitrary/rule.ts';
import { CENTRE_S, WINDOWS_S } from './arbitrary/vocabulary.ts';
import { arbitraryWorld, inWords, type Knowledge, knowledgeAfter, type World } from './arbitrary/world.ts';
import { receive, receiveFacts } from './received-facts.ts';
import { writtenRule } from './written-rule.ts';

const RUNS = runsOf(10);
const SEGMENTS = 12;

/** What happens before a tick, and by how much the clock moves. */
interface Step {
  /** Whether the next batch of facts arrives, or a version of a model is activated. */
  readonly receives: boolean;
  /** Seconds; below 0 the clock goes back. */
  readonly seconds: number;
  /** A segment's new rule, or another status. */
  readonly redefines?: {
    readonly segment: number;
    readonly rule?: Rule;
    readonly status: Definition['status'];
  };
  /** The process dies before the tick and goes on from what is served. */
  readonly restarts: boolean;
}

const arbitraryStep: fc.Arbitrary<Step> = fc
  .record({
    receives: fc.constantFrom(true, true, false),
    seconds: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(0, 1, 2, 59, 60, 61) },
      { weight: 5, arbitrary: fc.constantFrom(...WINDOWS_S.slice(0, -1)) },
      { weight: 1, arbitrary: fc.constant(-3_600) },
    ),
    redefines: fc.option(
      fc.record({
        segment: fc.nat({ max: SEGMENTS - 1 }),
        rule: arbitraryRule,
        status: fc.constantFrom<Definition['status'][]>('active', 'active', 'paused', 'archived'),
      }),
      { nil: undefined, freq: 3 },
    ),
    restarts: fc.nat({ max: 5 }).map((n) => n === 0),
  })
  .map(({ redefines, ...step }) => (redefines === undefined ? step : { ...step, redefines }));

/** Of any kind, or of one: then nothing but its own facts and times has a customer looked at again. */
const arbitraryRules: fc.Arbitrary<Rule[]> = fc
  .constantFrom<fc.Arbitrary<Rule>[]>(
    arbitraryRule,
    arbitraryRule,
    ...(['event', 'age', 'score', 'listed', 'sequence'] as const).map((kind) => arbitraryConditionOf[kind]),
  )
  .chain((rule) => fc.array(rule, { minLength: SEGMENTS, maxLength: SEGMENTS }));

const arbitraryLife = fc.record({
  world: arbitraryWorld,
  rules: arbitraryRules,
  steps: fc.array(arbitraryStep, { minLength: 4, maxLength: 10, size: 'max' }),
});

const pool = new EvaluationPool(1);
after(() => pool.close());

const definitionOf = (segment: number, rule: Rule, status: Definition['status'] = 'active'): Definition => ({
  key: `segment-${segment}`,
  type: 'rule',
  status,
  params: writtenRule(rule),
});

for (const [name, open] of [
  ['duckdb', (world: World) => receiveFacts({ ...world, received: [] }, 0)],
  ['memory', async () => ({ engine: new MemoryEngine(), close: async () => {} })],
] as const) {
  it('after every tick, what is served and what the log says is what the rules say', async (t) => {
    t.diagnostic(`${name}, seed ${SEED}, ${RUNS} lives`);
    const seen = { ticks: 0, changes: 0, memberships: 0 };
    await fc.assert(
      fc.asyncProperty(arbitraryLife, async ({ world, rules, steps }) => {
        const { engine, close } = await open(world);
        try {
          await live(engine, world, rules, steps, seen);
        } finally {
          await close();
        }
      }),
      { seed: SEED, numRuns: RUNS, endOnFailure: true, reporter: throwCause },
    );
    t.diagnostic(`${seen.ticks} ticks, ${seen.changes} changes, ${seen.memberships} memberships compared`);
    assert.ok(seen.changes > 0);
  });
}

async function live(
  engine: Engine,
  world: World,
  rules: readonly Rule[],
  steps: readonly Step[],
  seen: { ticks: number; changes: number; memberships: number },
): Promise<void> {
  const catalog = new MemoryCatalog();
  const target = openMemoryStore();
  const changes = openMemoryChangeLog();
  const note = { author: 'test', at: 0 };
  const current = new Map<number, Definition>();
  const define = async (segment: number, definition: Definition): Promise<void> => {
    current.set(segment, definition);
    await catalog.apply([definition], note);
  };
  for (const [segment, rule] of rules.entries()) await define(segment, definitionOf(segment, rule));
  await receive(engine, world.received[0]!);
  let received = 1;
  let clock = CENTRE_S - WINDOWS_S[3];
  const parts = { engine, catalog, target, changes, pool, types: SEGMENT_TYPES };
  await calculate(parts, { moment: clock, isPinned: false, calculationNo: 1, onReady: async () => {} });
  const facts = await engine.openLiveFacts();
  try {
    let ticking = await openLive({ ...parts, facts });
    const replica = new Map<string, boolean>();
    let position = 0;
    await follow();
    for (const step of steps) {
      if (step.receives && received < world.received.length)
        await receive(engine, world.received[received++]!);
      let untold: number | undefined;
      if (step.redefines) {
        const { segment, rule, status } = step.redefines;
        if (current.get(segment)!.status !== 'active' || status !== 'active') untold = segment;
        await define(segment, definitionOf(segment, rule ?? rules[segment]!, status));
      }
      if (step.restarts) ticking = await openLive({ ...parts, facts });
      clock += step.seconds;
      const before = target.asOf()!;
      await ticking.tick(clock);
      seen.ticks++;
      assert.ok(target.asOf()!.moment >= before.moment, 'the as-of never goes back');
      await follow(untold);
    }

    /** Compares what is served with the rules, and the replica, after the changes, with what is served. */
    async function follow(untold?: number): Promise<void> {
      const knowledge = knowledgeAfter(world, received);
      for (const change of await changes.read(position, 100_000)) {
        position = change.position;
        seen.changes++;
        for (const no of change.entered) replica.set(`${no} ${change.customerId}`, true);
        for (const no of change.exited) replica.set(`${no} ${change.customerId}`, false);
      }
      seen.memberships += compare(target, knowledge, current, replica, untold);
    }
  } finally {
    await facts.close();
    await target.close();
  }
}

function compare(
  target: Store,
  knowledge: Knowledge,
  current: ReadonlyMap<number, Definition>,
  replica: Map<string, boolean>,
  untold: number | undefined,
): number {
  const view = target.view()!;
  const { moment } = view.asOf;
  let compared = 0;
  for (const [segment, definition] of current) {
    const { key, status } = definition;
    const rule = readRule(definition, SEGMENT_TYPES);
    for (const [customerId, facts] of [...knowledge.customers, ['nobody', NO_FACTS] as const]) {
      const answer = check(view, customerId, [key]);
      assert.ok(!(answer instanceof Promise));
      if (status === 'archived') {
        assert.deepEqual(answer.unknown, [key]);
        continue;
      }
      const expected = status !== 'paused' && evaluateNaive(rule, facts, moment, knowledge.stores);
      const where = `${key} of ${customerId} at ${moment}: ${JSON.stringify(rule)}\n${inWords(facts)}`;
      assert.equal(answer.memberships[key], expected, where);
      if (customerId === 'nobody') continue;
      // A segment that is new or gone tells no entries and exits: the replica starts from what is served.
      const id = `${segment} ${customerId}`;
      if (segment === untold || !replica.has(id) || status === 'paused') replica.set(id, expected);
      assert.equal(replica.get(id), expected, `the log says otherwise: ${where}`);
      compared++;
    }
  }
  return compared;
}
