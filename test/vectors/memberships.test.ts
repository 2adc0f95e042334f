/**
 * Runs the language-neutral vectors of `memberships.json` through definitions as people write them and
 * every implementation of a membership. A new implementation in any language reads the same file.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { checkDefinition } from '../../src/core/catalog/check-definition.ts';
import { resolveSegments } from '../../src/core/catalog/resolve-segments.ts';
import type { StoreTable } from '../../src/core/engine/engine.ts';
import { evaluateNaive, NO_FACTS } from '../../src/core/evaluate/naive.ts';
import { parseAmountE4 } from '../../src/model/amount.ts';
import type { OrderFact, StoreFact, TraitFact } from '../../src/model/fact.ts';
import type { Definition } from '../../src/model/segment.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { parseMoment } from '../../src/model/time.ts';
import { type Knowledge, knowledgeAfter, type World } from '../property/arbitrary/world.ts';
import { IMPLEMENTATIONS, memberKey } from '../property/implementation.ts';
import { type ReceivedFacts, receiveFacts } from '../property/received-facts.ts';

interface VectorOrder {
  readonly customer_id: string;
  readonly order_id: string;
  readonly store_id?: string;
  readonly ordered_at: string;
  readonly total: string;
  readonly discount: string;
  readonly currency: string;
  readonly status: OrderFact['status'];
}

interface VectorCase {
  readonly name: string;
  readonly received: readonly {
    readonly orders?: readonly VectorOrder[];
    readonly traits?: readonly { customer_id: string; name: string; value: string }[];
    readonly stores?: readonly (Omit<StoreFact, 'storeId'> & { store_id: string })[];
  }[];
  readonly at: string;
  readonly definitions: readonly Definition[];
  readonly members: Readonly<Record<string, readonly string[]>>;
  readonly strangers: readonly string[];
}

const file = new URL('./memberships.json', import.meta.url);
const { cases } = JSON.parse(await readFile(file, 'utf8')) as { cases: VectorCase[] };

for (const one of cases) {
  describe(one.name, () => {
    const world = readWorld(one);
    const moment = parseMoment(one.at);
    const knowledge = knowledgeAfter(world);
    for (const definition of one.definitions) checkDefinition(definition, SEGMENT_TYPES);
    const versions = one.definitions.map((definition, i) => ({
      definition,
      version: 1,
      catalogNo: i + 1,
      author: 'vectors',
      at: 0,
    }));
    const stores = storeTableOf(knowledge);
    const segments = resolveSegments({ versions, stores, types: SEGMENT_TYPES });
    const rules = segments.map((segment) => segment.rule);

    it('names every segment', () => {
      assert.deepEqual(segments.map((segment) => segment.key).sort(), Object.keys(one.members).sort());
    });

    it('a customer never heard of is in the segments whose default says so', () => {
      const isDefault = (i: number): boolean => evaluateNaive(rules[i]!, NO_FACTS, moment, knowledge.stores);
      const found = segments.filter((_, i) => isDefault(i)).map((segment) => segment.key);
      assert.deepEqual(found.sort(), [...one.strangers].sort());
    });

    for (const [facts, compactedAfter] of [
      ['as received', 0],
      ['compacted', world.received.length],
    ] as const) {
      describe(`facts ${facts}`, () => {
        let received: ReceivedFacts;
        before(async () => {
          received = await receiveFacts(world, compactedAfter);
        });
        after(() => received.close());

        for (const implementation of IMPLEMENTATIONS) {
          it(implementation.name, async () => {
            const { engine, database } = received;
            const members = await implementation.members({ knowledge, engine, database, rules, moment });
            for (const [i, { key }] of segments.entries()) {
              const found = [...knowledge.customers.keys()].filter((id) => members.has(memberKey(i, id)));
              assert.deepEqual(found.sort(), [...(one.members[key] ?? [])].sort(), key);
            }
          });
        }
      });
    }
  });
}

function readWorld(one: VectorCase): World {
  return {
    moments: [],
    received: one.received.map(({ orders = [], traits = [], stores = [] }) => ({
      orders: orders.map(readOrder),
      traits: traits.map(({ customer_id, ...rest }): TraitFact => ({ customerId: customer_id, ...rest })),
      stores: stores.map(({ store_id, ...rest }): StoreFact => ({ storeId: store_id, ...rest })),
    })),
  };
}

function readOrder(order: VectorOrder): OrderFact {
  return {
    customerId: order.customer_id,
    orderId: order.order_id,
    ...(order.store_id === undefined ? {} : { storeId: order.store_id }),
    orderedAt: parseMoment(order.ordered_at),
    totalE4: parseAmountE4(order.total),
    discountE4: parseAmountE4(order.discount),
    currency: order.currency,
    status: order.status,
  };
}

function storeTableOf({ stores }: Knowledge): StoreTable {
  const rows = [...stores.values()];
  return {
    ids: rows.map((row) => row.storeId),
    brand: rows.map((row) => row.brand),
    city: rows.map((row) => row.city),
    category: rows.map((row) => row.category),
    tags: rows.map((row) => row.tags),
  };
}
