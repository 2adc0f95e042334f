/**
 * Holds the source of a plug-in (examples/plugin-source) to itself: its accumulator in the evaluator, its naive
 * evaluation and its SQL say the same of random facts, and so do ticks while facts arrive and time passes.
 * `COTERIE_RUNS` sets the number of cases, `COTERIE_SEED` repeats one.
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { calculate } from '../../src/core/calculate.ts';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { readRule } from '../../src/core/catalog/read-rule.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import type { Engine } from '../../src/core/engine/engine.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { EvaluationPool } from '../../src/core/evaluate/evaluation-pool.ts';
import { evaluateNaive, storeLookup } from '../../src/core/evaluate/naive.ts';
import type { PluginAccumulators } from '../../src/core/evaluate/plugin-walker.ts';
import { explain } from '../../src/core/explain.ts';
import { createIngest } from '../../src/core/ingest/ingest.ts';
import { openLive } from '../../src/core/live/live.ts';
import { loadAccumulators } from '../../src/core/plugin/load-accumulators.ts';
import { loadPlugins, sourceModules } from '../../src/core/plugin/load-plugins.ts';
import type { CustomerFacts } from '../../src/model/fact.ts';
import type { Rule } from '../../src/model/rule.ts';
import type { SegmentTypes } from '../../src/model/segment-type.ts';
import { formatMoment, parseMoment } from '../../src/model/time.ts';
import { check } from '../../src/store/check.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { runsOf, SEED } from '../random-cases.ts';
import { agreedMembers } from './implementation.ts';
import { receiveFacts } from './received-facts.ts';

const RUNS = runsOf(15);
const POINTS = fileURLToPath(new URL('../../examples/plugin-source/points.ts', import.meta.url));
const NOW_S = 1_760_000_000;
const CUSTOMERS = ['ana', 'ben', 'cho', 'dee'];
const WINDOWS = ['60s', '1h', '30d'];
const OFFSETS_S = [-2_592_001, -2_592_000, -3601, -3600, -3599, -61, -60, -59, -1, 0, 1, 60, 3600];

interface Row {
  readonly customer_id: string;
  readonly entry_id: string;
  readonly at: string;
  readonly points: number;
  readonly campaign?: string;
}

const arbitraryRow: fc.Arbitrary<Row> = fc
  .record({
    customer_id: fc.constantFrom(...CUSTOMERS.slice(0, 3)),
    entry_id: fc.nat({ max: 60 }).map((id) => `p-${id}`),
    at: fc.constantFrom(...OFFSETS_S).map((offset) => formatMoment(NOW_S + offset)),
    points: fc.integer({ min: -12, max: 20 }),
    campaign: fc.option(fc.constantFrom('spring', 'autumn'), { nil: undefined }),
  })
  .map(({ campaign, ...row }) => (campaign === undefined ? row : { ...row, campaign }));

const arbitraryCondition = fc
  .record({
    sum: fc.record({ atLeast: fc.integer({ min: 1, max: 30 }) }),
    within: fc.option(fc.constantFrom(...WINDOWS), { nil: undefined }),
    campaign: fc.option(fc.constantFrom('spring', 'autumn', 'winter'), { nil: undefined }),
  })
  .map((points) => ({ points: JSON.parse(JSON.stringify(points)) as object }));

const arbitraryWritten = fc.oneof(
  arbitraryCondition,
  arbitraryCondition.map((condition) => ({ not: condition })),
  fc.tuple(arbitraryCondition, arbitraryCondition).map(([a, b]) => ({ all: [a, { not: b }] })),
  arbitraryCondition.map((condition) => ({ any: [condition, { event: { name: 'points/spent' } }] })),
);

let types: SegmentTypes;
let accumulators: PluginAccumulators;
let pool: EvaluationPool;

before(async () => {
  types = await loadPlugins([POINTS]);
  accumulators = await loadAccumulators(sourceModules(types));
  pool = new EvaluationPool(1, sourceModules(types));
});
after(() => pool.close());

const definitionOf = (written: object, i = 0) => ({ key: `s${i}`, type: 'rule', params: written });

it('the accumulator, the naive evaluation and the SQL of a source of a plug-in agree', async (t) => {
  t.diagnostic(`seed ${SEED}, ${RUNS} cases`);
  let members = 0;
  const arbitraryCase = fc.record({
    rows: fc.array(arbitraryRow, { maxLength: 40, size: 'max' }),
    written: fc.array(arbitraryWritten, { minLength: 6, maxLength: 12 }),
    moments: fc.array(fc.constantFrom(...OFFSETS_S), { minLength: 1, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(arbitraryCase, async ({ rows, written, moments }) => {
      const { engine, database, close } = await receiveFacts(
        { received: [{ customers: CUSTOMERS }] } as unknown as Parameters<typeof receiveFacts>[0],
        0,
      );
      try {
        await takeIn(engine, rows);
        const rules = written.map((one, i) => readRule(definitionOf(one, i), types));
        const customers = new Map<string, CustomerFacts>();
        for (const id of CUSTOMERS) customers.set(id, await engine.customerFacts(id));
        const knowledge = { customers, stores: storeLookup(await engine.storeTable()) };
        for (const offset of moments) {
          const moment = NOW_S + offset;
          const question = { knowledge, engine, database, accumulators, rules, moment };
          members += (await agreedMembers(question)).size;
        }
      } finally {
        await close();
      }
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: true },
  );
  assert.ok(members > 0);
});

it('ticks say of a source of a plug-in what its naive evaluation says, and explanations when it changes', async (t) => {
  t.diagnostic(`seed ${SEED}, ${RUNS} lives`);
  let lives = 0;
  let changes = 0;
  const arbitraryLife = fc.record({
    written: fc.array(arbitraryWritten, { minLength: 4, maxLength: 8 }),
    steps: fc.array(
      fc.record({
        rows: fc.oneof(fc.constant([]), fc.array(arbitraryRow, { maxLength: 6 })),
        seconds: fc.constantFrom(0, 1, 59, 60, 61, 3540, 3600, 2_588_400),
      }),
      { minLength: 3, maxLength: 8, size: 'max' },
    ),
  });
  await fc.assert(
    fc.asyncProperty(arbitraryLife, async ({ written, steps }) => {
      changes += await live(new MemoryEngine(), written, steps);
      // The slower one, for some of them.
      if (lives++ % 5 > 0) return;
      const { engine, close } = await receiveFacts(
        { received: [] } as unknown as Parameters<typeof receiveFacts>[0],
        0,
      );
      try {
        changes += await live(engine, written, steps);
      } finally {
        await close();
      }
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: true },
  );
  assert.ok(changes > 0);
});

/** Lives through the steps, and compares after each; says how many entries and exits were told. */
async function live(
  engine: Engine,
  written: readonly object[],
  steps: readonly { readonly rows: readonly Row[]; readonly seconds: number }[],
): Promise<number> {
  const catalog = new MemoryCatalog();
  const target = openMemoryStore();
  const changes = openMemoryChangeLog();
  await catalog.apply(written.map(definitionOf), { author: 'test', at: 0 });
  await engine.put({ customers: CUSTOMERS });
  let clock = NOW_S - 60;
  const parts = { engine, catalog, target, changes, pool, types };
  await calculate(parts, { moment: clock, isPinned: false, calculationNo: 1, onReady: async () => {} });
  const facts = await engine.openLiveFacts();
  const rules = written.map((one, i) => readRule(definitionOf(one, i), types));
  try {
    const ticking = await openLive({ ...parts, facts });
    for (const { rows, seconds } of steps) {
      clock += seconds;
      await ticking.tick(clock);
      await compare();
      await takeIn(engine, rows);
      await ticking.tick(clock);
      await compare();
    }
    return (await changes.read(0, 100_000)).length;
  } finally {
    await facts.close();
    await target.close();
  }

  async function compare(): Promise<void> {
    const naive = new Set(await naiveMembers(engine, rules, clock));
    for (const customer of CUSTOMERS) {
      const known = await engine.customerFacts(customer);
      for (const i of rules.keys()) {
        const id = `${i} ${customer}`;
        const answer = await check(target.view()!, customer, [`s${i}`]);
        assert.equal(answer.memberships[`s${i}`], naive.has(id), `${id} at ${clock}, seed ${SEED}`);
        await checkNextChange(i, customer, known, naive.has(id));
      }
    }
  }

  /** What is foretold is what comes about, to the second; and nothing does where nothing is foretold. */
  async function checkNextChange(
    i: number,
    customerId: string,
    facts: CustomerFacts,
    isMember: boolean,
  ): Promise<void> {
    const definition = definitionOf(written[i]!, i);
    const table = await engine.storeTable();
    const { nextChange } = explain({
      customerId,
      isKnown: true,
      facts,
      segment: { segmentNo: 0, key: definition.key, definition, rule: rules[i]! },
      stores: table,
      asOf: target.asOf()!,
    });
    const holds = (moment: number) => evaluateNaive(rules[i]!, facts, moment, storeLookup(table));
    const at = nextChange === null ? clock + 10_000_000 : parseMoment(nextChange.at);
    const where = `${JSON.stringify(written[i])} of ${customerId} at ${clock}, seed ${SEED}`;
    if (nextChange !== null) assert.equal(holds(at), !isMember, where);
    for (const offset of [...OFFSETS_S, 3_000_000]) {
      const moment = clock + Math.abs(offset);
      if (moment < at) assert.equal(holds(moment), isMember, where);
    }
  }
}

async function takeIn(engine: Engine, rows: readonly Row[]): Promise<void> {
  const ingest = createIngest({ engine, options: { gatherMs: 0 } });
  const report = await ingest.submit(types.sources.get('points')!, rows);
  assert.equal(report.rejected, rows.filter(({ points }) => points === 0).length);
  await ingest.close();
}

async function naiveMembers(engine: Engine, rules: readonly Rule[], moment: number): Promise<string[]> {
  const stores = storeLookup(await engine.storeTable());
  const members: string[] = [];
  for (const customer of CUSTOMERS) {
    const facts = await engine.customerFacts(customer);
    for (const [i, rule] of rules.entries()) {
      if (evaluateNaive(rule, facts, moment, stores)) members.push(`${i} ${customer}`);
    }
  }
  return members.sort();
}
