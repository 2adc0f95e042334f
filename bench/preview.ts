/**
 * Claim: the size of a rule that is not saved is exact, and there fast enough to type against: a question
 * bound to stores in less than 0.3 s, one over all customers in less than 2 s, at 100 M orders.
 *
 * Asks each rule of a table several times, the way a preview is, and says the median; with --scan 1 also
 * by a scan into the evaluator, whose size must be the same. The last line is JSON. Processor time is the
 * process's: on a machine that does other work, half of it is what two idle cores would take.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../src/core/engine/duckdb/duckdb-engine.ts';
import { SIMULATION_TO_S } from '../src/core/engine/duckdb/simulate.ts';
import type { Engine, StoreTable } from '../src/core/engine/engine.ts';
import { EvaluationPool } from '../src/core/evaluate/evaluation-pool.ts';
import { Population, type Standpoint } from '../src/core/population.ts';
import type { OrdersCondition, Rule, StoreSet } from '../src/model/rule.ts';
import type { Segment } from '../src/model/segment.ts';
import { prepareFacts } from './benchmark-folder.ts';
import { median, printTable, readFlags } from './flags.ts';

const flags = readFlags({
  customers: 200_000,
  orders: 10_000_000,
  stores: 5_000,
  events: 5_000_000,
  threads: 2,
  runs: 5,
  seed: 1,
  /** 1: also by a scan into the evaluator, once each. */
  scan: 0,
  /** Folder of facts to reuse; made if missing. Default: a temporary one. */
  data: '',
  /** What DuckDB may hold. */
  memory: 1024,
});

const DAY_S = 86_400;
const SAMPLE = 20;

interface Figure {
  readonly name: string;
  readonly size: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly scanSeconds?: number;
  readonly scanCpuSeconds?: number;
}

const folder = flags.data === '' ? await mkdtemp(join(tmpdir(), 'coterie-bench-')) : flags.data;
await prepareFacts(folder, flags);
const database = await openDatabase({ folder, memoryMiB: flags.memory, threads: flags.threads });
const pool = new EvaluationPool(flags.threads);
try {
  const engine = new DuckDbEngine(database);
  const { customers, orders } = await engine.counts();
  report(await measureAll(engine, await askedRules(engine)), { customers, orders });
} finally {
  await pool.close();
  await database.close();
  if (flags.data === '') await rm(folder, { recursive: true, force: true });
}

async function measureAll(engine: DuckDbEngine, rules: ReadonlyMap<string, Rule>): Promise<Figure[]> {
  const stores = await engine.storeTable();
  const { customers, batchNo } = await engine.counts();
  const at: Standpoint = { moment: SIMULATION_TO_S, batchNo, customers };
  const inside = new Population(engine, pool);
  const figures: Figure[] = [];
  for (const [name, rule] of rules) {
    const segment: Segment = { segmentNo: 0, key: 'asked', definition: { key: 'asked', type: 'rule' }, rule };
    const runs = [];
    for (let run = 0; run < flags.runs; run++) {
      runs.push(await measure(() => inside.union([segment], stores, at, SAMPLE)));
    }
    const figure = {
      name,
      size: runs[0]!.size,
      seconds: median(runs.map((run) => run.seconds)),
      cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
    };
    figures.push(flags.scan === 1 ? { ...figure, ...(await byScan(engine, segment, at, figure)) } : figure);
  }
  return figures;
}

/** @throws {Error} If the scan counts otherwise. */
async function byScan(
  engine: DuckDbEngine,
  segment: Segment,
  at: Standpoint,
  { name, size }: { name: string; size: number },
) {
  const scanning: Engine = new DuckDbEngine(database);
  Object.defineProperty(scanning, 'members', { value: undefined });
  const stores = await engine.storeTable();
  const found = await measure(() => new Population(scanning, pool).union([segment], stores, at, SAMPLE));
  if (found.size !== size) throw new Error(`${name}: ${size} members, by the scan ${found.size}`);
  return { scanSeconds: found.seconds, scanCpuSeconds: found.cpuSeconds };
}

