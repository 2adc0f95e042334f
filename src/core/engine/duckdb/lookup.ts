/** Small questions to the facts: counts, dictionaries, numbers and ids, one customer's facts in words. */
import { UINTEGER } from '@duckdb/node-api';
import type { CustomerFacts, EventFact, OrderFact, OrderStatus, ScoreFact } from '../../../model/fact.ts';
import type { CustomerBatch } from '../../../model/membership.ts';
import { MOMENT_MAX_S } from '../../../model/time.ts';
import type { FactCounts, FactDictionary, RowNo, StoreTable } from '../engine.ts';
import { chunkColumns } from './column-block.ts';
import type { DuckDbDatabase } from './database.ts';
import { MODELS_IN_FORCE } from './models.ts';
import { readNumbers } from './scan.ts';

/** As `status` numbers them in the tables. */
const STATUSES: readonly OrderStatus[] = ['completed', 'cancelled', 'refunded'];
/** Later than any batch. */
const LAST_BATCH = 0xffff_ffff;

const COUNTS = `
WITH tail AS (
  SELECT * FROM order_tail QUALIFY row_number() OVER (PARTITION BY customer_no, order_id ORDER BY batch_no DESC) = 1),
replaced AS (
  SELECT order_base.ordered_at FROM order_base
  SEMI JOIN (SELECT DISTINCT customer_no FROM tail) AS mixed USING (customer_no)
  SEMI JOIN tail USING (customer_no, order_id))
SELECT (SELECT count(*) FROM customer) AS customers,
  (SELECT coalesce(max(store_no), 0) FROM store) AS stores,
  (SELECT count(*) FROM order_base) + (SELECT count(*) FROM tail) - (SELECT count(*) FROM replaced) AS orders,
  (SELECT count(*) FROM (SELECT DISTINCT customer_no, name_no FROM trait)) AS traits,
  (SELECT count(*) FROM event) AS events,
  (SELECT count(*) FROM (SELECT DISTINCT customer_no, name_no FROM score)) AS scores,
  (SELECT count(*) FROM (
    SELECT customer_no FROM list_entry GROUP BY customer_no, name_no HAVING arg_max(is_listed, batch_no))) AS "listEntries",
  (SELECT coalesce(max(batch_no), 0) FROM batch) AS batch_no,
  (SELECT max(ordered_at) FROM tail) AS last_in_tail,
  (SELECT max(ordered_at) FROM order_base) AS last_in_base,
  (SELECT max(ordered_at) FROM replaced) AS last_replaced`;

const LAST_IN_FORCE = `
SELECT max(ordered_at) AS last FROM order_base ANTI JOIN order_tail USING (customer_no, order_id)`;

/** See `Engine.counts`. */
export async function countFacts(database: DuckDbDatabase): Promise<FactCounts> {
  const [found] = await database.rows<{
    customers: number;
    stores: number;
    orders: number;
    traits: number;
    events: number;
    scores: number;
    listEntries: number;
    batch_no: number;
    last_in_tail: number | null;
    last_in_base: number | null;
    last_replaced: number | null;
  }>(COUNTS);
  const { customers, stores, orders, traits, events, scores, listEntries, batch_no } = found!;
  let inBase = found!.last_in_base;
  if (inBase !== null && inBase === found!.last_replaced) {
    // The latest of the base may be a version that no longer counts: only then is all of it looked at.
    inBase = (await database.row<{ last: number | null }>(LAST_IN_FORCE))!.last;
  }
  const last = Math.max(found!.last_in_tail ?? -1, inBase ?? -1);
  return {
    customers,
    stores,
    orders,
    traits,
    events,
    scores,
    listEntries,
    batchNo: batch_no,
    ...(last < 0 ? {} : { lastOrderAt: last }),
  };
}

/** See `Engine.lastBatchNo`. */
export async function readLastBatchNo(
  database: DuckDbDatabase,
  receivedUpTo = MOMENT_MAX_S,
): Promise<number> {
  const row = await database.row<{ batch_no: number }>(
    'SELECT coalesce(max(batch_no), 0)::UINTEGER AS batch_no FROM batch WHERE received_at <= $1',
    [receivedUpTo],
  );
  return row!.batch_no;
}

/** Whose rows affect their customers; those of scores do if their version is in force. */
const TABLES_OF_FACTS = [
  'customer',
  'customer_erasure',
  'order_base',
  'order_tail',
  'order_archive',
  'trait',
  'event',
  'list_entry',
] as const;

/** See `Engine.affectedCustomers`. */
export function affectedCustomers(
  database: DuckDbDatabase,
  after: number,
  upTo: number,
): Promise<Uint32Array> {
  const isReceived = 'batch_no > $2 AND batch_no <= $1';
  const received = [
    ...TABLES_OF_FACTS.map((table) => `SELECT customer_no FROM ${table} WHERE ${isReceived}`),
    `SELECT customer_no FROM (FROM score WHERE ${isReceived})
     SEMI JOIN (${MODELS_IN_FORCE}) AS in_force USING (name_no)`,
  ].join(' UNION ');
  return readNumbers(
    database.stream(`SELECT customer_no FROM (${received}) ORDER BY customer_no`, [upTo, after]),
  );
}

