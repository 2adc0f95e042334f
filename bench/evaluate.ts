/**
 * Claim: a full pass, from imported facts to a switched-in Store, costs little more than reading the facts
 * once, and hardly grows with the number of segments.
 *
 * Facts are simulated first (or reused with --data); each measured pass runs in a process of its own, so
 * that its memory is its own. The last line is JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDbCatalog } from '../src/core/catalog/duckdb/duckdb-catalog.ts';
import type { CalculationReport } from '../src/core/core.ts';
import { openDatabase } from '../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../src/core/engine/duckdb/duckdb-engine.ts';
import { SIMULATION_TO_S } from '../src/core/engine/duckdb/simulate.ts';
import { DuckDbBoundLog } from '../src/core/history/duckdb/duckdb-bound-log.ts';
import { DuckDbCalculationLog } from '../src/core/history/duckdb/duckdb-calculation-log.ts';
import { openCore } from '../src/core/open-core.ts';
import { openLmdbStore } from '../src/store/lmdb/lmdb-store.ts';
import { prepareCatalog, prepareFacts } from './benchmark-folder.ts';
import { median, printTable, readFlags } from './flags.ts';
import { measureInProcess } from './measured-process.ts';

const flags = readFlags({
  customers: 200_000,
  orders: 10_000_000,
  stores: 5_000,
  segments: 10_000,
  /** Smaller number of segments that the growth of the cost is reckoned from; 0 leaves it out. */
  baseline: 1_000,
  /** brand, log-uniform or uniform, see benchmark-segments.ts; mixed: of every kind, see mixed-segments.ts. */
  spread: 'brand',
  /** Simulated with the orders, and then scores and lists as well: mixed segments look at them. */
  events: 0,
  threads: 2,
  runs: 1,
  seed: 1,
  /** Folder of facts to reuse; made if missing. Default: a temporary one. */
  data: '',
  /** What DuckDB may hold. */
  memory: 320,
  /** Internal: run one pass and print its figures. */
  measure: '',
});

/** What one measured process prints. */
export interface PassFigures {
  readonly report: CalculationReport;
  readonly cpuSeconds: number;
  readonly peakRssMiB: number;
  readonly scanSeconds: number;
  readonly scanCpuSeconds: number;
}

if (flags.measure !== '') await measurePass(flags.measure);
else await main();

async function main(): Promise<void> {
  const work = flags.data === '' ? await mkdtemp(join(tmpdir(), 'coterie-bench-')) : flags.data;
  try {
    await prepareFacts(work, flags);
    const counts = flags.baseline > 0 ? [flags.baseline, flags.segments] : [flags.segments];
    const figures = new Map<number, PassFigures[]>();
    for (const segments of counts) {
      const catalog = await prepareCatalog(work, { ...flags, segments });
      const passes: PassFigures[] = [];
      const request = { ...flags, measure: catalog, data: work };
      for (let run = 0; run < flags.runs; run++)
        passes.push(await measureInProcess(import.meta.url, request));
      figures.set(segments, passes);
    }
    report(figures);
  } finally {
    if (flags.data === '') await rm(work, { recursive: true, force: true });
  }
}

async function measurePass(catalogFolder: string): Promise<void> {
  const database = await openDatabase({ folder: flags.data, memoryMiB: flags.memory });
  const catalogDatabase = await openDatabase({ folder: catalogFolder, memoryMiB: 128 });
  const engine = new DuckDbEngine(database);
  const store = await openLmdbStore({ folder: join(catalogFolder, 'store') });
  const core = openCore({
    engine,
    catalog: new DuckDbCatalog(catalogDatabase),
    calculations: new DuckDbCalculationLog(catalogDatabase),
    bounds: new DuckDbBoundLog(catalogDatabase),
    target: store,
    threads: flags.threads,
  });
  const before = process.cpuUsage();
  const report = await core.calculate({ moment: SIMULATION_TO_S });
  const used = process.cpuUsage(before);
  const peakRssMiB = process.resourceUsage().maxRSS / 1024;
  const scan = await measureScan(engine);
  const figures: PassFigures = {
    report,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakRssMiB,
    ...scan,
  };
  console.log(JSON.stringify(figures));
  await core.close();
  await store.close();
  process.exit(0);
}

/** Reads the bytes once: the same scan, with nothing done to what it brings. */
async function measureScan(engine: DuckDbEngine): Promise<{ scanSeconds: number; scanCpuSeconds: number }> {
  const started = performance.now();
  const before = process.cpuUsage();
  for await (const batch of engine.scan({ columns: { amounts: false, traits: false } })) batch.release();
  const used = process.cpuUsage(before);
  return {
    scanSeconds: (performance.now() - started) / 1000,
    scanCpuSeconds: (used.user + used.system) / 1e6,
  };
}

function report(figures: ReadonlyMap<number, readonly PassFigures[]>): void {
  const middle = (passes: readonly PassFigures[], pick: (pass: PassFigures) => number): number =>
    median(passes.map(pick));
  const passes = figures.get(flags.segments)!;
  const seconds = middle(passes, (pass) => pass.report.seconds);
  const cpuSeconds = middle(passes, (pass) => pass.cpuSeconds);
  const scanSeconds = middle(passes, (pass) => pass.scanSeconds);
  const peakRssMiB = Math.round(middle(passes, (pass) => pass.peakRssMiB));
  const { report: pass } = passes.find((one) => one.report.seconds === seconds)!;
  const growth =
    flags.baseline > 0
      ? seconds / middle(figures.get(flags.baseline)!, (one) => one.report.seconds)
      : undefined;
  const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 });
  printTable(`Full pass, median of ${flags.runs}, ${flags.threads} evaluating threads`, [
    ['customers', number(pass.customers)],
    ['orders', number(pass.orders)],
    ['segments', `${number(pass.segments)} (store spread: ${flags.spread})`],
    ['memberships', number(pass.memberships)],
    ['exceptions stored', number(pass.exceptions)],
    [
      'seconds',
      `${number(seconds)}  (all runs: ${passes.map((one) => number(one.report.seconds)).join(', ')})`,
    ],
    ['CPU seconds', number(cpuSeconds)],
    ['peak RSS', `${number(peakRssMiB)} MiB`],
    ...Object.entries(pass.phases).map(([phase, value]) => [`  ${phase}`, `${number(value)} s`] as const),
    [
      'reading the facts once',
      `${number(scanSeconds)} s; the pass is ${number(seconds / scanSeconds)} times that`,
    ],
    ...(growth === undefined
      ? []
      : [[`growth from ${number(flags.baseline)} segments`, `${number(growth)}-fold`] as const]),
  ]);
  console.log(
    JSON.stringify({
      bench: 'evaluate',
      seconds,
      cpuSeconds,
      peakRssMiB,
      memberships: pass.memberships,
      exceptions: pass.exceptions,
      phases: pass.phases,
      scanSeconds,
      ...(growth === undefined ? {} : { growth }),
      customers: pass.customers,
      orders: pass.orders,
      segments: pass.segments,
      spread: flags.spread,
    }),
  );
}
