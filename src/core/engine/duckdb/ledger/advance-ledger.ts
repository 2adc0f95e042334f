/**
 * Brings the ledger up to date: versions and traits received after its mark go into the values of their
 * customers, and the mark moves on in the same transaction. Taking a row in twice changes nothing, so
 * what is too much for one transaction is taken in by several, of which only the last moves the mark.
 */
import { ColumnBlock, type ColumnType, chunkColumns, RowCursor } from '../column-block.ts';
import type { DuckDbDatabase } from '../database.ts';
import type { DuckDbSession } from '../session.ts';
import { openSnapshot } from '../snapshot.ts';
import { CustomerRecord, ORDER_COLUMN_TYPES, TRAIT_COLUMN_TYPES } from './customer-record.ts';
import type { LedgerChange, LedgerFile, LedgerMark } from './ledger-file.ts';
import {
  customersSince,
  erasedSince,
  ordersSince,
  type StateRow,
  stateSql,
  traitsSince,
} from './ledger-query.ts';

/** Rows that one transaction takes in at least, before another begins: some tens of milliseconds. */
const ROWS_PER_TRANSACTION = 16_384;
/** What a customer's value is reckoned to grow by or be rewritten with, to keep space on the disk. */
const VALUE_BYTES_GUESSED = 4096;
/** With more fresh orders than this share of all, building anew is cheaper than changing values. */
const REBUILD_SHARE = 0.5;
const REBUILD_ORDERS_MIN = 1_000_000;
/** Fresh traits are held in memory, 20 bytes each, while orders stream by; for more it is built anew, too. */
const TRAITS_MAX = 1_000_000;

/** Facts of one step, as they were taken in. */
export interface FreshFacts {
  /** Columns: those of `ORDER_COLUMN_TYPES`, and the batch. */
  orders(block: ColumnBlock): void;
  /** Columns: those of `TRAIT_COLUMN_TYPES`, and the batch. */
  traits(block: ColumnBlock): void;
  erased(customerNo: number, batchNo: number): void;
  newCustomer(customerNo: number, batchNo: number, customerId: string): void;
}

/** The facts' state that a ledger stands at. */
export interface FactState {
  readonly batchNo: number;
  readonly storesBatchNo: number;
  readonly dictionarySize: number;
}

/**
 * Takes in all that was received since the mark.
 *
 * @returns The state it stands at then, or undefined if so much is new that it must be built anew.
 */
export async function advanceLedger(
  database: DuckDbDatabase,
  ledger: LedgerFile,
  step: {
    readonly mark: LedgerMark;
    readonly fresh: FreshFacts;
    readonly rebuildOrdersMin?: number | undefined;
  },
): Promise<(LedgerMark & FactState) | undefined> {
  const { mark, fresh, rebuildOrdersMin = REBUILD_ORDERS_MIN } = step;
  const snapshot = await openSnapshot(database, 1);
  try {
    const [first] = snapshot.sessions;
    const found = (await first!.row<StateRow>(stateSql(mark.batchNo)))!;
    if (found.fresh_orders > Math.max(rebuildOrdersMin, found.orders * REBUILD_SHARE)) return undefined;
    if (found.fresh_traits > TRAITS_MAX) return undefined;
    const next: LedgerMark = {
      batchNo: found.batch_no,
      reachesBatchNo: found.batch_no,
      fingerprint: found.fingerprint,
    };
    await readNewCustomers(first!, mark.batchNo, found.batch_no, fresh);
    const erased = found.erasures === 0 ? [] : await readErased(first!, mark.batchNo, fresh);
    const freshTraits = withBatch(TRAIT_COLUMN_TYPES);
    if (found.fresh_traits > 0) await readWhole(first!, traitsSince(mark.batchNo), freshTraits);
    await takeIn(ledger, first!, { mark, next, erased, freshTraits, fresh });
    return { ...next, ...factState(found) };
  } finally {
    await snapshot.close();
  }
}

/** What the compiler depends on. */
export function factState(row: StateRow): FactState {
  return {
    batchNo: row.batch_no,
    storesBatchNo: row.stores_batch_no,
    dictionarySize: row.dictionary_size,
  };
}

async function readNewCustomers(
  session: DuckDbSession,
  after: number,
  upTo: number,
  fresh: FreshFacts,
): Promise<void> {
  for await (const chunk of session.stream(customersSince(after, upTo))) {
    const ids = chunk.getColumnVector(2);
    const customerNos = chunk.getColumnVector(0);
    const batchNos = chunk.getColumnVector(1);
    for (let i = 0; i < chunk.rowCount; i++) {
      fresh.newCustomer(
        customerNos.getItem(i) as number,
        batchNos.getItem(i) as number,
        ids.getItem(i) as string,
      );
    }
  }
}

