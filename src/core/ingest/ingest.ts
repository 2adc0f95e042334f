/**
 * Takes facts that stream in, from whatever source: reads rows, sets bad ones aside, and puts the good
 * ones into the engine in few batches. What is reported as accepted is durable. When more arrives than
 * can be written, new requests are turned away and streams are read more slowly; memory does not grow.
 */
import { CoterieError } from '../../model/error.ts';
import { UNMOVED } from '../../model/fact-reason.ts';
import type { Engine, FactSource } from '../engine/engine.ts';
import { Admission, type Load } from './admission.ts';
import { addRow, countMoves, countRowsOf, emptyChunk, type FactChunk } from './fact-chunk.ts';
import { GroupCommit } from './group-commit.ts';

export interface IngestReport {
  /** Rows taken and durable, those that say what was known already included. */
  readonly accepted: number;
  readonly rejected: number;
  /** Rows about customers who were erased, which are dropped; absent: none. */
  readonly erased?: number;
  /** Rows that moved an order here from another customer, who no longer has it; absent: none. */
  readonly moved?: number;
  /** What is worth a look in rows that were accepted: text → rows; absent: nothing. */
  readonly warnings?: Readonly<Record<string, number>>;
  /** Reason → rows. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The first rows set aside, at most 100; the index counts rows from 0. */
  readonly rejects: readonly { readonly index: number; readonly reason: string }[];
  /** The last batch that holds facts of this request; absent when nothing was accepted. */
  readonly batchNo?: number;
}

/** All rows at once, or a stream of them in blocks. */
export type Rows = readonly unknown[] | AsyncIterable<readonly unknown[]>;

export interface Ingest {
  /**
   * Takes rows; returns when all that was accepted is durable. Taking the same rows again changes nothing.
   * A failure in the middle of a stream says in its details how many rows before it are durable.
   *
   * @param rows - As the reader of the source gave them: objects, or {@link UnreadableRow}; a stream brings
   *   them in blocks.
   * @throws {CoterieError} `INGEST_OVERLOADED` before anything was taken; with `strict`,
   *   `IMPORT_ROW_REJECTED` for a bad row, nothing taken, and `BODY_TOO_LARGE`; what the engine and the
   *   rows throw.
   */
  submit(source: FactSource, rows: Rows, options?: { readonly strict?: boolean }): Promise<IngestReport>;
  /** Totals since the start, and what waits now. */
  status(): IngestStatus;
  /** Takes no more, and returns when what was taken is durable. */
  close(): Promise<void>;
}

export interface IngestStatus {
  readonly acceptedRows: number;
  readonly rejectedRows: number;
  readonly batches: number;
  readonly waitingRows: number;
  readonly waitingBytes: number;
}

/** A row that the source could not read: it is set aside with this reason. */
export class UnreadableRow {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

export interface IngestOptions {
  /** How long the first fact of a batch waits for others. */
  readonly gatherMs: number;
  /** So many waiting rows are written without further waiting. */
  readonly batchRows: number;
  /** Most rows of one batch of the engine. */
  readonly batchRowsMax: number;
  /** What may wait to become durable, over all requests. */
  readonly waitingRowsMax: number;
  readonly waitingBytesMax: number;
  /** Most streams read at once; each holds at most a chunk that was not admitted yet. */
  readonly streamsMax: number;
}

export const INGEST_DEFAULTS: IngestOptions = {
  gatherMs: 20,
  batchRows: 2000,
  batchRowsMax: 20_000,
  waitingRowsMax: 100_000,
  waitingBytesMax: 64 * 1_048_576,
  streamsMax: 256,
};

/** What of a stream is handed on at a time. */
const CHUNK_ROWS_MAX = 5000;
const CHUNK_BYTES_MAX = 2 * 1_048_576;
const REJECTS_LISTED_MAX = 100;

/** Puts facts into an engine, which stays the caller's to close, after this. */
export function createIngest(parts: {
  readonly engine: Pick<Engine, 'put'>;
  readonly options?: Partial<IngestOptions>;
}): Ingest {
  return new EngineIngest(parts.engine, { ...INGEST_DEFAULTS, ...parts.options });
}

class EngineIngest implements Ingest {
  readonly #options: IngestOptions;
  readonly #admission: Admission;
  readonly #commit: GroupCommit;
  #streams = 0;
  #closed = false;
  #acceptedRows = 0;
  #rejectedRows = 0;

  constructor(engine: Pick<Engine, 'put'>, options: IngestOptions) {
    this.#options = options;
    this.#admission = new Admission({ rows: options.waitingRowsMax, bytes: options.waitingBytesMax });
    const batchRows = Math.min(options.batchRows, options.batchRowsMax);
    this.#commit = new GroupCommit(engine, { ...options, batchRows });
  }

