/**
 * What the LMDB driver promises of its folder: what is kept and cleared away, and a clear error, with the
 * old load still served, when files are newer, broken or cut off, or cannot be written.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  statfs,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CoterieError, type ErrorCode } from '../../src/model/error.ts';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import { exceptionsOf, loadAll, plainEntries, segmentEntry } from './store-contract.ts';
import { checkMarked, loadMarked, startChild } from './store-lmdb-child.ts';

interface Test {
  after(done: () => Promise<void>): void;
}

async function temporaryFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-folder-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with one load of 100 customers in it. */
async function loadedFolder(t: Test): Promise<string> {
  const folder = await temporaryFolder(t);
  const store = await openLmdbStore({ folder });
  await loadMarked(store, 1, 100);
  await store.close();
  return folder;
}

async function overwrite(file: string, at: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, at);
  await handle.close();
}

const fails = (code: ErrorCode, words: RegExp) => (error: unknown) => {
  assert(error instanceof CoterieError, `not an operating failure: ${error}`);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, words);
  return true;
};

test('a folder of a newer version is refused, for reading and for loading', async (t) => {
  const folder = await loadedFolder(t);
  const store = await openLmdbStore({ folder });
  await writeFile(join(folder, 'CURRENT'), JSON.stringify({ format: 9, something: 'else' }));
  await assert.rejects(openLmdbStore({ folder }), fails('DATA_FOLDER_NEWER', /has format 9.*up to 2/));
  await assert.rejects(openLmdbStore({ folder, readOnly: true }), fails('DATA_FOLDER_NEWER', /format 9/));
  await assert.rejects(store.refresh(), fails('DATA_FOLDER_NEWER', /format 9/));
  await assert.rejects(store.beginLoad(), fails('DATA_FOLDER_NEWER', /format 9/));
  checkMarked(store.view()!, 100, 1);
  assert(!existsSync(join(folder, 'LOCK')), 'a load that did not begin holds no lock');
  await store.close();
});

test('files that are cut off, overwritten or missing are told, and do not end the process', async (t) => {
  const folder = await loadedFolder(t);
  const { generation, bytes } = JSON.parse(await readFile(join(folder, 'CURRENT'), 'utf8'));
  const data = join('gen-1', 'data.mdb');
  assert.equal(generation, 1);
  const damages: [string, RegExp, (copy: string) => Promise<unknown>][] = [
    ['no JSON', /does not name a generation/, (copy) => writeFile(join(copy, 'CURRENT'), 'gen-1')],
    ['null', /does not name a generation/, (copy) => writeFile(join(copy, 'CURRENT'), 'null')],
    ['empty', /does not name a generation/, (copy) => writeFile(join(copy, 'CURRENT'), '')],
    [
      'no number',
      /does not name/,
      (copy) => writeFile(join(copy, 'CURRENT'), '{"format":1,"generation":"1","bytes":4096}'),
    ],
    [
      'generation missing',
      /names generation 1, whose files are missing/,
      (copy) => rm(join(copy, 'gen-1'), { recursive: true }),
    ],
    [
      'cut off',
      new RegExp(`expected ${bytes} bytes, found ${bytes - 1}`),
      (copy) => truncate(join(copy, data), bytes - 1),
    ],
    ['emptied', /found 0/, (copy) => truncate(join(copy, data), 0)],
    [
      'second page overwritten',
      /not an LMDB data file/,
      (copy) => overwrite(join(copy, data), 4_096, Buffer.alloc(4_096)),
    ],
    ['zeros', /not an LMDB data file/, (copy) => writeFile(join(copy, data), Buffer.alloc(bytes))],
  ];
  for (const [name, words, damage] of damages) {
    const copy = join(await temporaryFolder(t), 'copy');
    await cp(folder, copy, { recursive: true });
    await damage(copy);
    await assert.rejects(openLmdbStore({ folder: copy }), fails('DATA_FOLDER_CORRUPT', words), name);
  }
});

test('a copy of the folder is a store', async (t) => {
  const folder = await loadedFolder(t);
  const copy = join(await temporaryFolder(t), 'copy');
  await cp(folder, copy, { recursive: true });
  const store = await openLmdbStore({ folder: copy });
  checkMarked(store.view()!, 100, 1);
  await loadMarked(store, 2, 100);
  checkMarked(store.view()!, 100, 1);
  await store.close();
});

