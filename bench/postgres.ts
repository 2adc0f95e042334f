/**
 * PostgreSQL beside DuckDB for the benchmark against one query per segment: a private server with a copy
 * of the facts of some customers, in the same tables, with the indexes and settings that an engineer
 * would give it.
 */
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { type PostgresServer, startPostgres } from '../scripts/service/postgres.mjs';
import type { DuckDbDatabase } from '../src/core/engine/duckdb/database.ts';
import type { SegmentSql } from '../src/core/verify/segment-sql.ts';

const TABLES = `
CREATE TABLE customer (customer_no integer, customer_id text, batch_no integer);
CREATE TABLE store (store_no integer, store_id text, brand text, city text, category text, tags text[], batch_no integer);
CREATE TABLE currency (currency_no smallint, code text);
CREATE TABLE order_base (customer_no integer, store_no integer, ordered_at integer, total_e4 bigint,
  discount_e4 bigint, currency_no smallint, status smallint, batch_no integer, order_id text);
`;

/** The index on orders alone answers all three types of segment without a look at the table. */
const INDEXES = `
ALTER TABLE customer ADD PRIMARY KEY (customer_no);
ALTER TABLE store ADD PRIMARY KEY (store_no);
CREATE UNIQUE INDEX ON store (store_id);
CREATE INDEX ON order_base (store_no, ordered_at, customer_no) WHERE status = 0;
CREATE INDEX ON order_base (customer_no, ordered_at) WHERE status = 0;
`;

/** Read by the server in pages that are all visible, so that the index alone is enough. */
const SETTINGS = {
  shared_buffers: '1GB',
  effective_cache_size: '4GB',
  work_mem: '256MB',
  maintenance_work_mem: '512MB',
  max_wal_size: '8GB',
  random_page_cost: '1.1',
  // Compiling a query costs more than it brings for one that runs for milliseconds.
  jit: 'off',
  // Nothing changes once it is loaded, and its work must not be measured.
  autovacuum: 'off',
};

/** Clock ticks of /proc/<pid>/stat a second: fixed in Linux's interface to programs. */
const TICKS_A_SECOND = 100;

export interface PostgresFacts {
  readonly customers: number;
  readonly orders: number;
  /** Members found by a query. */
  count(query: SegmentSql): Promise<number>;
  /** The same query where there is not one customer or order: what does not grow with the facts. */
  countInEmpty(query: SegmentSql): Promise<number>;
  /** Processor time of all the server's processes so far, those that ended included. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** Starts a server and copies the facts of every `step`-th customer to it. */
export async function startPostgresFacts(database: DuckDbDatabase, step: number): Promise<PostgresFacts> {
  const server = await startPostgres({ settings: SETTINGS });
  try {
    const full = await connect(server, 'postgres');
    await full.query('CREATE DATABASE empty');
    const empty = await connect(server, 'empty');
    await copyFacts(database, server, full, `customer_no % ${step} = 0`);
    await copyFacts(database, server, empty, 'false');
    const counts = await full.query<{ customers: string; orders: string }>(
      'SELECT (SELECT count(*) FROM customer) AS customers, (SELECT count(*) FROM order_base) AS orders',
    );
    return {
      customers: Number(counts.rows[0]!.customers),
      orders: Number(counts.rows[0]!.orders),
      count: (query) => countMembers(full, query),
      countInEmpty: (query) => countMembers(empty, query),
      cpuSeconds: () => cpuSeconds(server.pid),
      async stop() {
        await full.end();
        await empty.end();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function connect({ host, port, user }: PostgresServer, database: string): Promise<pg.Client> {
  const client = new pg.Client({ host, port, user, database });
  await client.connect();
  return client;
}

async function copyFacts(
  database: DuckDbDatabase,
  server: PostgresServer,
  client: pg.Client,
  customers: string,
): Promise<void> {
  await client.query(TABLES);
  const copies = [
    ['customer', `SELECT * FROM customer WHERE ${customers}`],
    [
      'store',
      `SELECT store_no, store_id, brand, city, category,
        CASE WHEN tags IS NULL THEN NULL ELSE '{' || array_to_string(list_transform(tags, lambda tag:
          '"' || replace(replace(tag, '\\', '\\\\'), '"', '\\"') || '"'), ',') || '}' END, batch_no FROM store`,
    ],
    ['currency', 'SELECT * FROM currency'],
    ['order_base', `SELECT * FROM order_base WHERE ${customers}`],
  ] as const;
  for (const [table, query] of copies) {
    const file = join(server.folder, `${table}.csv`);
    await database.withSession((session) =>
      session.run(`COPY (${query}) TO '${file}' (FORMAT csv, HEADER false)`),
    );
    chmodSync(file, 0o644);
    await client.query(`COPY ${table} FROM '${file}' (FORMAT csv)`);
  }
  await client.query(INDEXES);
  await client.query('VACUUM (ANALYZE, FREEZE)');
}

async function countMembers(client: pg.Client, { sql, params }: SegmentSql): Promise<number> {
  const result = await client.query<{ n: string }>(`SELECT count(*) AS n FROM (${sql}) AS member`, [
    ...params,
  ]);
  return Number(result.rows[0]!.n);
}

/** Of a process, its children, and those of its children that ended: `proc(5)`, fields 14 to 17. */
function cpuSeconds(serverPid: number): number {
  let ticks = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
    } catch {
      continue; // Ended since the folder was read.
    }
    // The name, in parentheses, may hold spaces; the fields after it do not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const isServer = Number(entry) === serverPid;
    if (!isServer && Number(fields[1]) !== serverPid) continue;
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15).map(Number);
    ticks += user + system + (isServer ? childUser + childSystem : 0);
  }
  return ticks / TICKS_A_SECOND;
}
