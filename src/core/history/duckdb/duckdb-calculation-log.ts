/** The record of calculations in the DuckDB file. */
import { UINTEGER } from '@duckdb/node-api';
import type { CalculationReport } from '../../core.ts';
import type { DuckDbDatabase } from '../../engine/duckdb/database.ts';
import type { CalculationLog, SegmentSizeAt, SegmentSizes } from '../calculation-log.ts';

/** $1: segment number. */
const SIZES_OF_SEGMENT = `
SELECT moment AS "at", catalog_no AS "catalogNo", batch_no AS "batchNo", size,
  (report::JSON ->> '$.customers')::UINTEGER AS customers
FROM segment_size JOIN calculation USING (calculation_no) WHERE segment_no = $1
QUALIFY row_number() OVER (PARTITION BY moment ORDER BY calculation_no DESC) = 1 ORDER BY moment`;

export class DuckDbCalculationLog implements CalculationLog {
  readonly #database: DuckDbDatabase;

  constructor(database: DuckDbDatabase) {
    this.#database = database;
  }

  append(report: CalculationReport, { segmentNos, sizes }: SegmentSizes): Promise<void> {
    const { asOf } = report;
    return this.#database.exclusive(async (session) => {
      await session.run('INSERT INTO calculation VALUES ($1, $2, $3, $4, $5, $6)', [
        asOf.calculationNo,
        asOf.moment,
        asOf.batchNo,
        asOf.catalogNo,
        Math.floor(Date.now() / 1000),
        JSON.stringify(report),
      ]);
      const calculationNos = new Uint32Array(segmentNos.length).fill(asOf.calculationNo);
      await session.append(
        'segment_size',
        [UINTEGER, UINTEGER, UINTEGER],
        [calculationNos, segmentNos, sizes],
      );
    });
  }

  async lastNo(): Promise<number> {
    const row = await this.#database.row<{ last: number }>(
      'SELECT coalesce(max(calculation_no), 0)::UINTEGER AS last FROM calculation',
    );
    return row!.last;
  }

  async report(calculationNo: number): Promise<CalculationReport | undefined> {
    const row = await this.#database.row<{ report: string }>(
      'SELECT report FROM calculation WHERE calculation_no = $1',
      [calculationNo],
    );
    return row && (JSON.parse(row.report) as CalculationReport);
  }

  async size(calculationNo: number, segmentNo: number): Promise<number | undefined> {
    const row = await this.#database.row<{ size: number }>(
      'SELECT size FROM segment_size WHERE calculation_no = $1 AND segment_no = $2',
      [calculationNo, segmentNo],
    );
    return row?.size;
  }

  sizes(segmentNo: number): Promise<readonly SegmentSizeAt[]> {
    return this.#database.rows<{
      at: number;
      catalogNo: number;
      batchNo: number;
      size: number;
      customers: number;
    }>(SIZES_OF_SEGMENT, [segmentNo]);
  }
}
