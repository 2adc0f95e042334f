/**
 * Claim: one evaluation of all segments costs hundreds of times less machine time than one SQL query per
 * segment, on DuckDB or on PostgreSQL with the right indexes.
 *
 * A sample of the segments of `bench evaluate` runs as one plain query each, and is extrapolated to all of
 * them; beside it, in the same run, the evaluator's full pass over the same facts. Machine time is the
 * processor time, user and system, of all threads and of all processes of the server. The queries only
 * count their members; the evaluator's time includes writing all memberships to the Store. The last line
 * is JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDbCatalog } from '../src/core/catalog/duckdb/duckdb-catalog.ts';
import { readRule } from '../src/core/catalog/read-rule.ts';
import { type DuckDbDatabase, openDatabase } from '../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../src/core/engine/duckdb/duckdb-engine.ts';
import { SIMULATION_TO_S } from '../src/core/engine/duckdb/simulate.ts';
import { DuckDbCalculationLog } from '../src/core/history/duckdb/duckdb-calculation-log.ts';
import { type SegmentSql, type SqlDialect, segmentSql } from '../src/core/verify/segment-sql.ts';
import type { Definition } from '../src/model/segment.ts';
import { SEGMENT_TYPES } from '../src/model/segment-type.ts';
import { benchmarkDefinitions, randomFrom, type StoreSpread } from './benchmark-segments.ts';
import { median, printTable, readFlags } from './flags.ts';
import { measureInProcess } from './measured-process.ts';
import { startPostgresFacts } from './postgres.ts';

const flags = readFlags({
  customers: 50_000,
  orders: 2_500_000,
  stores: 2_000,
  segments: 10_000,
  /** Segments that run as queries, a third of each type. */
  sample: 30,
  spread: 'brand',
  threads: 2,
  /** Repetitions of everything that is measured; medians are reported. */
  runs: 3,
  seed: 1,
  /** Folder of facts to reuse; made if missing. Default: a temporary one. */
  data: '',
  /** What DuckDB may hold during the queries, MiB; the evaluator has what `bench evaluate` gives it. */
  memory: 2_048,
  /** Orders that PostgreSQL gets at most: of a sample of customers if there are more; 0 leaves it out. */
  'postgres-orders': 5_000_000,
});

/** Cost of one query per segment, for all segments. */
interface SqlFigures {
  readonly cpuSeconds: number;
  /** Wall-clock seconds of the sample's queries, ascending, of the run in the middle. */
  readonly querySeconds: readonly number[];
}

interface SampledSegment {
  readonly key: string;
  readonly query: (dialect: SqlDialect) => SegmentSql;
}

const format = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 });
const folder = flags.data === '' ? await mkdtemp(join(tmpdir(), 'coterie-bench-')) : flags.data;
try {
  const pass = await runEvaluator(folder);
  const database = await openDatabase({ folder, memoryMiB: flags.memory, threads: flags.threads });
  const sample = await sampleSegments(database);
  await checkSizes(folder, database, sample);
  const duckdb = await measureDuckDb(database, sample);
  const postgres = flags['postgres-orders'] > 0 ? await measurePostgres(database, sample) : undefined;
  await database.close();
  report(pass, duckdb, postgres);
} finally {
  if (flags.data === '') await rm(folder, { recursive: true, force: true });
}

/** What `bench evaluate` prints as its last line. */
interface EvaluatorFigures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly memberships: number;
  readonly customers: number;
  readonly orders: number;
}

/** Runs `bench evaluate` on the same facts and segments, which makes the facts if there are none. */
function runEvaluator(data: string): Promise<EvaluatorFigures> {
  const { customers, orders, stores, segments, spread, threads, runs, seed } = flags;
  const request = { customers, orders, stores, segments, spread, threads, runs, seed, data, baseline: 0 };
  return measureInProcess(new URL('./evaluate.ts', import.meta.url), request);
}

/**
 * A third of each type, spread evenly from the fewest stores to the most: a few segments have very many
 * stores and cost most, and a sample that misses or favours them would mislead.
 */
