/**
 * Brings the ledger up to date: facts received after its mark go into the values of their customers, and the mark moves on in the same transaction. Taking a row in twice changes nothing, so
 * what is too much for one transaction is taken in by several, of which only the last moves the mark.
 */
import { type Column, ColumnBlock, chunkColumns, RowCursor } from '../column-block.ts';
import type { DuckDbDatabase } from '../database.ts';
import { TRAIT_TYPES } from '../fact-columns.ts';
import type { DuckDbSession } from '../session.ts';
import { openSnapshot, type Snapshot } from '../snapshot.ts';
import { addEvents, CustomerRecord, ORDER_COLUMN_TYPES } from './customer-record.ts';
import { EventBlock, EventCursor, type EventRows, eventRows } from './event-rows.ts';
import type { LedgerChange, LedgerFile, LedgerMark } from './ledger-file.ts';
import {
  customersSince,
  erasedSince,
  eventsSince,
  ordersSince,
  type StateRow,
  stateSql,
  traitsSince,
} from './ledger-query.ts';
import { isRevived, readScoreNames, type ScoreNames } from './score-names.ts';

/** Rows that one transaction takes in at least, before another begins: some tens of milliseconds. */
const ROWS_PER_TRANSACTION = 16_384;
/** What a customer's value is reckoned to grow by or be rewritten with, to keep space on the disk. */
const VALUE_BYTES_GUESSED = 4096;
/** With more fresh facts than this share of all, building anew is cheaper than changing values. */
const REBUILD_SHARE = 0.5;
const REBUILD_ROWS_MIN = 1_000_000;
/** So many fresh traits and events are held in memory while orders stream by; more are streamed, too. */
const ROWS_HELD_MAX = 65_536;

/** Facts of one step, as they were taken in. */
export interface FreshFacts {
  /** Columns: those of `ORDER_COLUMN_TYPES`, and the batch. */
  orders(block: ColumnBlock): void;
  /**
   * Columns: those of `TRAIT_TYPES`, the kind, and the batch.
   *
   * @param hiddenNames - Of scores that do not count at the new mark.
   */
  traits(block: ColumnBlock, hiddenNames: ReadonlySet<number>): void;
  /** Columns: those of `EVENT_COLUMN_TYPES`. */
  events(block: ColumnBlock): void;
  erased(customerNo: number, batchNo: number): void;
  newCustomer(customerNo: number, batchNo: number, customerId: string): void;
}

/** The facts' state that a ledger stands at. */
export interface FactState {
  readonly batchNo: number;
  readonly storesBatchNo: number;
  readonly dictionarySize: number;
  readonly scoreNames: ScoreNames;
}

/**
 * Takes in all that was received since the mark.
 *
 * @returns The state it stands at then, or undefined if so much is new that it must be built anew, or if
 *   scores count again that were let go of.
 */
export async function advanceLedger(
  database: DuckDbDatabase,
  ledger: LedgerFile,
  step: {
    readonly mark: LedgerMark;
    readonly scoreNames: ScoreNames;
    readonly fresh: FreshFacts;
    readonly rebuildRowsMin?: number | undefined;
  },
): Promise<(LedgerMark & FactState) | undefined> {
  const { mark, fresh, rebuildRowsMin = REBUILD_ROWS_MIN } = step;
  const { snapshot, found } = await openState(database, mark.batchNo);
  try {
    const [first] = snapshot.sessions;
    const rebuildMin = Math.max(rebuildRowsMin, found.rows * REBUILD_SHARE);
    if (found.fresh_orders + found.fresh_others > rebuildMin) return undefined;
    const scoreNames = await readScoreNames(first!, found.batch_no);
    if (isRevived(step.scoreNames, scoreNames)) return undefined;
    const next: LedgerMark = {
      batchNo: found.batch_no,
      reachesBatchNo: found.batch_no,
      fingerprint: found.fingerprint,
    };
    await readNewCustomers(first!, mark.batchNo, found.batch_no, fresh);
    const erased = found.erasures === 0 ? [] : await readErased(first!, mark.batchNo, fresh);
    const cursors = await openFresh(snapshot.sessions, {
      after: mark.batchNo,
      dropped: scoreNames.dropped,
      isOrdersAlone: found.fresh_others === 0,
    });
    try {
      await takeIn(ledger, cursors, { mark, next, erased, scoreNames, fresh });
    } finally {
      await Promise.all([cursors.orders.close(), cursors.traits.close(), cursors.events.close()]);
    }
    return { ...next, ...factState(found, scoreNames) };
  } finally {
    await snapshot.close();
  }
}

/** What the compiler and scans depend on. */
export function factState(row: StateRow, scoreNames: ScoreNames): FactState {
  return {
    batchNo: row.batch_no,
    storesBatchNo: row.stores_batch_no,
    dictionarySize: row.dictionary_size,
    scoreNames,
  };
}

/** The state of the facts, in one session, or in one for each stream if there is much to take in. */
async function openState(
  database: DuckDbDatabase,
  after: number,
): Promise<{ readonly snapshot: Snapshot; readonly found: StateRow }> {
  for (let sessions = 1; ; sessions = 3) {
    const snapshot = await openSnapshot(database, sessions);
    try {
      const found = (await snapshot.sessions[0]!.row<StateRow>(stateSql(after)))!;
      if (sessions > 1 || found.fresh_others <= ROWS_HELD_MAX) return { snapshot, found };
    } catch (error) {
      await snapshot.close();
      throw error;
    }
    await snapshot.close();
  }
}

