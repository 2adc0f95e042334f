/**
 * Scans facts: streams of orders and traits, each ascending by customer, cut at customers into batches on
 * shared memory. Customers with rows outside the sorted base cost more than the others; nothing is held
 * for all customers but the numbers of those.
 */
import { strict as assert } from 'node:assert';
import { type DuckDBDataChunk, UINTEGER } from '@duckdb/node-api';
import type { FactBatch, ScanRequest } from '../engine.ts';
import {
  BlockPool,
  ColumnBlock,
  type ColumnType,
  chunkColumns,
  firstAbove,
  RowCursor,
  type Run,
} from './column-block.ts';
import type { DuckDbDatabase } from './database.ts';
import {
  baseOrdersSql,
  MIXED_CUSTOMER,
  mixedCustomersSql,
  mixedOrdersSql,
  type ScanScope,
  scanScope,
  tailBatchesSql,
  traitsSql,
  WANTED_CUSTOMER,
  WANTED_STORE,
} from './scan-query.ts';
import type { DuckDbSession } from './session.ts';
import { openSnapshot } from './snapshot.ts';

/** Orders a batch: 3 MiB without amounts, small enough for a second-level cache's share of the work. */
export const BATCH_ORDERS_DEFAULT = 262_144;
/** Batches that a reader may hold at once; the scan waits for one to be released. */
export const BATCHES_OUT_MAX = 8;

const ORDER_COLUMNS: readonly ColumnType[] = [Uint32Array, Uint32Array, Uint32Array];
const AMOUNT_COLUMNS: readonly ColumnType[] = [Float64Array, Float64Array, Uint16Array];
const TRAIT_COLUMNS: readonly ColumnType[] = [Uint32Array, Uint32Array, Uint32Array, Float64Array];

