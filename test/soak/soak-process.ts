/**
 * The process that the soak kills: it lives through a marketplace's hours with real DuckDB and LMDB, ticks,
 * and after every hour holds a random sample of what is served to the SQL oracle; after every day all of
 * it, and the log of changes too (replay.ts). Started again, it goes on from its folder. Prints a JSON line
 * at each step, so that whoever kills it knows what was hit, and one for each hour; ends with an error at
 * the first mismatch.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomFrom } from '../../bench/benchmark-segments.ts';
import { BoundSource } from '../../src/core/bound-source.ts';
import { calculate } from '../../src/core/calculate.ts';
import { checkDefinition } from '../../src/core/catalog/check-definition.ts';
import { DuckDbCatalog } from '../../src/core/catalog/duckdb/duckdb-catalog.ts';
import { loadSegments } from '../../src/core/catalog/resolve-segments.ts';
import { validateCatalog } from '../../src/core/catalog/validate-catalog.ts';
import { openLmdbChangeLog } from '../../src/core/change/lmdb/lmdb-change-log.ts';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { duckDbOracle } from '../../src/core/engine/duckdb/duckdb-oracle.ts';
import { simulate } from '../../src/core/engine/duckdb/simulate.ts';
import { EvaluationPool } from '../../src/core/evaluate/evaluation-pool.ts';
import { DuckDbBoundLog } from '../../src/core/history/duckdb/duckdb-bound-log.ts';
import { openLive } from '../../src/core/live/live.ts';
import { servedByRows } from '../../src/core/verify/served-reader.ts';
import { Verifier } from '../../src/core/verify/verifier.ts';
import { type VerifyReport, verify } from '../../src/core/verify/verify.ts';
import type { AsOf } from '../../src/model/membership.ts';
import type { Definition, Segment } from '../../src/model/segment.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import { servedSample } from '../../src/store/served-sample.ts';
import { HOUR_S, type LifeOptions } from './life-draw.ts';
import { MarketplaceLife } from './marketplace-life.ts';
import { Replay } from './replay.ts';

export interface SoakOptions extends LifeOptions {
  readonly folder: string;
  readonly hours: number;
  readonly history: number;
  /** Drawn after every hour. */
  readonly sampleSegments: number;
  readonly sampleCustomers: number;
  /** All customers are compared after every day in so many segments. */
  readonly dailySegments: number;
  /** Facts are compacted after one hour in so many, on average. */
  readonly compactHours: number;
  /** Everything is calculated again, between two ticks, after one hour in so many. */
  readonly calculateHours: number;
}

/** What an hour came to. */
export interface HourLine {
  readonly hour: number;
  readonly ticks: number;
  readonly affected: number;
  readonly compared: number;
  readonly mismatches: number;
  /** Changes of customers that were replayed over the baseline, and pairs that were compared then. */
  readonly replayed: number;
  readonly replayCompared: number;
  /** Of the clock, by step. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Of the processor, all steps and threads. */
  readonly cpuSeconds: number;
}

const options = JSON.parse(process.argv[2]!) as SoakOptions;
const life = new MarketplaceLife(options);
const hourFile = join(options.folder, 'hour');
const seconds: Record<string, number> = {};
const startedAt = performance.now();
let lastSegments: { readonly from: string; readonly segments: readonly Segment[] } = {
  from: '',
  segments: [],
};
let cpuBefore = process.cpuUsage();

console.log(JSON.stringify({ step: 'open' }));
const database = await openDatabase({ folder: options.folder, memoryMiB: 1024 });
const engine = new DuckDbEngine(database);
const catalog = new DuckDbCatalog(database);
const target = await openLmdbStore({ folder: join(options.folder, 'store') });
const changes = await openLmdbChangeLog({ folder: join(options.folder, 'changes') });
const pool = new EvaluationPool(2);
const bounds = new BoundSource({ engine, log: new DuckDbBoundLog(database) });
const parts = { engine, catalog, target, changes, pool, types: SEGMENT_TYPES, bounds };
const oracle = { ...duckDbOracle(database, catalog, SEGMENT_TYPES, bounds), segments: segmentsAsOf };
const verifier = new Verifier({ ...oracle, served: (ids, draw) => servedSample(target, ids, draw) });
const note = (hour: number) => ({ author: 'soak', at: options.start + hour * HOUR_S });

if ((await engine.counts()).customers === 0) {
  const { customers, stores, seed, start, everyKind } = options;
  const isEvery = everyKind > 0;
  await simulate(database, {
    customers,
    orders: options.history,
    events: isEvery ? options.history : 0,
    scores: isEvery,
    lists: isEvery,
    stores,
    seed,
    to: start,
  });
}
if (target.asOf() === undefined) {
  await define(life.firstDefinitions(), 0);
  await calculateAt(0);
}
const facts = await engine.openLiveFacts();
let live = await openLive({ ...parts, facts });
const replay = await Replay.open({ folder: options.folder, engine, target, changes });
seconds.open = round((performance.now() - startedAt) / 1000);

for (let hour = lastHour() + 1; hour <= options.hours; hour++) {
  const line = await liveThrough(hour);
  console.log(JSON.stringify(line));
  if (line.mismatches > 0) process.exit(1);
  writeFileSync(`${hourFile}.new`, String(hour));
  renameSync(`${hourFile}.new`, hourFile);
  for (const step of Object.keys(seconds)) delete seconds[step];
}
process.exit(0);

function lastHour(): number {
  return existsSync(hourFile) ? Number(readFileSync(hourFile, 'utf8')) : 0;
}

