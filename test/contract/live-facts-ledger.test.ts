/** The ledger of live facts is derived: whatever becomes of its files, what is read is what the tables say. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type DuckDbDatabase, openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { advanceLedger } from '../../src/core/engine/duckdb/ledger/advance-ledger.ts';
import {
  type DuckDbLiveFacts,
  type LiveFactsOptions,
  openLiveFacts,
} from '../../src/core/engine/duckdb/ledger/duckdb-live-facts.ts';
import { openLedgerFile } from '../../src/core/engine/duckdb/ledger/ledger-file.ts';
import { HASH_STAMP } from '../../src/core/engine/duckdb/ledger/ledger-query.ts';
import { order } from './engine-contract.ts';
import { offsetsOf, readEngine, readLive } from './live-facts-reading.ts';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

interface Opened {
  readonly database: DuckDbDatabase;
  readonly engine: DuckDbEngine;
  readonly facts: DuckDbLiveFacts;
  /** Whether the ledger was built now. */
  readonly isBuilt: boolean;
  close(): Promise<void>;
}

async function open(folder: string, options: LiveFactsOptions = {}): Promise<Opened> {
  const database = await openDatabase({ folder });
  const engine = new DuckDbEngine(database);
  let isBuilt = false;
  const progress = () => {
    isBuilt = true;
  };
  const facts = await openLiveFacts(database, { ...options, progress });
  return {
    database,
    engine,
    facts,
    isBuilt,
    async close() {
      await facts.close();
      await engine.close();
    },
  };
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-ledger-'));
  folders.push(folder);
  return folder;
}

/** Orders of some customers, with totals that tell one batch from another. */
const batch = (from: number, to: number, total: number) =>
  Array.from({ length: to - from }, (_, i) =>
    order(`c${(from + i) % 97}`, `${from + i}`, {
      totalE4: total,
      storeId: `s${(from + i) % 7}`,
      orderedAt: from + i,
    }),
  );

async function assertRight({ engine, facts }: Opened): Promise<void> {
  const customers = Uint32Array.from({ length: (await engine.counts()).customers }, (_, i) => i);
  assert.deepEqual(
    await readLive(engine, facts, customers),
    await readEngine(engine, { knownAt: facts.batchNo }),
  );
}

/** Puts an earlier file of facts in place, without the log of later ones. */
async function restore(folder: string, backup: string): Promise<void> {
  await rm(join(folder, 'coterie.duckdb.wal'), { force: true });
  await copyFile(backup, join(folder, 'coterie.duckdb'));
}

/** Events, scores and entries of lists of some customers; each call brings others. */
const others = (from: number, to: number, version: string) => {
  const customers = Array.from({ length: to - from }, (_, i) => `c${(from + i) % 97}`);
  return {
    events: customers.map((customerId, i) => ({
      customerId,
      eventId: `${from + i}`,
      name: `e${i % 3}`,
      occurredAt: 100_000 - i,
      properties: i % 2 === 0 ? {} : { city: i % 5 === 0 ? 'BCN' : 'é', amount: `${i % 7}` },
    })),
    scores: customers.map((customerId, i) => ({
      customerId,
      model: 'churn',
      version,
      value: i / 7,
      ...(i % 2 === 0 ? {} : { validUntil: i }),
    })),
    listEntries: customers.map((customerId, i) => ({ customerId, list: 'vip', isListed: i % 3 !== 0 })),
  };
};

/** A folder with a base, a tail and an archive. */
async function filledFolder(): Promise<string> {
  const folder = await newFolder();
  const engine = new DuckDbEngine(await openDatabase({ folder }));
  await engine.put({
    orders: batch(0, 500, 1),
    traits: [{ customerId: 'c1', name: 'x', value: '1' }],
    ...others(0, 200, 'v1'),
  });
  await engine.put({ orders: batch(100, 600, 2), traits: [{ customerId: 'c1', name: 'x', value: '2' }] });
  await engine.compact();
  await engine.put({ orders: batch(400, 700, 3), ...others(150, 250, 'v2') });
  await engine.put({ orders: batch(450, 460, 4), traits: [{ customerId: 'new', name: 'y', value: 'z' }] });
  await engine.close();
  return folder;
}

test('a ledger is built from base and tail, and found again', async () => {
  const folder = await filledFolder();
  for (const isBuilt of [true, false, false]) {
    const opened = await open(folder);
    assert.equal(opened.isBuilt, isBuilt);
    assert.equal(opened.facts.batchNo, 4);
    await assertRight(opened);
    await opened.close();
  }
});

