/**
 * The record of calculations: when, on which facts and definitions, and how many members every segment
 * had. A record is written before the Store switches, so one may be there that never came into force:
 * the Store's as-of says which one did.
 */
import type { CalculationReport } from '../core.ts';

/** Sizes by segment, as columns of equal length. */
export interface SegmentSizes {
  readonly segmentNos: Uint32Array;
  readonly sizes: Uint32Array;
}

/** Members of a segment at a calculation. */
export interface SegmentSizeAt {
  /** The calculation's moment. */
  readonly at: number;
  readonly catalogNo: number;
  readonly batchNo: number;
  readonly size: number;
  /** Known customers at that moment. */
  readonly customers: number;
}

export interface CalculationLog {
  append(report: CalculationReport, sizes: SegmentSizes): Promise<void>;
  /** The highest number given so far, in force or not; 0 before the first. */
  lastNo(): Promise<number>;
  report(calculationNo: number): Promise<CalculationReport | undefined>;
  /** Members of a segment at a calculation; undefined if it was not part of it. */
  size(calculationNo: number, segmentNo: number): Promise<number | undefined>;
  /** Members of a segment at every calculation that it was part of, ascending by moment, one for a moment. */
  sizes(segmentNo: number): Promise<readonly SegmentSizeAt[]>;
}
