/** Puts facts that are already checked, as one batch: stages them and takes them in. */
import {
  BIGINT,
  DuckDBListValue,
  type DuckDBType,
  LIST,
  UBIGINT,
  UINTEGER,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api';
import type { OrderFact, OrderStatus, StoreFact, TraitFact } from '../../../model/fact.ts';
import type { PutReport, StreamPosition } from '../engine.ts';
import { nextBatchNo, recordBatch } from './batch.ts';
import type { DuckDbDatabase } from './database.ts';
import { ingestOrders } from './ingest-orders.ts';
import { ingestStores } from './ingest-stores.ts';
import { ingestTraits } from './ingest-traits.ts';
import type { DuckDbSession } from './session.ts';
import {
  type IngestCounts,
  STAGED_CUSTOMER,
  STAGED_ORDER,
  STAGED_STORE,
  STAGED_TRAIT,
  stage,
} from './stage.ts';
import { writeStreamPositions } from './stream-position.ts';

/** As `order_base.status` holds it. */
export const STATUS_NO: Readonly<Record<OrderStatus, number>> = { completed: 0, cancelled: 1, refunded: 2 };

export interface Facts {
  readonly orders?: readonly OrderFact[];
  readonly stores?: readonly StoreFact[];
  readonly traits?: readonly TraitFact[];
  readonly customers?: readonly string[];
}

/** See `Engine.put`. An empty batch gets a number too. */
export function putFacts(
  database: DuckDbDatabase,
  facts: Facts,
  positions: readonly StreamPosition[],
): Promise<PutReport> {
  return database.exclusive(async (session) => {
    const batchNo = await nextBatchNo(session);
    const counts: IngestCounts[] = [];
    const { orders = [], stores = [], traits = [], customers = [] } = facts;
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
    const rows = orders.length + stores.length + traits.length + customers.length;
    const sum = (pick: (count: IngestCounts) => number) =>
      counts.reduce((total, count) => total + pick(count), 0);
    await recordBatch(session, {
      batchNo,
      source: 'put',
      origin: 'put',
      rows,
      counts: {
        added: sum((count) => count.added),
        replaced: sum((count) => count.replaced),
        unchanged: sum((count) => count.unchanged),
      },
      rejected: 0,
      report: {},
    });
    await writeStreamPositions(session, positions);
    const erasedCustomers = [...new Set(counts.flatMap((count) => count.erasedCustomers ?? []))];
    const unmoved = counts.flatMap((count) => count.unmoved ?? []);
    return {
      batchNo,
      ...(erasedCustomers.length > 0 ? { erasedCustomers } : {}),
      ...(unmoved.length > 0 ? { unmoved } : {}),
    };
  });
}

async function stageOrders(session: DuckDbSession, orders: readonly OrderFact[]): Promise<void> {
  await stage(session, STAGED_ORDER);
  const types: DuckDBType[] = [
    UBIGINT,
    VARCHAR,
    VARCHAR,
    VARCHAR,
    UINTEGER,
    BIGINT,
    BIGINT,
    VARCHAR,
    UTINYINT,
    VARCHAR,
  ];
  await session.append(STAGED_ORDER, types, [
    orders.map((_, i) => BigInt(i)),
    orders.map((order) => order.customerId),
    orders.map((order) => order.orderId),
    orders.map((order) => order.storeId ?? null),
    orders.map((order) => order.orderedAt),
    orders.map((order) => BigInt(order.totalE4)),
    orders.map((order) => BigInt(order.discountE4)),
    orders.map((order) => order.currency),
    orders.map((order) => STATUS_NO[order.status]),
    orders.map((order) => order.previousCustomerId ?? null),
  ]);
}

async function stageStores(session: DuckDbSession, stores: readonly StoreFact[]): Promise<void> {
  await stage(session, STAGED_STORE);
  const types: DuckDBType[] = [
    UBIGINT,
    VARCHAR,
    VARCHAR,
    VARCHAR,
    VARCHAR,
    LIST(VARCHAR),
    UINTEGER,
    UINTEGER,
  ];
  await session.append(STAGED_STORE, types, [
    stores.map((_, i) => BigInt(i)),
    stores.map((store) => store.storeId),
    stores.map((store) => store.brand ?? null),
    stores.map((store) => store.city ?? null),
    stores.map((store) => store.category ?? null),
    stores.map((store) => (store.tags === undefined ? null : new DuckDBListValue([...store.tags]))),
    stores.map((store) => store.openedAt ?? null),
    stores.map((store) => store.closedAt ?? null),
  ]);
}

async function stageTraits(
  session: DuckDbSession,
  traits: readonly TraitFact[],
  customers: readonly string[],
): Promise<void> {
  await stage(session, STAGED_CUSTOMER);
  await stage(session, STAGED_TRAIT);
  const rowNos = traits.map((_, i) => BigInt(i));
  const customerIds = traits.map((trait) => trait.customerId);
  const known = [...customerIds, ...customers];
  await session.append(STAGED_CUSTOMER, [UBIGINT, VARCHAR], [known.map((_, i) => BigInt(i)), known]);
  await session.append(
    STAGED_TRAIT,
    [UBIGINT, VARCHAR, VARCHAR, VARCHAR],
    [rowNos, customerIds, traits.map((trait) => trait.name), traits.map((trait) => trait.value)],
  );
}
