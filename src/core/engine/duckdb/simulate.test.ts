import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type DuckDbDatabase, openDatabase } from './database.ts';
import { type SimulationReport, type SimulationRequest, simulate } from './simulate.ts';

const SMALL: SimulationRequest = { customers: 3000, orders: 60_000, stores: 400, seed: 7 };

const FACT_TABLES = [
  'batch',
  'currency',
  'customer',
  'order_base',
  'store',
  'trait',
  'trait_name',
  'trait_value',
];

/** One number for every row, in the order in which it lies on disk. */
async function digests(database: DuckDbDatabase): Promise<Record<string, unknown>> {
  const digest: Record<string, unknown> = {};
  for (const table of FACT_TABLES) {
    digest[table] = await database.row(
      `SELECT count(*) AS n, bit_xor(hash(place, fact))::VARCHAR AS digest
       FROM (SELECT rowid AS place, fact FROM ${table} AS fact)`,
    );
  }
  return digest;
}

async function withMarketplace<T>(
  request: SimulationRequest,
  work: (database: DuckDbDatabase, report: SimulationReport) => Promise<T>,
  options: { readonly threads?: number; readonly memoryMiB?: number } = {},
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-simulate-'));
  const database = await openDatabase({ folder, ...options });
  try {
    return await work(database, await simulate(database, request));
  } finally {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

describe('a simulated marketplace', () => {
  let folder: string;
  let database: DuckDbDatabase;
  let report: SimulationReport;
  const steps: { phase: string; done: number; total?: number }[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coterie-simulate-'));
    database = await openDatabase({ folder });
    report = await simulate(database, SMALL, (step) => steps.push(step));
  });
  after(async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });

  const number = async (sql: string) => (await database.row<{ n: number }>(sql))!.n;

  it('has exactly the customers, orders and stores asked for', async () => {
    assert.equal(await number('SELECT count(*) AS n FROM customer'), 3000);
    assert.equal(await number('SELECT count(DISTINCT customer_id) AS n FROM customer'), 3000);
    assert.equal(await number('SELECT count(*) AS n FROM order_base'), 60_000);
    assert.equal(await number('SELECT count(DISTINCT store_id) AS n FROM store'), 400);
    assert.equal(await number('SELECT max(store_no) AS n FROM store'), 400);
    assert.equal(await number('SELECT count(*) AS n FROM trait'), report.traits);
    assert.equal(await number('SELECT row_count AS n FROM batch'), 60_000 + report.traits);
    assert.equal(await number('SELECT count(DISTINCT brand) AS n FROM store'), report.brands);
    assert.equal(await number('SELECT count(DISTINCT city) AS n FROM store'), report.cities);
  });

  it('lies on disk by customer, then store, then time', async () => {
    const unsorted = `SELECT count(*) AS n FROM (
      SELECT (customer_no, store_no, ordered_at) AS now, lag((customer_no, store_no, ordered_at)) OVER (ORDER BY rowid) AS before
      FROM order_base) WHERE before IS NOT NULL AND now < before`;
    assert.equal(await number(unsorted), 0);
    const traits = unsorted
      .replaceAll('(customer_no, store_no, ordered_at)', '(customer_no, name_no)')
      .replace('order_base', 'trait');
    assert.equal(await number(traits), 0);
  });

  it('gives each order an id of its own', async () => {
    assert.equal(await number('SELECT count(DISTINCT order_id) AS n FROM order_base'), 60_000);
  });

  it('has no order before its store opened, after it closed, or outside the time simulated', async () => {
    assert.equal(
      await number(`SELECT count(*) AS n FROM order_base JOIN store USING (store_no)
        WHERE ordered_at < opened_at OR ordered_at >= coalesce(closed_at, 4294967295)`),
      0,
    );
    assert.equal(
      await number(
        `SELECT count(*) AS n FROM order_base WHERE ordered_at NOT BETWEEN ${report.from} AND ${report.to}`,
      ),
      0,
    );
    assert.ok((await number('SELECT count(*) AS n FROM store WHERE closed_at IS NOT NULL')) > 0);
    assert.ok(
      (await number(`SELECT count(*) AS n FROM store WHERE opened_at > ${report.from + 86_400 * 365}`)) > 0,
    );
  });

  it('has customers without orders, and every customer has a fact', async () => {
    const silent = 'customer_no NOT IN (SELECT customer_no FROM order_base)';
    assert.ok((await number(`SELECT count(*) AS n FROM customer WHERE ${silent}`)) > 0);
    assert.equal(
      await number(
        `SELECT count(*) AS n FROM customer WHERE ${silent} AND customer_no NOT IN (SELECT customer_no FROM trait)`,
      ),
      0,
    );
  });

  it('keeps customers near home: nine in ten orders are in the city of their trait', async () => {
    const near = await number(`SELECT avg((store.city = value)::INTEGER) AS n
      FROM order_base JOIN store USING (store_no) JOIN trait USING (customer_no)
      JOIN trait_name USING (name_no) JOIN trait_value USING (name_no, value_no) WHERE name = 'city'`);
    assert.ok(near > 0.9 && near < 1, `${near}`);
  });

  it('has the currency of the city, discounts, cancelled and refunded orders', async () => {
    const mixed = `SELECT count(*) AS n FROM (SELECT city FROM order_base JOIN store USING (store_no)
      GROUP BY city HAVING count(DISTINCT currency_no) > 1)`;
    assert.equal(await number(mixed), 0);
    assert.ok((await number('SELECT count(DISTINCT currency_no) AS n FROM order_base')) >= 2);
    const shares = await database.row<
      Record<string, number>
    >(`SELECT avg((discount_e4 > 0)::INTEGER) AS discounted,
      avg((status = 1)::INTEGER) AS cancelled, avg((status = 2)::INTEGER) AS refunded,
      min(total_e4) AS least, min(discount_e4) AS "leastDiscount", avg((total_e4 % 100 <> 0)::INTEGER) AS fractions FROM order_base`);
    assert.ok(shares!.discounted! > 0.3 && shares!.discounted! < 0.5, `${shares!.discounted}`);
    assert.ok(shares!.cancelled! > 0.01 && shares!.cancelled! < 0.03, `${shares!.cancelled}`);
    assert.ok(shares!.refunded! > 0.004 && shares!.refunded! < 0.012, `${shares!.refunded}`);
    assert.ok(shares!.least! >= 0 && shares!.leastDiscount! >= 0);
    assert.equal(shares!.fractions, 0);
  });

  it('tells how far it is', () => {
    assert.deepEqual(
      [...new Set(steps.map((step) => step.phase))],
      ['market', 'customers', 'traits', 'orders', 'commit'],
    );
    const orders = steps.filter((step) => step.phase === 'orders');
    assert.equal(orders.at(-1)!.done, 60_000);
    assert.equal(orders.at(-1)!.total, 60_000);
  });

  it('leaves nothing temporary behind and is not put into a folder that holds facts', async () => {
    assert.deepEqual(await database.rows(`SELECT table_name FROM duckdb_tables() WHERE temporary`), []);
    await assert.rejects(simulate(database, SMALL), {
      code: 'DATA_FOLDER_NOT_EMPTY',
      message: /60000 orders/,
    });
    assert.equal(await number('SELECT count(*) AS n FROM order_base'), 60_000);
  });

  it('is another marketplace for another seed', async () => {
    const first = await digests(database);
    const other = await withMarketplace({ ...SMALL, seed: 8 }, digests);
    for (const table of ['order_base', 'store', 'trait']) assert.notDeepEqual(other[table], first[table]);
  });
});