async function sampleSegments(database: DuckDbDatabase): Promise<SampledSegment[]> {
  const stores = await new DuckDbEngine(database).storeTable();
  const { segments, seed } = flags;
  const definitions = benchmarkDefinitions({ segments, stores, seed, spread: flags.spread as StoreSpread });
  const random = randomFrom(seed + 1);
  const types = new Set(definitions.map((definition) => definition.type));
  const chosen: Definition[] = [];
  for (const type of types) {
    const ofType = definitions
      .filter((definition) => definition.type === type)
      .sort((a, b) => storeCountOf(a) - storeCountOf(b));
    const wanted = Math.min(Math.ceil(flags.sample / types.size), ofType.length);
    for (let i = 0; i < wanted; i++) {
      chosen.push(ofType[Math.floor(((i + random()) / wanted) * ofType.length)]!);
    }
  }
  return chosen.map((definition) => {
    const rule = readRule(definition, SEGMENT_TYPES);
    return {
      key: definition.key,
      query: (dialect) => segmentSql(rule, { dialect, moment: SIMULATION_TO_S, assumeCompacted: true }),
    };
  });
}

function storeCountOf(definition: Definition): number {
  return (definition.params as { readonly stores: readonly string[] }).stores.length;
}

/** Holds the evaluator's sizes, as it recorded them, to what the queries count. */
async function checkSizes(
  data: string,
  database: DuckDbDatabase,
  sample: readonly SampledSegment[],
): Promise<void> {
  // Where `bench evaluate` keeps the catalog and the record of calculations.
  const catalogFolder = join(data, `catalog-${flags.segments}-${flags.spread}-${flags.seed}`);
  const catalogDatabase = await openDatabase({ folder: catalogFolder });
  const calculations = new DuckDbCalculationLog(catalogDatabase);
  const calculationNo = await calculations.lastNo();
  const segmentNos = await new DuckDbCatalog(catalogDatabase).segmentNos(sample.map(({ key }) => key));
  for (const [i, { key, query }] of sample.entries()) {
    const evaluated = await calculations.size(calculationNo, segmentNos[i]!);
    const counted = await countInDuckDb(database, query('duckdb'), '');
    if (evaluated !== counted) {
      throw new Error(`${key} has ${counted} members by SQL, and the evaluator says ${evaluated}`);
    }
  }
  await catalogDatabase.close();
  console.log(`\nThe evaluator and SQL count the same members in all ${sample.length} sampled segments.`);
}

/** Runs all queries once, then `runs` times for the record. */
async function measure(
  queries: readonly SegmentSql[],
  run: (query: SegmentSql) => Promise<number>,
  cpuSeconds: () => number,
): Promise<SqlFigures> {
  for (const query of queries) await run(query);
  const rounds: SqlFigures[] = [];
  for (let round = 0; round < flags.runs; round++) {
    const querySeconds: number[] = [];
    const before = cpuSeconds();
    for (const query of queries) {
      const started = performance.now();
      await run(query);
      querySeconds.push((performance.now() - started) / 1000);
    }
    const used = cpuSeconds() - before;
    rounds.push({
      cpuSeconds: (used / queries.length) * flags.segments,
      querySeconds: querySeconds.sort((a, b) => a - b),
    });
  }
  const middle = median(rounds.map((round) => round.cpuSeconds));
  return rounds.find((round) => round.cpuSeconds === middle)!;
}

function measureDuckDb(database: DuckDbDatabase, sample: readonly SampledSegment[]): Promise<SqlFigures> {
  const cpuSeconds = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const queries = sample.map((segment) => segment.query('duckdb'));
  return measure(queries, (query) => countInDuckDb(database, query, ''), cpuSeconds);
}

async function countInDuckDb(database: DuckDbDatabase, query: SegmentSql, where: string): Promise<number> {
  const sql = `SELECT count(*) AS n FROM (${query.sql})${where}`;
  return (await database.row<{ n: number }>(sql, query.params))!.n;
}

