/**
 * The SQL that the ledger is derived by. Rows of facts carry their batch, and tables grow in the order of
 * batches, so that a filter on `batch_no` skips whole row groups. Numbers are written into the text, since
 * a parameter is not seen by that. The base is filtered too: the first import goes there, and compaction
 * moves rows there.
 */
import type { TimeOffsets } from '../../live-facts.ts';
import { NAN, TRAIT_MOMENT, TRAIT_NUMBER, VALID_UNTIL } from '../scan-query.ts';

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

/** What a row of `traitsSince` is: as of `TRAIT_TYPES`, then its kind, then its batch. */
export const TRAIT_KIND = { trait: 0, score: 1, list: 2 } as const;

/**
 * The latest value of each trait, score and entry of a list that changed after a batch, by customer. Of who
 * was taken off a list, the moment is `REMOVED_MOMENT`.
 *
 * @param droppedNames - Scores under these names are left out.
 */
export const traitsSince = (after: number, droppedNames: ReadonlySet<number>) => `
  WITH latest_trait AS (
    SELECT customer_no, name_no, arg_max(value_no, batch_no) AS value_no, max(batch_no) AS batch_no
    FROM trait WHERE batch_no > ${after} GROUP BY customer_no, name_no),
  latest_score AS (
    SELECT customer_no, name_no, arg_max(value, batch_no) AS number, arg_max(${VALID_UNTIL}, batch_no) AS moment,
      max(batch_no) AS batch_no
    FROM score WHERE batch_no > ${after} ${notIn(droppedNames)} GROUP BY customer_no, name_no),
  latest_entry AS (
    SELECT customer_no, name_no, arg_max(is_listed, batch_no) AS is_listed, max(batch_no) AS batch_no
    FROM list_entry WHERE batch_no > ${after} GROUP BY customer_no, name_no)
  SELECT customer_no, name_no, value_no, ${TRAIT_NUMBER} AS number, ${TRAIT_MOMENT} AS moment,
    ${TRAIT_KIND.trait}::UTINYINT AS kind, batch_no
  FROM latest_trait JOIN trait_value USING (name_no, value_no)
  UNION ALL
  SELECT customer_no, name_no, 0::UINTEGER, number, moment, ${TRAIT_KIND.score}::UTINYINT, batch_no FROM latest_score
  UNION ALL
  SELECT customer_no, name_no, 0::UINTEGER, ${NAN}, CASE WHEN is_listed THEN ${NAN} ELSE '-Infinity'::DOUBLE END,
    ${TRAIT_KIND.list}::UTINYINT, batch_no FROM latest_entry
  ORDER BY customer_no, name_no`;

const notIn = (names: ReadonlySet<number>) =>
  names.size === 0 ? '' : `AND name_no NOT IN (${[...names].join(', ')})`;

/** As `EVENT_COLUMN_TYPES`, and the properties: events received after a batch, by customer. */
export const eventsSince = (after: number) => `
  SELECT customer_no, name_no, occurred_at, batch_no, properties FROM event WHERE batch_no > ${after}
  ORDER BY customer_no`;

/** Versions of models known after a batch: whether each was ever in force by then, and how many were put in force after it. */
export const modelVersionsSql = (upTo: number) => `
  SELECT name_no, last_batch_no IS NOT NULL AS was_in_force,
    (rank() OVER (PARTITION BY model ORDER BY last_batch_no DESC NULLS LAST) - 1)::INTEGER AS later
  FROM model_version
  LEFT JOIN (SELECT name_no, max(batch_no) AS last_batch_no FROM model_activation
    WHERE batch_no <= ${upTo} GROUP BY name_no) AS activated USING (name_no)
  WHERE batch_no <= ${upTo}`;

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

const ORDER_TABLES = ['order_base', 'order_tail'];
/** Tables whose rows go into customers' values, besides orders. */
const OTHER_TABLES = ['trait', 'score', 'list_entry', 'event'];

const countOf = (tables: readonly string[], filter = '') =>
  tables.map((table) => `(SELECT count(*) FROM ${table} ${filter})`).join(' + ');

