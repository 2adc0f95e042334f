/** Runs the real `coterie` program in a process of its own, as a shell would, with a clean environment. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/coterie.mjs', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Working folder; default: where the tests run. */
  readonly folder?: string;
}

function start(args: readonly string[], options: RunOptions): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH, HOME, ...options.env },
    cwd: options.folder ?? process.cwd(),
    stdio: 'pipe',
  });
}

/** Runs a command to its end. */
export async function coterie(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(args, options);
  child.stdin?.end(options.input ?? '');
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  return { code: child.exitCode, stdout, stderr };
}

/** Runs a command that must succeed, and reads its answer as one JSON document. */
export async function coterieJson<T = Record<string, unknown>>(
  args: readonly string[],
  options: RunOptions = {},
): Promise<T> {
  const { code, stdout, stderr } = await coterie([...args, '--json'], options);
  assert.equal(code, 0, `coterie ${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** The JSON document that said where it listens. */
  readonly announced: Readonly<Record<string, unknown>>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Outcome>;
}

/** Starts `serve` or `start` on a free port and waits until it listens. */
export async function startServer(args: readonly string[], options: RunOptions = {}): Promise<ServerProcess> {
  const child = start([...args, '--port', '0', '--json'], options);
  child.stdin?.end();
  let stdout = '';
  let stderr = '';
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'exit');
  await new Promise<void>((listening, failed) => {
    child.stdout!.on('data', (chunk) => {
      stdout += chunk;
      if (stdout.includes('\n')) listening();
    });
    void ended.then(() =>
      failed(new Error(`coterie ${args.join(' ')} ended with ${child.exitCode}: ${stderr}`)),
    );
  });
  const announced = JSON.parse(stdout) as { url: string; pid: number };
  return {
    url: announced.url,
    pid: announced.pid,
    announced,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null) child.kill(signal);
      await ended;
      return { code: child.exitCode, stdout, stderr };
    },
  };
}

/** How long a busy machine may go on being too busy to answer. */
const BUSY_MAX_MS = 60_000;

/** Sends a request; while the server is too busy to take it, waits as it says and sends it again. */
export async function fetchPatiently(url: string, request: RequestInit = {}): Promise<Response> {
  const until = Date.now() + BUSY_MAX_MS;
  for (;;) {
    const response = await fetch(url, request);
    const wait = response.headers.get('retry-after');
    if (response.status !== 503 || wait === null || Date.now() > until) return response;
    await response.arrayBuffer();
    await new Promise((done) => setTimeout(done, Number(wait) * 1000));
  }
}

/** Asks a server for JSON; waits, as it says, while it is too busy. */
export async function getJson<T>(url: string): Promise<T> {
  const response = await fetchPatiently(url);
  const text = await response.text();
  assert.equal(response.status, 200, `${url}: ${text}`);
  return JSON.parse(text) as T;
}

/** A temporary folder, and what removes it. */
export function temporaryFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'coterie-e2e-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
