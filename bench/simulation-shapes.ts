/**
 * Claim: a simulated marketplace has the shapes of real order histories. Measures both with the same SQL,
 * simulated at the real ones' sizes, and prints them side by side in Markdown, as
 * docs/reference/simulation.md shows them. The last line is JSON.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/core/engine/duckdb/database.ts';
import type { DuckDbSession } from '../src/core/engine/duckdb/session.ts';
import { SIMULATION_TO_S, simulate } from '../src/core/engine/duckdb/simulate.ts';
import { readFlags } from './flags.ts';

const flags = readFlags({
  seed: 1,
  /** Folder of the real histories; what is missing from it is left out of the table. */
  histories: '../shared/data',
});

const DAY_S = 86_400;

/** Measures of one history, by row label. */
type Figures = Readonly<Record<string, number | readonly number[] | null>>;

/**
 * Measured on a view `history`: customer, store (null where there is none), moment (seconds), total,
 * discount, has_total (whether the total is an order's, in the one currency compared). Columns are row labels.
 */
const PER_CUSTOMER = `
WITH pair AS (SELECT customer, store, count(*) AS k FROM history GROUP BY ALL),
person AS (SELECT customer, sum(k) AS n, count(DISTINCT store) AS stores, max(k) AS favourite FROM pair GROUP BY customer),
ranked AS (SELECT *, row_number() OVER (ORDER BY n DESC) / count(*) OVER () AS rank FROM person)
SELECT count(*) AS "customers with orders", avg(n) AS "orders per customer, mean",
  quantile_cont(n, [0.25, 0.5, 0.75, 0.9, 0.99])::DOUBLE[] AS "orders per customer, p25 p50 p75 p90 p99",
  100 * avg((n = 1)::INTEGER) AS "one-time customers, %",
  100 * sum(n) FILTER (rank <= 0.01) / sum(n) AS "orders of the top 1 % of customers, %",
  100 * sum(n) FILTER (rank <= 0.1) / sum(n) AS "orders of the top 10 % of customers, %",
  CASE WHEN max(stores) > 0 THEN avg(stores) END AS "stores per customer, mean",
  CASE WHEN max(stores) > 0 THEN quantile_cont(stores, [0.5, 0.9, 0.99])::DOUBLE[] END AS "stores per customer, p50 p90 p99",
  CASE WHEN max(stores) > 0 THEN 100 * sum(n - stores) / sum(n) END AS "orders at a store ordered from before, %",
  CASE WHEN max(stores) > 0 THEN 100 * avg(favourite / n) FILTER (n >= 5) END AS "share of the favourite store (5 orders up), %"
FROM ranked`;

const PER_STORE = `
WITH shop AS (SELECT store, count(*) AS n FROM history WHERE store IS NOT NULL GROUP BY store),
ranked AS (SELECT *, row_number() OVER (ORDER BY n DESC) / count(*) OVER () AS rank FROM shop)
SELECT CASE WHEN count(*) > 0 THEN count(*) END AS "stores with orders",
  100 * sum(n) FILTER (rank <= 0.01) / sum(n) AS "orders of the top 1 % of stores, %",
  100 * sum(n) FILTER (rank <= 0.1) / sum(n) AS "orders of the top 10 % of stores, %",
  100 * sum(n) FILTER (rank <= 0.5) / sum(n) AS "orders of the top half of stores, %" FROM ranked`;

const GAPS = `
WITH gap AS (SELECT store, moment - lag(moment) OVER (PARTITION BY customer ORDER BY moment, store) AS s,
  moment - lag(moment) OVER (PARTITION BY customer, store ORDER BY moment) AS same_s,
  store = lag(store) OVER (PARTITION BY customer ORDER BY moment, store) AS same FROM history)
SELECT quantile_cont(s / ${DAY_S}, [0.1, 0.25, 0.5, 0.75, 0.9, 0.99])::DOUBLE[] AS "days between orders, p10 p25 p50 p75 p90 p99",
  CASE WHEN count(store) > 0 THEN quantile_cont(same_s / ${DAY_S}, [0.25, 0.5, 0.75, 0.9])::DOUBLE[] END AS "days between orders at one store, p25 p50 p75 p90",
  100 * avg(same::INTEGER) AS "next order at the same store, %"
FROM gap`;

const ORDERS = `
SELECT 100 * avg((discount > 0)::INTEGER) AS "orders with a discount, %",
  quantile_cont(discount / (total + discount), [0.1, 0.5, 0.9]) FILTER (discount > 0 AND total >= 0)::DOUBLE[] AS "discount as part of the price, p10 p50 p90",
  quantile_cont(total, [0.1, 0.25, 0.5, 0.75, 0.9, 0.99]) FILTER (has_total)::DOUBLE[] AS "order total, p10 p25 p50 p75 p90 p99",
  CASE WHEN max(moment % ${DAY_S}) > 0 THEN 100 * avg(((moment // ${DAY_S} + 4) % 7 IN (0, 6))::INTEGER) END AS "orders on Saturday and Sunday (2 of 7 days: 28.6), %"
FROM history`;

