/**
 * The record of bounds that the population set. Bounds are only ever added: those of the past stay, so that
 * any past membership can be told by the bounds that were in force then.
 */
import type { PopulationBound } from '../population-bound.ts';

/** Of a bound, what decides when it is in force. */
export type BoundMark = Pick<PopulationBound, 'calculationNo' | 'moment' | 'batchNo'>;

export interface BoundLog {
  /** All of them, or none. */
  append(bounds: readonly PopulationBound[]): Promise<void>;
  /**
   * By key, the last bound that was taken as of a moment, or before, of facts up to a batch, or before; the
   * last appended where these are equal.
   *
   * @param at.calculationNo - Only those taken for this calculation, or for a later one; absent: for any.
   */
  inForce(at: {
    readonly moment: number;
    readonly batchNo: number;
    readonly calculationNo?: number;
  }): Promise<ReadonlyMap<string, PopulationBound>>;
  /**
   * Removes what was taken for an as-of that was never reached, by a tick or a pass that broke off: bounds for
   * this calculation, or for a later one, that are beyond it in moment or facts.
   */
  truncate(reflected: BoundMark): Promise<void>;
  /** The mark of the last one, and a count that every append raises; undefined where there is none. */
  last(): Promise<(BoundMark & { readonly count: number }) | undefined>;
}
