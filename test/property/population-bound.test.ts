/**
 * Ranked conditions on random facts: with the bounds that an engine's population sets, they hold for those
 * whom the words of the rule mean, reckoned by sorting everybody; and every implementation agrees.
 * `COTERIE_RUNS` sets the number of cases, `COTERIE_SEED` repeats one.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { BoundSource } from '../../src/core/bound-source.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { evaluateConditionNaive } from '../../src/core/evaluate/naive.ts';
import { MemoryBoundLog } from '../../src/core/history/memory/memory-bound-log.ts';
import type { RankedCondition } from '../../src/core/population-bound.ts';
import type { CustomerFacts } from '../../src/model/fact.ts';
import type { PopulationTest, Rule } from '../../src/model/rule.ts';
import type { Segment } from '../../src/model/segment.ts';
import { runsOf, SEED, throwCause } from '../random-cases.ts';
import { arbitraryOrders } from './arbitrary/condition.ts';
import { MODELS } from './arbitrary/vocabulary.ts';
import { arbitraryWorld, inWords, type Knowledge, knowledgeAfter, type World } from './arbitrary/world.ts';
import { IMPLEMENTATIONS, memberKey } from './implementation.ts';
import { receive, receiveFacts } from './received-facts.ts';

const RUNS = runsOf(5);
const RULES = 30;

const arbitraryRank: fc.Arbitrary<PopulationTest> = fc.oneof(
  fc
    .constantFrom(0.1, 5, 10, 20, 33.3, 50, 99.9, 100)
    .map((percent): PopulationTest => ({ kind: 'top', percent })),
  fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
    .map(([a, b]): PopulationTest => ({ kind: 'quintile', atLeast: Math.min(a, b), atMost: Math.max(a, b) })),
);

const arbitraryRanked: fc.Arbitrary<RankedCondition> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(arbitraryOrders, arbitraryRank)
      .map(([{ atLeast: _, atMost: __, ...measure }, population]) => ({ ...measure, population })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...Object.keys(MODELS), 'unheard-of'), arbitraryRank)
      .map(([model, population]): RankedCondition => ({ kind: 'score', model, population })),
  },
);

interface Case {
  readonly world: World;
  readonly conditions: readonly RankedCondition[];
  /** From 0 to 1: how much of the history is compacted, and after which part of it is asked. */
  readonly compacted: number;
  readonly known: number;
}

const arbitraryCase: fc.Arbitrary<Case> = fc.record({
  world: arbitraryWorld,
  conditions: fc.array(arbitraryRanked, { minLength: RULES, maxLength: RULES }),
  compacted: fc.constantFrom(0, 0.5, 1),
  known: fc.constantFrom(0, 0.5, 1, 1),
});

it('a ranked condition holds for those whom its words mean, by every implementation', async (t) => {
  t.diagnostic(`seed ${SEED}, ${RUNS} cases`);
  const seen = { conditions: 0, empty: 0, alone: 0, members: 0, outsiders: 0 };
  await fc.assert(
    fc.asyncProperty(arbitraryCase, (one) => checkCase(one, seen)),
    {
      seed: SEED,
      numRuns: RUNS,
      endOnFailure: true,
      reporter: throwCause,
    },
  );
  t.diagnostic(JSON.stringify(seen));
  assert.ok(seen.empty > 0 && seen.alone > 0, 'populations of nobody and of one are among them');
  assert.ok(seen.members > 0 && seen.outsiders > 0);
});

type Seen = { conditions: number; empty: number; alone: number; members: number; outsiders: number };

async function checkCase({ world, conditions, compacted, known }: Case, seen: Seen): Promise<void> {
  const batches = world.received.length;
  const batchNo = Math.round(known * batches);
  const knowledge = knowledgeAfter(world, batchNo);
  const received = await receiveFacts(world, Math.round(compacted * batches));
  const memory = new MemoryEngine();
  for (const facts of world.received) await receive(memory, facts);
  try {
    for (const moment of world.moments) {
      const rules: Rule[] = [];
      for (const engine of [received.engine, memory]) {
        const source = new BoundSource({ engine, log: new MemoryBoundLog() });
        const { segments, taken } = await source.bound(conditions.map(segmentOf), {
          stores: await engine.storeTable(batchNo),
          asOf: { moment, batchNo, catalogNo: 0, calculationNo: 0 },
          reuse: 'none',
        });
        if (engine === memory) {
          assert.deepEqual(
            segments.map(({ rule }) => rule),
            rules,
            'the engines set the same bounds',
          );
        }
        rules.splice(0, rules.length, ...segments.map(({ rule }) => rule));
        for (const { bound } of taken.values()) {
          seen.empty += bound.customers === 0 ? 1 : 0;
          seen.alone += bound.customers === 1 ? 1 : 0;
        }
      }
      await checkMembers(conditions, rules, { knowledge, moment, received, batchNo }, seen);
    }
  } finally {
    await received.close();
  }
}