/** A real history as the view `history`. $file is replaced. */
const REAL = [
  {
    label: 'CJ 2017',
    file: 'cj_orders_2017_line_sample.csv.gz',
    sql: `SELECT customer_id AS customer, store_id AS store, epoch(ordered_at::TIMESTAMPTZ)::BIGINT AS moment,
      total::DOUBLE AS total, discount::DOUBLE AS discount, false AS has_total FROM read_csv('$file', all_varchar = true)`,
  },
  {
    label: 'CJ three weeks',
    file: 'cj_orders_3weeks_complete.csv.gz',
    sql: `SELECT customer_id AS customer, store_id AS store, epoch(ordered_at::TIMESTAMPTZ)::BIGINT AS moment,
      total::DOUBLE AS total, discount::DOUBLE AS discount, true AS has_total FROM read_csv('$file', all_varchar = true)`,
  },
  {
    label: 'CDNOW',
    file: 'cdnow_orders.csv.gz',
    sql: `SELECT customer_id AS customer, NULL::VARCHAR AS store, epoch(ordered_at::TIMESTAMP)::BIGINT AS moment,
      total::DOUBLE AS total, NULL::DOUBLE AS discount, true AS has_total FROM read_csv('$file', all_varchar = true)`,
  },
] as const;

/** What is simulated beside each: the same customers, orders, stores and days; `lastDays` keeps only the end. */
const SIMULATED = [
  { label: 'simulated as CJ 2017', customers: 2_405, orders: 56_625, stores: 308, days: 365 },
  {
    label: 'its last three weeks',
    customers: 2_405,
    orders: 56_625,
    stores: 308,
    days: 365,
    lastDays: 21,
  },
  { label: 'simulated as CDNOW', customers: 23_570, orders: 69_659, stores: 500, days: 545 },
  { label: 'simulated, 1 M orders', customers: 20_000, orders: 1_000_000, stores: 1_000, days: 730 },
] as const;

async function measure(session: DuckDbSession): Promise<Figures> {
  const parts: Figures[] = [];
  for (const sql of [PER_CUSTOMER, PER_STORE, GAPS, ORDERS])
    parts.push((await session.row<Figures>(sql)) ?? {});
  return Object.assign({}, ...parts);
}

async function measureReal(): Promise<Map<string, Figures>> {
  const measured = new Map<string, Figures>();
  for (const { label, file, sql } of REAL) {
    const path = join(flags.histories, file);
    if (!existsSync(path)) {
      console.error(`${path} is missing: ${label} is left out.`);
      continue;
    }
    const figures = await inTemporaryFolder(async (session) => {
      await session.run(`CREATE TEMP VIEW history AS ${sql.replace('$file', path.replaceAll("'", "''"))}`);
      return measure(session);
    });
    measured.set(label, figures);
  }
  return measured;
}

async function measureSimulated(): Promise<Map<string, Figures>> {
  const measured = new Map<string, Figures>();
  for (const size of SIMULATED) {
    const folder = await mkdtemp(join(tmpdir(), 'coterie-shapes-'));
    const database = await openDatabase({ folder });
    try {
      await simulate(database, { ...size, seed: flags.seed, from: SIMULATION_TO_S - size.days * DAY_S });
      const after = 'lastDays' in size ? SIMULATION_TO_S - size.lastDays * DAY_S : 0;
      const figures = await database.withSession(async (session) => {
        await session.run(`CREATE TEMP VIEW history AS SELECT customer_no AS customer, store_no AS store, ordered_at::BIGINT AS moment,
          total_e4 / 10000 AS total, discount_e4 / 10000 AS discount, currency_no = 1 AS has_total
          FROM order_base WHERE ordered_at > ${after}`);
        return measure(session);
      });
      measured.set(size.label, figures);
    } finally {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return measured;
}

async function inTemporaryFolder<T>(work: (session: DuckDbSession) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-shapes-'));
  const database = await openDatabase({ folder });
  try {
    return await database.withSession(work);
  } finally {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function shown(value: Figures[string] | undefined): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'object') return value.map((part) => shown(part)).join(' ');
  if (Number.isInteger(value) || value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const real = await measureReal();
const simulated = await measureSimulated();
const columns = [
  ['CJ 2017', real],
  ['simulated as CJ 2017', simulated],
  ['CJ three weeks', real],
  ['its last three weeks', simulated],
  ['CDNOW', real],
  ['simulated as CDNOW', simulated],
  ['simulated, 1 M orders', simulated],
] as const;
const present = columns.filter(([label, from]) => from.has(label));
const labels = Object.keys(simulated.values().next().value ?? {});
console.log(`| | ${present.map(([label]) => label).join(' | ')} |`);
console.log(`|---|${present.map(() => '---:').join('|')}|`);
for (const label of labels) {
  console.log(
    `| ${label} | ${present.map(([column, from]) => shown(from.get(column)![label])).join(' | ')} |`,
  );
}
console.log(
  JSON.stringify({
    benchmark: 'simulation-shapes',
    seed: flags.seed,
    ...Object.fromEntries([...real, ...simulated]),
  }),
);