async function liveThrough(hour: number): Promise<HourLine> {
  const random = randomFrom(options.seed + hour);
  const end = options.start + hour * HOUR_S;
  const totals = { ticks: 0, affected: 0 };
  const tick = async (now: number, renewFor?: number) => {
    totals.affected += (await timed('tick', () => live.tick(now, renewFor))).affected;
    await timed('journal', () => replay.follow());
    totals.ticks++;
  };
  const definitions = life.definitions(hour);
  if (definitions.length > 0) {
    await timed('define', () => define(definitions, hour));
    // Together with facts in most hours, and alone in some.
    if (random() < 0.3) await tick(end - HOUR_S + 1);
  }
  for (const batch of life.batches(hour)) {
    await timed('put', () => engine.put(batch));
    await tick(end - Math.floor(random() * HOUR_S));
  }
  for (const { model, version } of life.facts.activations(hour)) {
    await timed('activate', () => engine.activateModelVersion(model, version));
    if (random() < 0.5) await tick(end - Math.floor(random() * HOUR_S));
  }
  for (const customer of life.facts.erased(hour)) {
    await timed('erase', () => engine.eraseCustomer(customer));
    if (random() < 0.5) await tick(end - Math.floor(random() * HOUR_S));
  }
  for (const customer of life.facts.readmitted(hour)) await engine.readmitCustomer(customer);
  if (random() * options.compactHours < 1) await timed('compact', () => engine.compact());
  await tick(end);
  if (hour % options.calculateHours === options.calculateHours - 1) {
    // Begins where a tick has just been that took the population's bounds: the log has nothing to tell of it.
    if (live.plan.isRanked) await tick(end, 1 + hour);
    await timed('calculate', () => calculateAt(hour, live.plan.boundsSeconds));
    await timed('journal', () => replay.follow());
    live = await openLive({ ...parts, facts });
  }
  const { sampleSegments: segments, sampleCustomers: customers } = options;
  const reports: VerifyReport[] = [
    await timed('sample', () => verifier.run({ segments, customers, seed: options.seed * 1_000 + hour })),
  ];
  let replayed = 0;
  let replayCompared = 0;
  let mismatches = 0;
  if (hour % 24 === 0 || hour === options.hours) {
    reports.push(await timed('verify', () => verifyAll(hour)));
    const report = await timed('replay', () => replay.compare());
    ({ replayed, compared: replayCompared } = report);
    mismatches = report.mismatches + report.leftOfErased.length;
    if (mismatches > 0) console.error(`hour ${hour}: the log of changes differs: ${JSON.stringify(report)}`);
  }
  for (const report of reports) {
    mismatches += report.mismatches;
    if (report.mismatches > 0) console.error(`hour ${hour}: ${JSON.stringify(report)}`);
  }
  const compared = reports.reduce((sum, report) => sum + report.compared, 0);
  const { user, system } = process.cpuUsage(cpuBefore);
  cpuBefore = process.cpuUsage();
  return {
    hour,
    ...totals,
    compared,
    mismatches,
    replayed,
    replayCompared,
    seconds: { ...seconds },
    cpuSeconds: round((user + system) / 1_000_000),
  };
}

/** As people do: what is not allowed is refused. */
async function define(definitions: readonly Definition[], hour: number): Promise<void> {
  for (const definition of definitions) checkDefinition(definition, SEGMENT_TYPES);
  const inForce = (await catalog.definitions()).map(({ definition }) => definition);
  validateCatalog(inForce, definitions, await engine.storeTable(), SEGMENT_TYPES);
  await catalog.apply(definitions, note(hour));
}

/** @param boundsSeconds - Of the tick before it, which took the bounds; absent: the pass takes them. */
async function calculateAt(hour: number, boundsSeconds?: number): Promise<void> {
  await calculate(parts, {
    moment: Math.max(options.start + hour * HOUR_S, target.asOf()?.moment ?? 0),
    isPinned: false,
    calculationNo: 1 + hour,
    ...(boundsSeconds === undefined ? {} : { boundsSeconds }),
    onReady: async () => {},
  });
}

/** Read anew only when definitions, stores, versions of models or bounds have changed: most hours leave all of them alone. */
async function segmentsAsOf(asOf: AsOf): Promise<readonly Segment[]> {
  const { catalogNo, batchNo, calculationNo } = asOf;
  const stores = await engine.storeTable(batchNo);
  const models = [...(await engine.dictionary(batchNo)).models];
  const from = JSON.stringify([catalogNo, calculationNo, await bounds.version(asOf), models, stores]);
  if (from !== lastSegments.from) {
    const segments = await loadSegments({ catalog, stores, types: SEGMENT_TYPES, knownAt: catalogNo });
    lastSegments = { from, segments: (await bounds.boundAsOf(segments, stores, asOf)).segments };
  }
  return lastSegments.segments;
}

async function verifyAll(hour: number): Promise<VerifyReport> {
  const view = target.view()!;
  const queries = await oracle.openOracle(view.asOf);
  return verify(
    {
      segments: await oracle.segments(view.asOf),
      customers: () => oracle.customers(view.asOf.batchNo),
      oracle: queries,
      served: (keys) => servedByRows(view, keys),
    },
    { segments: options.dailySegments, seed: hour },
  ).finally(() => queries.close());
}

/** Says what is begun, and how long it took with what went by the same name before. */
async function timed<T>(step: string, work: () => Promise<T>): Promise<T> {
  console.log(JSON.stringify({ step }));
  const started = performance.now();
  const result = await work();
  seconds[step] = round((seconds[step] ?? 0) + (performance.now() - started) / 1000);
  return result;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