test('a folder that cannot be made or written is refused', async (t) => {
  const parent = await temporaryFolder(t);
  await writeFile(join(parent, 'file'), '');
  const isRefused = fails('DATA_FOLDER_UNWRITABLE', /cannot write the store/);
  await assert.rejects(openLmdbStore({ folder: join(parent, 'file') }), isRefused);
  await assert.rejects(openLmdbStore({ folder: join(parent, 'file', 'below') }), isRefused);
  await mkdir(join(parent, 'closed'));
  await chmod(join(parent, 'closed'), 0o555);
  await chmod(parent, 0o755);
  for (const folder of [join(parent, 'closed'), join(parent, 'closed', 'below')]) {
    assert.equal(await openAsOrdinaryUser(folder), 'DATA_FOLDER_UNWRITABLE');
  }
});

/** The code that opening fails with. Permissions do not bind the superuser, as whom many containers test. */
async function openAsOrdinaryUser(folder: string): Promise<unknown> {
  const child = startChild('open', folder, 0);
  const [message] = await once(child, 'message');
  return message.code;
}

test('a store that is open for reading only makes no folder and takes no load', async (t) => {
  const folder = join(await temporaryFolder(t), 'none');
  const store = await openLmdbStore({ folder, readOnly: true });
  assert.equal(store.view(), undefined);
  assert.equal(await store.refresh(), false);
  await assert.rejects(store.beginLoad(), fails('DATA_FOLDER_UNWRITABLE', /reading only/));
  assert(!existsSync(folder));
  await loadMarked(await openLmdbStore({ folder }), 1, 100);
  assert.equal(await store.refresh(), true);
  checkMarked(store.view()!, 100, 1);
  await store.close();
});

test('two generations are kept; what died processes left is cleared away by the next load, not by readers', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openLmdbStore({ folder });
  for (const n of [1, 2, 3]) await loadMarked(store, n, 100);
  assert.deepEqual((await readdir(folder)).sort(), ['CURRENT', 'gen-2', 'gen-3']);
  const token = 'a1b2c3d4-0000-4000-8000-000000000000';
  for (const left of ['gen-4', 'gen-17', `gen-1.${token}`]) {
    await mkdir(join(folder, left));
    await writeFile(join(folder, left, 'data.mdb'), 'half a load');
  }
  for (const left of [`CURRENT.${token}`, `LOCK.${token}`]) await writeFile(join(folder, left), '');
  await writeFile(join(folder, 'notes.txt'), 'not ours');
  const left = (await readdir(folder)).length;
  const reader = await openLmdbStore({ folder, readOnly: true });
  await reader.refresh();
  assert.equal((await readdir(folder)).length, left);
  await loadMarked(store, 4, 100);
  assert.deepEqual((await readdir(folder)).sort(), ['CURRENT', 'gen-3', 'gen-4', 'notes.txt']);
  await reader.refresh();
  checkMarked(reader.view()!, 100, 1);
  await reader.close();
  await store.close();
});

test('the lock of a process that ended is taken over, also when its id belongs to another now', async (t) => {
  const folder = await loadedFolder(t);
  const store = await openLmdbStore({ folder });
  const ended = spawnSync('true').pid;
  for (const content of [
    JSON.stringify({ pid: ended, began: '', token: 'x' }),
    JSON.stringify({ pid: process.pid, began: 'another boot/1', token: 'x' }),
    '',
    '{',
  ]) {
    if (content.includes('another boot') && process.platform !== 'linux') continue;
    await writeFile(join(folder, 'LOCK'), content);
    await loadMarked(store, 2, 100);
    assert(!existsSync(join(folder, 'LOCK')));
  }
  await store.close();
});

test('a load whose lock was taken from it does not switch', async (t) => {
  const folder = await loadedFolder(t);
  const store = await openLmdbStore({ folder });
  await assert.rejects(
    loadMarked(store, 2, 100, (step) => {
      if (step === 'begun')
        void writeFile(join(folder, 'LOCK'), JSON.stringify({ pid: 1, began: '', token: 'y' }));
    }),
    fails('CALCULATION_RUNNING', /took over/),
  );
  assert.equal(store.view()!.asOf.calculationNo, 1);
  assert(existsSync(join(folder, 'LOCK')), "the other's lock is left alone");
  await store.close();
});

