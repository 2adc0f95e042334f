/**
 * One customer's events on the workbench: read from a value, joined by later rows, and written again. An
 * event never changes, so all there is to know of the rows that are in is the last batch that brought one.
 */
import { ColumnBlock } from '../column-block.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { PlaceOrder } from './place-order.ts';

/** Customer, name, time, and where the properties are among the bytes: start and length. */
const COLUMN_TYPES = [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array] as const;
const NAME = 1;
const TIME = 2;
const START = 3;
const LENGTH = 4;

/** Batch and count, and an event without its properties at its longest. */
const HEAD_BYTES_MAX = 5 + 5;
const EVENT_BYTES_MAX = 5 + 5 + 5;
const NO_PROPERTIES = '{}';
/** Bytes of UTF-8 to one unit of a string, at the most. */
const BYTES_PER_UNIT = 3;

export class EventList {
  readonly #events = new ColumnBlock(COLUMN_TYPES, 64);
  readonly #order = new PlaceOrder();
  #bytes = Buffer.allocUnsafe(4096);
  #used = 0;
  /** Rows of this batch and before were in when it was read. */
  #batchNo = 0;
  #lastBatchNo = 0;
  /** How many events may be out of order. */
  #moved = 0;

  get count(): number {
    return this.#events.count;
  }

  /** How long the events are when written, at the most. */
  get bytesMax(): number {
    return HEAD_BYTES_MAX + this.#events.count * EVENT_BYTES_MAX + this.#used;
  }

  clear(): void {
    this.#events.count = 0;
    this.#used = 0;
    this.#batchNo = 0;
    this.#lastBatchNo = 0;
    this.#moved = 0;
  }

  /** Takes the events of a value in place of its own; the reader stands where they begin. */
  read(value: Buffer, reader: ByteReader): void {
    this.clear();
    this.#batchNo = reader.varint();
    this.#lastBatchNo = this.#batchNo;
    const count = reader.varint();
    while (count > this.#events.capacity) this.#events.grow();
    const { columns } = this.#events;
    let nameNo = 0;
    let occurredAt = 0;
    for (let i = 0; i < count; i++) {
      nameNo += reader.varint();
      occurredAt = (occurredAt + reader.signed32()) >>> 0;
      const length = reader.varint();
      this.#makeRoom(length);
      columns[NAME]![i] = nameNo;
      columns[TIME]![i] = occurredAt;
      columns[START]![i] = this.#used;
      columns[LENGTH]![i] = length;
      value.copy(this.#bytes, this.#used, reader.at, reader.at + length);
      reader.at += length;
      this.#used += length;
    }
    this.#events.count = count;
  }

  /** Takes a row in, unless it was in already when the list was read. */
  add(nameNo: number, occurredAt: number, batchNo: number, properties: string): void {
    if (batchNo <= this.#batchNo) return;
    this.#lastBatchNo = Math.max(this.#lastBatchNo, batchNo);
    const events = this.#events;
    if (events.count === events.capacity) events.grow();
    const text = properties === NO_PROPERTIES ? '' : properties;
    this.#makeRoom(BYTES_PER_UNIT * text.length);
    const length = text === '' ? 0 : this.#bytes.write(text, this.#used, 'utf8');
    const at = events.count++;
    events.columns[NAME]![at] = nameNo;
    events.columns[TIME]![at] = occurredAt;
    events.columns[START]![at] = this.#used;
    events.columns[LENGTH]![at] = length;
    this.#used += length;
    this.#moved++;
  }

  write(writer: ByteWriter): void {
    const { columns, count } = this.#events;
    const [, names, times, starts, lengths] = columns;
    const order = this.#order.by(names!, times!, count, this.#moved);
    writer.varint(this.#lastBatchNo);
    writer.varint(count);
    let nameNo = 0;
    let occurredAt = 0;
    for (let k = 0; k < count; k++) {
      const i = order[k]!;
      writer.varint(names![i]! - nameNo);
      writer.signed32((times![i]! - occurredAt) | 0);
      writer.varint(lengths![i]!);
      writer.bytes(this.#bytes, starts![i]!, starts![i]! + lengths![i]!);
      nameNo = names![i]!;
      occurredAt = times![i]!;
    }
  }

  #makeRoom(bytes: number): void {
    const needed = this.#used + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * needed);
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
}
