/** A disk that is full at every stage of an import: a clear error, nothing of the batch, nothing lost. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { CoterieError } from '../../src/model/error.ts';

const ORDERS = 20_000;

function fileOf(prefix: string): string {
  const rows = Array.from(
    { length: ORDERS },
    (_, i) => `${prefix}${i % 997},${prefix}-${i},s${i % 31},2020-01-01,1`,
  );
  return `customer_id,order_id,store_id,ordered_at,total\n${rows.join('\n')}\n`;
}

test('a full disk fails the import with DISK_FULL, keeps what was there, and the next import works', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'coterie-full-'));
  const folder = join(root, 'disk');
  t.after(async () => {
    spawnSync('umount', ['-l', folder]);
    await rm(root, { recursive: true, force: true });
  });
  spawnSync('mkdir', [folder]);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', folder]);
  if (mounted.status !== 0) {
    return t.skip(`SKIPPED, NOT TESTED: mounting is not permitted: ${mounted.stderr}`);
  }
  const engine = new DuckDbEngine(await openDatabase({ folder, memoryMiB: 256 }));
  const file = join(root, 'orders.csv');
  const load = async (prefix: string) => {
    await writeFile(file, fileOf(prefix));
    return engine.importFile({ source: 'orders', file, map: {}, strict: false });
  };
  const filler = join(folder, 'filler');
  const free = async () => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  };
  await load('first');
  let loads = 1;
  let full = 0;
  for (let leave = 0; leave <= 4_000_000; leave += 400_000) {
    await writeFile(filler, Buffer.alloc(Math.max(0, (await free()) - leave)));
    try {
      await load(`at${leave}`);
      loads++;
    } catch (error) {
      assert(error instanceof CoterieError, String(error));
      assert.equal(error.code, 'DISK_FULL', error.message);
      full++;
    }
    await rm(filler);
    assert.equal((await engine.counts()).orders, loads * ORDERS);
  }
  t.diagnostic(`the disk was full in ${full} imports and sufficed for ${loads - 1}`);
  assert(full > 0 && loads > 1);
  await load('last');
  await engine.close();
  const again = new DuckDbEngine(await openDatabase({ folder }));
  assert.equal((await again.counts()).orders, (loads + 1) * ORDERS);
  await again.close();
});
