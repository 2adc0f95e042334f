/**
 * Every segment of the walk-throughs on real order histories: the compiled plan, the naive evaluator and
 * one SQL query per segment find the same members, also at a moment when a window's edge falls exactly on
 * an order. Left out, loudly, where the histories are not on this machine.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { resolveSegments } from '../../src/core/catalog/resolve-segments.ts';
import type { OrderFact, TraitFact } from '../../src/model/fact.ts';
import type { Definition, Segment } from '../../src/model/segment.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { parseMoment } from '../../src/model/time.ts';
import { type FactsReceived, knowledgeAfter, type World } from './arbitrary/world.ts';
import { agreedMembers, memberKey } from './implementation.ts';
import { readDemographics, readOrders, skip } from './real-facts.ts';
import { type ReceivedFacts, receiveFacts } from './received-facts.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
if (skip) console.error(`SKIPPED: ${skip}`);

const DAY_S = 86_400;

it('Complete Journey: three families over all stores and rules over demographics', { skip }, async (t) => {
  const traits = readDemographics();
  const threeWeeks = readOrders('cj_orders_3weeks_complete');
  const world: World = {
    received: [batch(readOrders('cj_orders_2017_line_sample')), batch(threeWeeks), batch([], traits)],
    moments: [],
  };
  // At this second orders of 21 and 30 days ago are exactly on the edge: the first is out.
  const edge = threeWeeks[0]!.orderedAt + 21 * DAY_S;
  const moments = [parseMoment('2018-02-05T00:00:00Z'), edge];
  await compareAll(t, world, 'complete-journey', moments);
});

it('CDNOW: orders without a store, and the published figures', { skip }, async (t) => {
  const world: World = { received: [batch(readOrders('cdnow_orders'))], moments: [] };
  const sizes = await compareAll(t, world, 'cdnow', [parseMoment('1998-06-30T00:00:00Z')]);
  assert.equal(sizes.get('exactly-one-order'), 11_908);
  assert.equal(sizes.get('ordered-within-90d'), 3_301);
});

/** Compares all implementations at each moment; sizes by key at the first. */
async function compareAll(
  t: { diagnostic(text: string): void },
  world: World,
  walkthrough: string,
  moments: readonly number[],
): Promise<Map<string, number>> {
  const received = await receiveFacts(world, world.received.length);
  const sizes = new Map<string, number>();
  try {
    const knowledge = knowledgeAfter(world);
    const all = await resolve(received, walkthrough);
    for (const moment of moments) {
      // Those without a window say the same at the other moments.
      const segments =
        moment === moments[0] ? all : all.filter(({ definition }) => definition.type !== 'new');
      const rules = segments.map((segment) => segment.rule);
      const question = { ...received, knowledge, assumeCompacted: true, rules, moment };
      const expected = await agreedMembers(question);
      if (moment === moments[0]) countMembers(sizes, segments, [...knowledge.customers.keys()], expected);
      t.diagnostic(
        `${segments.length} segments, ${knowledge.customers.size} customers: ${expected.size} memberships`,
      );
    }
  } finally {
    await received.close();
  }
  return sizes;
}

function countMembers(
  sizes: Map<string, number>,
  segments: readonly Segment[],
  customerIds: readonly string[],
  members: ReadonlySet<string>,
): void {
  for (const [i, { key }] of segments.entries()) {
    sizes.set(key, customerIds.filter((id) => members.has(memberKey(i, id))).length);
  }
}

async function resolve({ engine }: ReceivedFacts, walkthrough: string): Promise<Segment[]> {
  const text = readFileSync(join(root, 'examples/walkthrough', `${walkthrough}.yaml`), 'utf8');
  const versions = (parse(text) as Definition[]).map((definition, i) => ({
    definition,
    version: 1,
    catalogNo: i + 1,
    author: 'walk-through',
    at: 0,
  }));
  return resolveSegments({ versions, stores: await engine.storeTable(), types: SEGMENT_TYPES });
}

function batch(orders: readonly OrderFact[], traits: readonly TraitFact[] = []): FactsReceived {
  return { orders, stores: [], traits };
}
