/**
 * Reads customers' values into batches on shared memory, as a scan of the tables brings them. Whole
 * customers only; the requests of the process pass between two batches.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FactBatch, ScanColumns } from '../../fact-batch.ts';
import { BlockPool, type ColumnBlock, type ColumnType } from '../column-block.ts';
import {
  eventFields,
  eventTypes,
  orderFields,
  orderTypes,
  TRAIT_TYPES,
  traitFields,
  UNCOUNTED_TYPES,
  uncountedFields,
  wholeBlock,
} from '../fact-columns.ts';
import { BATCHES_OUT_MAX } from '../scan.ts';
import { EventFilter, type NameFilter, readEvents, readOrders, readTraits } from './customer-value.ts';
import type { LedgerReader } from './ledger-file.ts';

/** Small, so that the customers of one tick are shared among threads. */
const BATCH_ROWS = 32_768;

/** Blocks of each kind of facts that is asked for. */
interface Blocks {
  readonly counted?: ColumnBlock;
  readonly uncounted?: ColumnBlock;
  readonly traits?: ColumnBlock;
  readonly events?: ColumnBlock;
}

/**
 * See `LiveFacts.scan`. The reader is the caller's to close.
 *
 * @param hiddenNames - Of scores that do not count.
 */
export async function* scanLedger(
  reader: LedgerReader,
  customers: Uint32Array,
  columns: ScanColumns,
  hiddenNames: ReadonlySet<number>,
): AsyncGenerator<FactBatch> {
  const lend = lender(columns);
  const read = valueReader(columns, hiddenNames);
  let next = 0;
  while (next < customers.length) {
    const { blocks, release } = await lend();
    const kinds = Object.values(blocks) as ColumnBlock[];
    while (next < customers.length && kinds.every((block) => block.count < BATCH_ROWS)) {
      const customerNo = customers[next++]!;
      const value = reader.value(customerNo);
      if (value !== undefined && value.length > 0) read(value, customerNo, blocks);
    }
    if (kinds.every((block) => block.count === 0)) {
      release();
      continue;
    }
    const { counted, uncounted, traits, events } = blocks;
    yield {
      ...orderFields(counted && wholeBlock(counted)),
      ...(uncounted && { uncounted: uncountedFields(wholeBlock(uncounted)) }),
      ...(traits ? traitFields(wholeBlock(traits)) : { traitCount: 0 }),
      ...(events && { events: eventFields(wholeBlock(events)) }),
      release,
    };
    await nextTurn();
  }
}

/** Lends a block of each kind asked for, and takes all of them back at once. */
function lender(
  columns: ScanColumns,
): () => Promise<{ readonly blocks: Blocks; readonly release: () => void }> {
  const types: Partial<Record<keyof Blocks, readonly ColumnType[]>> = {
    ...(columns.orders !== false && { counted: orderTypes(columns.amounts) }),
    ...(columns.uncounted && { uncounted: UNCOUNTED_TYPES }),
    ...(columns.traits && { traits: TRAIT_TYPES }),
    ...(columns.events && { events: eventTypes(columns.events) }),
  };
  const pools = Object.entries(types).map(
    ([kind, of]) => [kind, new BlockPool(of, BATCH_ROWS, BATCHES_OUT_MAX + 1)] as const,
  );
  return async () => {
    const lent: { readonly kind: string; readonly block: ColumnBlock; readonly pool: BlockPool }[] = [];
    for (const [kind, pool] of pools) lent.push({ kind, pool, block: await pool.take() });
    let isOut = true;
    return {
      blocks: Object.fromEntries(lent.map(({ kind, block }) => [kind, block])),
      release: () => {
        if (isOut) for (const { pool, block } of lent) pool.give(block);
        isOut = false;
      },
    };
  };
}

/** Appends what is asked for of a customer's value to the blocks. */
function valueReader(
  columns: ScanColumns,
  hidden: ReadonlySet<number>,
): (value: Buffer, customerNo: number, blocks: Blocks) => void {
  const { amounts } = columns;
  const names: NameFilter = {
    ...(columns.traitNames && { only: new Set(columns.traitNames) }),
    ...(hidden.size > 0 && { hidden }),
  };
  const filter = columns.events && new EventFilter(columns.events);
  return (value, customerNo, { counted, uncounted, traits, events }) => {
    if (counted || uncounted) {
      readOrders(value, customerNo, {
        amounts,
        ...(counted && { counted }),
        ...(uncounted && { uncounted }),
      });
    }
    if (traits) readTraits(value, customerNo, traits, names);
    if (events && filter) readEvents(value, customerNo, events, filter);
  };
}
