/** The record of calculations in memory: the oracle of the DuckDB one. */
import type { CalculationReport } from '../../core.ts';
import type { CalculationLog, SegmentSizeAt, SegmentSizes } from '../calculation-log.ts';

export class MemoryCalculationLog implements CalculationLog {
  readonly #reports = new Map<number, CalculationReport>();
  readonly #sizes = new Map<number, SegmentSizes>();

  async append(report: CalculationReport, sizes: SegmentSizes): Promise<void> {
    this.#reports.set(report.asOf.calculationNo, structuredClone(report));
    this.#sizes.set(report.asOf.calculationNo, structuredClone(sizes));
  }

  async lastNo(): Promise<number> {
    return Math.max(0, ...this.#reports.keys());
  }

  async report(calculationNo: number): Promise<CalculationReport | undefined> {
    return this.#reports.get(calculationNo);
  }

  async size(calculationNo: number, segmentNo: number): Promise<number | undefined> {
    const sizes = this.#sizes.get(calculationNo);
    return sizes?.sizes[sizes.segmentNos.indexOf(segmentNo)];
  }

  async sizes(segmentNo: number): Promise<readonly SegmentSizeAt[]> {
    const byMoment = new Map<number, SegmentSizeAt>();
    for (const [calculationNo, { asOf, customers }] of this.#reports) {
      const size = await this.size(calculationNo, segmentNo);
      const { moment: at, catalogNo, batchNo } = asOf;
      if (size !== undefined) byMoment.set(at, { at, catalogNo, batchNo, size, customers });
    }
    return [...byMoment.values()].sort((a, b) => a.at - b.at);
  }
}
