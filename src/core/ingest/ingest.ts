/**
 * Takes facts that stream in, from whatever source: reads rows, sets bad ones aside, and puts the good
 * ones into the engine in few batches. What is reported as accepted is durable. When more arrives than
 * can be written, new requests are turned away and streams are read more slowly; memory does not grow.
 */
import { CoterieError } from '../../model/error.ts';
import type { Engine, PutReport } from '../engine/engine.ts';
import { Admission, type Load } from './admission.ts';
import { countMoves, countRowsOf, emptyChunk, type FactChunk, type RowSource } from './fact-chunk.ts';
import { GroupCommit } from './group-commit.ts';
import { blocksOf, type IngestReport, type Rows, RowTally } from './row-tally.ts';

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
  submit(source: RowSource, rows: Rows, options?: SubmitOptions): Promise<IngestReport>;
  /**
   * Puts facts that are checked already, in a batch of their own.
   *
   * @param rejected - Rows beside them that were set aside, to be counted.
   * @throws {CoterieError} `INGEST_OVERLOADED`, nothing taken; what the engine throws.
   */
  putAlone(chunk: FactChunk, rejected: number): Promise<PutReport>;
  /**
   * Reads a request in another way, as one of the streams that are read at once.
   *
   * @throws {CoterieError} `INGEST_OVERLOADED` before it began; what the work throws.
   */
  reading<T>(work: () => Promise<T>): Promise<T>;
  /** Most rows of one batch of the engine. */
  readonly batchRowsMax: number;
  /** Counts rows that came in another way: as a file. */
  count(rows: { readonly accepted: number; readonly rejected: number }): void;
  /** Totals since the start, and what waits now. */
  status(): IngestStatus;
  /** Takes no more, and returns when what was taken is durable. */
  close(): Promise<void>;
}

export interface SubmitOptions {
  /** Whether one bad row refuses all. */
  readonly strict?: boolean;
  /** Most rows set aside that are listed; default 100. */
  readonly rejectsListed?: number;
  /** Of entries of lists: whether it is counted what they changed. They then make batches of their own. */
  readonly countsLists?: boolean;
}

export interface IngestStatus {
  readonly acceptedRows: number;
  readonly rejectedRows: number;
  readonly batches: number;
  readonly waitingRows: number;
  readonly waitingBytes: number;
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
export const CHUNK_BYTES_MAX = 2 * 1_048_576;

/** Puts facts into an engine, which stays the caller's to close, after this. */
export function createIngest(parts: {
  readonly engine: Pick<Engine, 'put'>;
  readonly options?: Partial<IngestOptions>;
}): Ingest {
  return new EngineIngest(parts.engine, { ...INGEST_DEFAULTS, ...parts.options });
}

/** Rows that are being taken. */
interface Taking {
  readonly source: RowSource;
  readonly tally: RowTally;
  /** Whether they make batches of their own. */
  readonly isAlone: boolean;
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

  async submit(source: RowSource, rows: Rows, options: SubmitOptions = {}): Promise<IngestReport> {
    const tally = new RowTally(options.rejectsListed);
    const taking: Taking = { source, tally, isAlone: options.countsLists === true };
    try {
      await this.reading(() =>
        options.strict ? this.#takeAllOrNone(taking, rows) : this.#take(taking, rows),
      );
      return tally.report();
    } catch (error) {
      throw withAccepted(error, tally);
    } finally {
      this.count(tally);
    }
  }

  async reading<T>(work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    if (this.#streams >= this.#options.streamsMax) {
      throw overloaded(`${this.#streams} requests with facts are being read`, this.#admission.load);
    }
    this.#streams++;
    try {
      return await work();
    } finally {
      this.#streams--;
    }
  }

  get batchRowsMax(): number {
    return this.#options.batchRowsMax;
  }

  async putAlone(chunk: FactChunk, rejected: number): Promise<PutReport> {
    this.#checkOpen();
    if (!this.#admission.tryEnter(chunk)) {
      throw overloaded('facts arrive faster than they are written', this.#admission.load);
    }
    const { rows, bytes } = chunk;
    try {
      const report = await this.#commit.add(chunk, { isAlone: true });
      this.count({ accepted: rows, rejected });
      return report;
    } finally {
      this.#admission.leave({ rows, bytes });
    }
  }

  count({ accepted, rejected }: { readonly accepted: number; readonly rejected: number }): void {
    this.#acceptedRows += accepted;
    this.#rejectedRows += rejected;
  }

  #checkOpen(): void {
    if (this.#closed) throw new CoterieError('OVERLOADED', 'The server is stopping: facts are not taken now');
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
  async #take(taking: Taking, rows: Rows): Promise<void> {
    const rowsMax = Math.min(CHUNK_ROWS_MAX, this.#options.batchRowsMax);
    let underWay: Promise<void> = Promise.resolve();
    let isFirst = true;
    const handOn = async (chunk: FactChunk) => {
      if (!isFirst) await this.#admission.enter(chunk);
      else if (!this.#admission.tryEnter(chunk)) {
        throw overloaded('facts arrive faster than they are written', this.#admission.load);
      }
      isFirst = false;
      const written = this.#write(chunk, taking);
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
          taking.tally.read(chunk, taking.source, row);
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

  async #takeAllOrNone(taking: Taking, rows: Rows): Promise<void> {
    const { source, tally } = taking;
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
    tally.refuseRejects();
    if (chunk.rows === 0) return;
    if (!this.#admission.tryEnter(chunk)) {
      throw overloaded('facts arrive faster than they are written', this.#admission.load);
    }
    await this.#write(chunk, taking);
  }

  /** Writes a chunk that was admitted. */
  async #write(chunk: FactChunk, { tally, isAlone }: Taking): Promise<void> {
    const { rows, bytes } = chunk;
    try {
      const report = await this.#commit.add(chunk, { isAlone });
      const { batchNo, erasedCustomers, unmoved = [] } = report;
      if (isAlone) tally.addLists(report);
      tally.addMoves(countMoves(chunk, unmoved));
      tally.addWarnings(chunk);
      const erasedIds = new Set(erasedCustomers);
      const erased = erasedIds.size > 0 ? countRowsOf(chunk, erasedIds) : 0;
      tally.batchNo = batchNo;
      tally.addVersions(chunk, erasedIds);
      tally.erased += erased;
      tally.accepted += rows - erased;
    } finally {
      this.#admission.leave({ rows, bytes });
    }
  }
}

function overloaded(why: string, load: Load): CoterieError {
  return new CoterieError('INGEST_OVERLOADED', `${why}: ${load.rows} rows wait, nothing was taken`, {
    waitingRows: load.rows,
    waitingBytes: load.bytes,
  });
}

/** Says of a failure what was accepted before it. */
function withAccepted(error: unknown, tally: RowTally): unknown {
  if (!(error instanceof CoterieError)) return error;
  const { accepted, rejected, reasons, batchNo } = tally.report();
  const words =
    accepted > 0 ? `; ${accepted} rows before this are durable, and sending them again changes nothing` : '';
  return new CoterieError(
    error.code,
    `${error.message}${words}`,
    { ...error.details, accepted, rejected, reasons, ...(batchNo === undefined ? {} : { batchNo }) },
    { cause: error },
  );
}
