/**
 * The LMDB driver, held to the contract of the change-log port, to the in-memory oracle through random
 * lives, and to its promise when its process is killed. `COTERIE_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ChangeLog } from '../../src/core/change/change-log.ts';
import { openLmdbChangeLog } from '../../src/core/change/lmdb/lmdb-change-log.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import { startAppender } from './change-log-child.ts';
import { change, changeLogContract, tick } from './change-log-contract.ts';

const RUNS = Number(process.env.COTERIE_RUNS ?? 20);
const KILLS = Number(process.env.COTERIE_KILLS ?? 8);
const SEED = Number(process.env.COTERIE_SEED ?? Date.now() % 2 ** 31);

async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'coterie-change-'));
}

changeLogContract('LMDB', async () => {
  const folder = await temporaryFolder();
  let log = await openLmdbChangeLog({ folder });
  return {
    log,
    async openAgain() {
      await log.close();
      log = await openLmdbChangeLog({ folder });
      return log;
    },
    async close() {
      await log.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

const arbitraryStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      batchNo: fc.nat(3),
      customers: fc.uniqueArray(fc.nat(9), { maxLength: 10 }),
    }),
  },
  fc.record({ kind: fc.constant('truncate' as const), back: fc.nat(3), batchNo: fc.nat(3) }),
  fc.record({ kind: fc.constant('retain' as const), back: fc.nat(6) }),
  fc.record({ kind: fc.constant('forget' as const), customerNo: fc.nat(9) }),
  fc.record({ kind: fc.constant('open again' as const) }),
);

test('LMDB and the list in memory answer alike through any life of a log', async (t) => {
  t.diagnostic(`seed ${SEED}, ${RUNS} lives`);
  const lives = fc.asyncProperty(fc.array(arbitraryStep, { maxLength: 25 }), async (steps) => {
    const folder = await temporaryFolder();
    let lmdb = await openLmdbChangeLog({ folder });
    const memory = openMemoryChangeLog();
    try {
      for (const [at, step] of steps.entries()) {
        if (step.kind === 'open again') {
          await lmdb.close();
          lmdb = await openLmdbChangeLog({ folder });
        } else {
          for (const log of [lmdb, memory]) await take(log, step, at);
        }
        await compare(lmdb, memory);
      }
    } finally {
      await lmdb.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
  await fc.assert(lives, { seed: SEED, numRuns: RUNS });
});

type Step = typeof arbitraryStep extends fc.Arbitrary<infer S> ? S : never;

async function take(log: ChangeLog, step: Step, at: number): Promise<void> {
  if (step.kind === 'append') {
    const changes = step.customers.map((no) => change(no, [at, at + 300], [no + 1]));
    await log.append(tick(at, changes, { batchNo: step.batchNo }));
  }
  if (step.kind === 'truncate') {
    await log.truncate({ moment: at - step.back, batchNo: step.batchNo, catalogNo: 1 });
  }
  if (step.kind === 'retain') await log.retain(at - step.back);
  if (step.kind === 'forget') await log.forget(step.customerNo);
}

async function compare(found: ChangeLog, expected: ChangeLog): Promise<void> {
  assert.equal(found.position, expected.position);
  assert.equal(await found.oldestPosition(), await expected.oldestPosition());
  for (const [after, limit] of [
    [0, 1_000],
    [3, 4],
    [expected.position - 1, 10],
  ] as const) {
    assert.deepEqual(await found.read(after, limit), await expected.read(after, limit));
  }
  for (let no = 0; no < 10; no++) assert.deepEqual(await found.ofCustomer(no), await expected.ofCustomer(no));
}

test('a process killed while it appends leaves whole ticks, without gaps or repeats', async (t) => {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  t.diagnostic(`${KILLS} kills`);
  let last = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = startAppender(folder);
    let acknowledged = 0;
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the process ended with ${code}`)));
      child.on('message', ({ at }: { at: number }) => {
        acknowledged = at;
        if (at >= last + 2 + kill) resolve();
      });
    });
    child.removeAllListeners('exit');
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    last = await checkAppended(folder, acknowledged);
  }
});

/** Tick n has some hundreds or thousands of changes, all of segment n: see change-log-child.ts. */
async function checkAppended(folder: string, acknowledged: number): Promise<number> {
  const log = await openLmdbChangeLog({ folder });
  let position = 0;
  let at = 0;
  let left = 0;
  for (let page = await log.read(0, 5_000); page.length > 0; page = await log.read(position, 5_000)) {
    for (const found of page) {
      assert.equal(found.position, ++position);
      if (left === 0) {
        at++;
        left = found.exited[0]!;
      }
      assert.deepEqual([found.at, found.entered], [at, [at]]);
      left--;
    }
  }
  assert.equal(left, 0, `tick ${at} is not whole`);
  assert.equal(log.position, position);
  assert(at >= acknowledged, `tick ${acknowledged} was acknowledged, and ${at} is the last`);
  await log.close();
  return at;
}
