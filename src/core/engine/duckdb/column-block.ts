/**
 * Rows as columns: what DuckDB hands over (2048 rows at most), and the blocks of shared memory that they
 * are gathered in. Blocks come from a pool with a limit, so that a scan waits for its reader instead of
 * filling the memory. The first column is always the customer, ascending.
 */
import type { DuckDBDataChunk } from '@duckdb/node-api';

export type Column = Uint32Array | Float64Array | Uint16Array | Uint8Array;
export type ColumnType = typeof Uint32Array | typeof Float64Array | typeof Uint16Array | typeof Uint8Array;

/** Rows [from, to) of some columns. */
export interface Run {
  readonly columns: readonly Column[];
  readonly from: number;
  readonly to: number;
}

/** The typed arrays behind a chunk's columns; valid until the next chunk is fetched. No NULL is told apart. */
export function chunkColumns(chunk: DuckDBDataChunk): Column[] {
  return Array.from({ length: chunk.columnCount }, (_, i) => {
    // The vectors keep their typed array private; reading value by value is 30 times slower.
    const vector = chunk.getColumnVector(i) as unknown as { readonly items: Column };
    return vector.items;
  });
}

export class ColumnBlock {
  readonly #types: readonly ColumnType[];
  columns: Column[];
  capacity: number;
  count = 0;

  constructor(types: readonly ColumnType[], capacity: number) {
    this.#types = types;
    this.capacity = capacity;
    this.columns = types.map((type) => allocate(type, capacity));
  }

  /** Appends rows [from, to); there must be room. */
  append(columns: readonly Column[], from: number, to: number): void {
    for (let i = 0; i < this.columns.length; i++) {
      this.columns[i]!.set(columns[i]!.subarray(from, to), this.count);
    }
    this.count += to - from;
  }

  /** Doubles the room, for a customer with more rows than a block takes. */
  grow(): void {
    const before = this.columns;
    this.capacity *= 2;
    this.columns = this.#types.map((type) => allocate(type, this.capacity));
    before.forEach((column, i) => {
      this.columns[i]!.set(column.subarray(0, this.count));
    });
  }

  /** Where the last customer's rows begin. */
  lastCustomerStart(): number {
    const customers = this.columns[0]!;
    let start = this.count - 1;
    while (start > 0 && customers[start - 1] === customers[start]) start--;
    return start;
  }
}

function allocate(type: ColumnType, length: number): Column {
  const buffer = new SharedArrayBuffer(length * type.BYTES_PER_ELEMENT);
  return new (type as new (buffer: SharedArrayBuffer) => Column)(buffer);
}

/** Lends blocks, a limited number at a time. */
export class BlockPool {
  readonly #types: readonly ColumnType[];
  readonly #capacity: number;
  readonly #free: ColumnBlock[] = [];
  readonly #waiting: ((block: ColumnBlock) => void)[] = [];
  #unmade: number;

  constructor(types: readonly ColumnType[], capacity: number, limit: number) {
    this.#types = types;
    this.#capacity = capacity;
    this.#unmade = limit;
  }

  /** An empty block, as soon as there is one. */
  take(): Promise<ColumnBlock> | ColumnBlock {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#unmade > 0) {
      this.#unmade--;
      return new ColumnBlock(this.#types, this.#capacity);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a block back, once. */
  give(block: ColumnBlock): void {
    // One that had to grow is not kept: its size was one customer's.
    const kept = block.capacity === this.#capacity ? block : new ColumnBlock(this.#types, this.#capacity);
    kept.count = 0;
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(kept);
    else next(kept);
  }
}

/** Walks over rows that come in chunks, ascending by customer. */
export class RowCursor {
  readonly #chunks: AsyncIterator<DuckDBDataChunk>;
  columns: Column[] = [];
  at = 0;
  count = 0;
  #ended = false;

  constructor(chunks: AsyncIterable<DuckDBDataChunk>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Whether there is a row at `at`, fetching the next chunk if need be. */
  async ready(): Promise<boolean> {
    while (this.at === this.count && !this.#ended) {
      const next = await this.#chunks.next();
      if (next.done) {
        this.#ended = true;
      } else {
        this.columns = chunkColumns(next.value);
        this.count = next.value.rowCount;
        this.at = 0;
      }
    }
    return this.at < this.count;
  }

  /** Rows of the chunk at hand whose customer is at most this one; they are then behind the cursor. */
  takeUpTo(customerNo: number): Run {
    const from = this.at;
    this.at = firstAbove(this.columns[0]!, customerNo, from, this.count);
    return { columns: this.columns, from, to: this.at };
  }

  async close(): Promise<void> {
    this.#ended = true;
    this.at = this.count;
    await this.#chunks.return?.();
  }
}

/** First position in [from, to) of an ascending column whose value is above the bound; `to` if none. */
export function firstAbove(column: Column, bound: number, from: number, to: number): number {
  if (from === to || column[to - 1]! <= bound) return to;
  let low = from;
  let high = to - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (column[middle]! > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}
