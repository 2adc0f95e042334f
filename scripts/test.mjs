// Runs every test file (Node 20 needs them listed). Arguments narrow by path: `npm test -- lmdb`.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

function testFiles(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return testFiles(path);
    return name.endsWith('.test.ts') ? [path] : [];
  });
}

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const files = ['src', 'test', 'examples']
  .flatMap(testFiles)
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)));
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(', ')}.`);
  process.exit(1);
}
const result = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--test', '--test-reporter=spec', '--test-concurrency=2', ...files],
  {
    stdio: 'inherit',
  },
);
process.exit(result.status ?? 1);
