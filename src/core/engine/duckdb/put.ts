/** Puts facts that are already checked, as one batch: stages them and takes them in. */
import type { Engine, PutReport, StreamPosition } from '../engine.ts';
import { nextBatchNo, recordBatch } from './batch.ts';
import type { DuckDbDatabase } from './database.ts';
import { ingestEvents } from './ingest-events.ts';
import { ingestLists, type ListCounts } from './ingest-lists.ts';
import { ingestOrders } from './ingest-orders.ts';
import { ingestScores } from './ingest-scores.ts';
import { ingestStores } from './ingest-stores.ts';
import { ingestTraits } from './ingest-traits.ts';
import type { DuckDbSession } from './session.ts';
import type { IngestCounts } from './stage.ts';
import {
  stageEvents,
  stageLists,
  stageOrders,
  stageScores,
  stageStores,
  stageTraits,
} from './stage-facts.ts';
import { writeStreamPositions } from './stream-position.ts';

export type Facts = Parameters<Engine['put']>[0];

/** See `Engine.put`. An empty batch gets a number too. */
export function putFacts(
  database: DuckDbDatabase,
  facts: Facts,
  positions: readonly StreamPosition[],
): Promise<PutReport> {
  return database.exclusive(async (session) => {
    const batchNo = await nextBatchNo(session);
    const { counts, lists } = await takeIn(session, batchNo, facts);
    const sum = (pick: (count: IngestCounts) => number | undefined) =>
      counts.reduce((total, count) => total + (pick(count) ?? 0), 0);
    await recordBatch(session, {
      batchNo,
      source: 'put',
      origin: 'put',
      rows: countRows(facts),
      counts: {
        added: sum((count) => count.added),
        replaced: sum((count) => count.replaced),
        unchanged: sum((count) => count.unchanged),
        moved: sum((count) => count.moved),
      },
      rejected: 0,
      report: {},
    });
    await writeStreamPositions(session, positions);
    const newCustomers = sum((count) => count.newCustomers);
    const erasedCustomers = [...new Set(counts.flatMap((count) => count.erasedCustomers ?? []))];
    const unmoved = counts.flatMap((count) => count.unmoved ?? []);
    return {
      batchNo,
      ...(lists !== undefined && lists.unchanged > 0 ? { unchangedListEntries: lists.unchanged } : {}),
      ...(lists !== undefined && facts.emptiedLists?.length ? { delisted: lists.delisted } : {}),
      ...(newCustomers > 0 ? { newCustomers } : {}),
      ...(erasedCustomers.length > 0 ? { erasedCustomers } : {}),
      ...(unmoved.length > 0 ? { unmoved } : {}),
    };
  });
}

function countRows({ orders, stores, traits, customers, events, scores, listEntries }: Facts): number {
  const kinds = [orders, stores, traits, customers, events, scores, listEntries];
  return kinds.reduce((total, ofKind) => total + (ofKind?.length ?? 0), 0);
}

/** Takes each kind of fact that there is in; the counts of all, and those of lists by themselves. */
async function takeIn(
  session: DuckDbSession,
  batchNo: number,
  facts: Facts,
): Promise<{ readonly counts: readonly IngestCounts[]; readonly lists?: ListCounts }> {
  const counts: IngestCounts[] = [];
  const { orders = [], stores = [], traits = [], customers = [], events = [], scores = [] } = facts;
  const { listEntries = [], emptiedLists = [] } = facts;
  if (stores.length > 0) {
    await stageStores(session, stores);
    counts.push(await ingestStores(session, batchNo));
  }
  if (orders.length > 0) {
    await stageOrders(session, orders);
    counts.push(await ingestOrders(session, batchNo));
  }
  if (traits.length + customers.length > 0) {
    await stageTraits(session, traits, customers);
    counts.push(await ingestTraits(session, batchNo));
  }
  if (events.length > 0) {
    await stageEvents(session, events);
    counts.push(await ingestEvents(session, batchNo));
  }
  if (scores.length > 0) {
    await stageScores(session, scores);
    counts.push(await ingestScores(session, batchNo));
  }
  if (listEntries.length + emptiedLists.length === 0) return { counts };
  await stageLists(session, listEntries, emptiedLists);
  const lists = await ingestLists(session, batchNo);
  return { counts: [...counts, lists], lists };
}