/** Fresh facts, each kind by customer. */
interface FreshCursors {
  readonly orders: RowCursor;
  readonly traits: RowCursor;
  readonly events: EventCursor;
}

async function openFresh(
  sessions: readonly DuckDbSession[],
  from: { readonly after: number; readonly dropped: ReadonlySet<number>; readonly isOrdersAlone: boolean },
): Promise<FreshCursors> {
  const [first, second, third] = sessions;
  const traits = newTraitBlock();
  const events = new EventBlock();
  if (second !== undefined && third !== undefined) {
    return {
      orders: new RowCursor(first!.stream(ordersSince(from.after))),
      traits: new RowCursor(second.stream(traitsSince(from.after, from.dropped))),
      events: new EventCursor(eventRows(third.stream(eventsSince(from.after)))),
    };
  }
  if (!from.isOrdersAlone) {
    await readWhole(first!, traitsSince(from.after, from.dropped), traits);
    for await (const rows of eventRows(first!.stream(eventsSince(from.after)))) {
      events.append(rows, 0, rows.count);
    }
  }
  return {
    orders: new RowCursor(first!.stream(ordersSince(from.after))),
    traits: cursorOver(traits),
    events: new EventCursor(only(events)),
  };
}

async function* only(rows: EventRows): AsyncGenerator<EventRows> {
  yield rows;
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
  /** At the new mark. */
  readonly scoreNames: ScoreNames;
  readonly fresh: FreshFacts;
}

const newOrderBlock = () => new ColumnBlock([...ORDER_COLUMN_TYPES, Uint32Array], 2048);
const newTraitBlock = () => new ColumnBlock([...TRAIT_TYPES, Uint8Array, Uint32Array], 2048);

/** Fresh facts of some customers, whole, that go to one transaction. */
interface FreshBlock {
  readonly orders: ColumnBlock;
  readonly traits: ColumnBlock;
  readonly events: EventBlock;
}

async function takeIn(
  ledger: LedgerFile,
  { orders, traits, events }: FreshCursors,
  { mark, next, erased, scoreNames, fresh }: TakeIn,
): Promise<void> {
  const block: FreshBlock = { orders: newOrderBlock(), traits: newTraitBlock(), events: new EventBlock() };
  const count = () => block.orders.count + block.traits.count + block.events.count;
  const record = new CustomerRecord();
  let forget = erased;
  const write = async (reached: LedgerMark) => {
    fresh.orders(block.orders);
    fresh.traits(block.traits, scoreNames.hidden);
    fresh.events(block.events.block);
    await ledger.write(count() * VALUE_BYTES_GUESSED, (change) => {
      // What was known of them is gone; rows since come from a customer of the same number, if any.
      for (const customerNo of forget) change.remove(customerNo);
      changeValues(change, block, { record, dropped: scoreNames.dropped });
      change.setMark(reached);
    });
    forget = [];
    block.orders.count = 0;
    block.traits.count = 0;
    block.events.clear();
  };
  for (;;) {
    const isEvent = await events.ready();
    const eventNo = isEvent ? events.customerNo : Number.POSITIVE_INFINITY;
    const customerNo = Math.min(await customerAt(orders), await customerAt(traits), eventNo);
    if (customerNo === Number.POSITIVE_INFINITY) break;
    await gather(orders, customerNo, block.orders);
    await gather(traits, customerNo, block.traits);
    while ((await events.ready()) && events.customerNo === customerNo) {
      events.take(customerNo, (rows, from, to) => block.events.append(rows, from, to));
    }
    if (count() >= ROWS_PER_TRANSACTION) await write({ ...mark, reachesBatchNo: next.batchNo });
  }
  await write(next);
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

/** Brings the values of all customers of a block up to date. */
function changeValues(
  change: LedgerChange,
  { orders, traits, events }: FreshBlock,
  { record, dropped }: { readonly record: CustomerRecord; readonly dropped: ReadonlySet<number> },
): void {
  const kinds = [orders, traits, events];
  const at = [0, 0, 0];
  for (;;) {
    const customerNo = Math.min(...kinds.map((kind, k) => customerOf(kind, at[k]!)));
    if (customerNo === Number.POSITIVE_INFINITY) return;
    const [orderEnd, traitEnd, eventEnd] = kinds.map((kind, k) => endOf(kind, at[k]!, customerNo));
    const value = change.value(customerNo);
    // Of somebody who left the last list, say, nothing is kept; LMDB then gives bytes of others, of length 0.
    if (value === undefined || value.length === 0) record.clear();
    else record.read(value);
    record.replaceOrders(orders.columns, at[0]!, orderEnd!);
    record.replaceTraits(traits.columns, at[1]!, traitEnd!);
    record.dropTraits(dropped);
    addEvents(record, events, at[2]!, eventEnd!);
    change.put(customerNo, record.write());
    at.splice(0, 3, orderEnd!, traitEnd!, eventEnd!);
  }
}

interface Rows {
  readonly columns: readonly Column[];
  readonly count: number;
}

const customerOf = (rows: Rows, at: number) =>
  at < rows.count ? rows.columns[0]![at]! : Number.POSITIVE_INFINITY;

function endOf(rows: Rows, from: number, customerNo: number): number {
  let end = from;
  while (customerOf(rows, end) === customerNo) end++;
  return end;
}
