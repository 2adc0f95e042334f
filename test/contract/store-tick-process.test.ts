/**
 * Ticks in the LMDB driver over several real processes: readers see whole ticks only, and a process killed
 * while it applies one leaves that tick or the one before it. `COTERIE_KILLS` sets the number of kills (8).
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CoterieError } from '../../src/model/error.ts';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import { applyMarked, checkTick, loadForTicks, startTickChild } from './store-tick-child.ts';

const KILLS = Number(process.env.COTERIE_KILLS ?? 8);
const CUSTOMERS = 2_000;

async function loadedStore(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-tick-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const store = await openLmdbStore({ folder });
  await loadForTicks(store, CUSTOMERS);
  return { folder, store };
}

function started(t: TestContext, child: ChildProcess): ChildProcess {
  t.after(() => void child.kill('SIGKILL'));
  return child;
}

/** Resolves with the number when a message's number reaches `least`; fails if the child ends before. */
async function reaches(child: ChildProcess, name: 'seen' | 'applied', least: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the process ended with ${code}`));
    const onMessage = (message: unknown) => {
      const number = (message as Record<string, number>)[name]!;
      if (number < least) return;
      child.off('exit', onExit).off('message', onMessage);
      resolve(number);
    };
    child.once('exit', onExit).on('message', onMessage);
  });
}

test('readers in this and in other processes see whole ticks only, in order, and follow to the last', async (t) => {
  const { folder, store } = await loadedStore(t);
  const readers = [1, 2].map(() => started(t, startTickChild('read', folder, CUSTOMERS)));
  await Promise.all(readers.map((reader) => reaches(reader, 'seen', 0)));
  const ticks = 40;
  const last = readers.map((reader) => reaches(reader, 'seen', ticks));
  for (let n = 1; n <= ticks; n++) {
    const applied = applyMarked(store, n, CUSTOMERS);
    assert.equal(checkTick(store.view()!, CUSTOMERS, 1), n - 1);
    await applied;
    assert.equal(checkTick(store.view()!, CUSTOMERS, 1), n);
  }
  await Promise.all(last);
  const { size } = await stat(join(folder, 'gen-1', 'data.mdb'));
  t.diagnostic(`after ${ticks} ticks the file has ${size} bytes`);
  await store.close();
});

test('a process killed while it applies ticks leaves one of them, whole, and not older than it said', async (t) => {
  const { folder, store } = await loadedStore(t);
  await store.close();
  t.diagnostic(`${KILLS} kills`);
  let last = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = started(t, startTickChild('tick', folder, CUSTOMERS));
    let acknowledged = 0;
    child.on('message', ({ applied }: { applied: number }) => {
      acknowledged = applied;
    });
    await reaches(child, 'applied', last + 1 + kill);
    const ended = once(child, 'exit');
    await new Promise((resolve) => setTimeout(resolve, kill));
    child.kill('SIGKILL');
    await ended;
    const found = await openLmdbStore({ folder });
    last = checkTick(found.view()!, CUSTOMERS, 1);
    assert(last >= acknowledged, `tick ${acknowledged} was said, and ${last} found`);
    await found.close();
  }
  const store2 = await openLmdbStore({ folder });
  await applyMarked(store2, last + 1, CUSTOMERS);
  assert.equal(checkTick(store2.view()!, CUSTOMERS, 1), last + 1);
  await store2.close();
});

test('a full disk fails the tick with DISK_FULL and leaves the one before it served', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-full-'));
  t.after(async () => {
    spawnSync('umount', ['-l', folder]);
    await rm(folder, { recursive: true, force: true });
  });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder]);
  if (mounted.status !== 0)
    return t.skip(`SKIPPED, NOT TESTED: mounting is not permitted: ${mounted.stderr}`);
  const store = await openLmdbStore({ folder, viewGraceMs: 0 });
  await loadForTicks(store, CUSTOMERS);
  const filler = join(folder, 'filler');
  const outcomes = { full: 0, applied: 0 };
  for (let leave = 0; leave < 20_000_000; leave += 700_000) {
    const { bavail, bsize } = await statfs(folder);
    await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - leave)));
    const before = checkTick(store.view()!, CUSTOMERS, 1);
    try {
      await applyMarked(store, before + 1, CUSTOMERS);
      outcomes.applied++;
      assert.equal(checkTick(store.view()!, CUSTOMERS, 1), before + 1);
    } catch (error) {
      assert(error instanceof CoterieError && error.code === 'DISK_FULL', `${error}`);
      assert.equal(checkTick(store.view()!, CUSTOMERS, 1), before);
      outcomes.full++;
    }
    await rm(filler);
  }
  t.diagnostic(`the disk was full in ${outcomes.full} ticks and sufficed for ${outcomes.applied}`);
  assert(outcomes.full > 3 && outcomes.applied > 3);
  await store.close();
});

test('beside a store of its process that only reads, a store reads too, and refuses ticks', async (t) => {
  const { folder, store } = await loadedStore(t);
  await store.close();
  const reader = await openLmdbStore({ folder, readOnly: true });
  const writer = await openLmdbStore({ folder });
  checkTick(writer.view()!, CUSTOMERS, 1);
  for (const one of [reader, writer]) {
    await assert.rejects(
      applyMarked(one, 1, CUSTOMERS),
      (error) => error instanceof CoterieError && error.code === 'DATA_FOLDER_UNWRITABLE',
    );
    checkTick(one.view()!, CUSTOMERS, 1);
  }
  await reader.close();
  await writer.close();
  const alone = await openLmdbStore({ folder });
  await applyMarked(alone, 1, CUSTOMERS);
  assert.equal(checkTick(alone.view()!, CUSTOMERS, 1), 1);
  await alone.close();
});
