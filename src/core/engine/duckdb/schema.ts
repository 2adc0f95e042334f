/**
 * The tables of the DuckDB file. Every row of facts carries the number of the batch that brought it; no
 * row of facts is updated. `order_base` is physically sorted by (customer, store, time) and holds, of
 * each order, only the latest version; `order_tail` takes what arrives and is folded in by compaction,
 * which moves superseded versions to `order_archive`, so that any past state of knowledge can be read.
 */

/** Raised whenever a table changes shape; a file with a higher number is refused. */
export const SCHEMA_VERSION = 2;

/** Columns of the three tables of orders. */
export const ORDER_COLUMNS = `
  customer_no UINTEGER NOT NULL,
  store_no UINTEGER NOT NULL,         -- 0: no store
  ordered_at UINTEGER NOT NULL,       -- seconds since 1970, UTC
  total_e4 BIGINT NOT NULL,           -- ten-thousandths
  discount_e4 BIGINT NOT NULL,
  currency_no USMALLINT NOT NULL,
  status UTINYINT NOT NULL,           -- 0 completed, 1 cancelled, 2 refunded
  batch_no UINTEGER NOT NULL,
  order_id VARCHAR NOT NULL`;

export const ARCHIVE_COLUMNS = `${ORDER_COLUMNS}, superseded_by UINTEGER NOT NULL`;
export const CUSTOMER_COLUMNS =
  'customer_no UINTEGER NOT NULL, customer_id VARCHAR NOT NULL, batch_no UINTEGER NOT NULL';
export const TRAIT_COLUMNS =
  'customer_no UINTEGER NOT NULL, name_no UINTEGER NOT NULL, value_no UINTEGER NOT NULL, batch_no UINTEGER NOT NULL';
/** number, moment: what the value reads as, if it does (`traitNumber`, `traitMoment` of the model). */
export const TRAIT_VALUE_COLUMNS =
  'name_no UINTEGER NOT NULL, value_no UINTEGER NOT NULL, value VARCHAR NOT NULL, number DOUBLE, moment UINTEGER';
export const SCORE_COLUMNS =
  'customer_no UINTEGER NOT NULL, name_no UINTEGER NOT NULL, value DOUBLE NOT NULL, valid_until UINTEGER, batch_no UINTEGER NOT NULL';
export const LIST_ENTRY_COLUMNS =
  'customer_no UINTEGER NOT NULL, name_no UINTEGER NOT NULL, is_listed BOOLEAN NOT NULL, batch_no UINTEGER NOT NULL';
export const EVENT_COLUMNS = `
  customer_no UINTEGER NOT NULL,
  name_no UINTEGER NOT NULL,
  occurred_at UINTEGER NOT NULL,      -- seconds since 1970, UTC
  batch_no UINTEGER NOT NULL,
  event_key UBIGINT NOT NULL,
  event_id VARCHAR NOT NULL,
  properties VARCHAR NOT NULL`;

