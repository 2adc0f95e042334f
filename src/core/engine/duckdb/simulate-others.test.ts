/** A simulated marketplace with events, scores and lists. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type DuckDbDatabase, openDatabase } from './database.ts';
import { DuckDbEngine } from './duckdb-engine.ts';
import { EVENT_KEY } from './ingest-events.ts';
import { type SimulationReport, type SimulationRequest, simulate } from './simulate.ts';

const REQUEST: SimulationRequest = {
  customers: 2000,
  orders: 20_000,
  events: 30_000,
  scores: true,
  lists: true,
  stores: 100,
  seed: 7,
};
const TABLES = ['event', 'event_name', 'score', 'list', 'list_entry', 'model_version', 'order_base', 'trait'];

async function digests(database: DuckDbDatabase): Promise<Record<string, unknown>> {
  const digest: Record<string, unknown> = {};
  for (const table of TABLES) {
    digest[table] = await database.row(
      `SELECT count(*) AS n, bit_xor(hash(place, fact))::VARCHAR AS digest
       FROM (SELECT rowid AS place, fact FROM ${table} AS fact)`,
    );
  }
  return digest;
}

describe('a simulated marketplace with events, scores and lists', () => {
  let folder: string;
  let database: DuckDbDatabase;
  let engine: DuckDbEngine;
  let report: SimulationReport;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coterie-simulate-'));
    database = await openDatabase({ folder: join(folder, 'first') });
    engine = new DuckDbEngine(database);
    report = await simulate(database, REQUEST);
  });
  after(async () => {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });
  const number = async (sql: string) => (await database.row<{ n: number }>(sql))!.n;

  it('has exactly the events asked for, each with an id, a key and properties that can be read', async () => {
    assert.equal((await engine.counts()).events, 30_000);
    assert.equal(report.events, 30_000);
    assert.equal(await number('SELECT count(DISTINCT event_id) AS n FROM event'), 30_000);
    assert.equal(await number(`SELECT count(*) AS n FROM event WHERE event_key <> ${EVENT_KEY}`), 0);
    assert.equal(
      await number(`SELECT count(*) AS n FROM event WHERE NOT json_valid(properties)
        OR occurred_at NOT BETWEEN ${report.from} AND ${report.to}`),
      0,
    );
    assert.deepEqual([...(await engine.dictionary()).eventNames.keys()].sort(), [
      'basket_filled',
      'checkout_started',
      'push_opened',
      'search_made',
      'store_viewed',
    ]);
    const fewest = await number('SELECT min(n) AS n FROM (SELECT count(*) AS n FROM event GROUP BY name_no)');
    assert.ok(fewest > 500, `${fewest}`);
  });

  it('has keys of properties in order, and the events on disk by customer, name and time', async () => {
    const rows = await database.rows<{ properties: string }>('SELECT DISTINCT properties FROM event');
    for (const { properties } of rows) {
      const keys = Object.keys(JSON.parse(properties));
      assert.deepEqual(keys, [...keys].sort());
    }
    const unsorted = `SELECT count(*) AS n FROM (
      SELECT (customer_no, name_no, occurred_at) AS now, lag((customer_no, name_no, occurred_at)) OVER (ORDER BY rowid) AS before
      FROM event) WHERE before IS NOT NULL AND now < before`;
    assert.equal(await number(unsorted), 0);
  });

  it('has a model in force with scores from 0 to 1, and two lists of some customers', async () => {
    const [churn] = await engine.models();
    assert.deepEqual(
      [churn!.model, churn!.versions.length, churn!.versions[0]!.isInForce],
      ['churn', 1, true],
    );
    const { scores } = churn!.versions[0]!;
    assert.ok(scores > 1_700 && scores < 1_900, `${scores}`);
    assert.equal(await number('SELECT count(*) AS n FROM score WHERE value < 0 OR value >= 1'), 0);
    const lists = await engine.lists();
    assert.deepEqual(
      lists.map(({ list }) => list),
      ['do-not-contact', 'vip'],
    );
    for (const { list, customers } of lists)
      assert.ok(customers > 5 && customers < 600, `${list} ${customers}`);
    assert.equal(report.scores, scores);
    assert.equal(report.listEntries, lists[0]!.customers + lists[1]!.customers);
  });

  it('takes further facts: names go on with numbers of their own, and a known event is known', async () => {
    const { event_id, customer_id } = (await database.row<{ event_id: string; customer_id: string }>(
      'SELECT event_id, customer_id FROM event JOIN customer USING (customer_no) LIMIT 1',
    ))!;
    const known = { customerId: customer_id, eventId: event_id, name: 'x', occurredAt: 1, properties: {} };
    await engine.put({
      events: [known],
      traits: [{ customerId: customer_id, name: 'new', value: '1' }],
    });
    assert.equal((await engine.counts()).events, 30_000);
    const { traitNames, models, lists } = await engine.dictionary();
    const numbers = [...traitNames.values(), ...models.values(), ...lists.values()];
    assert.equal(new Set(numbers).size, numbers.length);
  });

  it('is the same from the same seed, and has the orders that it has without', async () => {
    const digestOf = async (name: string, request: SimulationRequest, threads: number) => {
      const other = await openDatabase({ folder: join(folder, name), threads });
      await simulate(other, request);
      const digest = await digests(other);
      await other.close();
      return digest;
    };
    const once = await digestOf('second', REQUEST, 4);
    assert.deepEqual(await digestOf('third', REQUEST, 1), once);
    const { events: _, scores: __, lists: ___, ...bare } = REQUEST;
    const without = await digestOf('bare', bare, 2);
    assert.deepEqual([without.order_base, without.trait], [once.order_base, once.trait]);
    assert.deepEqual((without.event as { n: number }).n, 0);
  });
});
