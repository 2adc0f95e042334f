/** `kill -9` at random moments of a process that takes facts in: its ledger is whole, and goes on. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { readEngine, readLive } from './live-facts-reading.ts';

const KILLS = Number(process.env.COTERIE_KILLS ?? 6);
const LIFE_MS_MAX = 1_500;
const CHILD = fileURLToPath(new URL('./live-facts-child.ts', import.meta.url));

/** Runs a child until it is killed, that long after it has said a word first. Returns its last batch. */
async function live(folder: string, killAfterMs: number, word: 'open' | 'advanced'): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let advanced = 0;
  let timer: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes(word)) timer ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    for (const [, batchNo] of text.matchAll(/advanced (\d+)/g)) advanced = Number(batchNo);
  });
  const signal = await new Promise((resolve) => child.once('close', (_, by) => resolve(by)));
  clearTimeout(timer);
  assert.equal(signal, 'SIGKILL', 'the child lives until it is killed');
  return advanced;
}

/** Opens what is there and compares all of it with the tables; returns whether the ledger was built anew. */
async function assertWhole(folder: string): Promise<{ readonly batchNo: number; readonly isBuilt: boolean }> {
  const engine = new DuckDbEngine(await openDatabase({ folder }));
  try {
    let isBuilt = false;
    const facts = await engine.openLiveFacts(() => {
      isBuilt = true;
    });
    try {
      const { batchNo, customers } = await engine.counts();
      assert.equal(facts.batchNo, batchNo);
      const everyone = Uint32Array.from({ length: customers }, (_, i) => i);
      assert.deepEqual(await readLive(engine, facts, everyone), await readEngine(engine));
      return { batchNo, isBuilt };
    } finally {
      await facts.close();
    }
  } finally {
    await engine.close();
  }
}

test('a ledger whose process is killed at any moment is whole, and a copy of it is not trusted', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-live-kill-'));
  const copy = await mkdtemp(join(tmpdir(), 'coterie-live-copy-'));
  try {
    let known = 0;
    let built = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      // While the ledger is opened or built, or while facts are taken in, however slow the machine is.
      const word = kill % 2 === 0 ? 'advanced' : 'open';
      const advanced = await live(folder, Math.random() * LIFE_MS_MAX, word);
      if (advanced > 0 && kill % 3 === 0) {
        await cp(folder, copy, { recursive: true, force: true });
        assert.equal((await assertWhole(copy)).isBuilt, true, 'a copy may be of the middle of a write');
        await rm(copy, { recursive: true, force: true });
      }
      const found = await assertWhole(folder);
      assert(found.batchNo >= Math.max(known, advanced), 'no batch is lost');
      if (found.isBuilt) built++;
      // Where the system does not tell when it was started, a ledger that was not closed is never trusted.
      if (process.platform === 'linux' && known > 0)
        assert.equal(found.isBuilt, false, 'it is not built again');
      known = found.batchNo;
    }
    context.diagnostic(`${KILLS} kills, ${known} batches; built ${built} times`);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(copy, { recursive: true, force: true });
  }
});
