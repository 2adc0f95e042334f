/**
 * Gathers customers' rows into blocks of shared memory, so that rows cross threads without a copy. A
 * block is handed out when it is full and comes back when it was written.
 */

import type { RowBatch } from '../../model/membership.ts';
import { EXCEPTION_BYTES_MAX, encodeRow } from '../../model/row.ts';

const BLOCK_CUSTOMERS = 32_768;
const BLOCK_BYTES = 4 << 20;

/** A RowBatch that can be filled again. */
interface RowBlock extends RowBatch {
  count: number;
  rows: Uint8Array;
}

export class RowWriter {
  readonly #onFull: (batch: RowBatch, block: number) => void;
  readonly #blocks: RowBlock[] = [];
  readonly #free: number[] = [];
  #current = -1;
  #bytes = 0;

  /** @param onFull - Takes a block over; `release` gives it back. */
  constructor(onFull: (batch: RowBatch, block: number) => void) {
    this.#onFull = onFull;
  }

  /** Adds a customer's row; customers without exceptions are left out. */
  add(customerNo: number, exceptions: Uint32Array, count: number): void {
    if (count === 0) return;
    const bytesMax = count * EXCEPTION_BYTES_MAX;
    let block = this.#block(bytesMax);
    if (block.count === BLOCK_CUSTOMERS || this.#bytes + bytesMax > block.rows.length) {
      this.flush();
      block = this.#block(bytesMax);
    }
    this.#bytes = encodeRow(exceptions, count, block.rows, this.#bytes);
    block.customerNos[block.count++] = customerNo;
    block.offsets[block.count] = this.#bytes;
  }

  /** Hands out what has been gathered, if anything. */
  flush(): void {
    const number = this.#current;
    if (number < 0) return;
    this.#current = -1;
    this.#bytes = 0;
    this.#onFull(this.#blocks[number]!, number);
  }

  /** Takes back a block that was handed out. */
  release(block: number): void {
    this.#blocks[block]!.count = 0;
    this.#free.push(block);
  }

  #block(bytesMax: number): RowBlock {
    if (this.#current < 0) {
      this.#current = this.#free.pop() ?? this.#blocks.push(newBlock()) - 1;
      const block = this.#blocks[this.#current]!;
      // One row alone can outgrow a block when there are very many segments.
      if (block.rows.length < bytesMax) block.rows = new Uint8Array(new SharedArrayBuffer(bytesMax));
    }
    return this.#blocks[this.#current]!;
  }
}

function newBlock(): RowBlock {
  return {
    count: 0,
    customerNos: new Uint32Array(new SharedArrayBuffer(BLOCK_CUSTOMERS * 4)),
    offsets: new Uint32Array(new SharedArrayBuffer((BLOCK_CUSTOMERS + 1) * 4)),
    rows: new Uint8Array(new SharedArrayBuffer(BLOCK_BYTES)),
  };
}
