// Runs every test file (Node 20 needs them listed). Arguments narrow by path: `npm test -- lmdb`; those
// that begin with --test- are Node's own: `npm test -- lmdb --test-name-pattern=disk`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A test that hangs fails after this; the longest are the pages' walk-throughs on a busy machine. */
const TEST_LIMIT_MS = 600_000;

function testFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return testFiles(path);
    return name.endsWith('.test.ts') ? [path] : [];
  });
}

const given = process.argv.slice(2);
const options = given.filter((argument) => argument.startsWith('--test-'));
const wanted = given.filter((argument) => !argument.startsWith('-'));
const strange = given.find((argument) => argument.startsWith('-') && !argument.startsWith('--test-'));
if (strange !== undefined) {
  console.error(`${strange}: expected parts of paths, and options of Node that begin with --test-.`);
  process.exit(2);
}
const files = ['src', 'test', 'examples']
  .flatMap(testFiles)
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)));
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(', ')}.`);
  process.exit(1);
}
const result = spawnSync(
  process.execPath,
  [
    '--import',
    'tsx',
    '--test',
    '--test-reporter=spec',
    '--test-concurrency=2',
    `--test-timeout=${TEST_LIMIT_MS}`,
    ...options,
    ...files,
  ],
  { stdio: 'inherit' },
);
process.exit(result.status ?? 1);
