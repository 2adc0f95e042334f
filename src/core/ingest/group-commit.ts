/**
 * Gathers what many requests bring into few batches of the engine, since a transaction costs much the
 * same for one fact and for two thousand. Each request learns the batch that made its facts durable.
 * Invariant: facts reach the engine in the order in which they were added.
 */
import { CoterieError } from '../../model/error.ts';
import type { Engine, PutReport } from '../engine/engine.ts';
import { appendChunk, emptyChunk, type FactChunk } from './fact-chunk.ts';

export interface GroupCommitOptions {
  /** How long the first fact of a batch waits for others. */
  readonly gatherMs: number;
  /** So many waiting rows are written without further waiting. */
  readonly batchRows: number;
  /** Most rows of a batch, but for a chunk that has more by itself. */
  readonly batchRowsMax: number;
}

interface Entry {
  readonly chunk: FactChunk;
  /** Put in a batch of its own. */
  readonly isAlone: boolean;
  readonly resolve: (report: PutReport) => void;
  readonly reject: (error: unknown) => void;
}

/** After a write the writer rests for twice its time unless much is waiting: at most a third of a core. */
const REST_SHARE = 2;
/** However long a write took. */
const REST_MAX_MS = 500;

export class GroupCommit {
  readonly #engine: Pick<Engine, 'put'>;
  readonly #options: GroupCommitOptions;
  #entries: Entry[] = [];
  #rows = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  /** No write begins before, unless much is waiting; on the clock of `performance.now()`. */
  #restUntil = 0;
  #batches = 0;

  constructor(engine: Pick<Engine, 'put'>, options: GroupCommitOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Batches written. */
  get batches(): number {
    return this.#batches;
  }

  /**
   * Puts a chunk, whole; resolves with the report of the batch that holds it, when that is durable.
   *
   * @param options.isAlone - In a batch of its own, whose report is then about this chunk; and always where
   *   the chunk empties lists, since what others add to them stands before it or after it.
   */
  add(chunk: FactChunk, options: { readonly isAlone?: boolean } = {}): Promise<PutReport> {
    const isAlone = options.isAlone === true || chunk.emptiedLists.length > 0;
    return new Promise((resolve, reject) => {
      this.#entries.push({ chunk, isAlone, resolve, reject });
      this.#rows += chunk.rows;
      this.#schedule();
    });
  }

  /** Writes what waits, and returns when it is durable. */
  async close(): Promise<void> {
    while (this.#writing !== undefined || this.#entries.length > 0) {
      this.#begin();
      await this.#writing;
    }
  }

  #schedule(): void {
    if (this.#writing !== undefined || this.#entries.length === 0) return;
    if (this.#rows >= this.#options.batchRows) {
      this.#begin();
      return;
    }
    const rest = this.#restUntil - performance.now();
    this.#timer ??= setTimeout(() => this.#begin(), Math.max(this.#options.gatherMs, rest));
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing !== undefined || this.#entries.length === 0) return;
    this.#writing = this.#write(this.#take()).finally(() => {
      this.#writing = undefined;
      this.#schedule();
    });
  }

  #take(): Entry[] {
    let rows = this.#entries[0]!.chunk.rows;
    let count = 1;
    const isAlone = this.#entries[0]!.isAlone;
    while (!isAlone && count < this.#entries.length && rows < this.#options.batchRowsMax) {
      const next = this.#entries[count]!;
      rows += next.chunk.rows;
      if (rows > this.#options.batchRowsMax || next.isAlone) break;
      count++;
    }
    const taken = this.#entries.splice(0, count);
    this.#rows -= taken.reduce((sum, entry) => sum + entry.chunk.rows, 0);
    return taken;
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    const began = performance.now();
    try {
      const report = await this.#put(entries);
      for (const entry of entries) entry.resolve(report);
    } catch (error) {
      const isOwnFault = error instanceof CoterieError && error.code === 'ENGINE_FAILED';
      if (entries.length > 1 && isOwnFault) {
        // What one request brought must not fail the others.
        for (const entry of entries) await this.#write([entry]);
      } else for (const entry of entries) entry.reject(error);
    }
    const took = performance.now() - began;
    this.#restUntil = performance.now() + Math.min(REST_MAX_MS, took * REST_SHARE);
  }

  #put(entries: readonly Entry[]): Promise<PutReport> {
    this.#batches++;
    if (entries.length === 1) return this.#engine.put(entries[0]!.chunk);
    const all = emptyChunk();
    for (const { chunk } of entries) appendChunk(all, chunk);
    return this.#engine.put(all);
  }
}
