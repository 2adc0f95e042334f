/**
 * Questions about a few segments (members, size, overlap), which scan only customers with orders in the
 * stores that the rules look at where they can, agree with the naive evaluator on random rules and facts.
 */
import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import fc from 'fast-check';
import { EvaluationPool } from '../../src/core/evaluate/evaluation-pool.ts';
import { evaluateNaive } from '../../src/core/evaluate/naive.ts';
import { Population } from '../../src/core/population.ts';
import type { Rule } from '../../src/model/rule.ts';
import { runsOf, SEED, throwCause } from '../random-cases.ts';
import { arbitraryRule } from './arbitrary/rule.ts';
import { arbitraryWorld, knowledgeAfter, type World } from './arbitrary/world.ts';
import { receiveFacts } from './received-facts.ts';

const RUNS = runsOf(4);

const pool = new EvaluationPool(1);
after(() => pool.close());

it('members, size, overlap and comparison agree with the naive evaluator', async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const rules = fc.array(arbitraryRule, { minLength: 8, maxLength: 8 });
  await fc.assert(fc.asyncProperty(arbitraryWorld, rules, fc.boolean(), checkPopulation), {
    seed: SEED,
    numRuns: RUNS,
    endOnFailure: true,
    reporter: throwCause,
  });
});

async function checkPopulation(world: World, rules: readonly Rule[], isPast: boolean): Promise<void> {
  const batchNo = isPast ? 1 : world.received.length;
  const knowledge = knowledgeAfter(world, batchNo);
  const moment = world.moments[0]!;
  const received = await receiveFacts(world, 2);
  try {
    const { engine } = received;
    const population = new Population(engine, pool);
    const stores = await engine.storeTable(batchNo);
    const at = { moment, batchNo, customers: knowledge.customers.size };
    const segments = rules.map((rule, i) => {
      const key = `rule-${i}`;
      return { segmentNo: 100 + i, key, definition: { key, type: 'rule' }, rule };
    });
    const membersOf = (rule: Rule): Set<string> =>
      new Set(
        [...knowledge.customers]
          .filter(([, facts]) => evaluateNaive(rule, facts, moment, knowledge.stores))
          .map(([id]) => id),
      );
    const expected = rules.map(membersOf);

    for (const [i, segment] of segments.entries()) {
      const found: string[] = [];
      for await (const ids of population.memberIds([segment], stores, at)) found.push(...ids);
      assert.deepEqual(
        found.sort(),
        [...expected[i]!].sort(),
        `seed ${SEED}: ${JSON.stringify(segment.rule)}`,
      );
    }

    const { size } = await population.union(segments.slice(0, 3), stores, at, 0);
    assert.equal(size, new Set(expected.slice(0, 3).flatMap((members) => [...members])).size);

    const { pairs, all, any } = await population.overlap(segments, stores, at);
    const joint = (a: Set<string>, b: Set<string>): number => [...a].filter((id) => b.has(id)).length;
    assert.deepEqual(
      pairs,
      expected.map((a) => expected.map((b) => joint(a, b))),
    );
    for (const [i, segment] of segments.slice(1).entries()) {
      const [before, now] = [expected[i]!, expected[i + 1]!];
      const stay = joint(before, now);
      const { size, compared } = await population.compare(segments[i]!, segment, stores, at, 0);
      assert.equal(size, now.size);
      assert.deepEqual(compared, { entrants: now.size - stay, leavers: before.size - stay, stay });
    }
    const ids = [...knowledge.customers.keys()];
    assert.equal(all, ids.filter((id) => expected.every((members) => members.has(id))).length);
    assert.equal(any, ids.filter((id) => expected.some((members) => members.has(id))).length);
  } finally {
    await received.close();
  }
}
