/** The record of as-ofs in memory: the oracle of the DuckDB one. */
import type { AsOfLog, AsOfRun } from '../as-of-log.ts';

export class MemoryAsOfLog implements AsOfLog {
  readonly #runs: AsOfRun[] = [];

  async append(runs: readonly AsOfRun[]): Promise<void> {
    this.#runs.push(...runs);
  }

  async at(moment: number): Promise<AsOfRun | undefined> {
    return this.#runs.findLast(({ from }) => from <= moment);
  }
}
