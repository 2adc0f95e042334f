/**
 * Reads customers' values into batches on shared memory, as a scan of the tables brings them. Whole
 * customers only; the requests of the process pass between two batches.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FactBatch, ScanColumns } from '../../fact-batch.ts';
import { BlockPool, type ColumnBlock, type ColumnType } from '../column-block.ts';
import { BATCHES_OUT_MAX } from '../scan.ts';
import { TRAIT_COLUMN_TYPES } from './customer-record.ts';
import { readOrders, readTraits } from './customer-value.ts';
import type { LedgerReader } from './ledger-file.ts';

/** Small, so that the customers of one tick are shared among threads. */
const BATCH_ROWS = 32_768;

const ORDER_TYPES: readonly ColumnType[] = [Uint32Array, Uint32Array, Uint32Array];
const AMOUNT_TYPES: readonly ColumnType[] = [Float64Array, Float64Array, Uint16Array];

/** See `LiveFacts.scan`. The reader is the caller's to close. */
export async function* scanLedger(
  reader: LedgerReader,
  customers: Uint32Array,
  columns: ScanColumns,
): AsyncGenerator<FactBatch> {
  const { orders: wantsOrders = true, amounts, traits: wantsTraits } = columns;
  const orderPool = new BlockPool(
    amounts ? [...ORDER_TYPES, ...AMOUNT_TYPES] : ORDER_TYPES,
    BATCH_ROWS,
    BATCHES_OUT_MAX + 1,
  );
  const traitPool = new BlockPool(TRAIT_COLUMN_TYPES, BATCH_ROWS, BATCHES_OUT_MAX + 1);
  let next = 0;
  while (next < customers.length) {
    const orders = await orderPool.take();
    const traits = wantsTraits ? await traitPool.take() : undefined;
    while (next < customers.length && orders.count < BATCH_ROWS && (traits?.count ?? 0) < BATCH_ROWS) {
      const customerNo = customers[next++]!;
      const value = reader.value(customerNo);
      if (value === undefined || value.length === 0) continue;
      if (wantsOrders) readOrders(value, customerNo, orders, amounts);
      if (traits !== undefined) readTraits(value, customerNo, traits);
    }
    const release = once(() => {
      orderPool.give(orders);
      if (traits !== undefined) traitPool.give(traits);
    });
    if (orders.count + (traits?.count ?? 0) === 0) {
      release();
      continue;
    }
    yield { ...orderColumns(orders, amounts), ...traitColumns(traits), release };
    await nextTurn();
  }
}

function orderColumns(block: ColumnBlock, amounts: boolean) {
  const [customerNo, storeNo, orderedAt, totalE4, discountE4, currencyNo] = block.columns;
  return {
    orderCount: block.count,
    customerNo: customerNo as Uint32Array,
    storeNo: storeNo as Uint32Array,
    orderedAt: orderedAt as Uint32Array,
    ...(amounts && {
      totalE4: totalE4 as Float64Array,
      discountE4: discountE4 as Float64Array,
      currencyNo: currencyNo as Uint16Array,
    }),
  };
}

function traitColumns(block: ColumnBlock | undefined) {
  if (block === undefined) return { traitCount: 0 };
  const [traitCustomerNo, traitNameNo, traitValueNo, traitNumber] = block.columns;
  return {
    traitCount: block.count,
    traitCustomerNo: traitCustomerNo as Uint32Array,
    traitNameNo: traitNameNo as Uint32Array,
    traitValueNo: traitValueNo as Uint32Array,
    traitNumber: traitNumber as Float64Array,
  };
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
