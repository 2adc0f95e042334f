/**
 * Claim: one process answers at least 10,000 checks of 20 segments a second, with the load on the same two
 * cores, and at half its rate 99 of 100 within 5 ms. Beside it Redis, with the same rows, in the same run.
 *
 * The server is `coterie serve --role store` in a process of its own; wrk asks it for random customers and
 * random segments, first as fast as it answers, then at a fixed rate (see wrk/check.lua for how requests
 * are timed that the server kept waiting). Needs wrk and redis. The last line is JSON.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { prepareDataFolder, storeFolder } from '../src/cli/data-folder.ts';
import { openLmdbStore } from '../src/store/lmdb/lmdb-store.ts';
import { randomFrom } from './benchmark-segments.ts';
import { printTable, readFlags } from './flags.ts';
import { runLoad } from './serve/load.ts';
import { measureRedis } from './serve/redis.ts';
import { loadRows } from './serve/rows.ts';

const flags = readFlags({
  customers: 200_000,
  segments: 100_000,
  /** Segments of one check. */
  check: 20,
  /** Checks a second of the second part; 0 is half of what the first part reached. */
  rate: 0,
  /** Of each part. */
  seconds: 10,
  connections: 64,
  seed: 1,
  /** Folder to reuse; made if missing. Default: a temporary one. */
  data: '',
  /** 0 leaves Redis out. */
  redis: 1,
});

const BIN = fileURLToPath(new URL('../bin/coterie.mjs', import.meta.url));
const WARM_UP_S = 3;

const folder = flags.data === '' ? await mkdtemp(join(tmpdir(), 'coterie-bench-serve-')) : flags.data;
const rows = { customers: flags.customers, segments: flags.segments, seed: flags.seed };
try {
  const buildSeconds = await build(folder);
  const server = await startServer(folder);
  const ask = (rate: number, seconds: number, seed: number) =>
    runLoad({ ...flags, url: server.url, checkSegments: flags.check, rate, seconds, seed });
  try {
    await ask(0, WARM_UP_S, flags.seed + 1);
    const before = await usageOf(server.child.pid!);
    const full = await ask(0, flags.seconds, flags.seed + 2);
    const after = await usageOf(server.child.pid!);
    const rate = Math.round(flags.rate > 0 ? flags.rate : full.perSecond / 2);
    const half = await ask(rate, flags.seconds, flags.seed + 3);
    const { rssMiB } = await usageOf(server.child.pid!);
    const cpuMicroseconds = ((after.cpuSeconds - before.cpuSeconds) * 1e6) / (full.perSecond * flags.seconds);
    await stop(server.child);
    const redis = flags.redis === 0 ? undefined : await askRedis();
    report({ buildSeconds, full, rate, half, rssMiB, cpuMicroseconds, redis });
  } finally {
    await stop(server.child);
  }
} finally {
  if (flags.data === '') await rm(folder, { recursive: true, force: true });
}

async function build(data: string): Promise<number> {
  const began = performance.now();
  await prepareDataFolder(data, { ifMissing: 'create', version: '0.0.0' });
  const store = await openLmdbStore({ folder: storeFolder(data) });
  try {
    const view = store.view();
    if (view?.customers === flags.customers && view.directory.entries.length === flags.segments) return 0;
    await loadRows(store, rows, Math.floor(Date.now() / 1000));
  } finally {
    await store.close();
  }
  return (performance.now() - began) / 1000;
}

async function startServer(data: string): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  await access(BIN);
  const child = spawn(
    process.execPath,
    [BIN, 'serve', '--role', 'store', '--port', '0', '--data', data, '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'close').then(([code]) => {
      throw new Error(`the server ended with ${code} before it listened`);
    }),
  ])) as [string];
  const { url } = JSON.parse(line) as { url: string };
  return { child, url };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'close');
}

/** Memory that is resident, in MiB, and processor time used so far, in seconds. */
async function usageOf(pid: number): Promise<{ readonly rssMiB: number; readonly cpuSeconds: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  // After the name in parentheses: fields 14 and 15 are user and system time in hundredths of a second.
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)!.split(' ');
  return {
    rssMiB: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
  };
}

function askRedis() {
  const random = randomFrom(flags.seed);
  const members = Array.from({ length: flags.check }, () => Math.floor(random() * flags.segments));
  return measureRedis(rows, {
    connections: flags.connections,
    requests: Math.round(flags.seconds * 30_000),
    members,
  });
}

type Load = Awaited<ReturnType<typeof runLoad>>;

function report(found: {
  readonly buildSeconds: number;
  readonly full: Load;
  readonly rate: number;
  readonly half: Load;
  readonly rssMiB: number;
  readonly cpuMicroseconds: number;
  readonly redis: Awaited<ReturnType<typeof measureRedis>> | undefined;
}): void {
  const { full, half, redis } = found;
  const times = (load: Pick<Load, 'p50Ms' | 'p99Ms'> & { readonly p999Ms?: number }) =>
    [`p50 ${load.p50Ms.toFixed(2)} ms`, `p99 ${load.p99Ms.toFixed(2)} ms`]
      .concat(load.p999Ms === undefined ? [] : [`p99.9 ${load.p999Ms.toFixed(2)} ms`])
      .join(', ');
  const count = (value: number) => Math.round(value).toLocaleString('en');
  printTable(
    `${count(flags.customers)} customers, ${count(flags.segments)} segments, ${flags.check} a check`,
    [
      [
        'as fast as it answers',
        `${count(full.perSecond)} checks/s with ${flags.connections} connections: ${times(full)}`,
      ],
      [
        `at ${count(found.rate)} checks/s`,
        `${count(half.perSecond)} checks/s: ${times(half)}; ${count(half.late)} sent late, timed from their turn`,
      ],
      ['processor time of a check', `${count(found.cpuMicroseconds)} µs in the server`],
      ['errors', count(full.errors + half.errors)],
      ['memory of the server', `${count(found.rssMiB)} MiB, memory-mapped pages that were read included`],
      ...(redis === undefined
        ? []
        : ([
            [
              'Redis SMISMEMBER',
              `${count(redis.perSecond)} checks/s with ${flags.connections} connections: ${times(redis)}`,
            ],
            ['memory of Redis', `${count(redis.mebibytes)} MiB`],
          ] as const)),
    ],
  );
  console.log(
    JSON.stringify({
      checksPerSecond: Math.round(full.perSecond),
      rate: found.rate,
      rateReached: Math.round(half.perSecond),
      p50Ms: half.p50Ms,
      p99Ms: half.p99Ms,
      p999Ms: half.p999Ms,
      maxMs: half.maxMs,
      late: half.late,
      p50FullMs: full.p50Ms,
      p99FullMs: full.p99Ms,
      errors: full.errors + half.errors,
      redisChecksPerSecond: redis === undefined ? null : Math.round(redis.perSecond),
      redisP50Ms: redis?.p50Ms ?? null,
      redisP99Ms: redis?.p99Ms ?? null,
      redisMiB: redis === undefined ? null : Math.round(redis.mebibytes),
      cpuMicrosecondsPerCheck: Math.round(found.cpuMicroseconds),
      serverRssMiB: Math.round(found.rssMiB),
      buildSeconds: Number(found.buildSeconds.toFixed(1)),
      customers: flags.customers,
      segments: flags.segments,
      checkSegments: flags.check,
    }),
  );
}
