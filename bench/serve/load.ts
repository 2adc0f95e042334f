/** Drives a server with wrk, a program in C, and reads what it measured. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../wrk/check.lua', import.meta.url));

export interface LoadRequest {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  readonly customers: number;
  readonly segments: number;
  readonly checkSegments: number;
  readonly seed: number;
  /** Requests a second on a clock that does not wait for answers; 0 is as fast as answers come. */
  readonly rate: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly errors: number;
  /** Requests whose turn came while every connection waited: timed from their turn. */
  readonly late: number;
}

/** Runs wrk once, with one thread. */
export async function runLoad(request: LoadRequest): Promise<LoadResult> {
  const output = await run('wrk', [
    '-t1',
    `-c${request.connections}`,
    `-d${request.seconds}s`,
    '-s',
    SCRIPT,
    `${request.url}/v1/check`,
    '--',
    ...[request.customers, request.segments, request.checkSegments, request.seed, request.rate].map(String),
  ]);
  const closed = numbersAfter(output, 'CLOSED');
  if (closed === undefined) throw new Error(`wrk said nothing to read:\n${output}`);
  const [requests, microseconds, p50Ms, p99Ms, p999Ms, maxMs, errors] = closed as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const perSecond = requests / (microseconds / 1e6);
  if (request.rate === 0) return { perSecond, p50Ms, p99Ms, p999Ms, maxMs, errors, late: 0 };
  const open = numbersAfter(output, 'OPEN');
  if (open === undefined) throw new Error(`wrk measured nothing:\n${output}`);
  const [, late, openP50, openP99, openP999, openMax] = open as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { perSecond, p50Ms: openP50, p99Ms: openP99, p999Ms: openP999, maxMs: openMax, errors, late };
}

/** Runs a program to its end. @throws {Error} with what it said, if it fails or is not installed. */
export async function run(program: string, parameters: readonly string[]): Promise<string> {
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${output}`);
  return output;
}

function numbersAfter(output: string, word: string): number[] | undefined {
  const line = output.split('\n').find((text) => text.startsWith(`${word} `));
  return line?.split(' ').slice(1).map(Number);
}
