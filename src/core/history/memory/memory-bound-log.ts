/** The record of bounds in memory: the oracle of the DuckDB one. */
import type { PopulationBound } from '../../population-bound.ts';
import type { BoundLog, BoundMark } from '../bound-log.ts';

export class MemoryBoundLog implements BoundLog {
  #bounds: PopulationBound[] = [];
  #count = 0;

  async append(bounds: readonly PopulationBound[]): Promise<void> {
    this.#bounds.push(...structuredClone(bounds));
    this.#count += bounds.length;
  }

  async inForce({
    moment,
    batchNo,
    calculationNo = 0,
  }: Parameters<BoundLog['inForce']>[0]): Promise<ReadonlyMap<string, PopulationBound>> {
    const applicable = this.#bounds.filter(
      (bound) => bound.moment <= moment && bound.batchNo <= batchNo && bound.calculationNo >= calculationNo,
    );
    // Sorting keeps the order of what is equal.
    applicable.sort((a, b) => a.moment - b.moment || a.batchNo - b.batchNo);
    return new Map(applicable.map((bound) => [bound.key, bound]));
  }

  async truncate({ moment, batchNo, calculationNo }: BoundMark): Promise<void> {
    this.#bounds = this.#bounds.filter(
      (bound) => bound.calculationNo < calculationNo || (bound.moment <= moment && bound.batchNo <= batchNo),
    );
  }

  async last() {
    const last = this.#bounds.at(-1);
    if (last === undefined) return undefined;
    const { calculationNo, moment, batchNo } = last;
    return { calculationNo, moment, batchNo, count: this.#count };
  }
}
