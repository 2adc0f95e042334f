/**
 * Scans facts: streams of orders, traits and events, each ascending by customer, cut at customers into
 * batches on shared memory. Customers with orders outside the sorted base cost more than the others;
 * nothing is held for all customers but the numbers of those.
 */
import { type DuckDBDataChunk, UINTEGER } from '@duckdb/node-api';
import type { FactBatch, ScanRequest } from '../engine.ts';
import type { EventColumns, ScanColumns } from '../fact-batch.ts';
import { BlockStream, cutIntoBlocks, keepCustomersOf, walkTogether } from './block-stream.ts';
import { BlockPool, type ColumnType, chunkColumns, firstAbove, RowCursor, type Run } from './column-block.ts';
import type { DuckDbDatabase } from './database.ts';
import { eventsSql, makeWantedValues } from './event-query.ts';
import {
  eventFields,
  eventTypes,
  orderFields,
  orderTypes,
  type Rows,
  TRAIT_TYPES,
  traitFields,
  UNCOUNTED_TYPES,
  uncountedFields,
  wholeBlock,
} from './fact-columns.ts';
import {
  baseOrdersSql,
  MIXED_CUSTOMER,
  mixedCustomersSql,
  mixedOrdersSql,
  type ScanScope,
  scanScope,
  tailBatchesSql,
  traitsSql,
  uncountedOrdersSql,
  WANTED_CUSTOMER,
  WANTED_STORE,
} from './scan-query.ts';
import type { DuckDbSession } from './session.ts';
import { openSnapshot } from './snapshot.ts';

/** Orders a batch: 3 MiB without amounts, small enough for a second-level cache's share of the work. */
export const BATCH_ORDERS_DEFAULT = 262_144;
/** Batches that a reader may hold at once; the scan waits for one to be released. */
export const BATCHES_OUT_MAX = 8;

/** Blocks of facts other than counting orders are limited by their bytes too, whatever the number of columns. */
const BLOCK_BYTES_MAX = 8 << 20;

/** What a scan brings, in the order in which its streams are walked; orders come first. */
interface Wanted {
  readonly orders: boolean;
  readonly uncounted: boolean;
  readonly traits: boolean;
  readonly events: EventColumns | undefined;
}

/** See `Engine.scan`. The state read is that of the first step, whatever is written meanwhile. */
export async function* scanFacts(database: DuckDbDatabase, request: ScanRequest): AsyncGenerator<FactBatch> {
  if (request.customers?.length === 0 || request.stores?.length === 0) return;
  const wanted = wantedOf(request);
  const others = [wanted.uncounted, wanted.traits, wanted.events].filter(Boolean).length;
  if (!wanted.orders && others === 0) return;
  const snapshot = await openSnapshot(database, (wanted.orders ? 2 : 0) + others, (session) =>
    makeWantedTables(session, request),
  );
  try {
    const scope = scanScope(request, snapshot.batchNo);
    const sessions = [...snapshot.sessions];
    const target = request.batchOrders ?? BATCH_ORDERS_DEFAULT;
    if (others === 0 && wanted.orders) {
      const pool = new BlockPool(orderTypes(scope.amounts), target, BATCHES_OUT_MAX + 1);
      const runs = await orderRuns(sessions[0]!, sessions[1]!, scope);
      for await (const block of cutIntoBlocks(runs, pool)) {
        yield {
          ...orderFields(wholeBlock(block)),
          traitCount: 0,
          release: once(() => pool.give(block)),
        };
      }
    } else {
      yield* scanTogether(sessions, scope, { wanted, columns: request.columns, target });
    }
  } finally {
    await snapshot.close();
  }
}

function wantedOf({ columns }: ScanRequest): Wanted {
  return {
    orders: columns.orders !== false,
    uncounted: columns.uncounted === true,
    traits: columns.traits,
    events: columns.events,
  };
}

/** Batches of several kinds of facts over the same ranges of customers. */
async function* scanTogether(
  sessions: DuckDbSession[],
  scope: ScanScope,
  asked: { readonly wanted: Wanted; readonly columns: ScanColumns; readonly target: number },
): AsyncGenerator<FactBatch> {
  const { wanted, columns, target } = asked;
  const streams: BlockStream[] = [];
  const open = (runs: AsyncIterable<Run>, types: readonly ColumnType[], rowsMax: number) =>
    streams.push(new BlockStream(runs, types, { rowsMax, batchesOutMax: BATCHES_OUT_MAX })) - 1;
  const openOther = (runs: AsyncIterable<Run>, types: readonly ColumnType[]) => {
    const rowBytes = types.reduce((sum, type) => sum + type.BYTES_PER_ELEMENT, 0);
    return open(runs, types, Math.min(target, Math.floor(BLOCK_BYTES_MAX / rowBytes)));
  };
  const next = () => sessions.shift()!;
  const orders =
    wanted.orders && open(await orderRuns(next(), next(), scope), orderTypes(scope.amounts), target);
  const uncounted = wanted.uncounted && openOther(await uncountedRuns(next(), scope), UNCOUNTED_TYPES);
  const traits = wanted.traits && openOther(traitRuns(next(), scope, columns.traitNames), TRAIT_TYPES);
  const events =
    wanted.events && openOther(await eventRuns(next(), scope, wanted.events), eventTypes(wanted.events));
  for await (const { rows, release } of walkTogether(streams)) {
    const rowsOf = (place: number | false | undefined) =>
      typeof place === 'number' ? rows[place]! : undefined;
    const ofOrders = [rowsOf(orders), rowsOf(uncounted)].filter((each) => each !== undefined);
    const kept = (each: Rows | undefined) =>
      each === undefined || !scope.stores ? each : keepCustomersOf(ofOrders, each);
    const batch = { traits: kept(rowsOf(traits)), events: kept(rowsOf(events)) };
    if (
      [...ofOrders, batch.traits, batch.events].every((each) => each === undefined || each.from === each.to)
    ) {
      release();
      continue;
    }
    const uncountedRows = rowsOf(uncounted);
    yield {
      ...orderFields(rowsOf(orders)),
      ...(uncountedRows && { uncounted: uncountedFields(uncountedRows) }),
      ...(batch.traits ? traitFields(batch.traits) : { traitCount: 0 }),
      ...(batch.events && { events: eventFields(batch.events) }),
      release: once(release),
    };
  }
}

