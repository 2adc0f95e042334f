/** The DuckDB engine and the oracle are put the same random facts, and must answer everything alike. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import type { Engine, ScanRequest } from '../../src/core/engine/engine.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import type {
  EventFact,
  ListEntryFact,
  OrderFact,
  ScoreFact,
  StoreFact,
  TraitFact,
} from '../../src/model/fact.ts';
import { readCustomers, readScan, readStores, sortedByText } from './engine-reading.ts';
import { readEngine } from './live-facts-reading.ts';

const RUNS = Number(process.env.COTERIE_ENGINE_RUNS ?? 10);

const customerId = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const storeId = fc.constantFrom('s', 't', 'u');
const orders: fc.Arbitrary<OrderFact> = fc.record(
  {
    customerId,
    orderId: fc.constantFrom('1', '2', '3', '4'),
    storeId,
    orderedAt: fc.constantFrom(0, 1, 1000, 0xffff_ffff),
    totalE4: fc.constantFrom(0, -5, 10_000, 9_999_999_999_999),
    discountE4: fc.constantFrom(0, 5),
    currency: fc.constantFrom('', 'EUR', 'USD'),
    status: fc.constantFrom('completed', 'completed', 'completed', 'cancelled', 'refunded'),
    previousCustomerId: customerId,
  },
  { requiredKeys: ['customerId', 'orderId', 'orderedAt', 'totalE4', 'discountE4', 'currency', 'status'] },
);
const stores: fc.Arbitrary<StoreFact> = fc.record(
  {
    storeId,
    brand: fc.constantFrom('B', 'C'),
    city: fc.constant('BCN'),
    tags: fc.constantFrom(['x'], ['x', 'y'], []),
  },
  { requiredKeys: ['storeId'] },
);
const traits: fc.Arbitrary<TraitFact> = fc.record({
  customerId: fc.constantFrom('a', 'b', 'g', 'h'),
  name: fc.constantFrom('city', 'age'),
  value: fc.constantFrom('BCN', '40', '-0.5', '1e3', '', '2026-03-01', '2026-03-01T00:00+01:00'),
});
const events: fc.Arbitrary<EventFact> = fc.record({
  customerId: fc.constantFrom('a', 'b', 'i'),
  eventId: fc.constantFrom('1', '2', '3', 'é'),
  name: fc.constantFrom('seen', 'bought'),
  occurredAt: fc.constantFrom(0, 1, 1000, 0xffff_ffff),
  properties: fc.dictionary(fc.constantFrom('city', 'amount', 'é'), fc.constantFrom('BCN', 'é', '5', ''), {
    maxKeys: 2,
  }),
});
const model = fc.constantFrom('churn', 'churn', 'ltv');
const version = fc.constantFrom('', 'v1', 'v2');
const scores: fc.Arbitrary<ScoreFact> = fc.record(
  {
    customerId: fc.constantFrom('a', 'b', 'j'),
    model,
    version,
    value: fc.constantFrom(0, -0.5, 0.1, 1e300),
    validUntil: fc.constantFrom(0, 1000, 0xffff_ffff),
  },
  { requiredKeys: ['customerId', 'model', 'version', 'value'] },
);
const list = fc.constantFrom('vip', 'staff');
const listEntries: fc.Arbitrary<ListEntryFact> = fc.record({
  customerId: fc.constantFrom('a', 'b', 'c', 'k', 'l'),
  list,
  isListed: fc.constantFrom(true, true, false),
});

type Step =
  | {
      readonly kind: 'put';
      readonly orders: OrderFact[];
      readonly stores: StoreFact[];
      readonly traits: TraitFact[];
      readonly events: EventFact[];
      readonly scores: ScoreFact[];
      readonly listEntries: ListEntryFact[];
      readonly emptiedLists: string[];
    }
  | { readonly kind: 'activate'; readonly model: string; readonly version: string }
  | { readonly kind: 'erase' | 'readmit'; readonly customerId: string }
  | { readonly kind: 'compact' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      orders: fc.array(orders, { maxLength: 8 }),
      stores: fc.array(stores, { maxLength: 2 }),
      traits: fc.array(traits, { maxLength: 3 }),
      events: fc.array(events, { maxLength: 4 }),
      scores: fc.array(scores, { maxLength: 4 }),
      listEntries: fc.array(listEntries, { maxLength: 4 }),
      emptiedLists: fc.array(list, { maxLength: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('activate' as const), model, version }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('erase' as const, 'readmit' as const),
      customerId: fc.constantFrom('a', 'b'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const) }) },
);

const numbersOf = async (engine: Engine, ids: readonly string[]) => {
  const nos = await Promise.all(ids.map((id) => engine.customerNo(id)));
  return Uint32Array.from(nos.filter((no) => no !== undefined).sort((a, b) => a - b));
};

const storeNumbersOf = async (engine: Engine, ids: readonly string[]) => {
  const table = await engine.storeTable();
  return Uint32Array.from(
    ids
      .map((id) => table.ids.indexOf(id) + 1)
      .filter((no) => no > 0)
      .sort(),
  );
};

/** One customer's facts, in an order that does not depend on the engine. */
async function factsOf(engine: Engine, id: string, knownAt: number | undefined): Promise<unknown> {
  const { orders, traits, events, scores, lists } = await engine.customerFacts(id, knownAt);
  const rows = (facts: readonly object[]) =>
    sortedByText(facts.map((fact) => sortedByText(Object.entries(fact))));
  return [
    rows(orders),
    sortedByText([...traits]),
    rows(
      events.map(({ properties, ...event }) => ({
        ...event,
        properties: sortedByText(Object.entries(properties)),
      })),
    ),
    rows([...scores.values()]),
    sortedByText([...lists]),
  ];
}