export const CREATE_TABLES = `
CREATE TABLE IF NOT EXISTS meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS batch (
  batch_no UINTEGER NOT NULL, received_at UINTEGER NOT NULL, source VARCHAR NOT NULL, origin VARCHAR NOT NULL,
  content_hash VARCHAR, row_count UBIGINT NOT NULL, added UBIGINT NOT NULL, replaced UBIGINT NOT NULL,
  unchanged UBIGINT NOT NULL, rejected UBIGINT NOT NULL, report JSON);
CREATE TABLE IF NOT EXISTS customer (${CUSTOMER_COLUMNS});
-- Append-only: the highest batch_no of a store_no is in force. Store numbers start at 1.
CREATE TABLE IF NOT EXISTS store (
  store_no UINTEGER NOT NULL, store_id VARCHAR NOT NULL, brand VARCHAR, city VARCHAR, category VARCHAR,
  tags VARCHAR[], opened_at UINTEGER, closed_at UINTEGER, batch_no UINTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS currency (currency_no USMALLINT NOT NULL, code VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS order_base (${ORDER_COLUMNS});
CREATE TABLE IF NOT EXISTS order_tail (${ORDER_COLUMNS});
-- Superseded versions; superseded_by is the batch that replaced them.
CREATE TABLE IF NOT EXISTS order_archive (${ARCHIVE_COLUMNS});
CREATE TABLE IF NOT EXISTS trait_name (name_no UINTEGER NOT NULL, name VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS trait_value (${TRAIT_VALUE_COLUMNS});
-- Append-only: the highest batch_no of a (customer, name) is in force.
CREATE TABLE IF NOT EXISTS trait (${TRAIT_COLUMNS});
-- Traits, scores and lists share one range of name_no. A version of a model is a name, and so is a list.
CREATE TABLE IF NOT EXISTS model_version (name_no UINTEGER NOT NULL, model VARCHAR NOT NULL, version VARCHAR NOT NULL, batch_no UINTEGER NOT NULL);
-- Append-only: of a model, the version of the highest batch_no is in force.
CREATE TABLE IF NOT EXISTS model_activation (model VARCHAR NOT NULL, name_no UINTEGER NOT NULL, batch_no UINTEGER NOT NULL);
-- Append-only: the highest batch_no of a (customer, name) is in force. No valid_until: for ever.
CREATE TABLE IF NOT EXISTS score (${SCORE_COLUMNS});
CREATE TABLE IF NOT EXISTS list (name_no UINTEGER NOT NULL, name VARCHAR NOT NULL, batch_no UINTEGER NOT NULL);
-- Append-only, as scores.
CREATE TABLE IF NOT EXISTS list_entry (${LIST_ENTRY_COLUMNS});
CREATE TABLE IF NOT EXISTS event_name (name_no UINTEGER NOT NULL, name VARCHAR NOT NULL);
-- Events never change; each (customer, event_id) is there once. event_key, to find repeats by: the customer's number
-- in the upper half, a hash of the id in the lower.
-- properties: a JSON object of texts, keys ascending.
CREATE TABLE IF NOT EXISTS event (${EVENT_COLUMNS});
-- Customers whose facts were removed from all tables, and the batch that stands for it.
CREATE TABLE IF NOT EXISTS customer_erasure (customer_no UINTEGER NOT NULL, batch_no UINTEGER NOT NULL);
-- Keyed hashes of their ids (the key is in meta), by which facts that are sent again are recognized.
CREATE TABLE IF NOT EXISTS erased_customer (hash VARCHAR NOT NULL, erased_at UINTEGER NOT NULL);
-- Their ids, until what is served has forgotten them; an empty one until the log of changes has, too.
CREATE TABLE IF NOT EXISTS erasure_pending (customer_no UINTEGER NOT NULL, customer_id VARCHAR NOT NULL);
-- How far streams of messages were taken in, written in the transaction that brings their facts.
CREATE TABLE IF NOT EXISTS stream_position (stream VARCHAR NOT NULL, "partition" VARCHAR NOT NULL, position BIGINT NOT NULL);
-- The catalog and the record of calculations live in the same file.
CREATE TABLE IF NOT EXISTS definition_version (
  catalog_no UINTEGER NOT NULL, key VARCHAR NOT NULL, version UINTEGER NOT NULL, definition VARCHAR NOT NULL,
  author VARCHAR NOT NULL, "at" UINTEGER NOT NULL, reason VARCHAR);
CREATE TABLE IF NOT EXISTS segment (segment_no UINTEGER NOT NULL, key VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS calculation (calculation_no UINTEGER NOT NULL, moment UINTEGER NOT NULL, batch_no UINTEGER NOT NULL,
  catalog_no UINTEGER NOT NULL, finished_at UINTEGER NOT NULL, report VARCHAR NOT NULL);
-- Members of every segment at the end of a calculation.
CREATE TABLE IF NOT EXISTS segment_size (calculation_no UINTEGER NOT NULL, segment_no UINTEGER NOT NULL, size UINTEGER NOT NULL);
-- Bounds that the population set, append-only, numbered from 1. key: what is measured, and how it is ranked, as JSON;
-- moment, batch_no: what they were taken as of.
CREATE TABLE IF NOT EXISTS population_bound (bound_no UINTEGER NOT NULL, key VARCHAR NOT NULL, calculation_no UINTEGER NOT NULL,
  moment UINTEGER NOT NULL, batch_no UINTEGER NOT NULL, customers UINTEGER NOT NULL, bound_values DOUBLE[] NOT NULL);
-- Moments (inclusive) as of which the same facts and definitions were served, append-only.
CREATE TABLE IF NOT EXISTS served_as_of (
  moment_from UINTEGER NOT NULL, moment_until UINTEGER NOT NULL, batch_no UINTEGER NOT NULL, catalog_no UINTEGER NOT NULL);
-- Flows of live segments by hour, in blocks that are made one when the hour has ended. "at": the moment of the block's
-- last tick; position: the last of the log of changes that is in it; no exceptions: the state is not known.
CREATE TABLE IF NOT EXISTS flow_block (hour UINTEGER NOT NULL, "at" UINTEGER NOT NULL, position UBIGINT NOT NULL, customers UINTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS segment_flow (hour UINTEGER NOT NULL, "at" UINTEGER NOT NULL, segment_no UINTEGER NOT NULL,
  entries UINTEGER NOT NULL, exits UINTEGER NOT NULL, is_default BOOLEAN, exceptions UINTEGER);
`;
