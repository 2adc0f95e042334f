/**
 * Takes staged orders into the facts: numbers customers, stores and currencies not known yet, keeps the
 * last of several rows about one order, compares with the versions in force, and writes only what is new.
 * Into an empty base orders go sorted; later ones go to the tail, which compaction folds in.
 */
import { dropErased } from './erased-id.ts';
import { findMoves, stageMoves } from './move-orders.ts';
import type { DuckDbSession } from './session.ts';
import { dropStaged, type IngestCounts, numberCustomers, STAGED_ORDER } from './stage.ts';

const NUMBER_STORES = `
INSERT INTO store (store_no, store_id, batch_no)
SELECT (SELECT coalesce(max(store_no), 0) FROM store) + row_number() OVER (ORDER BY first), store_id, $1
FROM (SELECT store_id, min(row_no) AS first FROM ${STAGED_ORDER} WHERE store_id IS NOT NULL GROUP BY store_id)
ANTI JOIN store USING (store_id)
ORDER BY first`;

const NUMBER_CURRENCIES = `
INSERT INTO currency
SELECT (SELECT max(currency_no) FROM currency) + row_number() OVER (ORDER BY first), currency
FROM (SELECT currency, min(row_no) AS first FROM ${STAGED_ORDER} GROUP BY currency)
ANTI JOIN currency ON currency.code = currency
ORDER BY first`;

const NUMBER_ORDERS = `
CREATE OR REPLACE TEMP TABLE numbered_order AS
SELECT row_no, customer_no, coalesce(store_no, 0)::UINTEGER AS store_no, ordered_at, total_e4, discount_e4,
  currency_no, status, order_id
FROM ${STAGED_ORDER}
JOIN customer USING (customer_id)
JOIN currency ON code = currency
LEFT JOIN (SELECT DISTINCT store_no, store_id FROM store) AS known_store USING (store_id)`;

/** By hash, which is narrower to group by than the text; a collision only costs a look at the text. */
const FIND_REPEATED = `
CREATE OR REPLACE TEMP TABLE repeated_order AS
SELECT customer_no, hash(order_id) AS order_hash FROM numbered_order GROUP BY ALL HAVING count(*) > 1`;

const SAME = ['store_no', 'ordered_at', 'total_e4', 'discount_e4', 'currency_no', 'status']
  .map((column) => `later.${column} = earlier.${column}`)
  .join(' AND ');

/** Rows of the batch that a later row of it replaces, and whether that one says the same. */
const FIND_OVERTAKEN = `
CREATE OR REPLACE TEMP TABLE overtaken_order AS
WITH repeated AS (
  SELECT numbered_order.* FROM numbered_order
  SEMI JOIN repeated_order ON numbered_order.customer_no = repeated_order.customer_no
    AND hash(numbered_order.order_id) = order_hash),
latest AS (
  SELECT * FROM repeated QUALIFY row_number() OVER (PARTITION BY customer_no, order_id ORDER BY row_no DESC) = 1)
SELECT earlier.row_no, ${SAME} AS same FROM repeated AS earlier JOIN latest AS later USING (customer_no, order_id)
WHERE earlier.row_no < later.row_no`;

/** Versions in force of the orders in the batch, by the batch's row. */
const FIND_KNOWN = `
CREATE OR REPLACE TEMP TABLE known_order AS
SELECT later.row_no, arg_max(${SAME}, earlier.batch_no) AS same
FROM numbered_order AS later
JOIN (FROM order_base UNION ALL FROM order_tail) AS earlier USING (customer_no, order_id)
GROUP BY later.row_no`;

/** @param rows - Empty for all rows, or a join that chooses some by `row_no`. */
const countSql = (rows = '') => `
SELECT (SELECT count(*) FROM numbered_order ${rows}) AS rows,
  (SELECT count(*) FROM overtaken_order ${rows}) AS overtaken,
  (SELECT count(*) FROM overtaken_order ${rows} WHERE same) AS overtaken_same,
  (SELECT count(*) FROM known_order ANTI JOIN overtaken_order USING (row_no) ${rows}) AS known,
  (SELECT count(*) FROM known_order ANTI JOIN overtaken_order USING (row_no) ${rows} WHERE same) AS known_same`;

const writeSql = (table: string, sorted: boolean) => `
INSERT INTO ${table}
SELECT customer_no, store_no, ordered_at, total_e4, discount_e4, currency_no, status, $1, order_id
FROM numbered_order
ANTI JOIN overtaken_order USING (row_no)
ANTI JOIN (FROM known_order WHERE same) AS known_same USING (row_no)
${sorted ? 'ORDER BY customer_no, store_no, ordered_at' : ''}`;

type Found = Record<'rows' | 'overtaken' | 'overtaken_same' | 'known' | 'known_same', number>;

/** Takes the staged orders in as part of a batch, within the caller's transaction. */
export async function ingestOrders(
  session: DuckDbSession,
  batchNo: number,
  step: (phase: string) => void = () => {},
): Promise<IngestCounts> {
  step('numbering customers and stores');
  const hasMoves = await findMoves(session);
  const erased = await dropErased(session, [STAGED_ORDER]);
  const moves = hasMoves ? await stageMoves(session) : undefined;
  const newCustomers = await numberCustomers(session, STAGED_ORDER, batchNo);
  await session.run(NUMBER_STORES, [batchNo]);
  await session.run(NUMBER_CURRENCIES);
  await session.run(NUMBER_ORDERS);
  await dropStaged(session, [STAGED_ORDER]);
  step('comparing with known orders');
  await session.run(FIND_REPEATED);
  await session.run(FIND_OVERTAKEN);
  await session.run(FIND_KNOWN);
  // Cancellations that moves add are no rows that came.
  const { rows, overtaken, overtaken_same, known, known_same } = (await session.row<Found>(
    countSql(moves && 'ANTI JOIN staged_move USING (row_no)'),
  ))!;
  step('writing orders');
  const empty = await session.row(
    `SELECT 1 AS empty WHERE NOT EXISTS (FROM order_base) AND NOT EXISTS (FROM order_tail)`,
  );
  await session.run(writeSql(empty ? 'order_base' : 'order_tail', empty !== undefined), [batchNo]);
  await dropStaged(session, [
    'numbered_order',
    'repeated_order',
    'overtaken_order',
    'known_order',
    'staged_move',
  ]);
  return {
    added: rows - overtaken - known,
    replaced: known - known_same + (overtaken - overtaken_same),
    unchanged: known_same + overtaken_same,
    newCustomers,
    ...erased,
    ...moves,
  };
}
