/**
 * Claim: a marketplace of any size is simulated in time and disk that grow with its orders, and in memory
 * that does not. Prints where the time went; the last line is JSON. `simulation-shapes` is about its truth
 * to life.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATABASE_FILE, openDatabase } from '../src/core/engine/duckdb/database.ts';
import { simulate } from '../src/core/engine/duckdb/simulate.ts';
import { printTable, readFlags } from './flags.ts';

const flags = readFlags({
  customers: 200_000,
  orders: 10_000_000,
  stores: 5_000,
  events: 0,
  /** 1: scores of a model, and lists. */
  others: 0,
  seed: 1,
  /** Folder to simulate into, which must hold no facts; it is kept. Default: a temporary one, removed. */
  data: '',
  /** What DuckDB may hold. */
  memory: 1024,
  threads: availableParallelism(),
});

const MIB = 2 ** 20;
const PROGRESS_PERIOD_MS = 5_000;

const folder = flags.data === '' ? await mkdtemp(join(tmpdir(), 'coterie-bench-')) : flags.data;
try {
  const database = await openDatabase({ folder, memoryMiB: flags.memory, threads: flags.threads });
  let saidAtMs = performance.now();
  const cpuBefore = process.cpuUsage();
  const report = await simulate(
    database,
    { ...flags, scores: flags.others > 0, lists: flags.others > 0 },
    ({ phase, done, total }) => {
      if (performance.now() - saidAtMs < PROGRESS_PERIOD_MS || total === undefined) return;
      saidAtMs = performance.now();
      console.error(`${phase} ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`);
    },
  );
  const cpu = process.cpuUsage(cpuBefore);
  await database.close();
  const fileBytes = (await stat(join(folder, DATABASE_FILE))).size;
  const figures = {
    seconds: rounded(report.seconds),
    cpuSeconds: rounded((cpu.user + cpu.system) / 1e6),
    ordersPerSecond: Math.round(report.orders / report.seconds),
    fileMiB: rounded(fileBytes / MIB),
    bytesPerOrder: rounded(fileBytes / Math.max(1, report.orders)),
    peakRssMiB: rounded(process.resourceUsage().maxRSS / 1024),
  };
  const shown = (count: number) => count.toLocaleString('en');
  printTable(
    `${shown(report.orders)} orders of ${shown(report.customers)} customers at ${shown(report.stores)} stores, seed ${flags.seed}, ${flags.threads} threads`,
    [
      ...Object.entries(report.phases).map(([phase, s]) => [phase, `${s.toFixed(2)} s`] as const),
      ['all', `${figures.seconds} s (processor ${figures.cpuSeconds} s)`],
      ['orders a second', shown(figures.ordersPerSecond)],
      ['file', `${shown(figures.fileMiB)} MiB, ${figures.bytesPerOrder} B an order`],
      ['peak memory', `${shown(figures.peakRssMiB)} MiB resident`],
      [
        'also made',
        `${shown(report.cities)} cities, ${shown(report.brands)} brands, ${shown(report.traits)} traits`,
      ],
    ],
  );
  const { customers, stores, orders, traits, cities, brands } = report;
  const phases = Object.fromEntries(Object.entries(report.phases).map(([phase, s]) => [phase, rounded(s)]));
  const sizes = {
    customers,
    stores,
    orders,
    traits,
    cities,
    brands,
    seed: flags.seed,
    threads: flags.threads,
  };
  console.log(JSON.stringify({ benchmark: 'simulate', ...sizes, ...figures, phases }));
} finally {
  if (flags.data === '') await rm(folder, { recursive: true, force: true });
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
