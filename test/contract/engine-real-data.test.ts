/** Real order histories, with the figures that others published on them. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import type { FactBatch, FactSource } from '../../src/core/engine/engine.ts';

const DATA = join(import.meta.dirname, '../../../shared/data');

async function withImported(
  sources: readonly (readonly [source: FactSource, file: string])[],
  body: (engine: DuckDbEngine) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-real-'));
  const engine = new DuckDbEngine(await openDatabase({ folder }));
  try {
    for (const [source, name] of sources) {
      const file = join(DATA, `${name}.csv.gz`);
      const report = await engine.importFile({ source, file, map: {}, strict: true });
      assert.equal(report.rejected, 0);
    }
    await body(engine);
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function scanned(engine: DuckDbEngine, visit: (batch: FactBatch) => void): Promise<void> {
  for await (const batch of engine.scan({ columns: { amounts: true, traits: true } })) {
    visit(batch);
    batch.release();
  }
}

const missing = (name: string) =>
  existsSync(join(DATA, `${name}.csv.gz`))
    ? false
    : `${name} is not in ../shared/data: its figures are not checked`;

test('CDNOW: rows, customers, the sum of totals, and customers with one row', {
  skip: missing('cdnow_orders'),
}, async () => {
  await withImported([['orders', 'cdnow_orders']], async (engine) => {
    const orders = new Map<number, number>();
    const late = new Set<number>();
    let total = 0;
    await scanned(engine, (batch) => {
      for (let i = 0; i < batch.orderCount; i++) {
        const customerNo = batch.customerNo[i]!;
        orders.set(customerNo, (orders.get(customerNo) ?? 0) + 1);
        if (batch.orderedAt[i]! > Date.UTC(1998, 3, 1) / 1000) late.add(customerNo);
        total += batch.totalE4![i]!;
        assert.equal(batch.storeNo[i], 0);
      }
    });
    const counts = await engine.counts();
    assert.deepEqual([counts.orders, counts.customers, counts.stores], [69_659, 23_570, 0]);
    assert.equal(total, 25_003_156_300);
    assert.equal([...orders.values()].filter((count) => count === 1).length, 11_908);
    assert.equal(late.size, 3_301);
  });
});

test('The Complete Journey: totals and discounts of three weeks, with demographics as traits', {
  skip: missing('cj_orders_3weeks_complete') || missing('cj_demographics'),
}, async () => {
  const sources = [
    ['customers', 'cj_demographics'],
    ['orders', 'cj_orders_3weeks_complete'],
  ] as const;
  await withImported(sources, async (engine) => {
    let total = 0;
    let discount = 0;
    let traits = 0;
    await scanned(engine, (batch) => {
      for (let i = 0; i < batch.orderCount; i++) {
        total += batch.totalE4![i]!;
        discount += batch.discountE4![i]!;
      }
      traits += batch.traitCount;
    });
    const counts = await engine.counts();
    assert.deepEqual([counts.orders, counts.stores], [8_774, 151]);
    assert.deepEqual([total, discount], [2_730_797_700, 522_548_400]);
    assert.equal(traits, counts.traits);
    assert((await engine.dictionary()).traitNames.has('household_size'));
  });
});