async function readErased(session: DuckDbSession, after: number, fresh: FreshFacts): Promise<number[]> {
  const rows = await session.rows<{ customer_no: number; batch_no: number }>(erasedSince(after));
  for (const row of rows) fresh.erased(row.customer_no, row.batch_no);
  return rows.map((row) => row.customer_no);
}

interface TakeIn {
  readonly mark: LedgerMark;
  readonly next: LedgerMark;
  /** Customers whose earlier facts are no more. */
  readonly erased: readonly number[];
  /** Fresh values of traits. */
  readonly freshTraits: ColumnBlock;
  readonly fresh: FreshFacts;
}

const withBatch = (types: readonly ColumnType[]) => new ColumnBlock([...types, Uint32Array], 2048);

async function takeIn(
  ledger: LedgerFile,
  session: DuckDbSession,
  { mark, next, erased, freshTraits, fresh }: TakeIn,
): Promise<void> {
  const orders = new RowCursor(session.stream(ordersSince(mark.batchNo)));
  const traits = cursorOver(freshTraits);
  const block = { orders: withBatch(ORDER_COLUMN_TYPES), traits: withBatch(TRAIT_COLUMN_TYPES) };
  const record = new CustomerRecord();
  let forget = erased;
  const write = async (reached: LedgerMark) => {
    fresh.orders(block.orders);
    fresh.traits(block.traits);
    const rows = block.orders.count + block.traits.count;
    await ledger.write(rows * VALUE_BYTES_GUESSED, (change) => {
      // What was known of them is gone; rows since come from a customer of the same number, if any.
      for (const customerNo of forget) change.remove(customerNo);
      changeValues(change, block.orders, block.traits, record);
      change.setMark(reached);
    });
    forget = [];
    block.orders.count = 0;
    block.traits.count = 0;
  };
  try {
    for (;;) {
      const customerNo = Math.min(await customerAt(orders), await customerAt(traits));
      if (customerNo === Number.POSITIVE_INFINITY) break;
      await gather(orders, customerNo, block.orders);
      await gather(traits, customerNo, block.traits);
      if (block.orders.count + block.traits.count >= ROWS_PER_TRANSACTION) {
        await write({ ...mark, reachesBatchNo: next.batchNo });
      }
    }
    await write(next);
  } finally {
    await Promise.all([orders.close(), traits.close()]);
  }
}

async function readWhole(session: DuckDbSession, sql: string, block: ColumnBlock): Promise<void> {
  for await (const chunk of session.stream(sql)) {
    while (block.count + chunk.rowCount > block.capacity) block.grow();
    block.append(chunkColumns(chunk), 0, chunk.rowCount);
  }
}

/** Walks over rows that are in memory. */
function cursorOver(block: ColumnBlock): RowCursor {
  const cursor = new RowCursor((async function* () {})());
  cursor.columns = block.columns;
  cursor.count = block.count;
  return cursor;
}

/** The customer of the next row; infinite at the end. */
async function customerAt(cursor: RowCursor): Promise<number> {
  if (cursor.at === cursor.count && !(await cursor.ready())) return Number.POSITIVE_INFINITY;
  return cursor.columns[0]![cursor.at]!;
}

/** Moves all rows of a customer into a block. */
async function gather(cursor: RowCursor, customerNo: number, block: ColumnBlock): Promise<void> {
  while ((await customerAt(cursor)) === customerNo) {
    const { columns, from, to } = cursor.takeUpTo(customerNo);
    while (block.count + to - from > block.capacity) block.grow();
    block.append(columns, from, to);
  }
}

/** Brings the values of all customers of the two blocks up to date. */
function changeValues(
  change: LedgerChange,
  orders: ColumnBlock,
  traits: ColumnBlock,
  record: CustomerRecord,
): void {
  let order = 0;
  let trait = 0;
  while (order < orders.count || trait < traits.count) {
    const customerNo = Math.min(customerOf(orders, order), customerOf(traits, trait));
    const orderEnd = endOf(orders, order, customerNo);
    const traitEnd = endOf(traits, trait, customerNo);
    const value = change.value(customerNo);
    if (value === undefined) record.clear();
    else record.read(value);
    record.replaceOrders(orders.columns, order, orderEnd);
    record.replaceTraits(traits.columns, trait, traitEnd);
    change.put(customerNo, record.write());
    order = orderEnd;
    trait = traitEnd;
  }
}

const customerOf = (block: ColumnBlock, at: number) =>
  at < block.count ? block.columns[0]![at]! : Number.POSITIVE_INFINITY;

function endOf(block: ColumnBlock, from: number, customerNo: number): number {
  let end = from;
  while (customerOf(block, end) === customerNo) end++;
  return end;
}
