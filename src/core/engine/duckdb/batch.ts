/** The record of batches: every change of the facts has a number, one more than the last. */
import type { DuckDbSession } from './session.ts';
import type { IngestCounts } from './stage.ts';

/** The number that the next batch gets. */
export async function nextBatchNo(session: DuckDbSession): Promise<number> {
  const last = await session.row<{ last: number }>(`SELECT coalesce(max(batch_no), 0) AS last FROM batch`);
  return last!.last + 1;
}

/** Records a batch, within the transaction that brings its facts. */
export async function recordBatch(
  session: DuckDbSession,
  batch: {
    readonly batchNo: number;
    /** What kind of facts: `orders`, `stores`, `customers`, `put`. */
    readonly source: string;
    /** Where from: a file's name, or `put`. */
    readonly origin: string;
    readonly contentHash?: string;
    readonly rows: number;
    readonly counts: IngestCounts;
    readonly rejected: number;
    readonly report: unknown;
  },
): Promise<void> {
  await session.run(
    `INSERT INTO batch SELECT $1, floor(epoch(now()))::UINTEGER, $2, $3, $4, $5, $6, $7, $8, $9, $10`,
    [
      batch.batchNo,
      batch.source,
      batch.origin,
      batch.contentHash ?? null,
      batch.rows,
      batch.counts.added,
      // What moves cancel is superseded as well, though no row says so.
      batch.counts.replaced + (batch.counts.moved ?? 0),
      batch.counts.unchanged,
      batch.rejected,
      JSON.stringify(batch.report),
    ],
  );
}
