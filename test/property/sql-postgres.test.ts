/**
 * The oracle's PostgreSQL dialect, on a real server with the same tables: it must find the same members as
 * the naive evaluator. Skipped where PostgreSQL is not installed, except in CI, where that is a failure.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { postgresPrograms, startPostgres } from '../../scripts/service/postgres.mjs';
import { segmentSql } from '../../src/core/verify/segment-sql.ts';
import type { Rule } from '../../src/model/rule.ts';
import { SEED } from '../random-cases.ts';
import { arbitraryCondition } from './arbitrary/condition.ts';
import { arbitraryRule } from './arbitrary/rule.ts';
import { arbitraryWorld, knowledgeAfter, type World } from './arbitrary/world.ts';
import { IMPLEMENTATIONS, memberKey } from './implementation.ts';
import { type ReceivedFacts, receiveFacts } from './received-facts.ts';

const CASES = 2;
const MISSING =
  'PostgreSQL is not installed (apt-get install -y postgresql): its dialect of the SQL oracle is NOT tested';

const ORDER_COLUMNS = `customer_no integer, store_no integer, ordered_at bigint, total_e4 bigint, discount_e4 bigint,
  currency_no smallint, status smallint, batch_no integer, order_id text`;
/** The columns that the oracle reads, under the names of the DuckDB file. */
const TABLES: Readonly<Record<string, string>> = {
  customer: 'customer_no integer, customer_id text, batch_no integer',
  store:
    'store_no integer, store_id text, brand text, city text, category text, tags text[], batch_no integer',
  currency: 'currency_no smallint, code text',
  order_base: ORDER_COLUMNS,
  order_tail: ORDER_COLUMNS,
  order_archive: `${ORDER_COLUMNS}, superseded_by integer`,
  trait_name: 'name_no integer, name text',
  trait_value: 'name_no integer, value_no integer, value text, number float8',
  trait: 'customer_no integer, name_no integer, value_no integer, batch_no integer',
  model_activation: 'model text, name_no integer, batch_no integer',
  score: 'customer_no integer, name_no integer, value float8, valid_until bigint, batch_no integer',
  list: 'name_no integer, name text',
  list_entry: 'customer_no integer, name_no integer, is_listed boolean, batch_no integer',
  event_name: 'name_no integer, name text',
  event: 'customer_no integer, name_no integer, occurred_at bigint, batch_no integer, properties text',
};

const skip = postgresPrograms() === undefined && process.env.CI === undefined ? MISSING : false;

it('SQL for PostgreSQL finds the members that the naive evaluator finds', { skip }, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const server = await startPostgres();
  const { host, port, user } = server;
  const client = new pg.Client({ host, port, user, database: 'postgres' });
  await client.connect();
  try {
    const rules = [
      ...fc.sample(arbitraryRule, { seed: SEED, numRuns: 30 }),
      ...fc.sample(arbitraryCondition, { seed: SEED, numRuns: 60 }),
    ];
    for (const world of fc.sample(arbitraryWorld, { seed: SEED, numRuns: CASES })) {
      await checkWorld(client, world, rules);
    }
  } finally {
    await client.end();
    await server.stop();
  }
});

async function checkWorld(client: pg.Client, world: World, rules: readonly Rule[]): Promise<void> {
  const batches = world.received.length;
  const received = await receiveFacts(world, Math.ceil(batches / 2));
  try {
    await copyTables(client, received);
    const { rows } = await client.query('SELECT customer_no, customer_id FROM customer');
    const ids = new Map(rows.map((row) => [row.customer_no, row.customer_id]));
    for (const knownAt of new Set([1, batches])) {
      const knowledge = knowledgeAfter(world, knownAt);
      for (const moment of world.moments) {
        const expected = await IMPLEMENTATIONS[0]!.members({ ...received, knowledge, rules, moment });
        const found = new Set<string>();
        for (const [i, rule] of rules.entries()) {
          const query = segmentSql(rule, { dialect: 'postgres', moment, knownAt });
          const members = await client.query(query.sql, [...query.params]);
          for (const row of members.rows) found.add(memberKey(i, ids.get(row.customer_no)));
        }
        const context = { moment, knownAt, seed: SEED };
        assert.deepEqual([...found].sort(), [...expected].sort(), JSON.stringify(context));
      }
    }
  } finally {
    await received.close();
  }
}

async function copyTables(client: pg.Client, { database }: ReceivedFacts): Promise<void> {
  for (const [table, columns] of Object.entries(TABLES)) {
    await client.query(`DROP TABLE IF EXISTS ${table}; CREATE TABLE ${table} (${columns})`);
    const names = columns.split(',').map((column) => column.trim().split(' ')[0]);
    const rows = await database.rows(`SELECT ${names.join(', ')} FROM ${table}`);
    // A number that is none does not survive JSON, and the oracle does not read that column.
    const text = JSON.stringify(rows, (name, value) => (name === 'number' ? null : value));
    await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(null::${table}, $1)`, [
      text,
    ]);
  }
}