/** See `Engine.scan`. The state read is that of the first step, whatever is written meanwhile. */
export async function* scanFacts(database: DuckDbDatabase, request: ScanRequest): AsyncGenerator<FactBatch> {
  if (request.customers?.length === 0 || request.stores?.length === 0) return;
  const snapshot = await openSnapshot(database, request.columns.traits ? 3 : 2, (session) =>
    makeWantedTables(session, request),
  );
  try {
    const scope = scanScope(request, snapshot.batchNo);
    const [first, second, third] = snapshot.sessions;
    const target = request.batchOrders ?? BATCH_ORDERS_DEFAULT;
    const types = scope.amounts ? [...ORDER_COLUMNS, ...AMOUNT_COLUMNS] : ORDER_COLUMNS;
    const pool = new BlockPool(types, target, BATCHES_OUT_MAX + 1);
    const blocks = cutIntoBlocks(await orderRuns(first!, second!, scope), pool);
    if (third === undefined) {
      for await (const block of blocks) yield orderBatch(block, pool);
    } else {
      const traits = new RowCursor(third.stream(traitsSql(scope)));
      try {
        yield* withTraits(blocks, pool, traits, { target, onlyWithOrders: scope.stores, orderTypes: types });
      } finally {
        await traits.close();
      }
    }
  } finally {
    await snapshot.close();
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

/** Blocks of about as many rows as the pool's take, each with whole customers. */
async function* cutIntoBlocks(runs: AsyncIterable<Run>, pool: BlockPool): AsyncGenerator<ColumnBlock> {
  let block = await pool.take();
  let lastCustomerNo = 0;
  for await (const { columns, from, to } of runs) {
    if (from === to) continue;
    assert(columns[0]![from]! >= lastCustomerNo, 'orders do not come by customer: the base is not sorted');
    lastCustomerNo = columns[0]![to - 1]!;
    let at = from;
    for (;;) {
      const taken = Math.min(to - at, block.capacity - block.count);
      block.append(columns, at, at + taken);
      at += taken;
      if (at === to) break;
      // Full: the last customer may go on in what comes, so that one moves to the next block.
      const cut = block.lastCustomerStart();
      if (cut === 0) {
        block.grow();
        continue;
      }
      const next = await pool.take();
      while (next.capacity <= block.count - cut) next.grow();
      next.append(block.columns, cut, block.count);
      block.count = cut;
      yield block;
      block = next;
    }
  }
  if (block.count > 0) yield block;
  else pool.give(block);
}

/** Facts of a block's orders [from, to), without traits; `release` is called once at most. */
function ordersOf(block: ColumnBlock, from: number, to: number): Omit<FactBatch, 'release' | 'traitCount'> {
  const [customerNo, storeNo, orderedAt, totalE4, discountE4, currencyNo] = block.columns.map((column) =>
    from === 0 ? column : column.subarray(from),
  );
  return {
    orderCount: to - from,
    customerNo: customerNo as Uint32Array,
    storeNo: storeNo as Uint32Array,
    orderedAt: orderedAt as Uint32Array,
    ...(totalE4 === undefined
      ? {}
      : {
          totalE4: totalE4 as Float64Array,
          discountE4: discountE4 as Float64Array,
          currencyNo: currencyNo as Uint16Array,
        }),
  };
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

function orderBatch(block: ColumnBlock, pool: BlockPool): FactBatch {
  return { ...ordersOf(block, 0, block.count), traitCount: 0, release: once(() => pool.give(block)) };
}

/**
 * Batches of orders and traits over the same ranges of customers. Where traits are many, the orders of a
 * block are handed out in several batches, and the block goes back with the last of them.
 */
async function* withTraits(
  blocks: AsyncIterable<ColumnBlock>,
  orderPool: BlockPool,
  traits: RowCursor,
  options: {
    readonly target: number;
    readonly onlyWithOrders: boolean;
    readonly orderTypes: readonly ColumnType[];
  },
): AsyncGenerator<FactBatch> {
  const pool = new BlockPool(TRAIT_COLUMNS, options.target, BATCHES_OUT_MAX + 1);
  for await (const block of blocks) {
    const customers = block.columns[0]!;
    const lastNo = customers[block.count - 1]!;
    let from = 0;
    let out = 1;
    const giveBlock = () => {
      if (--out === 0) orderPool.give(block);
    };
    for (;;) {
      const filled = await pool.take();
      const complete = await fillTraits(filled, traits, lastNo, options.onlyWithOrders ? block : undefined);
      const to = complete
        ? block.count
        : firstAbove(customers, filled.columns[0]![filled.count - 1]!, from, block.count);
      out++;
      yield traitBatch(ordersOf(block, from, to), filled, pool, giveBlock);
      from = to;
      if (complete) break;
    }
    giveBlock();
  }
  // Customers with traits only, after the last one with an order.
  while (!options.onlyWithOrders && (await traits.ready())) {
    const filled = await pool.take();
    await fillTraits(filled, traits, Number.POSITIVE_INFINITY, undefined);
    const none = new ColumnBlock(options.orderTypes, 0);
    yield traitBatch(ordersOf(none, 0, 0), filled, pool, () => {});
  }
}

function traitBatch(
  orders: Omit<FactBatch, 'release' | 'traitCount'>,
  traits: ColumnBlock,
  pool: BlockPool,
  releaseOrders: () => void,
): FactBatch {
  const [traitCustomerNo, traitNameNo, traitValueNo, traitNumber] = traits.columns;
  return {
    ...orders,
    traitCount: traits.count,
    traitCustomerNo: traitCustomerNo as Uint32Array,
    traitNameNo: traitNameNo as Uint32Array,
    traitValueNo: traitValueNo as Uint32Array,
    traitNumber: traitNumber as Float64Array,
    release: once(() => {
      pool.give(traits);
      releaseOrders();
    }),
  };
}

/**
 * Moves traits of customers up to a number into a block, whole customers only.
 *
 * @param only - Orders whose customers alone are wanted.
 * @returns Whether all of them found room.
 */
async function fillTraits(
  block: ColumnBlock,
  traits: RowCursor,
  lastNo: number,
  only: ColumnBlock | undefined,
): Promise<boolean> {
  let orderAt = 0;
  while ((await traits.ready()) && traits.columns[0]![traits.at]! <= lastNo) {
    const customerNo = traits.columns[0]![traits.at]!;
    // Customers one by one: a cut must not fall inside one, and a customer may span two chunks.
    const { columns, from, to } = traits.takeUpTo(customerNo);
    if (only !== undefined) {
      orderAt = firstAbove(only.columns[0]!, customerNo - 1, orderAt, only.count);
      if (only.columns[0]![orderAt] !== customerNo) continue;
    }
    const starts = block.count === 0 || block.columns[0]![block.count - 1] !== customerNo;
    if (block.count + to - from > block.capacity) {
      if (starts && block.count > 0) {
        traits.at = from;
        return false;
      }
      while (block.count + to - from > block.capacity) block.grow();
    }
    block.append(columns, from, to);
  }
  return true;
}
