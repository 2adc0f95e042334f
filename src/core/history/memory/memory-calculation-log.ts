/** The record of calculations in memory: the oracle of the DuckDB one, and for a Core that keeps nothing. */
import type { CalculationReport } from '../../core.ts';
import type { CalculationLog, SegmentSizes } from '../calculation-log.ts';

export class MemoryCalculationLog implements CalculationLog {
  readonly #reports: CalculationReport[] = [];
  readonly #sizes = new Map<number, Map<number, number>>();

  async append(report: CalculationReport, { segmentNos, sizes }: SegmentSizes): Promise<void> {
    this.#reports.push(report);
    const bySegment = new Map<number, number>();
    segmentNos.forEach((segmentNo, i) => {
      bySegment.set(segmentNo, sizes[i]!);
    });
    this.#sizes.set(report.asOf.calculationNo, bySegment);
  }

  async last(): Promise<CalculationReport | undefined> {
    return this.#reports.at(-1);
  }

  async size(calculationNo: number, segmentNo: number): Promise<number | undefined> {
    return this.#sizes.get(calculationNo)?.get(segmentNo);
  }
}
