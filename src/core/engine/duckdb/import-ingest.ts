/** The second half of an import: from the staging tables of a source into the facts. */
import type { ImportRequest } from '../engine.ts';
import type { ColumnPlan } from './import-columns.ts';
import { ingestEvents } from './ingest-events.ts';
import { ingestLists } from './ingest-lists.ts';
import { ingestOrders } from './ingest-orders.ts';
import { ingestScores } from './ingest-scores.ts';
import { ingestStores } from './ingest-stores.ts';
import { ingestTraits } from './ingest-traits.ts';
import type { DuckDbSession } from './session.ts';
import { type IngestCounts, STAGED_EMPTIED_LIST, STAGED_LIST_ENTRY, stage } from './stage.ts';

/**
 * Stages the lists that are emptied: those that good rows name; of a file without any row also the one that
 * the request names for all rows.
 *
 * @param rejected - The table of rows that are set aside.
 */
export async function stageEmptied(
  session: DuckDbSession,
  request: ImportRequest,
  plan: ColumnPlan,
  rejected: string,
): Promise<void> {
  await stage(session, STAGED_EMPTIED_LIST);
  if (request.replaceLists !== true) return;
  await session.run(`INSERT INTO ${STAGED_EMPTIED_LIST} SELECT DISTINCT list FROM ${STAGED_LIST_ENTRY}`);
  const origin = plan.fields.get('list');
  if (origin?.kind !== 'value') return;
  await session.run(
    `INSERT INTO ${STAGED_EMPTIED_LIST} SELECT $1
     WHERE NOT EXISTS (FROM ${STAGED_LIST_ENTRY}) AND NOT EXISTS (FROM ${rejected})`,
    [origin.value],
  );
}

export interface Ingested {
  readonly counts: Pick<IngestCounts, 'added' | 'replaced' | 'unchanged' | 'erased' | 'moved'>;
  readonly newCustomers?: number;
  readonly delisted?: number;
  /** Orders that were to be moved and that the previous customer does not have; absent: none. */
  readonly unmoved?: number;
}

/** Takes the staged rows in as part of a batch, within the caller's transaction. */
export async function ingest(
  session: DuckDbSession,
  request: ImportRequest,
  batchNo: number,
  step: (phase: string) => void,
): Promise<Ingested> {
  const { delisted, ...all } = await ingestStaged(session, request, batchNo, step);
  const { newCustomers = 0, erasedCustomers: _, unmoved = [], ...counts } = all;
  return {
    counts,
    ...(newCustomers > 0 ? { newCustomers } : {}),
    ...(delisted === undefined ? {} : { delisted }),
    ...(unmoved.length > 0 ? { unmoved: unmoved.length } : {}),
  };
}

async function ingestStaged(
  session: DuckDbSession,
  request: ImportRequest,
  batchNo: number,
  step: (phase: string) => void,
): Promise<IngestCounts & { readonly delisted?: number }> {
  const { source, activateVersions = true, replaceLists = false } = request;
  if (source === 'orders') return ingestOrders(session, batchNo, step);
  if (source === 'stores') return ingestStores(session, batchNo);
  if (source === 'customers') return ingestTraits(session, batchNo, step);
  if (source === 'events') return ingestEvents(session, batchNo, step);
  if (source === 'scores') return ingestScores(session, batchNo, { step, activateVersions });
  const { delisted, ...counts } = await ingestLists(session, batchNo, step);
  return replaceLists ? { ...counts, delisted } : counts;
}
