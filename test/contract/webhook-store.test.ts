/** The contract of the port of webhooks: in memory and on DuckDB. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { openDuckDbWebhookStore } from '../../src/core/webhook/duckdb/duckdb-webhook-store.ts';
import { openMemoryWebhookStore } from '../../src/core/webhook/memory/memory-webhook-store.ts';
import type { WebhookStore } from '../../src/core/webhook/webhook.ts';

type Work = (open: () => Promise<WebhookStore>) => Promise<void>;

async function inMemory(work: Work): Promise<void> {
  const store = openMemoryWebhookStore();
  await work(async () => store);
}

/** Every `open` closes the file and opens it again. */
async function onDuckDb(work: Work): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-webhooks-'));
  let database: Awaited<ReturnType<typeof openDatabase>> | undefined;
  try {
    await work(async () => {
      await database?.close();
      database = await openDatabase({ folder, memoryMiB: 128, threads: 1 });
      return openDuckDbWebhookStore(database);
    });
  } finally {
    await database?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const webhook = (id: string, url = 'http://a.example/') => ({
  id,
  url,
  segments: ['x', "o'y"],
  secret: 'whsec_s',
});
const letter = (webhookId: string, deliveryId: string) => ({
  webhookId,
  deliveryId,
  body: '{"changes":["\'ñ"]}',
  error: 'no',
  attempts: 3,
  failedAt: 1_700_000_000,
});

for (const [name, run] of [
  ['in memory', inMemory],
  ['on DuckDB', onDuckDb],
] as const) {
  describe(`webhooks ${name}`, () => {
    test('are kept with their positions; one that is replaced keeps its own', () =>
      run(async (open) => {
        let store = await open();
        await store.put(webhook('b'), 7);
        await store.put(webhook('a'), 8);
        await store.savePositions(
          new Map([
            ['b', 20],
            ['gone', 1],
          ]),
        );
        await store.put(webhook('b', 'http://b.example/'), 99);
        store = await open();
        assert.deepEqual(await store.list(), [
          { webhook: webhook('a'), position: 8 },
          { webhook: webhook('b', 'http://b.example/'), position: 20 },
        ]);
      }));

    test('bury a batch and move on at once; dead letters are oldest first, each to be removed', () =>
      run(async (open) => {
        let store = await open();
        await store.put(webhook('a'), 1);
        await store.put(webhook('b'), 1);
        await store.bury(letter('a', 'a-2-3'), 3);
        await store.bury(letter('b', 'b-2-9'), 9);
        await store.bury(letter('a', 'a-4-5'), 5);
        store = await open();
        const [first, second] = await store.deadLetters('a', 10);
        assert.deepEqual({ ...first, letterNo: 0 }, { ...letter('a', 'a-2-3'), letterNo: 0 });
        assert.equal(second!.deliveryId, 'a-4-5');
        assert.equal((await store.deadLetters('a', 1)).length, 1);
        await store.removeDeadLetter(first!.letterNo);
        assert.equal(await store.deadLetterCount('a'), 1);
        assert.deepEqual(
          (await store.list()).map(({ position }) => position),
          [5, 9],
        );
      }));

    test('forget a customer in dead letters, and a letter that says nothing else', () =>
      run(async (open) => {
        const store = await open();
        await store.put(webhook('a'), 1);
        const change = (customer: string) => ({ position: 2, customer, entered: ['ann'], exited: [] });
        const body = (...customers: string[]) =>
          JSON.stringify({ webhook: 'a', changes: customers.map(change) });
        const odd = 'o"\'dd ñ\\';
        for (const customers of [['ann', odd], [odd, odd], ['ann', 'bob'], ['bob']]) {
          await store.bury({ ...letter('a', customers.join()), body: body(...customers) }, 3);
        }
        await store.forget([odd, 'ann', 'nobody']);
        const left = await (await open()).deadLetters('a', 10);
        assert.deepEqual(
          left.map((each) => [each.deliveryId, each.body]),
          [
            ['ann,bob', body('bob')],
            ['bob', body('bob')],
          ],
        );
      }));

    test('are removed with their dead letters', () =>
      run(async (open) => {
        const store = await open();
        await store.put(webhook('a'), 1);
        await store.bury(letter('a', 'a-2-3'), 3);
        assert.equal(await store.remove('a'), true);
        assert.equal(await store.remove('a'), false);
        assert.equal(await store.deadLetterCount('a'), 0);
        assert.deepEqual(await store.list(), []);
      }));
  });
}
