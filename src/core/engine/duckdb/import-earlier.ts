/** Imports of the same file before: what one would report now, and whether it would change anything. */
import { access } from 'node:fs/promises';
import { CoterieError } from '../../../model/error.ts';
import type { FactSource, ImportReport } from '../engine.ts';
import type { DuckDbDatabase } from './database.ts';

/** An earlier import of the same file, and what one would report now. */
export interface Earlier {
  readonly batchNo: number;
  readonly report: ImportReport;
}

/** A strict import takes all rows or none: some that were set aside before do not pass as taken. */
export function rejectedBefore(file: string, { batchNo, report }: Earlier): CoterieError {
  const { rejected, reasons, firstReject } = report;
  const first =
    firstReject === undefined ? '' : `: the first, line ${firstReject.line}: ${firstReject.reason}`;
  return new CoterieError(
    'IMPORT_ROW_REJECTED',
    `${file} was imported before without --strict, as batch ${batchNo}, and ${rejected} of its rows were set aside${first}; nothing was changed`,
    { file, batchNo, rejected, reasons, ...firstReject },
  );
}

/**
 * Whether scores or lists are since the import of a batch as it left them. An older list may be brought
 * back by the file that it came from, and so may an older version of a model.
 */
const UNTOUCHED_SINCE: Readonly<Partial<Record<FactSource, string>>> = {
  scores: `NOT EXISTS (FROM score WHERE batch_no > found.batch_no)
    AND NOT EXISTS (FROM model_activation WHERE batch_no > found.batch_no)`,
  lists: 'NOT EXISTS (FROM list_entry WHERE batch_no > found.batch_no)',
};

export async function earlierReport(
  database: DuckDbDatabase,
  source: FactSource,
  contentHash: string,
): Promise<Earlier | undefined> {
  const found = await database.row<{ batch_no: number; report: string; last: number }>(
    `SELECT batch_no, report::VARCHAR AS report, (SELECT max(batch_no) FROM batch) AS last
     FROM batch AS found WHERE content_hash = $1 AND ${UNTOUCHED_SINCE[source] ?? 'true'}
     ORDER BY batch_no LIMIT 1`,
    [contentHash],
  );
  if (found === undefined) return undefined;
  const { rejectsFile, newCustomers: _, delisted: __, ...report } = JSON.parse(found.report) as ImportReport;
  const isThere = rejectsFile !== undefined && (await exists(rejectsFile));
  const unchanged = report.rows - report.rejected - (report.erased ?? 0);
  const note = `imported before, as batch ${found.batch_no}: nothing was changed`;
  return {
    batchNo: found.batch_no,
    report: {
      ...report,
      ...(isThere ? { rejectsFile } : {}),
      batchNo: found.last,
      added: 0,
      replaced: 0,
      unchanged,
      warnings: { ...report.warnings, [note]: report.rows },
    },
  };
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
