/**
 * Holds every implementation of a membership to the naive evaluator, on random rules, facts and moments.
 * One case is a history of up to 20 customers, 40 rules and 3 moments, evaluated all at once: up to 2,400
 * triples. `COTERIE_RUNS` sets the number of cases, `COTERIE_SEED` repeats one.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { Engine } from '../../src/core/engine/engine.ts';
import { storeLookup } from '../../src/core/evaluate/naive.ts';
import type { CustomerFacts } from '../../src/model/fact.ts';
import type { Rule } from '../../src/model/rule.ts';
import { runsOf, SEED, throwCause } from '../random-cases.ts';
import { arbitraryCondition, arbitraryConditionOf } from './arbitrary/condition.ts';
import { arbitraryRule } from './arbitrary/rule.ts';
import { arbitraryWorld, type Knowledge, knowledgeAfter, type World } from './arbitrary/world.ts';
import { agreedMembers } from './implementation.ts';
import { receiveFacts } from './received-facts.ts';

const RUNS = runsOf(5);

interface Case {
  readonly world: World;
  readonly rules: readonly Rule[];
  /** From 0 to 1: how much of the history is compacted, and after which part of it is asked. */
  readonly compacted: number;
  readonly known: number;
}

const arbitraryCase: fc.Arbitrary<Case> = fc.record({
  world: arbitraryWorld,
  rules: fc
    .tuple(
      fc.array<Rule>(arbitraryRule, { minLength: 16, maxLength: 16 }),
      fc.array<Rule>(arbitraryCondition, { minLength: 14, maxLength: 14 }),
      // Two facts have to meet, so that few of these come to an edge.
      fc.array<Rule>(arbitraryConditionOf.sequence, { minLength: 10, maxLength: 10 }),
    )
    .map((rules) => rules.flat()),
  compacted: fc.constantFrom(0, 0.5, 0.8, 1),
  known: fc.constantFrom(0.3, 0.5, 0.8, 1, 1),
});

it('every implementation agrees with the naive evaluator on random rules, facts and moments', async (t) => {
  const tally = { triples: 0, members: 0 };
  t.diagnostic(`seed ${SEED}, ${RUNS} cases`);
  await fc.assert(
    fc.asyncProperty(arbitraryCase, (one) => checkCase(one, tally)),
    { seed: SEED, numRuns: RUNS, endOnFailure: true, reporter: throwCause },
  );
  t.diagnostic(`${tally.triples} (rule, facts, moment) triples, of which ${tally.members} are memberships`);
  // A generator that makes only rules that never hold, or always do, would test nothing.
  assert(tally.members > tally.triples * 0.1 && tally.members < tally.triples * 0.9);
});

async function checkCase(one: Case, tally: { triples: number; members: number }): Promise<void> {
  const { world, rules } = one;
  const batches = world.received.length;
  const known = Math.round(one.known * batches);
  const received = await receiveFacts(world, Math.round(one.compacted * batches));
  try {
    const { engine, database } = received;
    const knowledge = knowledgeAfter(world, known);
    const asked = known === batches ? {} : { knownAt: known };
    await checkEngine(knowledge, engine, asked.knownAt);
    for (const moment of world.moments) {
      const members = await agreedMembers({ knowledge, engine, database, ...asked, rules, moment });
      tally.triples += rules.length * knowledge.customers.size;
      tally.members += members.size;
    }
  } finally {
    await received.close();
  }
}

/** What the engine says in words is what was put, reconciled. */
async function checkEngine(knowledge: Knowledge, engine: Engine, knownAt: number | undefined): Promise<void> {
  const byId = (facts: CustomerFacts): unknown => ({
    orders: [...facts.orders].sort((a, b) => (a.orderId < b.orderId ? -1 : 1)),
    traits: facts.traits,
    events: [...facts.events].sort((a, b) => (a.eventId < b.eventId ? -1 : 1)),
    scores: facts.scores,
    lists: facts.lists,
  });
  for (const [customerId, facts] of knowledge.customers) {
    assert.deepEqual(byId(await engine.customerFacts(customerId, knownAt)), byId(facts));
  }
  const stores = storeLookup(await engine.storeTable(knownAt));
  assert.deepEqual(stores, knowledge.stores);
}
