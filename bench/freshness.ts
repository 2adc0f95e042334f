/**
 * Claim: while orders arrive at a fixed rate, an acknowledged one is seen by checks within seconds, an
 * expired window as soon, and memory does not grow. The server is `coterie serve` in a process of its own
 * over a simulated marketplace, the orders come by HTTP from another, and a third polls `/v1/check`.
 * Customers never heard of place one order each: how long until they are in a segment of those who
 * ordered, and how long after the end of a short window until they are out again. The last line is JSON.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { prepareDataFolder } from '../src/cli/data-folder.ts';
import { CoterieClient } from '../src/client/client.ts';
import { DuckDbCatalog } from '../src/core/catalog/duckdb/duckdb-catalog.ts';
import { DATABASE_FILE, openDatabase } from '../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../src/core/engine/duckdb/duckdb-engine.ts';
import { simulate } from '../src/core/engine/duckdb/simulate.ts';
import { benchmarkDefinitions } from './benchmark-segments.ts';
import { printTable, readFlags } from './flags.ts';
import type { Acknowledged, SenderTask } from './freshness/sender.ts';
import { Watch } from './freshness/watch.ts';

const flags = readFlags({
  customers: 20_000,
  orders: 1_000_000,
  stores: 1000,
  segments: 1000,
  /** Orders a second. */
  rate: 200,
  /** Requests a second that bring them. */
  requests: 10,
  seconds: 90,
  /** Of the window whose end is watched. */
  window: 30,
  seed: 1,
  /** Folder to reuse; simulated if it holds nothing. Default: a temporary one. */
  data: '',
});

const BIN = fileURLToPath(new URL('../bin/coterie.mjs', import.meta.url));
const SENDER = fileURLToPath(new URL('./freshness/sender.ts', import.meta.url));
const ENTERED = 'freshness-entered';
const SHORT = 'freshness-short';
const SAMPLE_MS = 1000;
/** After the last order: for the last window to end, and be seen. */
const PATIENCE_S = 60;
const IDS_MAX = 100_000;

const folder = flags.data === '' ? await mkdtemp(join(tmpdir(), 'coterie-bench-freshness-')) : flags.data;
try {
  const known = await build();
  const { child, url } = await startServer();
  try {
    await new CoterieClient({ url, longTimeoutMs: 3_600_000 }).calculate();
    report(await measure(child, url, known));
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'close');
  }
} finally {
  if (flags.data === '') await rm(folder, { recursive: true, force: true });
}

/** Simulates where there is nothing yet, defines segments, and reads ids to send orders of. */
async function build() {
  await prepareDataFolder(folder, { ifMissing: 'create', version: '0.0.0' });
  const database = await openDatabase({ folder, memoryMiB: 1024 });
  const engine = new DuckDbEngine(database);
  try {
    const { customers, orders } = await engine.counts();
    if (customers === 0) await simulate(database, flags);
    else console.error(`using ${join(folder, DATABASE_FILE)}: ${customers} customers, ${orders} orders`);
    const ids: string[] = [];
    for await (const batch of engine.customers()) {
      ids.push(...batch.ids);
      if (ids.length >= IDS_MAX) break;
    }
    const stores = await engine.storeTable();
    const { segments, seed } = flags;
    // Straight into the catalog: 100,000 definitions are more than one body over HTTP may hold.
    await new DuckDbCatalog(database).apply(
      [
        ...benchmarkDefinitions({ segments, seed, stores, spread: 'brand' }),
        { key: ENTERED, type: 'recurrent', params: { atLeast: 1, within: '30d' } },
        { key: SHORT, type: 'recurrent', params: { atLeast: 1, within: `${flags.window}s` } },
      ],
      { author: 'bench', at: Math.floor(Date.now() / 1000) },
    );
    return { customers: ids, stores: stores.ids };
  } finally {
    await engine.close();
  }
}

async function startServer(): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const child = spawn(process.execPath, [BIN, 'serve', '--port', '0', '--data', folder, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout! }), 'line'),
    once(child, 'close').then(([code]) => {
      throw new Error(`the server ended with ${code} before it listened`);
    }),
  ])) as [string];
  return { child, url: (JSON.parse(line) as { readonly url: string }).url };
}