/** See `Engine.storeTable`. */
export async function readStoreTable(database: DuckDbDatabase, knownAt = LAST_BATCH): Promise<StoreTable> {
  const rows = await database.rows<{
    store_id: string;
    brand: string | null;
    city: string | null;
    category: string | null;
    tags: string[] | null;
  }>(
    `SELECT store_id, brand, city, category, tags FROM store WHERE batch_no <= $1
     QUALIFY row_number() OVER (PARTITION BY store_no ORDER BY batch_no DESC) = 1 ORDER BY store_no`,
    [knownAt],
  );
  return {
    ids: rows.map((row) => row.store_id),
    brand: rows.map((row) => row.brand ?? undefined),
    city: rows.map((row) => row.city ?? undefined),
    category: rows.map((row) => row.category ?? undefined),
    tags: rows.map((row) => row.tags ?? undefined),
  };
}

/** See `Engine.dictionary`. */
export async function readDictionary(
  database: DuckDbDatabase,
  knownAt = LAST_BATCH,
): Promise<FactDictionary> {
  const names = await database.rows<{ name: string; name_no: number }>(
    `SELECT name, name_no FROM trait_name`,
  );
  const traitValues = new Map(names.map((row) => [row.name_no, new Map<string, number>()]));
  for await (const chunk of database.stream(`SELECT name_no, value_no, value FROM trait_value`)) {
    const [nameNos, valueNos] = chunkColumns(chunk);
    const values = chunk.getColumnVector(2);
    for (let i = 0; i < chunk.rowCount; i++) {
      traitValues.get(nameNos![i]!)!.set(values.getItem(i) as string, valueNos![i]!);
    }
  }
  const numbers = async (sql: string, params: readonly number[] = []) => {
    const rows = await database.rows<{ name: string; name_no: number }>(sql, params);
    return new Map(rows.map((row) => [row.name, row.name_no]));
  };
  return {
    traitNames: new Map(names.map((row) => [row.name, row.name_no])),
    models: await numbers(`SELECT model AS name, name_no FROM (${MODELS_IN_FORCE})`, [knownAt]),
    lists: await numbers('SELECT name, name_no FROM list'),
    eventNames: await numbers('SELECT name, name_no FROM event_name'),
    traitValues,
    currencies: await numbers('SELECT code AS name, currency_no AS name_no FROM currency'),
  };
}

/** See `Engine.customers`. DuckDB compares text by its bytes, so its order is the one promised. */
export async function* readCustomers(
  database: DuckDbDatabase,
  knownAt = LAST_BATCH,
): AsyncGenerator<CustomerBatch> {
  const sql = `SELECT customer_id, customer_no FROM customer WHERE batch_no <= $1 ORDER BY customer_id`;
  for await (const chunk of database.stream(sql, [knownAt])) {
    const customerNos = new Uint32Array(chunkColumns(chunk)[1]!.subarray(0, chunk.rowCount));
    yield { ids: chunk.getColumnValues(0) as string[], customerNos };
  }
}

/** See `Engine.customerNo`. */
export async function readCustomerNo(
  database: DuckDbDatabase,
  customerId: string,
  knownAt = LAST_BATCH,
): Promise<RowNo | undefined> {
  const row = await database.row<{ customer_no: number }>(
    `SELECT customer_no FROM customer WHERE customer_id = $1 AND batch_no <= $2`,
    [customerId, knownAt],
  );
  return row?.customer_no;
}

/** See `Engine.customerIds`. */
export async function readCustomerIds(database: DuckDbDatabase, customerNos: Uint32Array): Promise<string[]> {
  if (customerNos.length === 0) return [];
  const session = await database.connect();
  try {
    await session.run(`CREATE TEMP TABLE wanted (position UINTEGER, customer_no UINTEGER)`);
    const positions = customerNos.map((_, i) => i);
    await session.append('wanted', [UINTEGER, UINTEGER], [positions, customerNos]);
    const ids: string[] = [];
    const sql = `
      SELECT coalesce(customer_id, CASE WHEN erased.customer_no IS NOT NULL THEN '' END) AS customer_id
      FROM wanted LEFT JOIN customer USING (customer_no)
      LEFT JOIN customer_erasure AS erased ON erased.customer_no = wanted.customer_no
      ORDER BY position`;
    for await (const chunk of session.stream(sql)) {
      for (const id of chunk.getColumnValues(0) as (string | null)[]) {
        if (id === null) throw new Error('a customer number is asked for that was never given');
        ids.push(id);
      }
    }
    return ids;
  } finally {
    await session.close();
  }
}

