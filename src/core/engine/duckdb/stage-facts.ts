/** Facts that are already checked, put into the staging tables, one function for each kind. */
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBListValue,
  type DuckDBType,
  LIST,
  UBIGINT,
  UINTEGER,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api';
import type {
  EventFact,
  ListEntryFact,
  OrderFact,
  ScoreFact,
  StoreFact,
  TraitFact,
} from '../../../model/fact.ts';
import { compareBytes } from '../../../model/utf8.ts';
import { STATUS_CODE } from '../fact-batch.ts';
import type { DuckDbSession } from './session.ts';
import {
  STAGED_CUSTOMER,
  STAGED_EMPTIED_LIST,
  STAGED_EVENT,
  STAGED_LIST_ENTRY,
  STAGED_ORDER,
  STAGED_SCORE,
  STAGED_STORE,
  STAGED_TRAIT,
  stage,
} from './stage.ts';

const ORDER_TYPES: DuckDBType[] = [
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

export async function stageOrders(session: DuckDbSession, orders: readonly OrderFact[]): Promise<void> {
  await stage(session, STAGED_ORDER);
  await session.append(STAGED_ORDER, ORDER_TYPES, [
    rowNos(orders),
    orders.map((order) => order.customerId),
    orders.map((order) => order.orderId),
    orders.map((order) => order.storeId ?? null),
    orders.map((order) => order.orderedAt),
    orders.map((order) => BigInt(order.totalE4)),
    orders.map((order) => BigInt(order.discountE4)),
    orders.map((order) => order.currency),
    orders.map((order) => STATUS_CODE[order.status]),
    orders.map((order) => order.previousCustomerId ?? null),
  ]);
}

const STORE_TYPES: DuckDBType[] = [
  UBIGINT,
  VARCHAR,
  VARCHAR,
  VARCHAR,
  VARCHAR,
  LIST(VARCHAR),
  UINTEGER,
  UINTEGER,
];

export async function stageStores(session: DuckDbSession, stores: readonly StoreFact[]): Promise<void> {
  await stage(session, STAGED_STORE);
  await session.append(STAGED_STORE, STORE_TYPES, [
    rowNos(stores),
    stores.map((store) => store.storeId),
    stores.map((store) => store.brand ?? null),
    stores.map((store) => store.city ?? null),
    stores.map((store) => store.category ?? null),
    stores.map((store) => (store.tags === undefined ? null : new DuckDBListValue([...store.tags]))),
    stores.map((store) => store.openedAt ?? null),
    stores.map((store) => store.closedAt ?? null),
  ]);
}

/** @param customers - Ids of customers who are named, with traits or without. */
export async function stageTraits(
  session: DuckDbSession,
  traits: readonly TraitFact[],
  customers: readonly string[],
): Promise<void> {
  await stage(session, STAGED_CUSTOMER);
  await stage(session, STAGED_TRAIT);
  const customerIds = traits.map((trait) => trait.customerId);
  const known = [...customerIds, ...customers];
  await session.append(STAGED_CUSTOMER, [UBIGINT, VARCHAR], [rowNos(known), known]);
  await session.append(
    STAGED_TRAIT,
    [UBIGINT, VARCHAR, VARCHAR, VARCHAR],
    [rowNos(traits), customerIds, traits.map((trait) => trait.name), traits.map((trait) => trait.value)],
  );
}

export async function stageEvents(session: DuckDbSession, events: readonly EventFact[]): Promise<void> {
  await stage(session, STAGED_EVENT);
  await session.append(
    STAGED_EVENT,
    [UBIGINT, VARCHAR, VARCHAR, VARCHAR, UINTEGER, VARCHAR],
    [
      rowNos(events),
      events.map((event) => event.customerId),
      events.map((event) => event.eventId),
      events.map((event) => event.name),
      events.map((event) => event.occurredAt),
      events.map((event) => propertiesText(event.properties)),
    ],
  );
}

export async function stageScores(session: DuckDbSession, scores: readonly ScoreFact[]): Promise<void> {
  await stage(session, STAGED_SCORE);
  await session.append(
    STAGED_SCORE,
    [UBIGINT, VARCHAR, VARCHAR, VARCHAR, DOUBLE, UINTEGER],
    [
      rowNos(scores),
      scores.map((score) => score.customerId),
      scores.map((score) => score.model),
      scores.map((score) => score.version),
      scores.map((score) => score.value),
      scores.map((score) => score.validUntil ?? null),
    ],
  );
}

/** @param emptied - Lists that are emptied before these entries. */
export async function stageLists(
  session: DuckDbSession,
  entries: readonly ListEntryFact[],
  emptied: readonly string[],
): Promise<void> {
  await stage(session, STAGED_LIST_ENTRY);
  await stage(session, STAGED_EMPTIED_LIST);
  await session.append(
    STAGED_LIST_ENTRY,
    [UBIGINT, VARCHAR, VARCHAR, BOOLEAN],
    [
      rowNos(entries),
      entries.map((entry) => entry.customerId),
      entries.map((entry) => entry.list),
      entries.map((entry) => entry.isListed),
    ],
  );
  await session.append(STAGED_EMPTIED_LIST, [VARCHAR], [[...new Set(emptied)]]);
}

const rowNos = (rows: readonly unknown[]) => rows.map((_, i) => BigInt(i));

/** A JSON object of texts, keys ascending by their bytes. */
function propertiesText(properties: Readonly<Record<string, string>>): string {
  const entries = Object.entries(properties).sort(([a], [b]) => compareBytes(a, b));
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`;
}
