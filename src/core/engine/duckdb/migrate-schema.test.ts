import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { traitMoment } from '../../../model/fact.ts';
import { openDatabase } from './database.ts';
import { DuckDbEngine } from './duckdb-engine.ts';
import { SCHEMA_VERSION } from './schema.ts';

/** What version 2 brought, taken away again. */
const TO_VERSION_1 = [
  ...['event', 'event_name', 'score', 'model_version', 'model_activation', 'list', 'list_entry'].map(
    (table) => `DROP TABLE ${table}`,
  ),
  `CREATE TABLE former (name_no UINTEGER NOT NULL, value_no UINTEGER NOT NULL, value VARCHAR NOT NULL, number DOUBLE)`,
  'INSERT INTO former SELECT name_no, value_no, value, number FROM trait_value',
  'DROP TABLE trait_value',
  'ALTER TABLE former RENAME TO trait_value',
  `UPDATE meta SET value = '1' WHERE key = 'schema_version'`,
];

const VALUES = [
  '2026-03-01',
  '2026-03-01T12:00:30+02:00',
  '2026-02-30',
  '1969-12-31',
  '2106-02-07T06:28:15Z',
  '2106-02-07T06:28:16Z',
  '40',
  'BCN',
  '',
];

describe('a file with tables of version 1', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coterie-migrate-'));
    const database = await openDatabase({ folder });
    const engine = new DuckDbEngine(database);
    await engine.put({
      orders: [{ ...ORDER, customerId: 'c0' }],
      traits: VALUES.map((value, i) => ({ customerId: `c${i}`, name: 'x', value })),
    });
    await engine.eraseCustomer('c7');
    await database.exclusive(async (session) => {
      for (const statement of TO_VERSION_1) await session.run(statement);
    });
    await engine.close();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is opened with all its facts, the moments of its traits filled in', async () => {
    const database = await openDatabase({ folder });
    const engine = new DuckDbEngine(database);
    const rows = await database.rows<{ value: string; number: number | null; moment: number | null }>(
      `SELECT value, number, moment FROM trait_value`,
    );
    assert.equal(rows.length, VALUES.length);
    for (const { value, moment } of rows) assert.equal(moment ?? undefined, traitMoment(value), value);
    assert.equal(rows.find(({ value }) => value === '40')!.number, 40);
    assert.equal((await engine.customerFacts('c0')).orders.length, 1);
    assert.equal((await engine.customerFacts('c6')).traits.get('x'), '40');
    await engine.close();
  });

  it('takes new kinds of facts, traits go on with their numbers, and it is of the new version then', async () => {
    const engine = new DuckDbEngine(await openDatabase({ folder }));
    const before = (await engine.dictionary()).traitNames.get('x');
    await engine.put({
      traits: [{ customerId: 'c0', name: 'y', value: '2026-01-01' }],
      scores: [{ customerId: 'c0', model: 'churn', version: 'v1', value: 0.5 }],
      listEntries: [{ customerId: 'c0', list: 'vip', isListed: true }],
      events: [{ customerId: 'c0', eventId: '1', name: 'view', occurredAt: 1, properties: {} }],
    });
    await engine.close();
    const database = await openDatabase({ folder });
    const again = new DuckDbEngine(database);
    const { traitNames, models, lists } = await again.dictionary();
    assert.equal(traitNames.get('x'), before);
    assert.deepEqual([traitNames.get('y'), models.get('churn'), lists.get('vip')], [1, 2, 3]);
    assert.equal((await again.customerFacts('c0')).events.length, 1);
    const version = await database.row(`SELECT value FROM meta WHERE key = 'schema_version'`);
    assert.deepEqual(version, { value: String(SCHEMA_VERSION) });
    await again.close();
  });
});

const ORDER = {
  orderId: '1',
  orderedAt: 1_000,
  totalE4: 1,
  discountE4: 0,
  currency: 'EUR',
  status: 'completed',
} as const;
