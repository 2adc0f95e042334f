import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { engineContract, order } from './engine-contract.ts';
import { engineEventContract } from './engine-event-contract.ts';
import { enginePopulationContract } from './engine-population-contract.ts';
import { engineScoreContract } from './engine-score-contract.ts';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function open(): Promise<DuckDbEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-engine-'));
  folders.push(folder);
  return new DuckDbEngine(await openDatabase({ folder }));
}

engineContract('DuckDB', open);
engineEventContract('DuckDB', open);
engineScoreContract('DuckDB', open);
enginePopulationContract('DuckDB', open);

test('a scan goes on with the state it began with while facts are put and compacted', async () => {
  const engine = await open();
  const customers = 40_000;
  const put = (totalE4: number, count: number) =>
    engine.put({ orders: Array.from({ length: count }, (_, i) => order(`c${i}`, '1', { totalE4 })) });
  await put(1, customers);
  await put(2, 100);
  const scan = engine.scan({ columns: { amounts: true, traits: true }, batchOrders: 1_000 });
  let read = 0;
  let sum = 0;
  for await (const batch of scan) {
    if (read === 0) {
      await put(10, customers);
      await engine.compact();
      await put(20, customers);
      await engine.compact();
    }
    read += batch.orderCount;
    for (let i = 0; i < batch.orderCount; i++) sum += batch.totalE4![i]!;
    batch.release();
  }
  assert.deepEqual([read, sum], [customers, customers + 100]);
  const now = await engine.customerFacts('c7');
  assert.equal(now.orders[0]!.totalE4, 20);
  await engine.close();
});

test('a scan waits for its reader instead of filling the memory', async () => {
  const engine = await open();
  await engine.put({ orders: Array.from({ length: 100 }, (_, i) => order(`c${i}`, '1')) });
  const scan = engine.scan({ columns: { amounts: false, traits: false }, batchOrders: 1 });
  const held = [];
  let waiting: Promise<unknown> | undefined;
  const batches = scan[Symbol.asyncIterator]();
  // The first may take long on a busy machine: what waits is one that comes after others.
  held.push((await batches.next()).value!);
  for (;;) {
    const next = batches.next();
    const outcome = await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 500, 'waiting'))]);
    if (outcome === 'waiting') {
      waiting = next;
      break;
    }
    held.push((await next).value!);
    assert(held.length < 20, 'batches are not limited');
  }
  held[0]!.release();
  held[0]!.release();
  await waiting;
  await Promise.all(held.slice(1).map((batch) => batch.release()));
  let rest = 0;
  for (let next = await batches.next(); !next.done; next = await batches.next()) {
    rest += next.value.orderCount;
    next.value.release();
  }
  assert.equal(held.length + 1 + rest, 100);
  await engine.close();
});
