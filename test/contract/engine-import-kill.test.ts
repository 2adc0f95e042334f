/** `kill -9` at random moments of imports: every batch is there whole or not at all. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';

const KILLS = Number(process.env.COTERIE_KILLS ?? 10);
const CHILD = fileURLToPath(new URL('./engine-import-child.ts', import.meta.url));
/** Orders that a file repeats of the one before, with a new total; as many again are new. */
const HALF = 4_000;
const FILES_PER_LIFE = 3;

/** Batch b (from 1) holds orders (b − 1) · HALF to (b + 1) · HALF, each with total b. */
function fileOf(batchNo: number): string {
  const rows = Array.from({ length: 2 * HALF }, (_, i) => {
    const order = (batchNo - 1) * HALF + i;
    return `c${order % 997},${order},s${order % 31},2020-01-01T00:00:00Z,${batchNo}`;
  });
  return `customer_id,order_id,store_id,ordered_at,total\n${rows.join('\n')}\n`;
}

/** What is known after `batches` of them. */
function expected(batches: number): { readonly orders: number; readonly total: number } {
  let total = 0;
  for (let block = 1; block <= batches + 1; block++) total += HALF * Math.min(block, batches);
  return batches === 0 ? { orders: 0, total: 0 } : { orders: HALF * (batches + 1), total };
}

async function found(engine: DuckDbEngine, knownAt: number): Promise<ReturnType<typeof expected>> {
  let orders = 0;
  let total = 0;
  for await (const batch of engine.scan({ columns: { amounts: true, traits: false }, knownAt })) {
    orders += batch.orderCount;
    for (let i = 0; i < batch.orderCount; i++) total += batch.totalE4![i]! / 10_000;
    batch.release();
  }
  return { orders, total };
}

interface Life {
  /** The last batch that the child said was imported. */
  readonly acknowledged: number;
  /** From the opening of the folder to the end. */
  readonly ms: number;
}

/** Runs a child until its end, or until a kill that long after it has opened the folder. */
async function live(folder: string, files: readonly string[], killAfterMs?: number): Promise<Life> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folder, ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let acknowledged = 0;
  let opened = 0;
  let timer: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('open')) opened = performance.now();
    if (text.includes('open') && killAfterMs !== undefined) {
      timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    }
    for (const [, batchNo] of text.matchAll(/imported (\d+)/g)) acknowledged = Number(batchNo);
  });
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return { acknowledged, ms: performance.now() - opened };
}

test('an import that is killed leaves all of its batch or nothing, and earlier batches whole', async (context) => {
  const root = await mkdtemp(join(tmpdir(), 'coterie-import-kill-'));
  const folder = join(root, 'data');
  const files: string[] = [];
  const file = async (batchNo: number) => {
    files[batchNo] = join(root, `${batchNo}.csv`);
    await writeFile(files[batchNo]!, fileOf(batchNo));
    return files[batchNo]!;
  };
  try {
    const first = await live(folder, [await file(1), await file(2)]);
    assert.equal(first.acknowledged, 2);
    let known = 2;
    const longestMs = (first.ms / 2) * FILES_PER_LIFE;
    let partial = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const next = await Promise.all(Array.from({ length: FILES_PER_LIFE }, (_, i) => file(known + 1 + i)));
      const { acknowledged } = await live(folder, next, Math.random() * longestMs);
      const engine = new DuckDbEngine(await openDatabase({ folder }));
      try {
        const { batchNo } = await engine.counts();
        assert(batchNo >= Math.max(acknowledged, known), 'what was acknowledged is there');
        assert(batchNo <= known + FILES_PER_LIFE);
        if (batchNo < known + FILES_PER_LIFE) partial++;
        const past = 1 + Math.floor(Math.random() * batchNo);
        assert.deepEqual(await found(engine, batchNo), expected(batchNo));
        assert.deepEqual(await found(engine, past), expected(past));
        assert.equal((await engine.counts()).orders, expected(batchNo).orders);
        assert.deepEqual(await readdir(join(folder, 'spill')).catch(() => []), [], 'no copy is left over');
        known = batchNo;
      } finally {
        await engine.close();
      }
    }
    context.diagnostic(
      `${KILLS} kills, ${partial} of them before the last batch; ${known} batches at the end`,
    );
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