test('facts received while the ledger was closed are taken in, compacted or not', async () => {
  const folder = await filledFolder();
  await (await open(folder)).close();
  const engine = new DuckDbEngine(await openDatabase({ folder }));
  await engine.put({ orders: batch(0, 50, 5), traits: [{ customerId: 'c1', name: 'x', value: '3' }] });
  await engine.put({ orders: batch(0, 20, 6) });
  await engine.compact();
  await engine.put({ orders: batch(30, 60, 7) });
  await engine.close();
  const opened = await open(folder);
  assert.equal(opened.isBuilt, false);
  assert.equal(opened.facts.batchNo, 7);
  await assertRight(opened);
  const { customers } = await opened.facts.received(4);
  assert.deepEqual(customers, await opened.engine.affectedCustomers(4, 7));
  await opened.close();
});

test('a tick in between two batches is asked of what was known after the first', async () => {
  const opened = await open(await filledFolder());
  await opened.engine.put({ orders: batch(0, 50, 5) });
  await opened.engine.compact();
  await assertRight(opened);
  // Order 0 of time 0 is in the archive by now, and yet comes to the edge at the ledger's mark.
  await opened.engine.put({ orders: [order('c0', '0', { status: 'cancelled' })] });
  await opened.engine.compact();
  const crossing = await opened.facts.crossing(offsetsOf({ orders: [1_000] }), 999, 1_000);
  assert.deepEqual(await opened.engine.customerIds(crossing), ['c0']);
  await opened.close();
});

test('more than one transaction of facts is taken in whole, or built anew', async () => {
  for (const rebuildRowsMin of [0, 1_000_000]) {
    const opened = await open(await filledFolder(), { rebuildRowsMin });
    await opened.facts.received(4);
    await opened.engine.put({ orders: batch(0, 40_000, 5), ...others(0, 30_000, 'v2') });
    await opened.facts.advance();
    await assertRight(opened);
    const { customers } = await opened.facts.received(4);
    assert.equal(customers.length, 97);
    await opened.close();
  }
});

test('an advance that breaks off between two transactions is done again, or undone with the facts', async () => {
  const folder = await filledFolder();
  const backup = join(folder, 'backup');
  await (await open(folder)).close();
  await copyFile(join(folder, 'coterie.duckdb'), backup);
  const breakOff = async () => {
    const database = await openDatabase({ folder });
    const engine = new DuckDbEngine(database);
    await engine.put({ orders: batch(0, 40_000, 5), ...others(180, 2_000, 'v1') });
    const { stamp } = (await database.row<{ stamp: string }>(HASH_STAMP))!;
    const ledger = await openLedgerFile(folder, stamp);
    let blocks = 0;
    const orders = () => {
      if (++blocks === 2) throw new Error('broken off');
    };
    const nothing = () => {};
    const fresh = { orders, traits: nothing, events: nothing, erased: nothing, newCustomer: nothing };
    const scoreNames = { hidden: new Set<number>(), dropped: new Set<number>() };
    const step = { mark: ledger.mark()!, scoreNames, fresh };
    await assert.rejects(advanceLedger(database, ledger, step), /broken off/);
    assert.equal(ledger.mark()!.batchNo, 4);
    await ledger.close();
    await engine.close();
  };
  await breakOff();
  const again = await open(folder);
  assert.deepEqual([again.isBuilt, again.facts.batchNo], [false, 5]);
  await assertRight(again);
  await again.close();

  await restore(folder, backup);
  await (await open(folder)).close();
  await breakOff();
  // Values reach further than the facts that are there now.
  await restore(folder, backup);
  const undone = await open(folder);
  assert.deepEqual([undone.isBuilt, undone.facts.batchNo], [true, 4]);
  await assertRight(undone);
  await undone.close();
});

test('a scan that is under way goes on with what it began with, while facts are taken in', async () => {
  const opened = await open(await newFolder());
  await opened.engine.put({ orders: batch(0, 70_000, 1) });
  await opened.facts.advance();
  const customers = Uint32Array.from({ length: 97 }, (_, i) => i);
  let orders = 0;
  for await (const read of opened.facts.scan(customers, { amounts: true, traits: false })) {
    if (orders === 0) {
      await opened.engine.put({ orders: batch(60_000, 130_000, 2) });
      await opened.facts.advance();
    }
    orders += read.orderCount;
    for (let i = 0; i < read.orderCount; i++) assert.equal(read.totalE4![i], 1);
    read.release();
  }
  assert.equal(orders, 70_000);
  await assertRight(opened);
  await opened.close();
});

