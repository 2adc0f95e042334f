/** The installation that `npm start` and `npm test` begin with, where several begin at once or one broke off. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../scripts/ensure-installed.mjs', import.meta.url));

const PACKAGES = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0' } };

/** Stands for npm, which needs a registry: like it, it removes what there is, and notes down at the end. */
const NPM = `#!/usr/bin/env node
const fs = require('node:fs');
fs.appendFileSync('npm-runs', 'ci ');
fs.rmSync('node_modules', { recursive: true, force: true });
const wait = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const { packages } = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'));
for (const [folder, entry] of Object.entries(packages)) {
  wait(300);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(folder + '/package.json', JSON.stringify(entry));
}
fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }));
`;

async function inClone(work: (clone: string) => Promise<void>): Promise<void> {
  const clone = await mkdtemp(join(tmpdir(), 'coterie-clone-'));
  try {
    await mkdir(join(clone, 'bin'));
    await writeFile(join(clone, 'bin', 'npm'), NPM);
    await chmod(join(clone, 'bin', 'npm'), 0o755);
    await cp(SCRIPT, join(clone, 'ensure-installed.mjs'));
    await writeFile(join(clone, 'package-lock.json'), JSON.stringify({ packages: PACKAGES }));
    await work(clone);
  } finally {
    await rm(clone, { recursive: true });
  }
}

async function ensureInstalled(clone: string): Promise<void> {
  const path = `${join(clone, 'bin')}${delimiter}${process.env.PATH}`;
  const child = spawn(process.execPath, ['ensure-installed.mjs'], {
    cwd: clone,
    env: { ...process.env, PATH: path },
  });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  const [status] = await once(child, 'close');
  assert.equal(status, 0, said);
}

const runsOf = (clone: string) => readFile(join(clone, 'npm-runs'), 'utf8').catch(() => '');

async function assertWhole(clone: string): Promise<void> {
  assert.deepEqual(
    (await readdir(join(clone, 'node_modules'))).filter((name) => !name.startsWith('.')),
    ['a', 'b'],
  );
  assert.deepEqual(
    (await readdir(clone)).filter((name) => name.startsWith('.installing')),
    [],
  );
}

test('of several that begin at once on a bare clone one installs, and the others wait for it', () =>
  inClone(async (clone) => {
    await Promise.all([1, 2, 3, 4].map(() => ensureInstalled(clone)));
    assert.equal(await runsOf(clone), 'ci ');
    await assertWhole(clone);
    await ensureInstalled(clone);
    assert.equal(await runsOf(clone), 'ci ', 'whole already');
  }));

test('an installation that somebody broke is done again, also where npm notes that it is whole', () =>
  inClone(async (clone) => {
    await mkdir(join(clone, 'node_modules', 'a'), { recursive: true });
    await writeFile(join(clone, 'node_modules', 'a', 'package.json'), '{"version": "1.0.0"}');
    await writeFile(
      join(clone, 'node_modules', '.package-lock.json'),
      JSON.stringify({ packages: PACKAGES }),
    );
    await ensureInstalled(clone);
    assert.equal(await runsOf(clone), 'ci ');
    await assertWhole(clone);
  }));

test('what was installed by hand is left as it is, and another lock file is installed anew', () =>
  inClone(async (clone) => {
    for (const [folder, entry] of Object.entries(PACKAGES)) {
      await mkdir(join(clone, folder), { recursive: true });
      await writeFile(join(clone, folder, 'package.json'), JSON.stringify(entry));
    }
    await ensureInstalled(clone);
    assert.equal(await runsOf(clone), '');
    const packages = { ...PACKAGES, 'node_modules/b': { version: '2.0.1' } };
    await writeFile(join(clone, 'package-lock.json'), JSON.stringify({ packages }));
    await ensureInstalled(clone);
    assert.equal(await runsOf(clone), 'ci ');
  }));

test('the lock of a process that ended is taken over by one, also when its id belongs to another now', () =>
  inClone(async (clone) => {
    const ended = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(ended, 'close');
    await mkdir(join(clone, '.installing'));
    await writeFile(join(clone, '.installing', String(ended.pid)), '');
    await Promise.all([1, 2, 3].map(() => ensureInstalled(clone)));
    assert.equal(await runsOf(clone), 'ci ');
    await assertWhole(clone);
    await rm(join(clone, 'node_modules'), { recursive: true });
    await mkdir(join(clone, '.installing'));
    const lock = join(clone, '.installing', String(process.pid));
    await writeFile(lock, '');
    await utimes(lock, 0, 0);
    await ensureInstalled(clone);
    await assertWhole(clone);
  }));