const CUSTOMER_ORDERS = `
WITH version AS (
  SELECT *, 0 AS superseded_by FROM order_base WHERE customer_no = $1 AND batch_no <= $2
  UNION ALL SELECT *, 0 FROM order_tail WHERE customer_no = $1 AND batch_no <= $2
  UNION ALL FROM order_archive WHERE customer_no = $1 AND batch_no <= $2),
latest AS (
  SELECT * FROM version QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY batch_no DESC) = 1)
SELECT order_id, store_id, ordered_at, total_e4, discount_e4, code, status FROM latest
JOIN currency USING (currency_no)
LEFT JOIN (SELECT DISTINCT store_no, store_id FROM store) AS known_store USING (store_no)
ORDER BY ordered_at, order_id`;

const CUSTOMER_TRAITS = `
SELECT name, value
FROM (SELECT name_no, arg_max(value_no, batch_no) AS value_no FROM trait
  WHERE customer_no = $1 AND batch_no <= $2 GROUP BY name_no)
JOIN trait_value USING (name_no, value_no) JOIN trait_name USING (name_no)`;

const CUSTOMER_EVENTS = `
SELECT event_id, name, occurred_at, properties FROM event JOIN event_name USING (name_no)
WHERE customer_no = $1 AND batch_no <= $2 ORDER BY occurred_at, event_id`;

/** Of the version that was in force after the batch. */
const CUSTOMER_SCORES = `
WITH in_force AS (${MODELS_IN_FORCE.replace('$1', '$2')}),
latest AS (
  SELECT name_no, arg_max({'value': value, 'valid_until': valid_until}, batch_no) AS said
  FROM score WHERE customer_no = $1 AND batch_no <= $2 GROUP BY name_no)
SELECT model_version.model, version, said.value AS value, said.valid_until AS valid_until
FROM latest JOIN in_force USING (name_no) JOIN model_version USING (name_no)`;

const CUSTOMER_LISTS = `
SELECT name FROM list JOIN (
  SELECT name_no FROM list_entry WHERE customer_no = $1 AND batch_no <= $2
  GROUP BY name_no HAVING arg_max(is_listed, batch_no)) USING (name_no)`;

/** See `Engine.customerFacts`: nothing of a customer who was not known. */
export async function readCustomerFacts(
  database: DuckDbDatabase,
  customerId: string,
  knownAt = LAST_BATCH,
): Promise<CustomerFacts> {
  const customerNo = await readCustomerNo(database, customerId, knownAt);
  if (customerNo === undefined) {
    return { orders: [], traits: new Map(), events: [], scores: new Map(), lists: new Set() };
  }
  const asked = [customerNo, knownAt];
  const traits = await database.rows<{ name: string; value: string }>(CUSTOMER_TRAITS, asked);
  const lists = await database.rows<{ name: string }>(CUSTOMER_LISTS, asked);
  return {
    orders: await readOrders(database, customerId, asked),
    traits: new Map(traits.map((row) => [row.name, row.value])),
    events: await readEvents(database, customerId, asked),
    scores: await readScores(database, customerId, asked),
    lists: new Set(lists.map((row) => row.name)),
  };
}

async function readOrders(
  database: DuckDbDatabase,
  customerId: string,
  asked: readonly number[],
): Promise<OrderFact[]> {
  const orders = await database.rows<{
    order_id: string;
    store_id: string | null;
    ordered_at: number;
    total_e4: number;
    discount_e4: number;
    code: string;
    status: number;
  }>(CUSTOMER_ORDERS, asked);
  return orders.map((row) => ({
    customerId,
    orderId: row.order_id,
    ...(row.store_id === null ? {} : { storeId: row.store_id }),
    orderedAt: row.ordered_at,
    totalE4: row.total_e4,
    discountE4: row.discount_e4,
    currency: row.code,
    status: STATUSES[row.status]!,
  }));
}

async function readEvents(
  database: DuckDbDatabase,
  customerId: string,
  asked: readonly number[],
): Promise<EventFact[]> {
  const events = await database.rows<{
    event_id: string;
    name: string;
    occurred_at: number;
    properties: string;
  }>(CUSTOMER_EVENTS, asked);
  return events.map((row) => ({
    customerId,
    eventId: row.event_id,
    name: row.name,
    occurredAt: row.occurred_at,
    properties: JSON.parse(row.properties) as Record<string, string>,
  }));
}

async function readScores(
  database: DuckDbDatabase,
  customerId: string,
  asked: readonly number[],
): Promise<Map<string, ScoreFact>> {
  const scores = await database.rows<{
    model: string;
    version: string;
    value: number;
    valid_until: number | null;
  }>(CUSTOMER_SCORES, asked);
  return new Map(
    scores.map(({ model, version, value, valid_until }) => [
      model,
      { customerId, model, value, version, ...(valid_until === null ? {} : { validUntil: valid_until }) },
    ]),
  );
}
