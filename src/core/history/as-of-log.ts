/**
 * The record of what was known as of each moment that was served: a batch that comes after the last tick of a
 * second was received in that second, and was not in what was served as of it. Only the ticks know.
 */

/** Moments, both inclusive, as of which the same facts and definitions were served. */
export interface AsOfRun {
  readonly from: number;
  readonly until: number;
  readonly batchNo: number;
  readonly catalogNo: number;
}

export interface AsOfLog {
  /** Appends runs, all or none, durably. A run may begin at the moment at which the one before ends. */
  append(runs: readonly AsOfRun[]): Promise<void>;
  /** Of the runs that begin at a moment or before, the last. */
  at(moment: number): Promise<AsOfRun | undefined>;
}