async function measure(server: ChildProcess, url: string, known: Awaited<ReturnType<typeof build>>) {
  const client = new CoterieClient({ url, timeoutMs: 30_000 });
  const watch = new Watch(client, { entered: ENTERED, short: SHORT, windowS: flags.window });
  const done = new AbortController();
  const watching = watch.run(done.signal);
  const memory: Resident[] = [];
  const sampler = setInterval(async () => memory.push(await resident(server.pid!)), SAMPLE_MS);
  const { rate, requests, seconds } = flags;
  const task: SenderTask = { url, rate, requests, seconds, customers: known.customers, stores: known.stores };
  const sender = fork(SENDER, { execArgv: ['--import', 'tsx'] });
  sender.send(task);
  let accepted = 0;
  let refused = 0;
  const began = Date.now();
  sender.on('message', (message: Acknowledged) => {
    accepted += message.accepted;
    if (message.customer === undefined) refused++;
    watch.add(message);
  });
  await once(sender, 'close');
  const sendingSeconds = (Date.now() - began) / 1000;
  const until = Date.now() + (flags.window + PATIENCE_S) * 1000;
  while (watch.waiting > 0 && Date.now() < until) await sleep(SAMPLE_MS);
  clearInterval(sampler);
  done.abort();
  await watching;
  return { ...watch.found, unseen: watch.waiting, accepted, refused, sendingSeconds, memory };
}

/** Memory of a process in MiB. What is mapped from files the system takes back when it needs it. */
interface Resident {
  readonly all: number;
  readonly anonymous: number;
}

async function resident(pid: number): Promise<Resident> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]);
  return { all: kilobytes('VmRSS') / 1024, anonymous: kilobytes('RssAnon') / 1024 };
}

function report(found: Awaited<ReturnType<typeof measure>>): void {
  const { memory, visibleMs, expiredMs } = found;
  // The first third warms caches up; growth is from the second third to the last.
  const third = Math.floor(memory.length / 3);
  const growth = (of: keyof Resident) => {
    const values = memory.map((sample) => sample[of]);
    return Math.round(mean(values.slice(2 * third)) - mean(values.slice(third, 2 * third)));
  };
  const figures = {
    p50Ms: quantile(visibleMs, 0.5),
    p99Ms: quantile(visibleMs, 0.99),
    maxMs: quantile(visibleMs, 1),
    expiryP50Ms: quantile(expiredMs, 0.5),
    expiryP99Ms: quantile(expiredMs, 0.99),
    expiryMaxMs: quantile(expiredMs, 1),
    watched: visibleMs.length,
    unseen: found.unseen,
    refusedRequests: found.refused,
    ordersPerSecond: Math.round(found.accepted / found.sendingSeconds),
    peakRssMiB: Math.round(Math.max(...memory.map(({ all }) => all))),
    rssGrowthMiB: growth('all'),
    peakAnonymousMiB: Math.round(Math.max(...memory.map(({ anonymous }) => anonymous))),
    anonymousGrowthMiB: growth('anonymous'),
  };
  const times = (p50: number | null, p99: number | null, max: number | null) =>
    `p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms`;
  printTable(`${flags.rate} orders/s for ${flags.seconds} s, ${flags.segments} segments`, [
    ['from acknowledged to visible', times(figures.p50Ms, figures.p99Ms, figures.maxMs)],
    ['after the end of a window', times(figures.expiryP50Ms, figures.expiryP99Ms, figures.expiryMaxMs)],
    ['watched, and not seen', `${figures.watched}, ${figures.unseen}`],
    ['orders taken a second', String(figures.ordersPerSecond)],
    ['memory of the server', `at most ${figures.peakRssMiB} MiB, growth ${figures.rssGrowthMiB} MiB`],
    [
      'not mapped from files',
      `at most ${figures.peakAnonymousMiB} MiB, growth ${figures.anonymousGrowthMiB} MiB`,
    ],
  ]);
  console.log(JSON.stringify(figures));
}

/** Null where nothing was measured. */
function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
