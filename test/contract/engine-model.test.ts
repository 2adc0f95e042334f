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
import type { OrderFact, StoreFact, TraitFact } from '../../src/model/fact.ts';
import { readCustomers, readScan, readStores, sortedByText } from './engine-reading.ts';

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
  value: fc.constantFrom('BCN', '40', '-0.5', '1e3', ''),
});

type Step =
  | {
      readonly kind: 'put';
      readonly orders: OrderFact[];
      readonly stores: StoreFact[];
      readonly traits: TraitFact[];
    }
  | { readonly kind: 'compact' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      orders: fc.array(orders, { maxLength: 8 }),
      stores: fc.array(stores, { maxLength: 2 }),
      traits: fc.array(traits, { maxLength: 3 }),
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

/** Everything that can be asked, now and after some batch. */
async function assertAlike(engine: Engine, oracle: Engine, asked: Asked): Promise<void> {
  const { batchNo } = await oracle.counts();
  assert.deepEqual(await engine.counts(), await oracle.counts());
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
    const facts = await Promise.all([engine, oracle].map((of) => of.customerFacts('a', knownAt)));
    const [ours, theirs] = facts.map(({ orders, traits }) => [
      sortedByText(orders.map((fact) => sortedByText(Object.entries(fact)))),
      sortedByText([...traits]),
    ]);
    assert.deepEqual(ours, theirs);
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
          if (each.kind === 'compact') {
            await engine.compact();
          } else {
            const { kind: _, ...facts } = each;
            assert.deepEqual(await engine.put(facts), await oracle.put(facts));
          }
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