async function makeWantedTables(session: DuckDbSession, request: ScanRequest): Promise<void> {
  const customers = request.customers;
  if (customers !== undefined) {
    await session.run(`CREATE TEMP TABLE ${WANTED_CUSTOMER} (customer_no UINTEGER NOT NULL)`);
    await session.append(WANTED_CUSTOMER, [UINTEGER], [customers]);
  }
  if (request.stores !== undefined) {
    await session.run(`CREATE TEMP TABLE ${WANTED_STORE} (store_no UINTEGER NOT NULL)`);
    await session.append(WANTED_STORE, [UINTEGER], [request.stores]);
  }
}

/** All orders that count, ascending by customer, in runs. */
async function orderRuns(
  first: DuckDbSession,
  second: DuckDbSession,
  scope: ScanScope,
): Promise<AsyncIterable<Run>> {
  await second.run(mixedCustomersSql(scope));
  const mixed = await readNumbers(
    second.stream(`SELECT customer_no FROM ${MIXED_CUSTOMER} ORDER BY customer_no`),
  );
  const base = first.stream(baseOrdersSql(scope));
  if (mixed.length === 0) return wholeChunks(base);
  const tail = await second.row<{ batches: number }>(tailBatchesSql(scope));
  return mergeMixed(base, mixed, new RowCursor(second.stream(mixedOrdersSql(scope, tail!.batches))));
}

/** One column of numbers, whole. */
export async function readNumbers(chunks: AsyncIterable<DuckDBDataChunk>): Promise<Uint32Array> {
  let numbers = new Uint32Array(1024);
  let count = 0;
  for await (const chunk of chunks) {
    if (count + chunk.rowCount > numbers.length) {
      const larger = new Uint32Array(numbers.length * 2 + chunk.rowCount);
      larger.set(numbers);
      numbers = larger;
    }
    numbers.set(chunkColumns(chunk)[0]!.subarray(0, chunk.rowCount), count);
    count += chunk.rowCount;
  }
  return numbers.subarray(0, count);
}

async function* wholeChunks(chunks: AsyncIterable<DuckDBDataChunk>): AsyncGenerator<Run> {
  for await (const chunk of chunks) yield { columns: chunkColumns(chunk), from: 0, to: chunk.rowCount };
}

/** The base's rows with those of mixed customers replaced by their reconciled ones. */
async function* mergeMixed(
  base: AsyncIterable<DuckDBDataChunk>,
  mixed: Uint32Array,
  reconciled: RowCursor,
): AsyncGenerator<Run> {
  let next = 0;
  try {
    for await (const chunk of base) {
      const columns = chunkColumns(chunk);
      const customers = columns[0]!;
      let from = 0;
      while (from < chunk.rowCount) {
        const mixedNo = next < mixed.length ? mixed[next]! : Number.POSITIVE_INFINITY;
        const customerNo = customers[from]!;
        if (customerNo < mixedNo) {
          const to = firstAbove(customers, mixedNo - 1, from, chunk.rowCount);
          yield { columns, from, to };
          from = to;
        } else if (customerNo === mixedNo) {
          from = firstAbove(customers, mixedNo, from, chunk.rowCount);
        } else {
          yield* upTo(reconciled, mixedNo);
          next++;
        }
      }
    }
    yield* upTo(reconciled, Number.POSITIVE_INFINITY);
  } finally {
    await reconciled.close();
  }
}

async function* upTo(cursor: RowCursor, customerNo: number): AsyncGenerator<Run> {
  while ((await cursor.ready()) && cursor.columns[0]![cursor.at]! <= customerNo) {
    yield cursor.takeUpTo(customerNo);
  }
}

async function uncountedRuns(session: DuckDbSession, scope: ScanScope): Promise<AsyncIterable<Run>> {
  await session.run(mixedCustomersSql(scope));
  const tail = await session.row<{ batches: number }>(tailBatchesSql(scope));
  return wholeChunks(session.stream(uncountedOrdersSql(scope, tail!.batches)));
}

function traitRuns(
  session: DuckDbSession,
  scope: ScanScope,
  names: readonly number[] | undefined,
): AsyncIterable<Run> {
  return names?.length === 0 ? noRuns() : wholeChunks(session.stream(traitsSql(scope, names)));
}

async function eventRuns(
  session: DuckDbSession,
  scope: ScanScope,
  columns: EventColumns,
): Promise<AsyncIterable<Run>> {
  if (columns.names.length === 0) return noRuns();
  await makeWantedValues(session, columns);
  return wholeChunks(session.stream(eventsSql(scope, columns)));
}

async function* noRuns(): AsyncGenerator<Run> {}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
