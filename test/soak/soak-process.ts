/**
 * The process that the soak kills: it lives through a marketplace's hours with real DuckDB and LMDB, ticks,
 * and after every hour holds what is served to the SQL oracle. Started again, it goes on from its folder.
 * Prints one JSON line an hour; ends with an error at the first mismatch.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomFrom } from '../../bench/benchmark-segments.ts';
import { calculate } from '../../src/core/calculate.ts';
import { DuckDbCatalog } from '../../src/core/catalog/duckdb/duckdb-catalog.ts';
import { loadSegments } from '../../src/core/catalog/resolve-segments.ts';
import { openLmdbChangeLog } from '../../src/core/change/lmdb/lmdb-change-log.ts';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { readNumbers } from '../../src/core/engine/duckdb/scan.ts';
import { simulate } from '../../src/core/engine/duckdb/simulate.ts';
import { EvaluationPool } from '../../src/core/evaluate/evaluation-pool.ts';
import { openLive } from '../../src/core/live/live.ts';
import { segmentSql } from '../../src/core/verify/segment-sql.ts';
import { verify } from '../../src/core/verify/verify.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { check } from '../../src/store/check.ts';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import { HOUR_S, type LifeOptions, MarketplaceLife } from './marketplace-life.ts';

interface SoakOptions extends LifeOptions {
  readonly folder: string;
  readonly hours: number;
  readonly history: number;
  /** Segments verified after every hour; after every 24th, `dailySegments`. */
  readonly hourlySegments: number;
  readonly dailySegments: number;
}

const options = JSON.parse(process.argv[2]!) as SoakOptions;
const life = new MarketplaceLife(options);
const hourFile = join(options.folder, 'hour');
const database = await openDatabase({ folder: options.folder, memoryMiB: 512 });
const engine = new DuckDbEngine(database);
const catalog = new DuckDbCatalog(database);
const target = await openLmdbStore({ folder: join(options.folder, 'store') });
const changes = await openLmdbChangeLog({ folder: join(options.folder, 'changes') });
const pool = new EvaluationPool(2);
const parts = { engine, catalog, target, changes, pool, types: SEGMENT_TYPES };
const note = (hour: number) => ({ author: 'soak', at: options.start + hour * HOUR_S });

if ((await engine.counts()).customers === 0) {
  const { customers, stores, seed, start } = options;
  await simulate(database, { customers, orders: options.history, stores, seed, to: start });
}
if (target.asOf() === undefined) {
  await catalog.apply(life.firstDefinitions(), note(0));
  await calculate(parts, {
    moment: options.start,
    isPinned: false,
    calculationNo: 1,
    onReady: async () => {},
  });
}
const facts = await engine.openLiveFacts();
const live = await openLive({ ...parts, facts });

for (let hour = lastHour() + 1; hour <= options.hours; hour++) {
  const random = randomFrom(options.seed + hour);
  const end = options.start + hour * HOUR_S;
  const definitions = life.definitions(hour);
  if (definitions.length > 0) await catalog.apply(definitions, note(hour));
  let ticks = 0;
  let affected = 0;
  for (const batch of life.batches(hour)) {
    await engine.put(batch);
    const report = await live.tick(end - Math.floor(random() * HOUR_S));
    ticks++;
    affected += report.affected;
  }
  if (random() < 0.1) await engine.compact();
  affected += (await live.tick(end)).affected;
  const report = await verifyServed(hour);
  console.log(JSON.stringify({ hour, ticks: ticks + 1, affected, position: changes.position, ...report }));
  if (report.mismatches > 0) process.exit(1);
  writeFileSync(`${hourFile}.new`, String(hour));
  renameSync(`${hourFile}.new`, hourFile);
}
process.exit(0);

function lastHour(): number {
  return existsSync(hourFile) ? Number(readFileSync(hourFile, 'utf8')) : 0;
}

async function verifyServed(hour: number) {
  const view = target.view()!;
  const { asOf } = view;
  const segments = await loadSegments({
    catalog,
    stores: await engine.storeTable(asOf.batchNo),
    types: SEGMENT_TYPES,
    knownAt: asOf.catalogNo,
  });
  const { compared, mismatches, examples } = await verify(
    {
      segments,
      customers: engine.customers(asOf.batchNo),
      membersBySql: (rule) => {
        const { sql, params } = segmentSql(rule, {
          moment: asOf.moment,
          knownAt: asOf.batchNo,
          dialect: 'duckdb',
        });
        return readNumbers(database.stream(sql, params));
      },
      served: async (customerId, keys) => (await check(view, customerId, keys)).memberships,
    },
    { segments: hour % 24 === 0 ? options.dailySegments : options.hourlySegments, seed: hour },
  );
  return { compared, mismatches, ...(mismatches > 0 ? { examples } : {}) };
}
