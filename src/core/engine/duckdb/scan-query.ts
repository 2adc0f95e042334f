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

const orderColumns = (amounts: boolean) =>
  `customer_no, store_no, ordered_at${amounts ? ', total_e4::DOUBLE AS total_e4, discount_e4::DOUBLE AS discount_e4, currency_no' : ''}`;

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
  return `SELECT ${orderColumns(scope.amounts)} FROM order_base
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
  return `${reconciledSql(scope, tailBatches, { columns: orderColumns(scope.amounts), status: 'status = 0' })}
    ORDER BY customer_no, store_no, ordered_at`;
}

/** Orders of mixed customers, as they were at the mark; `columns` and `status` are of the tables of orders. */
export function reconciledSql(
  scope: ScanScope,
  tailBatches: number,
  { columns, status }: { readonly columns: string; readonly status: string },
): string {
  // By max, not by row_number: DuckDB 1.5 turns that into a top-n, and fails on some small tables.
  const latest =
    tailBatches > 1 ? 'QUALIFY batch_no = max(batch_no) OVER (PARTITION BY customer_no, order_id)' : '';
  const mixed = `customer_no IN (SELECT customer_no FROM ${MIXED_CUSTOMER})`;
  const counts = `${status} ${storeFilter(scope)}`;
  return `WITH tail AS (SELECT * FROM order_tail WHERE ${tailFilter(scope)} ${latest}),
    older AS (
      SELECT * EXCLUDE (batch_no) FROM order_base
        WHERE batch_no <= ${scope.knownAt} AND ${counts} AND ${mixed}
      UNION ALL
      SELECT * EXCLUDE (batch_no, superseded_by) FROM order_archive WHERE ${archiveFilter(scope)} AND ${counts})
    SELECT ${columns} FROM older ANTI JOIN tail USING (customer_no, order_id)
    UNION ALL
    SELECT ${columns} FROM tail WHERE ${counts}`;
}

/**
 * Orders that do not count, as `UNCOUNTED_TYPES`. They are few, so those of mixed customers and of others
 * are one query.
 */
export function uncountedOrdersSql(scope: ScanScope, tailBatches: number): string {
  const columns = `${orderColumns(true)}, status`;
  const mixed = reconciledSql(scope, tailBatches, { columns, status: 'status <> 0' });
  return `SELECT ${columns} FROM order_base ANTI JOIN ${MIXED_CUSTOMER} USING (customer_no)
    WHERE status <> 0 ${knownFilter(scope)} ${customerFilter(scope)} ${storeFilter(scope)}
    UNION ALL FROM (${mixed})
    ORDER BY customer_no, store_no, ordered_at`;
}

/**
 * Of rows that are no orders: the customers asked for. Where only some stores are, customers without an
 * order there are left out as far as is cheap; the reader leaves out the rest.
 */
export function factFilter(scope: ScanScope): string {
  const filter = `batch_no <= ${scope.knownAt} ${customerFilter(scope)}`;
  if (!scope.stores) return filter;
  const inStores = ['order_base', 'order_tail', 'order_archive']
    .map(
      (table) => `SELECT customer_no FROM ${table} WHERE store_no IN (SELECT store_no FROM ${WANTED_STORE})`,
    )
    .join(' UNION ALL ');
  return `${filter} AND customer_no IN (${inStores})`;
}

/** Versions of models that are in force after a batch: one `name_no` for each model. */
export const inForceSql = (knownAt: number) =>
  `SELECT arg_max(name_no, batch_no) AS name_no FROM model_activation WHERE batch_no <= ${knownAt} GROUP BY model`;

/**
 * The latest value of each trait, scores of versions in force and lists that a customer is on, by customer
 * and name, as `TRAIT_TYPES`. There is at least one name, if some are asked for.
 */
export function traitsSql(scope: ScanScope, names?: readonly number[]): string {
  const filter = `${factFilter(scope)} ${names === undefined ? '' : `AND name_no IN (${names.join(', ')})`}`;
  return `WITH in_force AS (${inForceSql(scope.knownAt)}),
    latest_trait AS (
      SELECT customer_no, name_no, arg_max(value_no, batch_no) AS value_no FROM trait
      WHERE ${filter} GROUP BY customer_no, name_no),
    latest_score AS (
      SELECT customer_no, name_no, arg_max(value, batch_no) AS number,
        arg_max(${VALID_UNTIL}, batch_no) AS moment
      FROM score SEMI JOIN in_force USING (name_no) WHERE ${filter} GROUP BY customer_no, name_no),
    listed AS (
      SELECT customer_no, name_no FROM list_entry
      WHERE ${filter} GROUP BY customer_no, name_no HAVING arg_max(is_listed, batch_no))
    SELECT customer_no, name_no, value_no, ${TRAIT_NUMBER} AS number, ${TRAIT_MOMENT} AS moment
    FROM latest_trait JOIN trait_value USING (name_no, value_no)
    UNION ALL SELECT customer_no, name_no, 0::UINTEGER, number, moment FROM latest_score
    UNION ALL SELECT customer_no, name_no, 0::UINTEGER, ${NAN}, ${NAN} FROM listed
    ORDER BY customer_no, name_no`;
}

export const NAN = `'NaN'::DOUBLE`;
/** Of a trait's value: what `FactBatch.traitNumber` and `traitMoment` hold. */
export const TRAIT_NUMBER = `coalesce(number, ${NAN})`;
export const TRAIT_MOMENT = `coalesce(moment::DOUBLE, ${NAN})`;
/** Of a score; an aggregate would pass over NULL. */
export const VALID_UNTIL = `coalesce(valid_until::DOUBLE, 'Infinity'::DOUBLE)`;
