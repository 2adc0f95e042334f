/**
 * The SQL oracle over one state of knowledge: the facts in force are reconciled once, into a database of
 * their own beside the file, and then each segment's own plain query runs over them. Without it every
 * query reconciles all versions of all orders again. Every session sees such a database, so that several
 * queries can run at once.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AsOf } from '../../../model/membership.ts';
import { type FactTables, segmentSetSql } from '../../verify/segment-sql.ts';
import { factsInForceSql } from '../../verify/sql/sql-context.ts';
import type { MemberOracle } from '../../verify/verify.ts';
import { type DuckDbDatabase, SPILL_FOLDER } from './database.ts';
import { readNumbers } from './scan.ts';
import type { DuckDbSession } from './session.ts';

/** Queries at once: planning one and reading another keep two cores busy. */
const QUERIES_AT_ONCE = 2;
/**
 * Rows in this order, in groups this small, let a query skip what lies in other stores: 4.4 ms of the
 * processor instead of 11.9 for 20 stores of 1,000, over 3 million orders.
 */
const SORTED_ORDERS = 'ORDER BY store_no, ordered_at';
const ROW_GROUP_ROWS = 8192;
const ORDER_COLUMNS = 'customer_no, store_no, ordered_at, total_e4, discount_e4, currency_no, status';
/** A condition looks at events of one name. */
const SORTED_EVENTS = 'ORDER BY name_no, occurred_at';
const EVENT_COLUMNS = 'customer_no, name_no, occurred_at, properties';

let opened = 0;

/**
 * Reconciles the facts known at an as-of; close it, also after a failure of a query.
 *
 * Cost: about one reconciling query over the facts, and 12 bytes of disk an order until it is closed, and what
 * events take with their properties; with
 * `customers`, one pass over the facts, and theirs in memory.
 *
 * @param request.customers - Numbers of the only customers that will be asked about; absent: all.
 * @throws {CoterieError} `DISK_FULL` where the reconciled facts do not fit on the disk.
 */
export async function openFactsInForce(
  database: DuckDbDatabase,
  request: { readonly asOf: AsOf; readonly customers?: Uint32Array },
): Promise<MemberOracle> {
  const { asOf, customers } = request;
  const schema = `facts_in_force_${++opened}`;
  const sessions: DuckDbSession[] = [];
  // A few customers' facts need no disk; what is left here by a kill goes when the file is opened.
  const file = customers === undefined ? join(database.folder, SPILL_FOLDER, `${schema}.duckdb`) : undefined;
  let isAttached = false;
  const close = async () => {
    const [first, ...others] = sessions.splice(0);
    await Promise.all(others.map((session) => session.close()));
    try {
      if (isAttached) await first?.run(`DETACH ${schema}`);
    } finally {
      await first?.close();
      if (file !== undefined)
        await Promise.all([file, `${file}.wal`].map((path) => rm(path, { force: true })));
    }
  };
  try {
    if (file !== undefined) await mkdir(join(database.folder, SPILL_FOLDER), { recursive: true });
    for (let i = 0; i < QUERIES_AT_ONCE; i++) sessions.push(await database.connect());
    const at = file === undefined ? "':memory:'" : `'${file.replaceAll("'", "''")}'`;
    await sessions[0]!.run(
      `ATTACH ${at} AS ${schema}${file === undefined ? '' : ` (ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`}`,
    );
    isAttached = true;
    await makeTables(sessions[0]!, schema, asOf.batchNo, customers);
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  const idle = [...sessions];
  const facts = tablesIn(schema);
  return {
    queriesAtOnce: QUERIES_AT_ONCE,
    async members(rule) {
      const { sql, params, isComplement } = segmentSetSql(rule, {
        moment: asOf.moment,
        dialect: 'duckdb',
        facts,
      });
      // More at once than there are sessions wait for each other in the first one.
      const session = idle.pop();
      try {
        return {
          customerNos: await readNumbers((session ?? sessions[0]!).stream(sql, params)),
          isComplement,
        };
      } finally {
        if (session !== undefined) idle.push(session);
      }
    },
    close,
  };
}

/** Queries read these; members of a complement are not asked for, so no customers are there. */
function tablesIn(schema: string): FactTables {
  const of = (table: string) => `${schema}.${table}`;
  return {
    known_customer: 'customer',
    known_order: of('known_order'),
    known_store: of('known_store'),
    known_trait: of('known_trait'),
    known_score: of('known_score'),
    known_list_entry: of('known_list_entry'),
    known_event: of('known_event'),
    known_activation: of('known_activation'),
  };
}

async function makeTables(
  session: DuckDbSession,
  schema: string,
  knownAt: number,
  customers: Uint32Array | undefined,
): Promise<void> {
  let only: { readonly customers?: string } = {};
  if (customers !== undefined) {
    only = { customers: `${schema}.customer_asked` };
    await session.run(
      `CREATE TABLE ${only.customers} AS SELECT unnest(CAST($1 AS UINTEGER[])) AS customer_no`,
      [`[${customers.join(',')}]`],
    );
  }
  const facts = factsInForceSql({ knownAt, ...only });
  const make = (table: keyof typeof facts, select: string) =>
    session.run(`CREATE TABLE ${schema}.${table} AS ${select}`);
  await make('known_order', `SELECT ${ORDER_COLUMNS} FROM (${facts.known_order}) ${SORTED_ORDERS}`);
  await make('known_store', facts.known_store);
  await make('known_trait', facts.known_trait);
  await make('known_event', `SELECT ${EVENT_COLUMNS} FROM (${facts.known_event}) ${SORTED_EVENTS}`);
  await make('known_activation', facts.known_activation);
  // Queries join the versions in force: a join in here trips DuckDB, see `factsInForceSql`.
  await make('known_score', `FROM (${facts.known_score}) ORDER BY name_no`);
  // Who was taken off a list is not asked for.
  await make('known_list_entry', `FROM (${facts.known_list_entry}) WHERE is_listed ORDER BY name_no`);
}