describe('a marketplace simulated twice from the same seed', () => {
  it('is the same, whatever the threads and the memory', async () => {
    // More customers than DuckDB hands to one thread at a time (122,880).
    const request = { customers: 130_000, orders: 200_000, stores: 300, seed: 5 };
    const first = await withMarketplace(request, digests, { threads: 4 });
    const again = await withMarketplace(request, digests, { threads: 1, memoryMiB: 128 });
    assert.deepEqual(again, first);
  });
});

describe('the sizes and times of a simulation', () => {
  const from = Date.UTC(2025, 0, 1, 10) / 1000;
  for (const request of [
    { customers: 1, orders: 1, stores: 1, seed: 0 },
    { customers: 1, orders: 5000, stores: 3, seed: 1 },
    { customers: 10, orders: 0, stores: 2, seed: 2 },
    { customers: 100, orders: 40, stores: 5, seed: 3 },
    { customers: 200, orders: 9_000, stores: 700, seed: 4, from, to: from + 4 * 86_400 + 1 },
    { customers: 50, orders: 500, stores: 41, seed: 9_007_199_254_740_991, from: 0, to: 86_400 * 9 },
  ] satisfies SimulationRequest[]) {
    it(`${JSON.stringify(request)} comes out exactly`, () =>
      withMarketplace(request, async (database, report) => {
        const counts = await database.row(`SELECT (SELECT count(*) FROM customer) AS customers,
          (SELECT count(*) FROM order_base) AS orders, (SELECT count(*) FROM store) AS stores`);
        const { customers, orders, stores } = request;
        assert.deepEqual(counts, { customers, orders, stores });
        const outside = `SELECT count(*) AS n FROM order_base JOIN store USING (store_no)
          WHERE ordered_at NOT BETWEEN ${report.from} AND ${report.to}
          OR ordered_at < opened_at OR ordered_at >= coalesce(closed_at, 4294967295)`;
        assert.deepEqual(await database.row(outside), { n: 0 });
      }));
  }

  it('are refused when out of range, and nothing is written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coterie-simulate-'));
    const database = await openDatabase({ folder });
    const refused = async (change: Partial<SimulationRequest>, field: string) => {
      await assert.rejects(simulate(database, { ...SMALL, ...change }), (error: Error) => {
        assert.equal((error as { code?: string }).code, 'SIMULATION_INVALID');
        assert.match(error.message, new RegExp(`"${field}"`));
        return true;
      });
    };
    await refused({ customers: 0 }, 'customers');
    await refused({ customers: 1.5 }, 'customers');
    await refused({ orders: -1 }, 'orders');
    await refused({ stores: 0 }, 'stores');
    await refused({ stores: 1_000_001 }, 'stores');
    await refused({ seed: Number.NaN }, 'seed');
    await refused({ to: 5_000_000_000 }, 'to');
    await refused({ from: 1_000_000_000, to: 1_000_100_000 }, 'from');
    await refused({ from: 1_000_000_001.5 }, 'from');
    assert.deepEqual(await database.row('SELECT count(*) AS n FROM store'), { n: 0 });
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });
});