async function checkMembers(
  conditions: readonly RankedCondition[],
  rules: readonly Rule[],
  at: {
    readonly knowledge: Knowledge;
    readonly moment: number;
    readonly received: Awaited<ReturnType<typeof receiveFacts>>;
    readonly batchNo: number;
  },
  seen: Seen,
): Promise<void> {
  const { knowledge, moment, received, batchNo } = at;
  const expected = new Set<string>();
  for (const [i, condition] of conditions.entries()) {
    for (const id of holders(condition, knowledge, moment)) expected.add(memberKey(i, id));
  }
  seen.conditions += conditions.length;
  seen.members += expected.size;
  seen.outsiders += conditions.length * knowledge.customers.size - expected.size;
  const question = { ...received, knowledge, knownAt: batchNo, rules, moment };
  for (const implementation of IMPLEMENTATIONS) {
    const found = await implementation.members(question);
    for (const [i, condition] of conditions.entries()) {
      for (const [id, facts] of knowledge.customers) {
        const key = memberKey(i, id);
        const words = () =>
          `${implementation.name}: ${id} at ${moment}: ${JSON.stringify(condition)} as ${JSON.stringify(rules[i])}\n${inWords(facts)}`;
        if (expected.has(key) !== found.has(key)) assert.fail(words());
      }
    }
    assert.equal(found.size, expected.size, `${implementation.name} finds somebody who is not known`);
  }
}

function segmentOf(condition: RankedCondition, i: number): Segment {
  const key = `rule-${i}`;
  return { segmentNo: i, key, definition: { key, type: 'rule' }, rule: condition };
}

/** Those of the population who are where the rank says, by counting how many are below or above. */
function holders(condition: RankedCondition, { customers, stores }: Knowledge, moment: number): string[] {
  const values = new Map<string, number>();
  for (const [id, facts] of customers) {
    const value = rankedValue(condition, facts, moment, stores);
    if (value !== undefined) values.set(id, value);
  }
  const ascending = [...values.values()].sort((a, b) => a - b);
  const { length } = ascending;
  const { population } = condition;
  return [...values]
    .filter(([, value]) => {
      if (population.kind === 'top') {
        // In are those who are not below so many others that all of the top are above them.
        const above = ascending.filter((other) => other > value).length;
        return above * 100_000 < Math.round(population.percent * 1_000) * length;
      }
      const cuts = [1, 2, 3, 4].map((k) => ascending[Math.floor((k * length + 4) / 5) - 1]!);
      const quintile = 1 + cuts.filter((cut) => cut < value).length;
      return quintile >= population.atLeast && quintile <= population.atMost;
    })
    .map(([id]) => id);
}

/** What is ranked; undefined for those who have no fact of it. */
function rankedValue(
  { population: _, ...measure }: RankedCondition,
  facts: CustomerFacts,
  moment: number,
  stores: Knowledge['stores'],
): number | undefined {
  const { orders, value } = evaluateConditionNaive(measure, facts, moment, stores);
  if (measure.kind === 'score') return value === null ? undefined : Number(value);
  if (orders.length === 0) return undefined;
  const total = orders.reduce((sum, order) => sum + order.totalE4, 0);
  if (measure.measure === 'sum') return total;
  // Whole ten-thousandths, rounded down; the quotient alone could be rounded up to a whole one.
  if (measure.measure === 'average') {
    const remainder = ((total % orders.length) + orders.length) % orders.length;
    return (total - remainder) / orders.length;
  }
  if (measure.measure === 'firstAge' || measure.measure === 'lastAge') return -Number(value);
  return measure.measure === 'minimum' || measure.measure === 'maximum'
    ? Math.round(Number(value) * 10_000)
    : Number(value);
}
