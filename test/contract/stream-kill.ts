/**
 * `kill -9` at random moments of a process that takes facts in under load: what is there in the end is what
 * was published, and no row was taken in twice. Every row says something new, so a row that is taken in
 * again shows in the record of batches, even though it changes no fact.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { order, type Published, type StreamFixture } from './stream-contract.ts';

const KILLS = 10;
const CHILD = fileURLToPath(new URL('./stream-kill-child.ts', import.meta.url));
const LIFE_MS_MAX = 1200;
const PUBLISH_MESSAGES = 100;
const PUBLISH_PERIOD_MS = 50;
const ROWS_PER_MESSAGE = 2;
/** Every so many messages an order gets its next version: it stays in its partition. */
const ORDERS = 40_000;

/** Message i holds two rows, each of which no other message holds. */
function message(i: number): Published {
  const row = (half: number) => {
    const id = (i % ORDERS) * 2 + half;
    return order(`c${id % 997}`, `${id}`, { total: 1 + Math.floor(i / ORDERS), store_id: `s${id % 31}` });
  };
  return { source: 'orders', body: JSON.stringify([row(0), row(1)]), partition: i % 2 };
}

/** Publishes until it is told to stop; tells how many messages there are. */
function publisher(fixture: StreamFixture): { stop(): Promise<number> } {
  let published = 0;
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      await fixture.publish(Array.from({ length: PUBLISH_MESSAGES }, (_, k) => message(published + k)));
      published += PUBLISH_MESSAGES;
      await delay(PUBLISH_PERIOD_MS);
    }
  })();
  // A failure is told by stop().
  running.catch(() => {});
  return {
    async stop() {
      stopped = true;
      await running;
      return published;
    },
  };
}

/** Runs a child until it is killed, or until it says that so many messages are durable. */
async function live(args: readonly string[], end: { readonly killAfterMs: number } | 'when done') {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let put = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    put ||= text.includes('put');
    if (text.includes('open') && end !== 'when done') {
      setTimeout(() => child.kill('SIGKILL'), end.killAfterMs);
    }
    if (text.includes('caught up') && end === 'when done') child.stdin.end();
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('close', (...ended) => resolve(ended)),
  );
  assert.ok(signal === 'SIGKILL' || code === 0, `the child ended with ${code}`);
  return { put };
}

/** Defines the test for one broker; `child` are the arguments that make the child open the same stream. */
export function streamKill(
  name: string,
  broker: {
    readonly skip: string | false;
    open(): Promise<StreamFixture>;
    child(stream: string): readonly string[];
    /** Unless `COTERIE_KILLS` says otherwise; default 10. */
    readonly kills?: number;
  },
): void {
  const sentence = `a process that takes facts in from ${name} and is killed loses none and doubles none`;
  const kills = Number(process.env.COTERIE_KILLS ?? broker.kills ?? KILLS);
  test(sentence, { skip: broker.skip }, async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'coterie-stream-kill-'));
    try {
      const fixture = await broker.open();
      const args = [folder, ...broker.child(fixture.stream.name)];
      const publishing = publisher(fixture);
      let during = 0;
      for (let kill = 0; kill < kills; kill++) {
        const { put } = await live(args, { killAfterMs: Math.random() * LIFE_MS_MAX });
        if (put) during++;
      }
      const published = await publishing.stop();
      await live(args, 'when done');
      const database = await openDatabase({ folder });
      try {
        const [batches] = await database.rows(
          'SELECT sum(row_count) AS rows, sum(unchanged) AS doubled FROM batch',
        );
        assert.deepEqual(batches, { rows: published * ROWS_PER_MESSAGE, doubled: 0 });
        const found = await database.rows(
          `SELECT order_id::UINTEGER AS id, max(total_e4)::UINTEGER AS total FROM
             (SELECT * FROM order_base UNION ALL SELECT * FROM order_tail) GROUP BY ALL ORDER BY id`,
        );
        const expected = Array.from({ length: Math.min(published, ORDERS) * 2 }, (_, id) => ({
          id,
          total: 10_000 * (1 + Math.floor((published - 1 - Math.floor(id / 2)) / ORDERS)),
        }));
        assert.deepEqual(found, expected);
      } finally {
        await database.close();
      }
      context.diagnostic(`${kills} kills, ${during} after a first batch; ${published} messages`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
