/**
 * Runs what the pages tell people to type. Blocks marked `sh runnable` of one page are one session of
 * bash, in a temporary folder, in order; a block marked `output` after one of them says what must be
 * among the lines it prints (`…` stands for anything). Blocks with `needs=PATH` are left out, loudly,
 * where the path is missing. Port 8080 stands for a free one.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CodeBlock, codeBlocks, markdownFiles } from './markdown.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Longest that the blocks of one page may take together. */
const PAGE_LIMIT_MS = 300_000;

interface Step {
  readonly line: number;
  readonly script: string;
  readonly needs: string | undefined;
  /** Lines that must be printed, with `…` for anything. */
  readonly expected: readonly string[];
}

/** The runnable blocks of a page, each with the output that follows it. */
function readSteps(blocks: readonly CodeBlock[]): Step[] {
  const steps: Step[] = [];
  blocks.forEach((block, index) => {
    const [language, ...words] = block.info.split(/\s+/);
    if (language !== 'sh' || !words.includes('runnable')) return;
    const next = blocks[index + 1];
    steps.push({
      line: block.line,
      script: block.text,
      needs: words.find((word) => word.startsWith('needs='))?.slice('needs='.length),
      expected: next?.info.split(/\s+/).includes('output')
        ? next.text.split('\n').filter((line) => line.trim() !== '')
        : [],
    });
  });
  return steps;
}

/** Expected lines that are not among those printed, spaces apart. */
function missingLines(expected: readonly string[], printed: string): string[] {
  const tidy = (text: string): string => text.replace(/\s+/g, ' ').trim();
  const lines = printed.split('\n').map(tidy);
  return expected.filter((wanted) => {
    const parts = tidy(wanted)
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const pattern = new RegExp(`^${parts.join('.*')}$`);
    return !lines.some((line) => pattern.test(line));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

const MARK = '@@ block at line ';

/** Runs the steps as one session; returns what each printed, and how the session ended. */
async function runSession(
  steps: readonly Step[],
): Promise<{ readonly printed: Map<number, string>; readonly code: number | null; readonly errors: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'coterie-page-'));
  const home = join(folder, 'coterie');
  const programs = join(folder, 'programs');
  mkdirSync(home);
  mkdirSync(programs);
  // Pages speak from the project's root: what they read there is there, what they write is not.
  symlinkSync(join(root, 'examples'), join(home, 'examples'));
  if (existsSync(resolve(root, '../shared'))) symlinkSync(resolve(root, '../shared'), join(folder, 'shared'));
  const program = join(programs, 'coterie');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin/coterie.mjs')}" "$@"\n`);
  chmodSync(program, 0o755);
  const port = String(await freePort());
  const script = steps
    .map((step) => `echo '${MARK}${step.line}'\n${step.script.replaceAll('8080', port)}`)
    .join('\n');
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: home,
    detached: true,
    env: { ...process.env, PATH: `${programs}:${process.env.PATH ?? ''}`, COTERIE_PORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString('utf8');
  });
  const stop = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // All of the session has ended already.
    }
  };
  const timer = setTimeout(stop, PAGE_LIMIT_MS);
  // `exit`, not `close`: a server left in the background would keep the pipes open.
  const code = await new Promise<number | null>((done) => child.once('exit', done));
  clearTimeout(timer);
  stop();
  await new Promise((done) => setImmediate(done));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const printed = new Map<number, string>();
  for (const part of output.split(MARK).slice(1)) {
    const end = part.indexOf('\n');
    printed.set(Number(part.slice(0, end)), part.slice(end + 1));
  }
  return { printed, code, errors };
}

test('a page whose block fails, or prints something else, is caught', async () => {
  const page = [
    '```sh runnable',
    'printf "size:   3\\nport 8080\\n"',
    '```',
    '```text output',
    'size: 3',
    'port …',
    '```',
    '```sh runnable needs=no/such/place',
    'false',
    '```',
    '```sh',
    'false',
    '```',
    '```sh runnable',
    'false',
    'echo not reached',
    '```',
  ].join('\n');
  const steps = readSteps(codeBlocks(page));
  assert.deepEqual(
    steps.map(({ line, needs, expected }) => ({ line, needs, expected })),
    [
      { line: 1, needs: undefined, expected: ['size: 3', 'port …'] },
      { line: 8, needs: 'no/such/place', expected: [] },
      { line: 14, needs: undefined, expected: [] },
    ],
  );
  const run = await runSession([steps[0]!, steps[2]!]);
  assert.equal(run.code, 1);
  assert.deepEqual(missingLines(steps[0]!.expected, run.printed.get(1)!), []);
  assert.deepEqual(missingLines(['size: 4', 'port … …'], run.printed.get(1)!), ['size: 4', 'port … …']);
  assert.equal(run.printed.get(14), '');
});

for (const page of markdownFiles(root)) {
  const steps = readSteps(codeBlocks(readFileSync(join(root, page), 'utf8')));
  if (steps.length === 0) continue;
  test(`what ${page} says to type works`, async (t) => {
    const tool = ['bash', 'curl'].find((name) => spawnSync(name, ['--version']).error !== undefined);
    if (tool !== undefined) {
      assert.ok(!process.env.CI, `${tool} is missing`);
      console.error(`SKIPPED: what ${page} says to type needs ${tool}, which is not on this machine`);
      return t.skip(`${tool} is missing`);
    }
    const missing = [...new Set(steps.map((step) => step.needs))].filter(
      (path) => path !== undefined && !existsSync(resolve(root, path)),
    );
    for (const path of missing) {
      console.error(`SKIPPED: the blocks of ${page} that need ${path}, which is not on this machine`);
    }
    const able = steps.filter((step) => !missing.includes(step.needs));
    if (able.length === 0) return t.skip(`${missing.join(', ')} is not on this machine`);
    const run = await runSession(able);
    const reached = [...run.printed.keys()].at(-1);
    assert.equal(
      run.code,
      0,
      `the block at line ${reached} of ${page} failed:\n${run.printed.get(reached!)}\n${run.errors}`,
    );
    for (const step of able) {
      const printed = run.printed.get(step.line) ?? '';
      const lines = missingLines(step.expected, printed);
      assert.deepEqual(lines, [], `the block at line ${step.line} of ${page} printed:\n${printed}`);
    }
  });
}
