/**
 * Compares rows as they were served with rows as they are evaluated now: which rows have to be written,
 * and who entered and who left which segment.
 */
import type { RowBatch } from '../../model/membership.ts';
import { decodeRow, EXCEPTION_BYTES_MAX, encodeRow } from '../../model/row.ts';

/** Exceptions of one customer: ascending segment numbers. */
export type Exceptions = readonly number[];

export interface CustomerChange {
  readonly customerNo: number;
  readonly entered: readonly number[];
  readonly exited: readonly number[];
}

/** By segment number, what a customer without facts is, before a tick and after it. */
export interface Defaults {
  before(segmentNo: number): boolean;
  now(segmentNo: number): boolean;
  /** Segments evaluated both before and now whose default is another one; ascending. */
  readonly flipped: readonly number[];
  /** Whether memberships of this segment are told of: not when it is new, or gone. */
  isLogged(segmentNo: number): boolean;
}

/**
 * Gathers the rows of a tick. Invariant: customers are added in ascending order, each once.
 */
export class RowChanges {
  readonly defaults: Defaults;
  readonly #flipped: ReadonlySet<number>;
  readonly #customerNos: number[] = [];
  readonly #offsets: number[] = [0];
  #rows = new Uint8Array(1 << 16);
  /** Takes the numbers of a row that is written. */
  #numbers = new Uint32Array(256);
  readonly changes: CustomerChange[] = [];
  /** Segment number → by how much its number of exceptions changed. */
  readonly exceptionDeltas = new Map<number, number>();

  constructor(defaults: Defaults) {
    this.defaults = defaults;
    this.#flipped = new Set(defaults.flipped);
  }

  /** Customers whose row is to be written. */
  get count(): number {
    return this.#customerNos.length;
  }

  /** @param before - Bytes as served; undefined for no exceptions. */
  add(customerNo: number, before: Uint8Array | undefined, now: Exceptions): void {
    const served = before === undefined ? [] : decodeRow(before);
    const entered: number[] = [];
    const exited: number[] = [];
    let isSame = true;
    forEachDifference(served, now, (segmentNo, isException) => {
      isSame = false;
      this.exceptionDeltas.set(
        segmentNo,
        (this.exceptionDeltas.get(segmentNo) ?? 0) + (isException ? 1 : -1),
      );
      if (this.#flipped.has(segmentNo) || !this.defaults.isLogged(segmentNo)) return;
      (isException !== this.defaults.now(segmentNo) ? entered : exited).push(segmentNo);
    });
    if (this.defaults.flipped.length > 0) this.#addFlipped(served, now, entered, exited);
    if (!isSame) this.#write(customerNo, now);
    if (entered.length + exited.length > 0) this.changes.push({ customerNo, entered, exited });
  }

  /** Adds those of the flipped segments that the customer enters and leaves, and puts them in order. */
  #addFlipped(served: Exceptions, now: Exceptions, entered: number[], exited: number[]): void {
    let i = 0;
    let j = 0;
    for (const segmentNo of this.defaults.flipped) {
      while (i < served.length && served[i]! < segmentNo) i++;
      while (j < now.length && now[j]! < segmentNo) j++;
      const was = this.defaults.before(segmentNo) !== (served[i] === segmentNo);
      const is = this.defaults.now(segmentNo) !== (now[j] === segmentNo);
      if (was !== is) (is ? entered : exited).push(segmentNo);
    }
    entered.sort((a, b) => a - b);
    exited.sort((a, b) => a - b);
  }

  /** The rows to write; an empty one where no exceptions are left. */
  batch(): RowBatch {
    return {
      count: this.#customerNos.length,
      customerNos: Uint32Array.from(this.#customerNos),
      offsets: Uint32Array.from(this.#offsets),
      rows: this.#rows,
    };
  }

  #write(customerNo: number, exceptions: Exceptions): void {
    const at = this.#offsets.at(-1)!;
    const needed = at + exceptions.length * EXCEPTION_BYTES_MAX;
    if (needed > this.#rows.length) {
      const grown = new Uint8Array(Math.max(needed, this.#rows.length * 2));
      grown.set(this.#rows);
      this.#rows = grown;
    }
    if (exceptions.length > this.#numbers.length) this.#numbers = new Uint32Array(exceptions.length * 2);
    for (let i = 0; i < exceptions.length; i++) this.#numbers[i] = exceptions[i]!;
    this.#customerNos.push(customerNo);
    this.#offsets.push(encodeRow(this.#numbers, exceptions.length, this.#rows, at));
  }
}

/** Calls for every number that is in one list and not in the other; both ascend. */
function forEachDifference(
  before: Exceptions,
  now: Exceptions,
  onDifference: (segmentNo: number, isInNow: boolean) => void,
): void {
  let i = 0;
  let j = 0;
  while (i < before.length || j < now.length) {
    const a = i < before.length ? before[i]! : Number.POSITIVE_INFINITY;
    const b = j < now.length ? now[j]! : Number.POSITIVE_INFINITY;
    if (a < b) onDifference(before[i++]!, false);
    else if (b < a) onDifference(now[j++]!, true);
    else {
      i++;
      j++;
    }
  }
}
