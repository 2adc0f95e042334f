/** The rows of one request as they are read: which are taken, which are set aside and why, and what is told of them. */
import { CoterieError } from '../../model/error.ts';
import { FACT_WARNING } from '../../model/fact-reason.ts';
import type { PutReport } from '../engine/engine.ts';
import { addRow, type FactChunk, type RowSource } from './fact-chunk.ts';
import { addWarning, addWarnings, type Warnings } from './fact-warning.ts';

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
  /** The first rows set aside; the index counts rows from 0. */
  readonly rejects: readonly { readonly index: number; readonly reason: string }[];
  /** Where they were asked for, of entries of lists: what changed nothing, and customers never heard of before. */
  readonly unchanged?: number;
  readonly unknown?: number;
  /** The last batch that holds facts of this request; absent when nothing was accepted. */
  readonly batchNo?: number;
  /** Of scores: the versions of models that rows were accepted of, the last that arrived last; at most 1,000. */
  readonly versions?: readonly { readonly model: string; readonly version: string }[];
}

/** All rows at once, or a stream of them in blocks. */
export type Rows = readonly unknown[] | AsyncIterable<readonly unknown[]>;

/** A row that the source could not read: it is set aside with this reason. */
export class UnreadableRow {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Unless more are asked for. */
export const REJECTS_LISTED = 100;
/** Of models. */
export const VERSIONS_LISTED_MAX = 1000;

/** What became of the rows of one request. */
export class RowTally {
  accepted = 0;
  rejected = 0;
  erased = 0;
  batchNo: number | undefined;
  #moved = 0;
  #lists: { readonly unchanged: number; readonly unknown: number } | undefined;
  readonly #rejectsListed: number;
  #rows = 0;
  readonly #reasons = new Map<string, number>();
  readonly #warnings: Warnings = new Map();
  readonly #rejects: { readonly index: number; readonly reason: string }[] = [];
  readonly #versions = new Map<string, { readonly model: string; readonly version: string }>();
  #lastVersion: string | undefined;

  /** @param rejectsListed - Most rows set aside that are listed. */
  constructor(rejectsListed = REJECTS_LISTED) {
    this.#rejectsListed = rejectsListed;
  }

  /** Adds a row to a chunk, or counts it as set aside. */
  read(chunk: FactChunk, source: RowSource, row: unknown): void {
    const index = this.#rows++;
    const reason = row instanceof UnreadableRow ? row.reason : addRow(chunk, source, row);
    if (reason === undefined) return;
    this.rejected++;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    if (this.#rejects.length < this.#rejectsListed) this.#rejects.push({ index, reason });
  }

  addMoves(moves: { readonly moved: number; readonly unmoved: number }): void {
    this.#moved += moves.moved;
    if (moves.unmoved > 0) addWarning(this.#warnings, FACT_WARNING.unmoved, moves.unmoved);
  }

  /** Adds what became of entries of lists, from the report of a batch that holds no others. */
  addLists({ unchangedListEntries = 0, newCustomers = 0 }: PutReport): void {
    this.#lists = {
      unchanged: (this.#lists?.unchanged ?? 0) + unchangedListEntries,
      unknown: (this.#lists?.unknown ?? 0) + newCustomers,
    };
  }

  /** Remembers what is told of the rows of a chunk that is durable. */
  addWarnings({ warnings }: FactChunk): void {
    addWarnings(this.#warnings, warnings);
  }

  /** Remembers which versions of models the scores of a chunk are of, but for customers whose rows are dropped. */
  addVersions({ scores }: FactChunk, erasedIds: ReadonlySet<string>): void {
    for (const { customerId, model, version } of scores) {
      if (erasedIds.has(customerId)) continue;
      // Names hold no control characters.
      const key = `${model}\n${version}`;
      if (key === this.#lastVersion) continue;
      this.#lastVersion = key;
      // To the end: the last that arrived is the last.
      this.#versions.delete(key);
      if (this.#versions.size < VERSIONS_LISTED_MAX) this.#versions.set(key, { model, version });
    }
  }

  /** @throws {CoterieError} `IMPORT_ROW_REJECTED` if a row was set aside: for those who want all or nothing. */
  refuseRejects(): void {
    const first = this.#rejects[0];
    if (first === undefined) return;
    const { rejected, reasons, rejects } = this.report();
    throw new CoterieError(
      'IMPORT_ROW_REJECTED',
      `row ${first.index} (counted from 0): ${first.reason}; nothing was taken`,
      { rejected, reasons, rejects },
    );
  }

  report(): IngestReport {
    return {
      accepted: this.accepted,
      rejected: this.rejected,
      ...(this.erased > 0 ? { erased: this.erased } : {}),
      ...(this.#moved > 0 ? { moved: this.#moved } : {}),
      ...(this.#warnings.size > 0 ? { warnings: Object.fromEntries(this.#warnings) } : {}),
      reasons: Object.fromEntries(this.#reasons),
      rejects: this.#rejects,
      ...this.#lists,
      ...(this.batchNo === undefined ? {} : { batchNo: this.batchNo }),
      ...(this.#versions.size > 0 ? { versions: [...this.#versions.values()] } : {}),
    };
  }
}

/** Rows block by block. */
export function blocksOf(rows: Rows): AsyncIterable<readonly unknown[]> | readonly (readonly unknown[])[] {
  return Symbol.asyncIterator in rows ? rows : [rows];
}
