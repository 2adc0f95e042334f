/**
 * What time alone will bring about: moments at which a fact comes to one of the offsets of its source, each
 * with its customer, up to a horizon. Kept in buckets of moments, so that adding costs the same whatever there is,
 * and a tick looks at one or two buckets whatever the number of offsets.
 */
import type { TimeOffsets } from '../../live-facts.ts';
import { GrowingNumbers } from './growing-numbers.ts';

const BUCKETS = 128;
const NONE = new Float64Array(0);

export type TimedSource = keyof TimeOffsets;

interface Bucket {
  /** Seconds after the bucket's beginning. */
  readonly offsets: GrowingNumbers;
  readonly customerNos: GrowingNumbers;
}

export class Agenda {
  readonly #buckets = new Map<number, Bucket>();
  readonly #bucketS: number;
  readonly #entriesMax: number;
  /** Offsets of each source, ascending. */
  readonly #watched: Record<TimedSource, Float64Array> = {
    orders: NONE,
    events: NONE,
    traits: NONE,
    scores: NONE,
  };
  #count = 0;
  #from: number;
  #end: number;
  #overflowed = false;

  /**
   * For moments in (from, end], seconds since 1970.
   *
   * @param entriesMax - With more, the horizon is drawn in.
   */
  constructor(from: number, end: number, entriesMax: number) {
    this.#from = from;
    this.#end = end;
    this.#bucketS = Math.max(1, Math.ceil((end - from) / BUCKETS));
    this.#entriesMax = entriesMax;
  }

  get end(): number {
    return this.#end;
  }

  /** Whether entries were left out even so: what it holds is not complete. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  covers(after: number, upTo: number): boolean {
    return after >= this.#from && upTo <= this.#end;
  }

  /** Those of a source's offsets that it does not watch yet. */
  missing(source: TimedSource, offsetsS: readonly number[]): number[] {
    const known = new Set(this.#watched[source]);
    return [...new Set(offsetsS)].filter((offset) => !known.has(offset));
  }

  /** From now on, facts of the source are entered for these offsets too. */
  watch(source: TimedSource, offsetsS: readonly number[]): void {
    this.#watched[source] = Float64Array.from([...this.#watched[source], ...offsetsS]).sort();
  }

  /** Enters a fact that was taken in, for every offset that its time will come to before the end. */
  addFact(source: TimedSource, time: number, customerNo: number): void {
    const offsets = this.#watched[source];
    for (let i = firstAfter(offsets, this.#from - time); i < offsets.length; i++) {
      const due = time + offsets[i]!;
      if (due > this.#end) return;
      this.add(due, customerNo, this.#from);
    }
  }

  /**
   * Enters a moment in (from, end].
   *
   * @param keep - The horizon is not drawn in beyond this moment.
   */
  add(due: number, customerNo: number, keep: number): void {
    if (due > this.#end) return;
    if (this.#count >= this.#entriesMax && !this.#drawIn(keep)) return;
    if (due > this.#end) return;
    const number = Math.floor(due / this.#bucketS);
    let bucket = this.#buckets.get(number);
    if (bucket === undefined) {
      bucket = { offsets: new GrowingNumbers(), customerNos: new GrowingNumbers() };
      this.#buckets.set(number, bucket);
    }
    bucket.offsets.push(due - number * this.#bucketS);
    bucket.customerNos.push(customerNo);
    this.#count++;
  }

  /** Calls `found` for every entry in (after, upTo], in no order; a customer may come several times. */
  due(after: number, upTo: number, found: (customerNo: number) => void): void {
    for (const [number, { offsets, customerNos }] of this.#buckets) {
      const start = number * this.#bucketS;
      if (start > upTo || start + this.#bucketS <= after) continue;
      for (let i = 0; i < offsets.count; i++) {
        const due = start + offsets.at(i);
        if (due > after && due <= upTo) found(customerNos.at(i));
      }
    }
  }

  /** Lets go of moments up to this one. */
  forget(upTo: number): void {
    this.#from = Math.max(this.#from, upTo);
    this.#removeBuckets((start) => start + this.#bucketS - 1 <= upTo);
  }

  /** Makes room by halving the horizon, again and again; false when there is none to be made. */
  #drawIn(keep: number): boolean {
    while (this.#count >= this.#entriesMax) {
      if (this.#end <= keep) {
        this.#overflowed = true;
        return false;
      }
      this.#end = keep + Math.floor((this.#end - keep) / 2);
      this.#removeBuckets((start) => start > this.#end);
    }
    return true;
  }

  #removeBuckets(isOut: (start: number) => boolean): void {
    for (const [number, bucket] of this.#buckets) {
      if (!isOut(number * this.#bucketS)) continue;
      this.#count -= bucket.offsets.count;
      this.#buckets.delete(number);
    }
  }
}

/** Index of the first offset above a bound; offsets ascend. */
export function firstAfter(offsets: Float64Array, bound: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}
