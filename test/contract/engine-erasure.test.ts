/** What every engine promises about customers who are erased, and readmitted. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import type { Engine } from '../../src/core/engine/engine.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { NO_FACTS } from '../../src/core/evaluate/naive.ts';
import { engineTest, order } from './engine-contract.ts';
import { event } from './engine-event-contract.ts';
import { readCustomers, readScan } from './engine-reading.ts';
import { listed, score } from './engine-score-contract.ts';
import { readEngine } from './live-facts-reading.ts';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-erasure-'));
  folders.push(folder);
  return folder;
}

const DRIVERS: Readonly<Record<string, () => Promise<Engine>>> = {
  memory: async () => new MemoryEngine(),
  DuckDB: async () => new DuckDbEngine(await openDatabase({ folder: await newFolder() })),
};

const FACTS = {
  orders: [order('ann', '1', { totalE4: 5 }), order('bob', '1'), order('cid', '1')],
  traits: [
    { customerId: 'ann', name: 'email', value: 'ann@example.org' },
    { customerId: 'ann', name: 'city', value: 'BCN' },
    { customerId: 'bob', name: 'city', value: 'BCN' },
  ],
  events: [event('ann', '1', { properties: { email: 'ann@example.org' } }), event('bob', '1')],
  scores: [score('ann', 0.5), score('bob', 0.25)],
  listEntries: listed('vip', 'ann', 'bob'),
};

for (const [name, open] of Object.entries(DRIVERS)) {
  const test = engineTest(open);

  describe(`erasure in the ${name} engine`, () => {
    test('removes the customer and all versions of all facts, and nobody else', async (engine) => {
      await engine.put(FACTS);
      await engine.put({ orders: [order('ann', '1', { totalE4: 6 })] });
      assert.deepEqual(await engine.eraseCustomer('ann'), { batchNo: 3 });
      assert.equal(await engine.lastBatchNo(), 3);
      for (const knownAt of [3, 2, 1]) {
        assert.deepEqual(Object.keys(await readScan(engine, { knownAt })).sort(), ['bob', 'cid']);
        assert.deepEqual(await engine.customerFacts('ann', knownAt), NO_FACTS);
      }
      assert.deepEqual(await readCustomers(engine), ['bob', 'cid']);
      assert.equal(await engine.customerNo('ann'), undefined);
      for (const knownAt of [3, 2, 1]) {
        const read = await readEngine(engine, { knownAt });
        assert.deepEqual(Object.keys(read).sort(), ['bob', 'cid']);
        assert.deepEqual([read.bob!.events.length, read.bob!.values.length], [1, 3]);
      }
      const { customers, orders, traits, events, scores, listEntries } = await engine.counts();
      assert.deepEqual([customers, orders, traits], [2, 2, 1]);
      assert.deepEqual([events, scores, listEntries], [1, 1, 1]);
      assert.deepEqual(await engine.lists(), [{ list: 'vip', customers: 1 }]);
      assert.equal((await engine.models())[0]!.versions[0]!.scores, 1);
      assert.equal((await engine.customerFacts('bob')).traits.get('city'), 'BCN');
    });

    test('names the customer as affected, and holds the id until it is settled', async (engine) => {
      await engine.put(FACTS);
      const customerNo = (await engine.customerNo('bob'))!;
      await engine.eraseCustomer('bob');
      assert.deepEqual([...(await engine.affectedCustomers(1, 2))], [customerNo]);
      assert.deepEqual(await engine.erasures(1), [
        { customerNo, batchNo: 2, customerId: 'bob', isPending: true },
      ]);
      assert.deepEqual(await engine.erasures(2), []);
      assert.deepEqual(await engine.erasures(0, 1), []);
      await engine.settleErasures(1, 'all');
      assert.equal((await engine.erasures(0))[0]!.customerId, 'bob');
      await engine.settleErasures(2, 'ids');
      assert.deepEqual(await engine.erasures(0), [{ customerNo, batchNo: 2, isPending: true }]);
      await engine.settleErasures(2, 'all');
      assert.deepEqual(await engine.erasures(0), [{ customerNo, batchNo: 2, isPending: false }]);
      const others = Uint32Array.of((await engine.customerNo('cid'))!, customerNo);
      assert.deepEqual(await engine.customerIds(others), ['cid', '']);
    });

    test('of somebody unknown, or erased before, changes nothing', async (engine) => {
      await engine.put(FACTS);
      assert.equal(await engine.eraseCustomer('nobody'), undefined);
      await engine.eraseCustomer('ann');
      assert.equal(await engine.eraseCustomer('ann'), undefined);
      assert.equal(await engine.lastBatchNo(), 2);
    });

    test('survives facts that are sent again, of any date', async (engine) => {
      await engine.put(FACTS);
      await engine.eraseCustomer('ann');
      const again = await engine.put({ ...FACTS, customers: ['ann'] });
      assert.deepEqual(again, { batchNo: 3, unchangedListEntries: 1, erasedCustomers: ['ann'] });
      const late = await engine.put({ orders: [order('ann', '9', { orderedAt: 4_000_000_000 })] });
      assert.deepEqual(late.erasedCustomers, ['ann']);
      const others = [
        { events: [event('ann', '9'), event('bob', '9')] },
        { scores: [score('ann', 1), score('bob', 1)] },
        { listEntries: listed('vip', 'ann'), emptiedLists: ['vip'] },
      ];
      for (const facts of others) {
        const { erasedCustomers, newCustomers } = await engine.put(facts);
        assert.deepEqual([erasedCustomers, newCustomers], [['ann'], undefined]);
      }
      assert.equal((await engine.customerFacts('bob')).scores.get('churn')!.value, 1);
      assert.deepEqual(await engine.lists(), [{ list: 'vip', customers: 0 }]);
      assert.deepEqual(await readCustomers(engine), ['bob', 'cid']);
      assert.equal((await engine.put({ orders: [order('bob', '2')] })).erasedCustomers, undefined);
    });

    test('a number is never given again', async (engine) => {
      await engine.put(FACTS);
      const last = (await engine.customerNo('cid'))!;
      await engine.eraseCustomer('cid');
      assert.equal(await engine.customerNoEnd(), last + 1);
      await engine.put({ customers: ['dan'] });
      assert.equal(await engine.customerNo('dan'), last + 1);
      assert.equal(await engine.customerNoEnd(), last + 2);
    });

    test('somebody who is readmitted comes back as another customer, without the past', async (engine) => {
      await engine.put(FACTS);
      const before = (await engine.customerNo('ann'))!;
      await engine.eraseCustomer('ann');
      assert.equal(await engine.readmitCustomer('ann'), true);
      assert.equal(await engine.readmitCustomer('ann'), false);
      assert.equal(await engine.customerNo('ann'), undefined);
      await engine.put({ orders: [order('ann', '7')], events: [event('ann', '1')] });
      assert.deepEqual((await engine.customerFacts('ann')).lists, new Set());
      assert.deepEqual((await engine.customerFacts('ann')).events, [event('ann', '1')]);
      assert.notEqual(await engine.customerNo('ann'), before);
      assert.deepEqual(
        (await engine.customerFacts('ann')).orders.map(({ orderId }) => orderId),
        ['7'],
      );
      await engine.eraseCustomer('ann');
      assert.equal((await engine.erasures(0)).length, 2);
      assert.deepEqual(await readCustomers(engine), ['bob', 'cid']);
    });
  });
}

it('a file imported again, or one that overlaps, does not bring an erased customer back', async () => {
  const folder = await newFolder();
  const engine = new DuckDbEngine(await openDatabase({ folder }));
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return { file: join(folder, name), map: {}, strict: false } as const;
  };
  const header = 'customer_id,order_id,ordered_at,total\n';
  const first = await write(
    'first.csv',
    `${header}ann,1,2026-01-01,5\nañ,1,2026-01-01,5\nbob,1,2026-01-02,5\n`,
  );
  const second = await write(
    'second.csv',
    `${header}añ,1,2026-01-01,5\nañ,2,2026-01-01,5\nbob,2,2026-01-03,5\n`,
  );
  const traits = await write('traits.csv', 'customer_id,city\nañ,BCN\nbob,MAD\n');
  await engine.importFile({ ...first, source: 'orders' });
  await engine.eraseCustomer('añ');
  const same = await engine.importFile({ ...first, source: 'orders' });
  assert.deepEqual([same.added, same.unchanged], [0, 3]);
  const overlapping = await engine.importFile({ ...second, source: 'orders' });
  assert.deepEqual([overlapping.rows, overlapping.added, overlapping.erased], [3, 1, 2]);
  const repeated = await engine.importFile({ ...second, source: 'orders' });
  assert.deepEqual([repeated.rows, repeated.unchanged, repeated.erased], [3, 1, 2]);
  const customers = await engine.importFile({ ...traits, source: 'customers' });
  assert.deepEqual([customers.rows, customers.added, customers.erased], [2, 1, 1]);
  assert.deepEqual(await readCustomers(engine), ['ann', 'bob']);
  await engine.close();
});

it('a value that only the erased customer had goes from the dictionary; one that others share stays', async () => {
  const engine = new DuckDbEngine(await openDatabase({ folder: await newFolder() }));
  await engine.put(FACTS);
  await engine.eraseCustomer('ann');
  const { traitNames, traitValues } = await engine.dictionary();
  assert.equal(traitValues.get(traitNames.get('email')!)!.has('ann@example.org'), false);
  assert.equal(traitValues.get(traitNames.get('city')!)!.has('BCN'), true);
  await engine.put({ traits: [{ customerId: 'bob', name: 'email', value: 'ann@example.org' }] });
  assert.equal((await engine.customerFacts('bob')).traits.get('email'), 'ann@example.org');
  await engine.close();
});

it('compaction writes erased customers out, once, and changes nothing else', async () => {
  const folder = await newFolder();
  const database = await openDatabase({ folder });
  const engine = new DuckDbEngine(database);
  await engine.put(FACTS);
  await engine.put({ orders: [order('bob', '1', { totalE4: 7 })] });
  await engine.compact();
  await engine.eraseCustomer('ann');
  const state = async () => [
    await readScan(engine),
    await readEngine(engine),
    await readEngine(engine, { knownAt: 1 }),
    await engine.erasures(0),
  ];
  const compactions = async () =>
    (await database.row<{ value: string }>(`SELECT value FROM meta WHERE key = 'compaction_no'`))!.value;
  const before = await state();
  await engine.compact();
  assert.deepEqual(await state(), before);
  assert.equal(await compactions(), '2');
  for (const table of ['event', 'score', 'list_entry']) {
    const rows = await database.row<{ n: number }>(`SELECT count(*) AS n FROM ${table}`);
    assert.deepEqual(rows, { n: 1 }, table);
  }
  await engine.compact();
  assert.equal(await compactions(), '2');
  assert.deepEqual((await engine.put({ customers: ['ann', 'dan'] })).erasedCustomers, ['ann']);
  assert.deepEqual(await readCustomers(engine), ['bob', 'cid', 'dan']);
  await engine.close();
});
