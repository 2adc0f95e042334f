/**
 * Facts on their way in: temporary tables in the writing session, one for each kind of fact, that both
 * `put` and the import fill and the ingest steps read. `row_no` is the order of arrival: of two rows of
 * one batch about the same thing, the later wins (of events, which do not change, the earlier).
 */
import type { UnmovedOrder } from '../engine.ts';
import { NEXT_CUSTOMER_NO } from './erased-id.ts';
import type { DuckDbSession } from './session.ts';

export const STAGED_ORDER = 'staged_order';
export const STAGED_STORE = 'staged_store';
export const STAGED_CUSTOMER = 'staged_customer';
export const STAGED_TRAIT = 'staged_trait';
export const STAGED_EVENT = 'staged_event';
export const STAGED_SCORE = 'staged_score';
export const STAGED_LIST_ENTRY = 'staged_list_entry';
export const STAGED_EMPTIED_LIST = 'staged_emptied_list';

const COLUMNS: Readonly<Record<string, string>> = {
  [STAGED_ORDER]: `row_no UBIGINT, customer_id VARCHAR, order_id VARCHAR, store_id VARCHAR, ordered_at UINTEGER,
    total_e4 BIGINT, discount_e4 BIGINT, currency VARCHAR, status UTINYINT,
    previous_customer_id VARCHAR`,
  [STAGED_STORE]: `row_no UBIGINT, store_id VARCHAR, brand VARCHAR, city VARCHAR, category VARCHAR, tags VARCHAR[],
    opened_at UINTEGER, closed_at UINTEGER`,
  [STAGED_CUSTOMER]: 'row_no UBIGINT, customer_id VARCHAR',
  [STAGED_TRAIT]: 'row_no UBIGINT, customer_id VARCHAR, name VARCHAR, value VARCHAR',
  [STAGED_EVENT]: `row_no UBIGINT, customer_id VARCHAR, event_id VARCHAR, name VARCHAR, occurred_at UINTEGER,
    properties VARCHAR`,
  [STAGED_SCORE]: `row_no UBIGINT, customer_id VARCHAR, model VARCHAR, version VARCHAR, value DOUBLE,
    valid_until UINTEGER`,
  [STAGED_LIST_ENTRY]: 'row_no UBIGINT, customer_id VARCHAR, list VARCHAR, is_listed BOOLEAN',
  [STAGED_EMPTIED_LIST]: 'list VARCHAR',
};

/** Makes a staging table, empty. */
export async function stage(session: DuckDbSession, table: string): Promise<void> {
  await session.run(`CREATE OR REPLACE TEMP TABLE ${table} (${COLUMNS[table]})`);
}

/** Drops temporary tables that are done with, so that they hold no memory. */
export async function dropStaged(session: DuckDbSession, tables: readonly string[]): Promise<void> {
  for (const table of tables) await session.run(`DROP TABLE IF EXISTS temp.${table}`);
}

/** What became of the rows of a batch. */
export interface IngestCounts {
  readonly added: number;
  readonly replaced: number;
  readonly unchanged: number;
  /** Customers first heard of; absent: none. */
  readonly newCustomers?: number;
  /** Rows about erased customers, which were dropped; absent: none. */
  readonly erased?: number;
  /** Those customers. */
  readonly erasedCustomers?: readonly string[];
  /** Rows that moved an order from another customer; absent: none. */
  readonly moved?: number;
  /** Orders that were to be moved and that the previous customer does not have; absent: none. */
  readonly unmoved?: readonly UnmovedOrder[];
}

/** Gives numbers to customers not known yet, in the order in which they first appear in a staged table. How many. */
export async function numberCustomers(
  session: DuckDbSession,
  staged: string,
  batchNo: number,
): Promise<number> {
  // Sorted once, into a table whose rows are numbered as they lie: a window with an order would sort again.
  await session.run(
    `CREATE OR REPLACE TEMP TABLE new_customer AS
     SELECT customer_id FROM (SELECT customer_id, min(row_no) AS first FROM ${staged} GROUP BY customer_id)
     ANTI JOIN customer USING (customer_id)
     ORDER BY first`,
  );
  const added = await session.run(
    `INSERT INTO customer SELECT ${NEXT_CUSTOMER_NO} + row_number() OVER () - 1, customer_id, $1 FROM new_customer`,
    [batchNo],
  );
  await dropStaged(session, ['new_customer']);
  return added;
}
