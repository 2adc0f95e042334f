/**
 * Redis beside Coterie: a private server without persistence, with each customer's exceptions as a set of
 * segment numbers, asked by its own C program for 20 members at a time, one request on each connection.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { run } from './load.ts';
import { type RowsRequest, rowsOf } from './rows.ts';

export interface RedisResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mebibytes: number;
}

/** The prefix and width of keys as `redis-benchmark` writes random numbers into them. */
const KEY_DIGITS = 12;
const SEND_BYTES = 1 << 20;

/** Starts Redis, loads the rows, measures, and stops it. */
export async function measureRedis(
  rows: RowsRequest,
  load: { readonly connections: number; readonly requests: number; readonly members: readonly number[] },
): Promise<RedisResult> {
  const port = await freePort();
  const server = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/tmp'],
    { stdio: 'ignore' },
  );
  await once(server, 'spawn');
  try {
    await waitFor(port);
    await fill(port, rows);
    const memory = await run('redis-cli', ['-p', String(port), 'info', 'memory']);
    const output = await run('redis-benchmark', [
      ...['-p', String(port), '-c', String(load.connections), '-n', String(load.requests), '-P', '1'],
      ...['-r', String(rows.customers), '--csv', 'SMISMEMBER', 'c:__rand_int__', ...load.members.map(String)],
    ]);
    const [, perSecond, , , p50Ms, , p99Ms] = output
      .trim()
      .split('\n')
      .at(-1)!
      .split(',')
      .slice(-8)
      .map((cell) => Number(cell.replaceAll('"', ''))) as number[];
    const bytes = Number(/used_memory:(\d+)/.exec(memory)?.[1] ?? 0);
    return { perSecond: perSecond!, p50Ms: p50Ms!, p99Ms: p99Ms!, mebibytes: bytes / 1_048_576 };
  } finally {
    await stop(server);
  }
}

async function fill(port: number, rows: RowsRequest): Promise<void> {
  const pipe = spawn('redis-cli', ['-p', String(port), '--pipe'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const closed = once(pipe, 'close');
  let text = '';
  let customer = 0;
  for (const row of rowsOf(rows)) {
    const words = ['SADD', `c:${String(customer++).padStart(KEY_DIGITS, '0')}`, ...Array.from(row, String)];
    text += `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
    if (text.length < SEND_BYTES) continue;
    if (!pipe.stdin.write(text)) await once(pipe.stdin, 'drain');
    text = '';
  }
  pipe.stdin.end(text);
  const [code] = await closed;
  if (code !== 0) throw new Error(`redis-cli --pipe ended with ${code}`);
}

async function waitFor(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await run('redis-cli', ['-p', String(port), 'ping']);
      return;
    } catch (error) {
      if (attempt > 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  server.kill();
  await once(server, 'close');
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}
