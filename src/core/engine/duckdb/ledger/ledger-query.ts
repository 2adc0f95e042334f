/**
 * The SQL that the ledger is derived by. Rows of facts carry their batch, and tables grow in the order of
 * batches, so that a filter on `batch_no` skips whole row groups. Numbers are written into the text, since
 * a parameter is not seen by that. The base is filtered too: the first import goes there, and compaction
 * moves rows there.
 */

/** As `ORDER_COLUMN_TYPES` of customer-record.ts. The hash is DuckDB's own, so it is good for one version of it. */
const ORDER_COLUMNS = `customer_no, store_no, ordered_at, total_e4::DOUBLE AS total_e4,
  discount_e4::DOUBLE AS discount_e4, currency_no, status::USMALLINT AS status,
  (hash(order_id) & 4294967295::UBIGINT)::UINTEGER AS hash_low, (hash(order_id) >> 32)::UINTEGER AS hash_high`;

/** Changes when `hash` may. */
export const HASH_STAMP = `SELECT version() AS stamp`;

/** As they lie: by customer, store and time. */
export const BASE_ORDERS = `SELECT ${ORDER_COLUMNS} FROM order_base`;

/** Versions outside the base, older ones first. */
export const TAIL_ORDERS = `SELECT ${ORDER_COLUMNS} FROM order_tail ORDER BY customer_no, batch_no`;

/** Versions received after a batch, older ones first; with the batch as the last column. */
export const ordersSince = (after: number) => `SELECT ${ORDER_COLUMNS}, batch_no FROM (
    FROM order_base WHERE batch_no > ${after} UNION ALL FROM order_tail WHERE batch_no > ${after})
  ORDER BY customer_no, batch_no`;

/** As `TRAIT_COLUMN_TYPES`, and the batch: the latest value of each trait that changed after a batch. */
export const traitsSince = (after: number) => `
  WITH latest AS (
    SELECT customer_no, name_no, arg_max(value_no, batch_no) AS value_no, max(batch_no) AS batch_no
    FROM trait WHERE batch_no > ${after} GROUP BY customer_no, name_no)
  SELECT customer_no, name_no, value_no, coalesce(number, 'NaN'::DOUBLE) AS number, batch_no
  FROM latest JOIN trait_value USING (name_no, value_no)
  ORDER BY customer_no, name_no`;

/** Customers first heard of in batches (after, upTo], by the bytes of their ids. */
export const customersSince = (after: number, upTo: number) =>
  `SELECT customer_no, batch_no, customer_id FROM customer WHERE batch_no > ${after} AND batch_no <= ${upTo}
  ORDER BY customer_id`;

export const erasedSince = (after: number) =>
  `SELECT customer_no, batch_no FROM customer_erasure WHERE batch_no > ${after} ORDER BY customer_no`;

/** One batch, told from others that had or will have its number. */
const fingerprint = (batchNo: string) => `
  (SELECT md5(concat_ws('|', received_at, source, origin, content_hash, row_count, added, replaced, unchanged,
    rejected, report::VARCHAR)) FROM batch WHERE batch_no = ${batchNo})`;

export const fingerprintSql = (batchNo: number) =>
  `SELECT coalesce(${fingerprint(`${batchNo}`)}, '') AS fingerprint`;

/** A row of `StateRow`: the state of the facts, and how much of them came after a batch. */
export const stateSql = (after: number) => `
  WITH last AS (SELECT coalesce(max(batch_no), 0) AS batch_no FROM batch)
  SELECT (SELECT batch_no FROM last) AS batch_no,
    coalesce(${fingerprint('(SELECT batch_no FROM last)')}, '') AS fingerprint,
    (SELECT coalesce(max(batch_no), 0) FROM store) AS stores_batch_no,
    (SELECT count(*) FROM trait_name) + (SELECT count(*) FROM trait_value)
      + (SELECT count(*) FROM currency) AS dictionary_size,
    (SELECT count(*) FROM order_base) + (SELECT count(*) FROM order_tail) AS orders,
    (SELECT count(*) FROM order_base WHERE batch_no > ${after})
      + (SELECT count(*) FROM order_tail WHERE batch_no > ${after}) AS fresh_orders,
    (SELECT count(*) FROM trait WHERE batch_no > ${after}) AS fresh_traits,
    (SELECT count(*) FROM customer_erasure WHERE batch_no > ${after}) AS erasures`;

export interface StateRow {
  readonly batch_no: number;
  readonly fingerprint: string;
  readonly stores_batch_no: number;
  readonly dictionary_size: number;
  readonly orders: number;
  readonly fresh_orders: number;
  readonly fresh_traits: number;
  readonly erasures: number;
}

export const LAST_BATCH = `SELECT coalesce(max(batch_no), 0) AS last FROM batch`;

/** Orders fall into spans of 2^10 s, by which a pass over all of them is narrowed. */
export const SPAN_BITS = 10;

/**
 * Customers and times of orders in some spans, or in all, in no order. Versions that were superseded after
 * the mark are looked at too: at the mark they count.
 */
export function timesSql(spans: readonly number[] | undefined, mark: number): string {
  const within =
    spans === undefined
      ? 'true'
      : `ordered_at BETWEEN ${spans[0]! * 2 ** SPAN_BITS} AND ${(spans.at(-1)! + 1) * 2 ** SPAN_BITS - 1}
        AND (ordered_at >> ${SPAN_BITS}) IN (${spans.join(', ')})`;
  return `SELECT customer_no, ordered_at FROM order_base WHERE ${within}
    UNION ALL SELECT customer_no, ordered_at FROM order_tail WHERE ${within}
    UNION ALL SELECT customer_no, ordered_at FROM order_archive WHERE superseded_by > ${mark} AND ${within}`;
}