  async submit(
    source: FactSource,
    rows: Rows,
    options: { readonly strict?: boolean } = {},
  ): Promise<IngestReport> {
    if (this.#closed) throw new CoterieError('OVERLOADED', 'The server is stopping: facts are not taken now');
    if (this.#streams >= this.#options.streamsMax) {
      throw overloaded(`${this.#streams} requests with facts are being read`, this.#admission.load);
    }
    this.#streams++;
    const tally = new Tally();
    try {
      if (options.strict) await this.#takeAllOrNone(source, rows, tally);
      else await this.#take(source, rows, tally);
      return tally.report();
    } catch (error) {
      throw tally.accepted > 0 ? afterSome(error, tally) : error;
    } finally {
      this.#streams--;
      this.#acceptedRows += tally.accepted;
      this.#rejectedRows += tally.rejected;
    }
  }

  status(): IngestStatus {
    const { rows, bytes } = this.#admission.load;
    return {
      acceptedRows: this.#acceptedRows,
      rejectedRows: this.#rejectedRows,
      batches: this.#commit.batches,
      waitingRows: rows,
      waitingBytes: bytes,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#commit.close();
  }

  /** Two chunks of a stream are under way at most: the next is read while the last is written. */
  async #take(source: FactSource, rows: Rows, tally: Tally): Promise<void> {
    const rowsMax = Math.min(CHUNK_ROWS_MAX, this.#options.batchRowsMax);
    let underWay: Promise<void> = Promise.resolve();
    let isFirst = true;
    const handOn = async (chunk: FactChunk) => {
      if (!isFirst) await this.#admission.enter(chunk);
      else if (!this.#admission.tryEnter(chunk)) {
        throw overloaded('facts arrive faster than they are written', this.#admission.load);
      }
      isFirst = false;
      const written = this.#write(chunk, tally);
      // Looked at below, or after another failure not at all.
      written.catch(() => {});
      const before = underWay;
      underWay = written;
      await before;
    };
    try {
      let chunk = emptyChunk();
      for await (const block of blocksOf(rows)) {
        for (const row of block) {
          tally.read(chunk, source, row);
          if (chunk.rows < rowsMax && chunk.bytes < CHUNK_BYTES_MAX) continue;
          await handOn(chunk);
          chunk = emptyChunk();
        }
      }
      if (chunk.rows > 0) await handOn(chunk);
    } finally {
      // What was handed on is counted before a failure is told.
      await underWay.catch(() => {});
    }
    await underWay;
  }

  async #takeAllOrNone(source: FactSource, rows: Rows, tally: Tally): Promise<void> {
    const chunk = emptyChunk();
    for await (const block of blocksOf(rows)) {
      for (const row of block) tally.read(chunk, source, row);
      if (chunk.bytes > this.#options.waitingBytesMax || chunk.rows > this.#options.waitingRowsMax) {
        throw new CoterieError(
          'BODY_TOO_LARGE',
          `all of a request are taken or none, so it is held in memory: expected at most ${this.#options.waitingRowsMax} rows, found more`,
          { rowsMax: this.#options.waitingRowsMax },
        );
      }
    }
    if (tally.rejected > 0) {
      const { rejected, reasons, rejects } = tally.report();
      const { index, reason } = rejects[0]!;
      throw new CoterieError(
        'IMPORT_ROW_REJECTED',
        `row ${index} (counted from 0): ${reason}; nothing was taken`,
        { rejected, reasons, rejects },
      );
    }
    if (chunk.rows === 0) return;
    if (!this.#admission.tryEnter(chunk)) {
      throw overloaded('facts arrive faster than they are written', this.#admission.load);
    }
    await this.#write(chunk, tally);
  }

  /** Writes a chunk that was admitted. */
  async #write(chunk: FactChunk, tally: Tally): Promise<void> {
    const { rows, bytes } = chunk;
    try {
      const { batchNo, erasedCustomers, unmoved = [] } = await this.#commit.add(chunk);
      tally.addMoves(countMoves(chunk, unmoved));
      const erased = erasedCustomers ? countRowsOf(chunk, new Set(erasedCustomers)) : 0;
      tally.batchNo = batchNo;
      tally.erased += erased;
      tally.accepted += rows - erased;
    } finally {
      this.#admission.leave({ rows, bytes });
    }
  }
}

/** What became of the rows of one request. */
class Tally {
  accepted = 0;
  rejected = 0;
  erased = 0;
  batchNo: number | undefined;
  #moved = 0;
  #unmoved = 0;
  #rows = 0;
  readonly #reasons = new Map<string, number>();
  readonly #rejects: { readonly index: number; readonly reason: string }[] = [];

  /** Adds a row to a chunk, or counts it as set aside. */
  read(chunk: FactChunk, source: FactSource, row: unknown): void {
    const index = this.#rows++;
    const reason = row instanceof UnreadableRow ? row.reason : addRow(chunk, source, row);
    if (reason === undefined) return;
    this.rejected++;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (this.#rejects.length < REJECTS_LISTED_MAX) this.#rejects.push({ index, reason });
  }

  addMoves(moves: { readonly moved: number; readonly unmoved: number }): void {
    this.#moved += moves.moved;
    this.#unmoved += moves.unmoved;
  }

  report(): IngestReport {
    return {
      accepted: this.accepted,
      rejected: this.rejected,
      ...(this.erased > 0 ? { erased: this.erased } : {}),
      ...(this.#moved > 0 ? { moved: this.#moved } : {}),
      ...(this.#unmoved > 0 ? { warnings: { [UNMOVED]: this.#unmoved } } : {}),
      reasons: Object.fromEntries(this.#reasons),
      rejects: this.#rejects,
      ...(this.batchNo === undefined ? {} : { batchNo: this.batchNo }),
    };
  }
}

function blocksOf(rows: Rows): AsyncIterable<readonly unknown[]> | readonly (readonly unknown[])[] {
  return Symbol.asyncIterator in rows ? rows : [rows];
}

function overloaded(why: string, load: Load): CoterieError {
  return new CoterieError('INGEST_OVERLOADED', `${why}: ${load.rows} rows wait, nothing was taken`, {
    waitingRows: load.rows,
    waitingBytes: load.bytes,
  });
}

/** Says of a failure what was accepted before it. */
function afterSome(error: unknown, tally: Tally): unknown {
  if (!(error instanceof CoterieError)) return error;
  const { accepted, rejected, reasons, batchNo } = tally.report();
  return new CoterieError(
    error.code,
    `${error.message}; ${accepted} rows before this are durable, and sending them again changes nothing`,
    { ...error.details, accepted, rejected, reasons, batchNo },
    { cause: error },
  );
}
