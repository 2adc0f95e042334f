/**
 * The LMDB driver over several real processes: readers while loads switch, and loaders that are killed.
 * `COTERIE_KILLS` sets the number of kills (10), `COTERIE_SEED` repeats their moments as far as they can be.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CoterieError } from '../../src/model/error.ts';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import { checkMarked, loadMarked, startChild } from './store-lmdb-child.ts';

const KILLS = Number(process.env.COTERIE_KILLS ?? 10);
const SEED = Number(process.env.COTERIE_SEED ?? Date.now() % 2 ** 31);

async function temporaryFolder(t: { after(done: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-process-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Messages of a child until one passes; the child's end before that is a failure. */
async function messageOf<T>(child: ChildProcess, passes: (message: T) => boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the process ended with ${code}`));
    const onMessage = (message: unknown) => {
      if (!passes(message as T)) return;
      child.off('message', onMessage).off('exit', onExit);
      resolve(message as T);
    };
    child.on('message', onMessage).once('exit', onExit);
  });
}

test('readers in other processes see whole loads only, while one load after the other is switched in', async (t) => {
  const [customers, loads] = [3_000, 25];
  const folder = await temporaryFolder(t);
  const store = await openLmdbStore({ folder });
  const readers = [1, 2, 3].map(() => startChild('read', folder, customers));
  t.after(() => readers.forEach((reader) => void reader.kill('SIGKILL')));
  await loadMarked(store, 1, customers);
  await Promise.all(readers.map((reader) => messageOf<{ seen?: number }>(reader, ({ seen }) => seen === 1)));
  const last = readers.map((reader) => messageOf<{ seen?: number }>(reader, ({ seen }) => seen === loads));
  for (let n = 2; n <= loads; n++) {
    await loadMarked(store, n, customers);
    checkMarked(store.view()!, customers, 1);
  }
  await Promise.all(last);
  for (const reader of readers) {
    const report = messageOf<{ looks?: number; loads: number }>(reader, ({ looks }) => looks !== undefined);
    const ended = once(reader, 'exit');
    reader.send('stop');
    const { looks, loads: seen } = await report;
    t.diagnostic(`a reader looked ${looks} times and saw ${seen} of ${loads} loads`);
    assert(seen > 1);
    assert.deepEqual((await ended)[0], 0);
  }
  await store.close();
});

test('while another process loads, a load is refused with that process named', async (t) => {
  const folder = await temporaryFolder(t);
  const loader = startChild('load', folder, 50_000);
  t.after(() => void loader.kill('SIGKILL'));
  await messageOf<{ step: string }>(loader, ({ step }) => step === 'begun');
  const store = await openLmdbStore({ folder });
  await assert.rejects(
    store.beginLoad(),
    (error) =>
      error instanceof CoterieError &&
      error.code === 'CALCULATION_RUNNING' &&
      error.details.pid === loader.pid,
  );
  await store.close();
});

test('a loader killed at any moment leaves the old or the new load, whole, and a store that can be loaded', async (t) => {
  const customers = 8_000;
  const folder = await temporaryFolder(t);
  const random = pseudoRandom(SEED);
  t.diagnostic(`seed ${SEED}, ${KILLS} kills`);
  const left = { old: 0, new: 0 };
  for (let kill = 0; kill < KILLS; kill++) {
    const { begun, committed } = await killAfterSteps(
      folder,
      customers,
      1 + Math.floor(random() * 25),
      random() * 4,
    );
    const store = await openLmdbStore({ folder });
    const n = store.view()?.asOf.calculationNo ?? 0;
    if (store.view()) checkMarked(store.view()!, customers, 1);
    assert(n >= committed, `load ${committed} was acknowledged, and load ${n} is served`);
    assert(n <= begun, `load ${begun} was the last to begin, and load ${n} is served`);
    left[n === begun ? 'new' : 'old']++;
    if (kill % 3 === 2) {
      await loadMarked(store, n + 1, customers);
      checkMarked(store.view()!, customers, 1);
      const names = (await readdir(folder)).filter((name) => name !== 'CURRENT');
      assert(names.length <= 2 && names.every((name) => /^gen-\d+$/.test(name)), `left behind: ${names}`);
    }
    await store.close();
  }
  t.diagnostic(`the last load begun was in force after ${left.new} kills, the one before after ${left.old}`);
});

/** Lets a child load, kills it some milliseconds after some number of steps, and tells what it had said. */
async function killAfterSteps(
  folder: string,
  customers: number,
  steps: number,
  thenMs: number,
): Promise<{ begun: number; committed: number }> {
  const child = startChild('load', folder, customers);
  const heard = { begun: 0, committed: 0 };
  let count = 0;
  await messageOf<{ step: string; n: number }>(child, ({ step, n }) => {
    if (step === 'committed') heard.committed = n;
    if (step === 'begun') heard.begun = n;
    return ++count >= steps;
  });
  child.on('message', ({ step, n }: { step: string; n: number }) => {
    if (step === 'begun') heard.begun = n;
    if (step === 'committed') heard.committed = n;
  });
  const ended = once(child, 'exit');
  await new Promise((resolve) => setTimeout(resolve, thenMs));
  child.kill('SIGKILL');
  await ended;
  return heard;
}

/** Mulberry32: the same moments for the same seed. */
function pseudoRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