async function measure(ask: () => Promise<{ readonly size: number }>) {
  const started = performance.now();
  const before = process.cpuUsage();
  const { size } = await ask();
  const used = process.cpuUsage(before);
  return {
    size,
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
  };
}

/** A table of questions, from one store to everything, over the market at hand. */
async function askedRules(engine: Engine): Promise<Map<string, Rule>> {
  const table = await engine.storeTable();
  const one = table.ids.at(Math.floor(table.ids.length / 2))!;
  const places: readonly (readonly [string, StoreSet])[] = [
    ['one store', { kind: 'ids', ids: [one] }],
    ['a brand of about 20', brandOf(table, 20)],
    ['a brand of about 250', brandOf(table, 250)],
  ];
  const rules = new Map<string, Rule>();
  for (const [name, stores] of places) {
    const ever: OrdersCondition = { kind: 'orders', stores, measure: 'count', atLeast: 1 };
    const lately: OrdersCondition = { ...ever, withinS: 30 * DAY_S };
    rules.set(`${name}: new`, { kind: 'not', rule: ever });
    rules.set(`${name}: recurrent`, { ...ever, atLeast: 3, withinS: 90 * DAY_S });
    rules.set(`${name}: inactive`, { kind: 'all', rules: [ever, { kind: 'not', rule: lately }] });
  }
  const all: OrdersCondition = { kind: 'orders', stores: { kind: 'all' }, measure: 'count', atLeast: 1 };
  const spent: Rule = { ...all, measure: 'sum', currency: 'EUR', atLeast: 2_000_0000, withinS: 365 * DAY_S };
  const quiet: Rule = { kind: 'not', rule: { ...all, withinS: 30 * DAY_S } };
  const city = table.city.find((each) => each !== undefined);
  rules.set('all customers: no order within 30 days', quiet);
  rules.set('all customers: at least 50 orders', { ...all, atLeast: 50 });
  rules.set('all customers: 2,000 EUR within a year', spent);
  rules.set('all customers: that, and no order within 30 days', { kind: 'all', rules: [spent, quiet] });
  rules.set('by trait', { kind: 'trait', name: 'city', test: { kind: 'in', values: [city ?? ''] } });
  const { models, eventNames } = await engine.dictionary();
  if (models.has('churn')) rules.set('by score', { kind: 'score', model: 'churn', atLeast: 0.5 });
  const [name] = eventNames.keys();
  if (name !== undefined) {
    const viewed: Rule = {
      kind: 'event',
      name,
      where: [],
      measure: 'count',
      atLeast: 2,
      withinS: 30 * DAY_S,
    };
    rules.set(`by event: 2 times ${name} within 30 days`, viewed);
  }
  return rules;
}

/** The brand with a number of stores nearest to one. */
function brandOf(table: StoreTable, wanted: number): StoreSet {
  const counts = new Map<string, number>();
  for (const brand of table.brand) if (brand !== undefined) counts.set(brand, (counts.get(brand) ?? 0) + 1);
  const distance = (count: number) => Math.abs(count - wanted);
  const nearest = [...counts].reduce((best, each) => (distance(each[1]) < distance(best[1]) ? each : best));
  return { kind: 'attributes', attributes: { brand: [nearest[0]] } };
}

function report(
  figures: readonly Figure[],
  facts: { readonly customers: number; readonly orders: number },
): void {
  const ms = (seconds: number): string => `${Math.round(seconds * 1000).toLocaleString('en')} ms`;
  printTable(
    `Preview: size and a sample, median of ${flags.runs}`,
    figures.map((figure) => [
      figure.name,
      `${ms(figure.seconds)} (${ms(figure.cpuSeconds)} of processor time), ${figure.size.toLocaleString('en')} members` +
        (figure.scanCpuSeconds === undefined
          ? ''
          : `; by a scan ${ms(figure.scanCpuSeconds)} of processor time`),
    ]),
  );
  console.log(JSON.stringify({ bench: 'preview', ...facts, figures }));
}
