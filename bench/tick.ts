/**
 * Claim: a tick costs what the customers that it affects cost, whatever the number of segments.
 *
 * For each number of segments a process of its own calculates, and then puts orders of more and more
 * customers, each time followed by one tick, which is measured; and ticks without any fact. The facts that
 * are put stay in the folder. The last line is JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculate } from '../src/core/calculate.ts';
import { DuckDbCatalog } from '../src/core/catalog/duckdb/duckdb-catalog.ts';
import { openLmdbChangeLog } from '../src/core/change/lmdb/lmdb-change-log.ts';
import { openDatabase } from '../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../src/core/engine/duckdb/duckdb-engine.ts';
import { SIMULATION_TO_S } from '../src/core/engine/duckdb/simulate.ts';
import { EvaluationPool } from '../src/core/evaluate/evaluation-pool.ts';
import { openLive } from '../src/core/live/live.ts';
import { SEGMENT_TYPES } from '../src/model/segment-type.ts';
import { openLmdbStore } from '../src/store/lmdb/lmdb-store.ts';
import { prepareCatalog, prepareFacts } from './benchmark-folder.ts';
import { randomFrom } from './benchmark-segments.ts';
import { median, printTable, readFlags } from './flags.ts';
import { measureInProcess } from './measured-process.ts';

const flags = readFlags({
  customers: 200_000,
  orders: 10_000_000,
  stores: 5_000,
  /** Numbers of segments to compare. */
  segments: '1000,10000,100000',
  /** Numbers of customers who order between two ticks. */
  affected: '0,200,2000,20000',
  /** brand, log-uniform or uniform, see benchmark-segments.ts; mixed: of every kind, see mixed-segments.ts. */
  spread: 'brand',
  /** Simulated with the orders, and then scores and lists as well: mixed segments look at them. */
  events: 0,
  threads: 2,
  runs: 5,
  seed: 1,
  /** Folder of facts to reuse; made if missing. Default: a temporary one. */
  data: '',
  /** Internal: measure over one catalog and print the figures. */
  measure: '',
});

/** Medians over ticks that the same number of customers ordered before. */
interface TickFigures {
  readonly ordering: number;
  /** Customers evaluated: those who ordered, and those whose windows end. */
  readonly affected: number;
  readonly changes: number;
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
}

if (flags.measure !== '') await measureTicks(flags.measure);
else await main();

async function main(): Promise<void> {
  const work = flags.data === '' ? await mkdtemp(join(tmpdir(), 'coterie-bench-')) : flags.data;
  try {
    await prepareFacts(work, flags);
    const figures: Record<number, readonly TickFigures[]> = {};
    for (const segments of numbersOf(flags.segments)) {
      const catalog = await prepareCatalog(work, { ...flags, segments });
      const ticks = await measureInProcess<readonly TickFigures[]>(import.meta.url, {
        ...flags,
        measure: catalog,
        data: work,
      });
      figures[segments] = ticks;
      printTable(
        `${segments} segments`,
        ticks.map((tick) => [
          `${tick.ordering} customers ordered`,
          `${tick.milliseconds} ms (${tick.cpuMilliseconds} ms of CPU), ${tick.affected} evaluated, ${tick.changes} entries and exits`,
        ]),
      );
    }
    console.log(JSON.stringify({ benchmark: 'tick', ...flags, figures }));
  } finally {
    if (flags.data === '') await rm(work, { recursive: true, force: true });
  }
}

function numbersOf(list: string): number[] {
  return list.split(',').map(Number);
}

async function measureTicks(catalogFolder: string): Promise<void> {
  const database = await openDatabase({ folder: flags.data, memoryMiB: 512 });
  const catalogDatabase = await openDatabase({ folder: catalogFolder, memoryMiB: 128 });
  const engine = new DuckDbEngine(database);
  const catalog = new DuckDbCatalog(catalogDatabase);
  const target = await openLmdbStore({ folder: join(catalogFolder, 'store') });
  const changesFolder = await mkdtemp(join(tmpdir(), 'coterie-bench-changes-'));
  const changes = await openLmdbChangeLog({ folder: changesFolder });
  const pool = new EvaluationPool(flags.threads);
  const parts = { engine, catalog, target, changes, pool, types: SEGMENT_TYPES };
  let moment = Math.max(SIMULATION_TO_S, (await engine.counts()).lastOrderAt ?? 0);
  await calculate(parts, { moment, isPinned: false, calculationNo: 1, onReady: async () => {} });
  const facts = await engine.openLiveFacts();
  const live = await openLive({ ...parts, facts });
  const market = await readMarket(engine);
  const random = randomFrom(flags.seed);
  const run = `tick-${process.pid}`;
  const order = (customerId: string, i: number) => ({
    customerId,
    orderId: `${run}-${moment}-${i}`,
    storeId: market.stores[Math.floor(random() * market.stores.length)]!,
    orderedAt: moment,
    totalE4: 200_000,
    discountE4: 0,
    currency: 'EUR',
    status: 'completed' as const,
  });
  const measureTick = async (ordering: number) => {
    moment++;
    const customers = new Set<string>();
    while (customers.size < Math.min(ordering, market.customers.length))
      customers.add(market.customers[Math.floor(random() * market.customers.length)]!);
    if (ordering > 0) await engine.put({ orders: [...customers].map(order) });
    const cpu = process.cpuUsage();
    const report = await live.tick(moment);
    const { user, system } = process.cpuUsage(cpu);
    return { ...report, cpuMs: (user + system) / 1000 };
  };
  // The first tick finds the windows that end within the hour, for all after it.
  for (let i = 0; i < 3; i++) await measureTick(100);
  const figures: TickFigures[] = [];
  for (const ordering of numbersOf(flags.affected)) {
    const ticks = [];
    for (let i = 0; i < flags.runs; i++) ticks.push(await measureTick(ordering));
    figures.push({
      ordering,
      affected: median(ticks.map((tick) => tick.affected)),
      changes: median(ticks.map((tick) => tick.entries + tick.exits)),
      milliseconds: Math.round(median(ticks.map((tick) => tick.seconds * 1000)) * 10) / 10,
      cpuMilliseconds: Math.round(median(ticks.map((tick) => tick.cpuMs)) * 10) / 10,
    });
  }
  console.log(JSON.stringify(figures));
  await rm(changesFolder, { recursive: true, force: true });
  process.exit(0);
}

async function readMarket(engine: DuckDbEngine) {
  const customers: string[] = [];
  for await (const batch of engine.customers()) customers.push(...batch.ids);
  return { customers, stores: (await engine.storeTable()).ids };
}
