/**
 * Orders that a correction moves to another customer: a row that names the previous customer brings that
 * customer's version with it, as it was but cancelled, in the same batch. It is staged just before the row, so
 * that of several moves in one batch the last one wins, like of any rows.
 */
import type { UnmovedOrder } from '../engine.ts';
import type { DuckDbSession } from './session.ts';
import { STAGED_ORDER } from './stage.ts';

const CANCELLED = 1;

/** All moves of the batch. Row numbers are doubled, so that there is room before every row. */
const FIND = `
CREATE OR REPLACE TEMP TABLE order_move AS
SELECT (row_no * 2)::BIGINT AS row_no, previous_customer_id AS customer_id, order_id
FROM ${STAGED_ORDER} WHERE previous_customer_id IS NOT NULL AND previous_customer_id <> customer_id`;

/**
 * What the previous customers had: versions from before, the latest last, then the rows of the batch. A move
 * takes the last one before it; rows of the batch that come after it replace what it staged.
 */
const VERSIONS = `
SELECT batch_no::BIGINT - 4294967296 AS row_no, customer_id, order_id, store_id, ordered_at, total_e4, discount_e4,
  code AS currency
FROM (SELECT DISTINCT customer_no, customer_id, order_id FROM order_move JOIN customer USING (customer_id)) AS wanted
JOIN (FROM order_base UNION ALL FROM order_tail) AS known USING (customer_no, order_id)
JOIN currency USING (currency_no)
LEFT JOIN (SELECT DISTINCT store_no, store_id FROM store) AS known_store USING (store_no)
UNION ALL
SELECT row_no::BIGINT, customer_id, order_id, store_id, ordered_at, total_e4, discount_e4, currency
FROM ${STAGED_ORDER} SEMI JOIN order_move USING (customer_id, order_id)`;

/** Those whose previous customer has the order by then. */
const STAGE = `
CREATE OR REPLACE TEMP TABLE staged_move AS
SELECT order_move.*, store_id, ordered_at, total_e4, discount_e4, currency, ${CANCELLED}::UTINYINT AS status
FROM order_move ASOF JOIN (${VERSIONS}) AS version
  ON version.customer_id = order_move.customer_id AND version.order_id = order_move.order_id
  AND version.row_no < order_move.row_no`;

/**
 * Looks for moves among the staged orders, before any are dropped: an order leaves its previous customer
 * also when its new one was erased.
 *
 * @returns Whether there are any; without, nothing was done.
 */
export async function findMoves(session: DuckDbSession): Promise<boolean> {
  const any = await session.row(
    `SELECT 1 AS found FROM ${STAGED_ORDER} WHERE previous_customer_id IS NOT NULL LIMIT 1`,
  );
  if (any === undefined) return false;
  await session.run(FIND);
  await session.run(`UPDATE ${STAGED_ORDER} SET row_no = row_no * 2 + 1`);
  return true;
}

/** Stages the cancellations of the moves that were found; they stay in `staged_move`, by `row_no`, too. */
export async function stageMoves(
  session: DuckDbSession,
): Promise<{ readonly moved?: number; readonly unmoved?: readonly UnmovedOrder[] }> {
  await session.run(STAGE);
  const moved = await session.run(`INSERT INTO ${STAGED_ORDER} BY NAME FROM staged_move`);
  const unmoved = await session.rows<{ customer_id: string; order_id: string }>(
    'SELECT customer_id, order_id FROM order_move ANTI JOIN staged_move USING (row_no)',
  );
  await session.run('DROP TABLE temp.order_move');
  return {
    ...(moved > 0 ? { moved } : {}),
    ...(unmoved.length > 0
      ? {
          unmoved: unmoved.map(({ customer_id, order_id }) => ({
            previousCustomerId: customer_id,
            orderId: order_id,
          })),
        }
      : {}),
  };
}
