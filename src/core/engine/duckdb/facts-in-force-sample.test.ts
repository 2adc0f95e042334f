/** Facts in force of a few customers of many, among versions that came in batches of their own. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from './database.ts';
import { DuckDbEngine } from './duckdb-engine.ts';
import { openFactsInForce } from './facts-in-force.ts';
import { simulate } from './simulate.ts';

const CUSTOMERS = 300;
const SAMPLED = 50;

test('a few customers of many have all their scores in the facts in force', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-facts-in-force-'));
  const database = await openDatabase({ folder, memoryMiB: 512 });
  const engine = new DuckDbEngine(database);
  try {
    await simulate(database, { customers: CUSTOMERS, orders: 3000, stores: 40, seed: 7, scores: true });
    // Later batches too: what was known is then a filter, and not all there is.
    for (const version of ['2026-02', '2']) {
      const score = { customerId: 'c0000001', model: 'churn', version, value: 0.5 };
      await engine.put({ scores: [{ ...score, validUntil: 1_772_326_800 }] });
      await engine.put({ scores: [score] });
    }
    const customers = Uint32Array.from({ length: SAMPLED }, (_, i) => 3 + i * 5);
    const expected: number[] = [];
    for (const [i, id] of (await engine.customerIds(customers)).entries()) {
      if ((await engine.customerFacts(id)).scores.size > 0) expected.push(customers[i]!);
    }
    assert.ok(expected.length > 0 && expected.length < SAMPLED);
    const asOf = { moment: 1, batchNo: 4, catalogNo: 0, calculationNo: 1 };
    const oracle = await openFactsInForce(database, { asOf, customers });
    const { customerNos, isComplement } = await oracle.members({ kind: 'score', model: 'churn' });
    await oracle.close();
    assert.equal(isComplement, false);
    assert.deepEqual(
      [...customerNos].sort((a, b) => a - b),
      expected,
    );
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
});
