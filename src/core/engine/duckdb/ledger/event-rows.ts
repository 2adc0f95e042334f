/** Rows of events, whose properties are texts, on their way into customers' values. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { type Column, ColumnBlock, chunkColumns, firstAbove } from '../column-block.ts';

/** Customer, name, time, batch; the properties are apart. */
export const EVENT_COLUMN_TYPES = [Uint32Array, Uint32Array, Uint32Array, Uint32Array] as const;
const PROPERTIES = EVENT_COLUMN_TYPES.length;

/** Some rows, ascending by customer. */
export interface EventRows {
  readonly columns: readonly Column[];
  readonly properties: readonly string[];
  readonly count: number;
}

/** Rows of `eventsSince`, chunk by chunk; each is valid until the next. */
export async function* eventRows(chunks: AsyncIterable<DuckDBDataChunk>): AsyncGenerator<EventRows> {
  for await (const chunk of chunks) {
    yield {
      columns: chunkColumns(chunk).slice(0, PROPERTIES),
      properties: chunk.getColumnValues(PROPERTIES) as string[],
      count: chunk.rowCount,
    };
  }
}

/** Rows that are gathered, to be taken in together. */
export class EventBlock implements EventRows {
  readonly block = new ColumnBlock(EVENT_COLUMN_TYPES, 256);
  readonly properties: string[] = [];

  get columns(): readonly Column[] {
    return this.block.columns;
  }

  get count(): number {
    return this.block.count;
  }

  append(rows: EventRows, from: number, to: number): void {
    while (this.block.count + to - from > this.block.capacity) this.block.grow();
    this.block.append(rows.columns, from, to);
    for (let i = from; i < to; i++) this.properties.push(rows.properties[i]!);
  }

  clear(): void {
    this.block.count = 0;
    this.properties.length = 0;
  }
}

const NO_ROWS: EventRows = { columns: [], properties: [], count: 0 };

/** Walks over rows of events customer by customer. */
export class EventCursor {
  readonly #rows: AsyncIterator<EventRows>;
  #at = 0;
  #ended = false;
  #current = NO_ROWS;

  constructor(rows: AsyncIterable<EventRows>) {
    this.#rows = rows[Symbol.asyncIterator]();
  }

  /** The customer of the row at hand; only when ready. */
  get customerNo(): number {
    return this.#current.columns[0]![this.#at]!;
  }

  /** Whether there is a row at hand; the common case without waiting. */
  ready(): boolean | Promise<boolean> {
    return this.#at < this.#current.count || this.#fetch();
  }

  /** Hands over the rows of a customer that are at hand; more of them may follow in the next ones. */
  take(customerNo: number, taken: (rows: EventRows, from: number, to: number) => void): void {
    const from = this.#at;
    this.#at = firstAbove(this.#current.columns[0]!, customerNo, from, this.#current.count);
    taken(this.#current, from, this.#at);
  }

  async close(): Promise<void> {
    this.#ended = true;
    this.#current = NO_ROWS;
    this.#at = 0;
    await this.#rows.return?.();
  }

  async #fetch(): Promise<boolean> {
    while (this.#at === this.#current.count && !this.#ended) {
      const next = await this.#rows.next();
      this.#at = 0;
      if (next.done) this.#ended = true;
      this.#current = next.done ? NO_ROWS : next.value;
    }
    return this.#at < this.#current.count;
  }
}
