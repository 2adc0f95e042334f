/**
 * The record of calculations: when, on which facts and definitions, and how many members every segment
 * had. Written after the Store has switched, so what it says last is what is served.
 */
import type { CalculationReport } from '../core.ts';

/** Sizes by segment, as columns of equal length. */
export interface SegmentSizes {
  readonly segmentNos: Uint32Array;
  readonly sizes: Uint32Array;
}

export interface CalculationLog {
  append(report: CalculationReport, sizes: SegmentSizes): Promise<void>;
  last(): Promise<CalculationReport | undefined>;
  /** Members of a segment at a calculation; undefined if it was not part of it. */
  size(calculationNo: number, segmentNo: number): Promise<number | undefined>;
}