interface PostgresFigures extends SqlFigures {
  readonly orders: number;
  /** How many times more orders the facts have than PostgreSQL was given. */
  readonly scale: number;
}

/**
 * On facts of every n-th customer if there are too many. What does not grow with the facts (planning,
 * looking up the stores) is measured on empty tables and is not scaled up.
 */
async function measurePostgres(
  database: DuckDbDatabase,
  sample: readonly SampledSegment[],
): Promise<PostgresFigures> {
  const { orders } = (await database.row<{ orders: number }>('SELECT count(*) AS orders FROM order_base'))!;
  const step = Math.max(1, Math.ceil(orders / flags['postgres-orders']));
  console.log(`\nLoading PostgreSQL with every customer in ${step} …`);
  const facts = await startPostgresFacts(database, step);
  try {
    for (const segment of sample) {
      const expected = await countInDuckDb(
        database,
        segment.query('duckdb'),
        ` WHERE customer_no % ${step} = 0`,
      );
      const found = await facts.count(segment.query('postgres'));
      if (found !== expected) {
        throw new Error(`${segment.key} has ${found} members in PostgreSQL and ${expected} in DuckDB`);
      }
    }
    console.log(`PostgreSQL and DuckDB count the same members in all ${sample.length} sampled segments.`);
    const queries = sample.map((segment) => segment.query('postgres'));
    const whole = await measure(queries, facts.count, facts.cpuSeconds);
    if (step === 1) return { ...whole, orders: facts.orders, scale: 1 };
    const fixed = await measure(queries, facts.countInEmpty, facts.cpuSeconds);
    const scale = orders / facts.orders;
    const growing = Math.max(0, whole.cpuSeconds - fixed.cpuSeconds);
    return { ...whole, cpuSeconds: fixed.cpuSeconds + growing * scale, orders: facts.orders, scale };
  } finally {
    await facts.stop();
  }
}

function report(pass: EvaluatorFigures, duckdb: SqlFigures, postgres: PostgresFigures | undefined): void {
  const ratio = (figures: SqlFigures): number => figures.cpuSeconds / pass.cpuSeconds;
  const query = ({ querySeconds }: SqlFigures): string =>
    `a query takes ${format(median(querySeconds) * 1000)} ms in the middle, ${format(querySeconds.at(-1)! * 1000)} ms at most`;
  const duckdbRow = `${format(duckdb.cpuSeconds)} s, ${format(ratio(duckdb))} times the evaluator's; ${query(duckdb)}`;
  const rows: [string, string][] = [
    [
      'the evaluator, all segments at once',
      `${format(pass.cpuSeconds)} s (${format(pass.seconds)} s by the clock)`,
    ],
    ['DuckDB, one query per segment', duckdbRow],
  ];
  if (postgres) {
    const row = `${format(postgres.cpuSeconds)} s, ${format(ratio(postgres))} times the evaluator's; ${query(postgres)}`;
    rows.push(['PostgreSQL, one query per segment', row]);
    if (postgres.scale > 1) {
      rows.push([
        '',
        `measured on ${format(postgres.orders)} orders, scaled up ${format(postgres.scale)}-fold`,
      ]);
    }
  }
  printTable(
    `Machine time for ${format(flags.segments)} segments, ${format(pass.customers)} customers and ` +
      `${format(pass.orders)} orders; queries extrapolated from ${duckdb.querySeconds.length}; medians of ${flags.runs}`,
    rows,
  );
  console.log(
    JSON.stringify({
      bench: 'naive',
      ratioDuckdb: ratio(duckdb),
      ratioPostgres: postgres ? ratio(postgres) : null,
      evaluatorCpuSeconds: pass.cpuSeconds,
      duckdbCpuSeconds: duckdb.cpuSeconds,
      postgresCpuSeconds: postgres?.cpuSeconds ?? null,
      postgresScale: postgres?.scale ?? null,
      sample: duckdb.querySeconds.length,
      runs: flags.runs,
      customers: pass.customers,
      orders: pass.orders,
      segments: flags.segments,
      spread: flags.spread,
    }),
  );
}