test('a view that was superseded answers until it is closed, whatever became of its files', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openLmdbStore({ folder });
  await loadAll(store, 1, [segmentEntry(1)], new Map([['ann', [1]]]));
  const first = store.view()!;
  for (const n of [2, 3, 4]) await loadAll(store, n, [segmentEntry(n)], new Map([['ann', [n]]]));
  assert(!existsSync(join(folder, 'gen-1')));
  assert.deepEqual(await exceptionsOf(first, 'ann'), [1]);
  await store.close();
  assert.throws(() => first.row('ann'), /closed/);
  assert.equal(store.view(), undefined);

  const hasty = await openLmdbStore({ folder, viewGraceMs: 0 });
  const fourth = hasty.view()!;
  await loadAll(hasty, 5, [], new Map([['ann', [5]]]));
  const isClosed = () => {
    try {
      fourth.row('ann');
      return false;
    } catch {
      return true;
    }
  };
  while (!isClosed()) await nextTurn();
  assert.deepEqual(await exceptionsOf(hasty.view()!, 'ann'), [5]);
  await hasty.close();
});

test('a large directory is read in slices that let other work pass', async (t) => {
  const folder = await temporaryFolder(t);
  const store = await openLmdbStore({ folder });
  const stores = Array.from({ length: 100 }, (_, i) => `store-${i}`);
  const segments = Array.from({ length: 20_000 }, (_, i) =>
    segmentEntry(i, { stores: stores.slice(0, i % 100) }),
  );
  await loadAll(store, 1, segments, new Map([['ann', [19_999]]]));
  let turns = 0;
  let done = false;
  const count = () => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  const reader = await openLmdbStore({ folder, readOnly: true });
  done = true;
  // In one go it would be one or two. How many slices there are depends on how fast the machine is.
  assert(turns >= 5, `${turns} turns of the event loop went by`);
  assert.deepEqual(plainEntries(reader.view()!), segments);
  await reader.close();
  await store.close();
});

test('a full disk fails the load with DISK_FULL, gives its space back and leaves the old load served', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-full-'));
  t.after(async () => {
    spawnSync('umount', ['-l', folder]);
    await rm(folder, { recursive: true, force: true });
  });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]);
  if (mounted.status !== 0)
    return t.skip(`SKIPPED, NOT TESTED: mounting is not permitted: ${mounted.stderr}`);
  const store = await openLmdbStore({ folder, viewGraceMs: 0 });
  await loadMarked(store, 1, 3_000);
  const filler = join(folder, 'filler');
  const free = async () => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  };
  const outcomes = { full: 0, loaded: 0 };
  // From no space at all to enough: the space ends at every stage of a load.
  for (let leave = 0; leave < 6_000_000; leave += leave < 4_000_000 ? 300_000 : 65_536) {
    await writeFile(filler, Buffer.alloc(Math.max(0, (await free()) - leave)));
    const before = store.view()!.asOf.calculationNo;
    const spaceBefore = await free();
    try {
      await loadMarked(store, before + 1, 3_000);
      outcomes.loaded++;
    } catch (error) {
      fails('DISK_FULL', /MiB are free/)(error);
      assert.equal(store.view()!.asOf.calculationNo, before);
      assert.equal(await store.refresh(), false);
      outcomes.full++;
      assert.deepEqual((await free()) >= spaceBefore, true, 'the space of the failed load is given back');
    }
    checkMarked(store.view()!, 3_000, 1);
    await rm(filler);
  }
  // Enough to begin with, and not for all of it: stopped before LMDB itself meets the end of the disk.
  await writeFile(filler, Buffer.alloc((await free()) - 9_000_000));
  const steps: string[] = [];
  await assert.rejects(
    loadMarked(store, 99, 200_000, (step) => steps.push(step)),
    fails('DISK_FULL', /the next step of the load needs/),
  );
  assert(steps.includes('put'), 'the disk sufficed for a part of the load');
  checkMarked(store.view()!, 3_000, 1);
  await rm(filler);
  t.diagnostic(`the disk was full in ${outcomes.full} loads and sufficed for ${outcomes.loaded}`);
  assert(outcomes.full > 3 && outcomes.loaded > 0);
  await loadMarked(store, 100, 3_000);
  checkMarked(store.view()!, 3_000, 1);
  await store.close();
});
