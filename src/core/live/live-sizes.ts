/**
 * How many members each segment has, while ticks go on: counted once from the rows that are served, and
 * from then on moved by what each tick changed.
 */
import type { MembershipTarget } from '../../model/membership.ts';
import { decodeRow } from '../../model/row.ts';
import type { TickReport } from './live.ts';

const CUSTOMERS_PER_READ = 10_000;

export class LiveSizes {
  /** Segment number → customers whose membership is not the default. */
  #exceptions = new Uint32Array(1024);
  #total = 0;

  /** Over all segments. */
  get total(): number {
    return this.#total;
  }

  /**
   * Counts what is served, about a microsecond a customer, giving way to other work in between.
   *
   * @param customerNoMax - The highest customer number there is.
   */
  async count(target: MembershipTarget, customerNoMax: number): Promise<void> {
    this.#exceptions.fill(0);
    this.#total = 0;
    for (let from = 0; from <= customerNoMax; from += CUSTOMERS_PER_READ) {
      const length = Math.min(CUSTOMERS_PER_READ, customerNoMax - from + 1);
      for (const row of await target.rows(Uint32Array.from({ length }, (_, i) => from + i))) {
        if (row) for (const segmentNo of decodeRow(row)) this.#add(segmentNo, 1);
      }
    }
  }

  apply(report: TickReport): void {
    for (const [segmentNo, delta] of report.exceptionDeltas) this.#add(segmentNo, delta);
  }

  exceptions(segmentNo: number): number {
    return this.#exceptions[segmentNo] ?? 0;
  }

  #add(segmentNo: number, delta: number): void {
    if (segmentNo >= this.#exceptions.length) {
      const grown = new Uint32Array(Math.max(segmentNo + 1, this.#exceptions.length * 2));
      grown.set(this.#exceptions);
      this.#exceptions = grown;
    }
    this.#exceptions[segmentNo]! += delta;
    this.#total += delta;
  }
}