/** Names that the compiler can find, which have other numbers in other engines. */
async function namesOf(engine: Engine, knownAt: number | undefined): Promise<unknown> {
  const { traitNames, models, lists, eventNames } = await engine.dictionary(knownAt);
  return [traitNames, models, lists, eventNames].map((names) => [...names.keys()].sort());
}

/** Everything that can be asked, now and after some batch. */
async function assertAlike(engine: Engine, oracle: Engine, asked: Asked): Promise<void> {
  const { batchNo } = await oracle.counts();
  assert.deepEqual(await engine.counts(), await oracle.counts());
  assert.deepEqual(await engine.models(), await oracle.models());
  assert.deepEqual(await engine.lists(), await oracle.lists());
  for (const knownAt of new Set([undefined, asked.knownAt % (batchNo + 1), batchNo])) {
    const at = knownAt === undefined ? {} : { knownAt };
    const alike = async (ask: (of: Engine) => Promise<Partial<ScanRequest>>) =>
      assert.deepEqual(
        await readScan(engine, { ...at, ...(await ask(engine)) }),
        await readScan(oracle, { ...at, ...(await ask(oracle)) }),
      );
    await alike(async () => ({ batchOrders: asked.batchOrders }));
    await alike(async (of) => ({ customers: await numbersOf(of, asked.customers) }));
    await alike(async (of) => ({
      stores: await storeNumbersOf(of, asked.stores),
      batchOrders: asked.batchOrders,
    }));
    assert.deepEqual(await readCustomers(engine, knownAt), await readCustomers(oracle, knownAt));
    assert.deepEqual(await readStores(engine, knownAt), await readStores(oracle, knownAt));
    assert.deepEqual(await readEngine(engine, at), await readEngine(oracle, at));
    for (const id of ['a', 'k'])
      assert.deepEqual(await factsOf(engine, id, knownAt), await factsOf(oracle, id, knownAt));
    assert.deepEqual(await namesOf(engine, knownAt), await namesOf(oracle, knownAt));
  }
  for (const after of [0, asked.knownAt % (batchNo + 1)]) {
    const [ours, theirs] = await Promise.all(
      [engine, oracle].map(async (of) =>
        (await of.customerIds(await of.affectedCustomers(after, batchNo))).sort(),
      ),
    );
    assert.deepEqual(ours, theirs);
  }
}

interface Asked {
  readonly knownAt: number;
  readonly batchOrders: number;
  readonly customers: string[];
  readonly stores: string[];
}

/** Takes a step, and says what the engine said; a refusal by its code. */
async function taken(engine: Engine, each: Exclude<Step, { readonly kind: 'compact' }>): Promise<unknown> {
  if ('customerId' in each) {
    return each.kind === 'erase'
      ? engine.eraseCustomer(each.customerId)
      : engine.readmitCustomer(each.customerId);
  }
  if (each.kind === 'activate') {
    return engine.activateModelVersion(each.model, each.version).catch((error) => error.code);
  }
  const { kind: _, ...facts } = each;
  const { erasedCustomers = [], ...report } = await engine.put(facts);
  return { ...report, erasedCustomers: [...erasedCustomers].sort() };
}

test('the DuckDB engine answers as the oracle does, after any facts and compactions', async (context) => {
  const seed = Number(process.env.COTERIE_SEED ?? Date.now() % 0x7fffffff);
  context.diagnostic(`seed ${seed}, ${RUNS} runs`);
  const asked: fc.Arbitrary<Asked> = fc.record({
    knownAt: fc.nat({ max: 6 }),
    batchOrders: fc.constantFrom(1, 2, 3, 5, 1000),
    customers: fc.uniqueArray(customerId, { minLength: 1, maxLength: 4 }),
    stores: fc.uniqueArray(storeId, { minLength: 1, maxLength: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 7 }), asked, async (steps, questions) => {
      const folder = await mkdtemp(join(tmpdir(), 'coterie-engine-model-'));
      const engine = new DuckDbEngine(await openDatabase({ folder }));
      const oracle = new MemoryEngine();
      try {
        for (const each of steps) {
          if (each.kind === 'compact') await engine.compact();
          else assert.deepEqual(await taken(engine, each), await taken(oracle, each));
        }
        await assertAlike(engine, oracle, questions);
      } finally {
        await engine.close();
        await rm(folder, { recursive: true, force: true });
      }
    }),
    { seed, numRuns: RUNS, endOnFailure: false },
  );
});
