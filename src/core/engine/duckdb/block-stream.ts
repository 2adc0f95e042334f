/**
 * Several kinds of facts, each a stream ascending by customer, walked together: each stream is gathered
 * into blocks of whole customers, and every step hands out, of all blocks at hand, the rows up to the
 * last customer that all of them reach. A block goes back to its pool with the last step that used it.
 */
import { strict as assert } from 'node:assert';
import { BlockPool, ColumnBlock, type ColumnType, firstAbove, type Run } from './column-block.ts';
import type { Rows } from './fact-columns.ts';

/** Blocks of about as many rows as the pool's take, each with whole customers. */
export async function* cutIntoBlocks(runs: AsyncIterable<Run>, pool: BlockPool): AsyncGenerator<ColumnBlock> {
  let block = await pool.take();
  let lastCustomerNo = 0;
  for await (const { columns, from, to } of runs) {
    if (from === to) continue;
    assert(columns[0]![from]! >= lastCustomerNo, 'facts do not come by customer: a table is not sorted');
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

/** A block that is lent out until its last user gives it back. */
interface Lent {
  readonly block: ColumnBlock;
  users: number;
}

/** One kind of facts. */
export class BlockStream {
  readonly #blocks: AsyncGenerator<ColumnBlock>;
  readonly #pool: BlockPool;
  readonly #empty: Rows;
  #lent: Lent | undefined;
  #from = 0;
  #ended = false;

  /**
   * @param rowsMax - Of a block, unless one customer has more.
   * @param batchesOutMax - Steps whose rows may be held at once.
   */
  constructor(
    runs: AsyncIterable<Run>,
    types: readonly ColumnType[],
    { rowsMax, batchesOutMax }: { readonly rowsMax: number; readonly batchesOutMax: number },
  ) {
    // Besides those that the reader holds: one at hand, and one that is being filled.
    this.#pool = new BlockPool(types, rowsMax, batchesOutMax + 2);
    this.#blocks = cutIntoBlocks(runs, this.#pool);
    this.#empty = { block: new ColumnBlock(types, 0), from: 0, to: 0 };
  }

  /** The last customer of the block at hand; infinite at the end. */
  async reach(): Promise<number> {
    if (this.#lent === undefined && !this.#ended) {
      const next = await this.#blocks.next();
      if (next.done) this.#ended = true;
      else this.#lent = { block: next.value, users: 1 };
      this.#from = 0;
    }
    if (this.#lent === undefined) return Number.POSITIVE_INFINITY;
    const { block } = this.#lent;
    return block.columns[0]![block.count - 1]!;
  }

  /** Hands out the rows of customers up to this one, who is at most the one reached. */
  takeUpTo(customerNo: number): { readonly rows: Rows; release(): void } {
    const lent = this.#lent;
    if (lent === undefined) return { rows: this.#empty, release: () => {} };
    const { block } = lent;
    const from = this.#from;
    const to = firstAbove(block.columns[0]!, customerNo, from, block.count);
    this.#from = to;
    lent.users++;
    if (to === block.count) {
      this.#lent = undefined;
      this.#giveBack(lent);
    }
    return { rows: { block, from, to }, release: () => this.#giveBack(lent) };
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#blocks.return(undefined);
  }

  #giveBack(lent: Lent): void {
    if (--lent.users === 0) this.#pool.give(lent.block);
  }
}

/** Facts of a range of customers, one entry for each stream. `release` is called once. */
export interface Step {
  readonly rows: readonly Rows[];
  release(): void;
}

/** Walks over all streams together, in steps of whole customers. The streams are closed at the end. */
export async function* walkTogether(streams: readonly BlockStream[]): AsyncGenerator<Step> {
  try {
    for (;;) {
      let customerNo = Number.POSITIVE_INFINITY;
      for (const stream of streams) customerNo = Math.min(customerNo, await stream.reach());
      if (customerNo === Number.POSITIVE_INFINITY) return;
      const taken = streams.map((stream) => stream.takeUpTo(customerNo));
      yield {
        rows: taken.map(({ rows }) => rows),
        release: () => {
          for (const { release } of taken) release();
        },
      };
    }
  } finally {
    for (const stream of streams) await stream.close();
  }
}

/**
 * Leaves only rows of customers who have a row in one of the others too. The rows kept move together within
 * their range.
 */
export function keepCustomersOf(others: readonly Rows[], rows: Rows): Rows {
  const customers = rows.block.columns[0]!;
  const at = others.map(({ from }) => from);
  const isIn = (customerNo: number) =>
    others.some((other, i) => {
      at[i] = firstAbove(other.block.columns[0]!, customerNo - 1, at[i]!, other.to);
      return at[i]! < other.to && other.block.columns[0]![at[i]!] === customerNo;
    });
  let kept = rows.from;
  for (let from = rows.from; from < rows.to; ) {
    const to = firstAbove(customers, customers[from]!, from, rows.to);
    if (isIn(customers[from]!)) {
      for (const column of rows.block.columns) column.copyWithin(kept, from, to);
      kept += to - from;
    }
    from = to;
  }
  return { ...rows, to: kept };
}
