/**
 * The moment at which an explanation says that a membership changes is exact: the rule says the same up to
 * the second before it, and another thing at it. `COTERIE_RUNS` sets the number of cases, `COTERIE_SEED`
 * repeats one.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { evaluateNaive } from '../../src/core/evaluate/naive.ts';
import { nextChange } from '../../src/core/next-change.ts';
import { type CustomerFacts, traitMoment } from '../../src/model/fact.ts';
import type { Rule } from '../../src/model/rule.ts';
import { MOMENT_MAX_S, parseMoment } from '../../src/model/time.ts';
import { runsOf, SEED, throwCause } from '../random-cases.ts';
import { arbitraryRule } from './arbitrary/rule.ts';
import { CENTRE_S, WINDOWS_S } from './arbitrary/vocabulary.ts';
import { arbitraryWorld, type Knowledge, knowledgeAfter } from './arbitrary/world.ts';

const RUNS = runsOf(6);
/** Moments looked at for each membership. */
const LOOKS = 60;

it('a membership stays as it is until the moment that is told, and changes then', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const seen = { changes: 0, stays: 0 };
  fc.assert(
    fc.property(
      arbitraryWorld,
      fc.array(arbitraryRule, { minLength: 20, maxLength: 20 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (world, rules, dice) => {
        const knowledge = knowledgeAfter(world);
        for (const facts of knowledge.customers.values()) {
          for (const rule of rules) {
            for (const moment of [CENTRE_S - WINDOWS_S[4], ...world.moments.slice(1)]) {
              check(rule, facts, moment, knowledge, dice, seen);
            }
          }
        }
      },
    ),
    {
      seed: SEED,
      numRuns: RUNS,
      endOnFailure: true,
      reporter: throwCause,
    },
  );
  t.diagnostic(`${seen.changes} changes, ${seen.stays} memberships for ever`);
  assert.ok(seen.changes > 0 && seen.stays > 0);
});

function check(
  rule: Rule,
  facts: CustomerFacts,
  moment: number,
  { stores }: Knowledge,
  dice: Iterator<number>,
  seen: { changes: number; stays: number },
): void {
  const holds = evaluateNaive(rule, facts, moment, stores);
  const next = nextChange(rule, holds, facts, moment, stores);
  const at = next === null ? MOMENT_MAX_S + 1 : parseMoment(next.at);
  const where = () => `from ${moment}, told ${next?.at}, seed ${SEED}: ${JSON.stringify(rule)}`;
  if (next !== null) assert.equal(evaluateNaive(rule, facts, at, stores), next.member, where());
  for (const later of looks(facts, moment, at, dice)) {
    assert.equal(evaluateNaive(rule, facts, later, stores), holds, `at ${later}, ${where()}`);
  }
  seen[next === null ? 'stays' : 'changes']++;
}

/** Moments before one, of which most are beside an edge of some window and some fact. */
function looks(facts: CustomerFacts, moment: number, before: number, dice: Iterator<number>): number[] {
  const pick = <T>(values: readonly T[]): T =>
    values[Math.floor(dice.next().value * (values.length - 1e-9))]!;
  const times = [
    ...facts.orders.map((order) => order.orderedAt),
    ...facts.events.map((event) => event.occurredAt),
    ...[...facts.traits.values()].map((value) => traitMoment(value) ?? moment),
    ...[...facts.scores.values()].map((score) => score.validUntil ?? moment),
    moment,
  ];
  const found = [before - 1];
  for (let i = 0; i < LOOKS; i++) {
    found.push(pick(times) + pick([-1, 0, 1, 1]) * pick([0, ...WINDOWS_S]) + pick([-1, 0, 1, 2]));
  }
  return found.filter((later) => later > moment && later < before);
}