test('a ledger that cannot be trusted is built anew', async (context) => {
  const damages: Record<string, (ledger: string) => Promise<void>> = {
    'of another format': async (ledger) => {
      const state = JSON.parse(await readFile(join(ledger, 'STATE'), 'utf8'));
      await writeFile(join(ledger, 'STATE'), JSON.stringify({ ...state, format: '0.1 v0' }));
    },
    'of values of an earlier format': async (ledger) => {
      const state = JSON.parse(await readFile(join(ledger, 'STATE'), 'utf8'));
      const format = state.format.replace(/^(\d+)\.(\d+)/, (_: string, file: string) => `${file}.1`);
      assert.notEqual(format, state.format);
      await writeFile(join(ledger, 'STATE'), JSON.stringify({ ...state, format }));
    },
    'whose state is missing': (ledger) => rm(join(ledger, 'STATE')),
    'whose state is garbage': (ledger) => writeFile(join(ledger, 'STATE'), 'garbage'),
    'left open by a machine that was started anew': async (ledger) => {
      const state = JSON.parse(await readFile(join(ledger, 'STATE'), 'utf8'));
      await writeFile(
        join(ledger, 'STATE'),
        JSON.stringify({ format: state.format, closed: false, bootId: 'before' }),
      );
    },
    'that was cut off': async (ledger) => {
      const { size } = await stat(join(ledger, 'data.mdb'));
      await truncate(join(ledger, 'data.mdb'), size / 2);
    },
    'that is no LMDB file': async (ledger) => {
      const { size } = await stat(join(ledger, 'data.mdb'));
      await writeFile(join(ledger, 'data.mdb'), Buffer.alloc(size, 1));
    },
    'whose data is missing': (ledger) => rm(join(ledger, 'data.mdb')),
  };
  const folder = await filledFolder();
  await (await open(folder)).close();
  for (const [name, damage] of Object.entries(damages)) {
    await context.test(name, async () => {
      await damage(join(folder, 'ledger'));
      const opened = await open(folder);
      assert.equal(opened.isBuilt, true);
      await assertRight(opened);
      await opened.close();
    });
  }
});

test('a ledger of facts that are no more is built anew: a restored file, also one that went on', async () => {
  const folder = await filledFolder();
  const database = join(folder, 'coterie.duckdb');
  await copyFile(database, join(folder, 'backup'));
  const ahead = await open(folder);
  await ahead.engine.put({ orders: batch(0, 50, 5) });
  await ahead.facts.advance();
  await ahead.close();
  await restore(folder, join(folder, 'backup'));
  const restored = await open(folder);
  assert.deepEqual([restored.isBuilt, restored.facts.batchNo], [true, 4]);
  await assertRight(restored);
  await restored.close();

  // The same batch number once more, with other facts in it.
  const engine = new DuckDbEngine(await openDatabase({ folder }));
  await engine.put({ orders: batch(0, 51, 6) });
  await engine.close();
  const wentOn = await open(folder);
  assert.deepEqual([wentOn.isBuilt, wentOn.facts.batchNo], [false, 5]);
  await wentOn.close();
  await restore(folder, join(folder, 'backup'));
  const other = new DuckDbEngine(await openDatabase({ folder }));
  await other.put({ orders: batch(0, 52, 7) });
  await other.put({ orders: batch(0, 53, 8) });
  await other.close();
  const after = await open(folder);
  assert.deepEqual([after.isBuilt, after.facts.batchNo], [true, 6]);
  await assertRight(after);
  await after.close();
});

test('a customer whose facts were erased has none, and is named once', async () => {
  const opened = await open(await filledFolder());
  const { database, engine, facts } = opened;
  await engine.put({ orders: batch(0, 200, 5) });
  await facts.advance();
  const customerNo = (await engine.customerNo('c1'))!;
  await database.exclusive(async (session) => {
    const tables = ['customer', 'trait', 'order_base', 'order_tail', 'order_archive'];
    for (const table of [...tables, 'event', 'score', 'list_entry']) {
      await session.run(`DELETE FROM ${table} WHERE customer_no = ${customerNo}`);
    }
    await session.run(`INSERT INTO customer_erasure VALUES (${customerNo}, 6)`);
    await session.run(
      `INSERT INTO batch SELECT 6, received_at, 'erasure', 'erasure', NULL, 0, 0, 0, 0, 0, NULL FROM batch WHERE batch_no = 5`,
    );
  });
  await facts.advance();
  for await (const read of facts.scan(Uint32Array.of(customerNo), { amounts: true, traits: true })) {
    assert.fail(`${read.orderCount} orders and ${read.traitCount} traits are left`);
  }
  for (const after of [5, 4]) {
    const { customers, newCustomers } = await facts.received(after);
    assert(customers.includes(customerNo));
    assert(!newCustomers.ids.includes('c1'));
  }
  const others = (await facts.received(0)).customers.filter((other) => other !== customerNo);
  assert.deepEqual(await readLive(engine, facts, others), await readEngine(engine));
  await opened.close();
});
