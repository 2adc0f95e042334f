/**
 * Compaction: folds the tail into a new sorted base and moves superseded versions to the archive. No
 * knowledge is lost: each archived version says which batch replaced it. Where customers were erased since
 * the last compaction, tables that held them are written anew, so that no row in the file is theirs.
 */
import type { DuckDbDatabase } from './database.ts';
import {
  ARCHIVE_COLUMNS,
  CUSTOMER_COLUMNS,
  EVENT_COLUMNS,
  LIST_ENTRY_COLUMNS,
  ORDER_COLUMNS,
  SCORE_COLUMNS,
  TRAIT_COLUMNS,
} from './schema.ts';
import type { DuckDbSession } from './session.ts';

/**
 * A tail of this share of the base is folded in after an import. Each order is so rewritten about ten
 * times while a history grows tenfold, and customers with rows in the tail stay few.
 */
export const TAIL_SHARE_MAX = 0.1;

/** All versions of the orders in the tail, with the batch that replaced them. */
const VERSIONS = `
CREATE OR REPLACE TEMP TABLE tail_version AS
WITH known AS (
  SELECT * FROM order_tail
  UNION ALL
  SELECT order_base.* FROM order_base SEMI JOIN order_tail USING (customer_no, order_id))
SELECT *, lead(batch_no) OVER (PARTITION BY customer_no, order_id ORDER BY batch_no) AS superseded_by FROM known`;

const COMPACTED = `
INSERT INTO order_compacted
SELECT order_base.* FROM order_base ANTI JOIN tail_version USING (customer_no, order_id)
UNION ALL
SELECT * EXCLUDE (superseded_by) FROM tail_version WHERE superseded_by IS NULL
ORDER BY customer_no, store_no, ordered_at`;

/** Other tables with rows of customers. A deleted row would stay in its row group. */
const OF_CUSTOMERS: Readonly<Record<string, string>> = {
  customer: CUSTOMER_COLUMNS,
  trait: TRAIT_COLUMNS,
  order_archive: ARCHIVE_COLUMNS,
  event: EVENT_COLUMNS,
  score: SCORE_COLUMNS,
  list_entry: LIST_ENTRY_COLUMNS,
};

/** The last erasure that was compacted, in `meta`. */
const ERASURE_MARK = 'compacted_erasure';
const ERASED_SINCE = `SELECT max(batch_no) AS last FROM customer_erasure
  WHERE batch_no > coalesce((SELECT value::UINTEGER FROM meta WHERE key = '${ERASURE_MARK}'), 0)`;

/** Folds the tail in and writes out who was erased, if there is either. */
export async function compact(database: DuckDbDatabase): Promise<void> {
  const done = await database.exclusive(async (session) => {
    const tail = await session.row(`SELECT 1 AS found FROM order_tail LIMIT 1`);
    const erased = (await session.row<{ last: number | null }>(ERASED_SINCE))!.last;
    if (tail === undefined && erased === null) return false;
    await session.run(VERSIONS);
    await session.run(`INSERT INTO order_archive FROM tail_version WHERE superseded_by IS NOT NULL`);
    await session.run(`CREATE TABLE order_compacted (${ORDER_COLUMNS})`);
    await session.run(COMPACTED);
    await session.run(`DROP TABLE order_base`);
    await session.run(`ALTER TABLE order_compacted RENAME TO order_base`);
    await session.run(`DELETE FROM order_tail`);
    await session.run(`DROP TABLE temp.tail_version`);
    if (erased !== null) await writeOutErased(session, erased);
    await countCompaction(session);
    return true;
  });
  if (done) await database.checkpoint();
}

async function writeOutErased(session: DuckDbSession, upTo: number): Promise<void> {
  for (const [table, columns] of Object.entries(OF_CUSTOMERS)) {
    await session.run(`CREATE TABLE ${table}_compacted (${columns})`);
    await session.run(`INSERT INTO ${table}_compacted FROM ${table}`);
    await session.run(`DROP TABLE ${table}`);
    await session.run(`ALTER TABLE ${table}_compacted RENAME TO ${table}`);
  }
  await session.run(`DELETE FROM meta WHERE key = '${ERASURE_MARK}'`);
  await session.run(`INSERT INTO meta SELECT '${ERASURE_MARK}', $1`, [String(upTo)]);
}

/** Marks that rows have moved: readers with several sessions notice by it. */
async function countCompaction(session: DuckDbSession): Promise<void> {
  await session.run(`INSERT INTO meta SELECT 'compaction_no', '0'
    WHERE NOT EXISTS (FROM meta WHERE key = 'compaction_no')`);
  await session.run(`UPDATE meta SET value = (value::UBIGINT + 1)::VARCHAR WHERE key = 'compaction_no'`);
}

/** Whether the tail has grown beyond its share of the base. */
export async function wantsCompaction(database: DuckDbDatabase): Promise<boolean> {
  const sizes = await database.row<{ base: number; tail: number }>(
    `SELECT (SELECT count(*) FROM order_base) AS base, (SELECT count(*) FROM order_tail) AS tail`,
  );
  return sizes!.tail > sizes!.base * TAIL_SHARE_MAX;
}