/** A row of `StateRow`: the state of the facts, and how much of them came after a batch. */
export const stateSql = (after: number) => `
  WITH last AS (SELECT coalesce(max(batch_no), 0) AS batch_no FROM batch)
  SELECT (SELECT batch_no FROM last) AS batch_no,
    coalesce(${fingerprint('(SELECT batch_no FROM last)')}, '') AS fingerprint,
    (SELECT coalesce(max(batch_no), 0) FROM store) AS stores_batch_no,
    ${countOf(['trait_name', 'trait_value', 'currency', 'list', 'event_name', 'model_version'])}
      + (SELECT coalesce(sum(batch_no), 0)::BIGINT
        FROM (SELECT max(batch_no) AS batch_no FROM model_activation GROUP BY model)) AS dictionary_size,
    ${countOf([...ORDER_TABLES, ...OTHER_TABLES])} AS rows,
    ${countOf(ORDER_TABLES, `WHERE batch_no > ${after}`)} AS fresh_orders,
    ${countOf(OTHER_TABLES, `WHERE batch_no > ${after}`)} AS fresh_others,
    (SELECT count(*) FROM customer_erasure WHERE batch_no > ${after}) AS erasures`;

export interface StateRow {
  readonly batch_no: number;
  readonly fingerprint: string;
  readonly stores_batch_no: number;
  /** Grows with every name and value, and with the batch that last put a version of a model in force. */
  readonly dictionary_size: number;
  readonly rows: number;
  readonly fresh_orders: number;
  readonly fresh_others: number;
  readonly erasures: number;
}

export const LAST_BATCH = `SELECT coalesce(max(batch_no), 0) AS last FROM batch`;

/** Times fall into spans of 2^10 s, by which a pass over all facts of a source is narrowed. */
export const SPAN_BITS = 10;

/** What a pass over the times of a source depends on. */
export interface TimesAt {
  /** Facts up to this batch count. */
  readonly mark: number;
  /** Names of scores that do not count. */
  readonly hiddenNames: ReadonlySet<number>;
}

/**
 * Customers and times of a source's facts in some spans, or in all, in no order. Versions of orders that
 * were superseded after the mark are looked at too: at the mark they count. Values of traits that were
 * superseded are, since they are few; scores are not, of which each day may replace all.
 */
export function timesSql(
  source: keyof TimeOffsets,
  spans: readonly number[] | undefined,
  { mark, hiddenNames }: TimesAt,
): string {
  const within = (time: string) =>
    spans === undefined
      ? `${time} IS NOT NULL`
      : `${time} BETWEEN ${spans[0]! * 2 ** SPAN_BITS} AND ${(spans.at(-1)! + 1) * 2 ** SPAN_BITS - 1}
        AND (${time} >> ${SPAN_BITS}) IN (${spans.join(', ')})`;
  if (source === 'events') return `SELECT customer_no, occurred_at FROM event WHERE ${within('occurred_at')}`;
  if (source === 'traits') {
    return `SELECT customer_no, moment FROM trait JOIN trait_value USING (name_no, value_no) WHERE ${within('moment')}`;
  }
  if (source === 'scores') {
    return `WITH due AS (
        SELECT DISTINCT customer_no, name_no FROM score WHERE ${within('valid_until')} ${notIn(hiddenNames)}),
      latest AS (
        SELECT customer_no, arg_max(${VALID_UNTIL}, batch_no) AS valid_until
        FROM score SEMI JOIN due USING (customer_no, name_no) WHERE batch_no <= ${mark}
        GROUP BY customer_no, name_no)
      SELECT customer_no, valid_until::UINTEGER AS valid_until FROM latest WHERE isfinite(valid_until)`;
  }
  return `SELECT customer_no, ordered_at FROM order_base WHERE ${within('ordered_at')}
    UNION ALL SELECT customer_no, ordered_at FROM order_tail WHERE ${within('ordered_at')}
    UNION ALL SELECT customer_no, ordered_at FROM order_archive
      WHERE superseded_by > ${mark} AND ${within('ordered_at')}`;
}
