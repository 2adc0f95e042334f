/**
 * The SQL of a scan. `order_base` is read as it lies, sorted; customers with rows in the tail or with
 * versions in the archive that count at the mark are *mixed*: theirs are reconciled and sorted apart.
 */
import type { ScanRequest } from '../engine.ts';

/** What a scan's queries depend on. */
export interface ScanScope {
  /** Read what was known after this batch. */
  readonly knownAt: number;
  /** Whether later batches than that exist. */
  readonly past: boolean;
  readonly amounts: boolean;
  readonly customers: 'all' | 'range' | 'listed';
  /** Of a range: first and last number. */
  readonly first: number;
  readonly last: number;
  /** Whether only orders in the stores of the temporary table count. */
  readonly stores: boolean;
}

/** Temporary tables that hold the numbers asked for. */
export const WANTED_CUSTOMER = 'wanted_customer';
export const WANTED_STORE = 'wanted_store';
/** Temporary table of mixed customers. */
export const MIXED_CUSTOMER = 'mixed_customer';

/** A range is read without a join, and a list of neighbours is a range. */
export function scanScope(request: ScanRequest, lastBatchNo: number): ScanScope {
  const customers = request.customers;
  const count = customers?.length ?? 0;
  const first = customers?.[0] ?? 0;
  const last = customers?.[count - 1] ?? 0;
  const knownAt = Math.min(request.knownAt ?? lastBatchNo, lastBatchNo);
  return {
    knownAt,
    past: knownAt < lastBatchNo,
    amounts: request.columns.amounts,
    customers: customers === undefined ? 'all' : last - first + 1 === count ? 'range' : 'listed',
    first,
    last,
    stores: request.stores !== undefined,
  };
}

const columns = (scope: ScanScope) =>
  `customer_no, store_no, ordered_at${scope.amounts ? ', total_e4::DOUBLE AS total_e4, discount_e4::DOUBLE AS discount_e4, currency_no' : ''}`;

function customerFilter(scope: ScanScope): string {
  if (scope.customers === 'all') return '';
  if (scope.customers === 'range') return `AND customer_no BETWEEN ${scope.first} AND ${scope.last}`;
  return `AND customer_no IN (SELECT customer_no FROM ${WANTED_CUSTOMER})`;
}

const storeFilter = (scope: ScanScope) =>
  scope.stores ? `AND store_no IN (SELECT store_no FROM ${WANTED_STORE})` : '';

const knownFilter = (scope: ScanScope) => (scope.past ? `AND batch_no <= ${scope.knownAt}` : '');

/**
 * Orders of the base in its own order, those of mixed customers and of their superseded versions among
 * them: the reader leaves those out. A join may give up the order, so what is joined is sorted again.
 */
export function baseOrdersSql(scope: ScanScope): string {
  const joined = scope.customers === 'listed' || scope.stores;
  return `SELECT ${columns(scope)} FROM order_base
    WHERE status = 0 ${knownFilter(scope)} ${customerFilter(scope)} ${storeFilter(scope)}
    ${joined ? 'ORDER BY customer_no, store_no, ordered_at' : ''}`;
}

const tailFilter = (scope: ScanScope) => `batch_no <= ${scope.knownAt} ${customerFilter(scope)}`;
const archiveFilter = (scope: ScanScope) => `${tailFilter(scope)} AND superseded_by > ${scope.knownAt}`;

/** Makes the temporary table of mixed customers. */
export function mixedCustomersSql(scope: ScanScope): string {
  return `CREATE TEMP TABLE ${MIXED_CUSTOMER} AS
    SELECT customer_no FROM order_tail WHERE ${tailFilter(scope)}
    UNION SELECT customer_no FROM order_archive WHERE ${archiveFilter(scope)}`;
}

/** Counts batches in the tail: one alone holds each order once. */
export function tailBatchesSql(scope: ScanScope): string {
  return `SELECT count(DISTINCT batch_no) AS batches FROM order_tail WHERE ${tailFilter(scope)}`;
}

/**
 * Orders of mixed customers: versions of base and archive that no version of the tail replaces, and the
 * tail's latest versions.
 */
export function mixedOrdersSql(scope: ScanScope, tailBatches: number): string {
  // By max, not by row_number: DuckDB 1.5 turns that into a top-n, and fails on some small tables.
  const latest =
    tailBatches > 1 ? 'QUALIFY batch_no = max(batch_no) OVER (PARTITION BY customer_no, order_id)' : '';
  const mixed = `customer_no IN (SELECT customer_no FROM ${MIXED_CUSTOMER})`;
  const counts = `status = 0 ${storeFilter(scope)}`;
  return `WITH tail AS (SELECT * FROM order_tail WHERE ${tailFilter(scope)} ${latest}),
    older AS (
      SELECT * EXCLUDE (batch_no) FROM order_base
        WHERE batch_no <= ${scope.knownAt} AND ${counts} AND ${mixed}
      UNION ALL
      SELECT * EXCLUDE (batch_no, superseded_by) FROM order_archive WHERE ${archiveFilter(scope)} AND ${counts})
    SELECT ${columns(scope)} FROM older ANTI JOIN tail USING (customer_no, order_id)
    UNION ALL
    SELECT ${columns(scope)} FROM tail WHERE ${counts}
    ORDER BY customer_no, store_no, ordered_at`;
}

/**
 * The latest value of each trait, by customer and name. Where only some stores are asked for, customers
 * without an order there are left out as far as is cheap; the reader leaves out the rest.
 */
export function traitsSql(scope: ScanScope): string {
  const inStores = ['order_base', 'order_tail', 'order_archive']
    .map(
      (table) => `SELECT customer_no FROM ${table} WHERE store_no IN (SELECT store_no FROM ${WANTED_STORE})`,
    )
    .join(' UNION ALL ');
  return `WITH latest AS (
      SELECT customer_no, name_no, arg_max(value_no, batch_no) AS value_no FROM trait
      WHERE batch_no <= ${scope.knownAt} ${customerFilter(scope)}
        ${scope.stores ? `AND customer_no IN (${inStores})` : ''}
      GROUP BY customer_no, name_no)
    SELECT customer_no, name_no, value_no, coalesce(number, 'NaN'::DOUBLE) AS number
    FROM latest JOIN trait_value USING (name_no, value_no)
    ORDER BY customer_no, name_no`;
}
