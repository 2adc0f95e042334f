/** Checked facts on their way into the engine, and roughly how much memory they hold. */
import type {
  EventFact,
  ListEntryFact,
  OrderFact,
  ScoreFact,
  StoreFact,
  TraitFact,
} from '../../model/fact.ts';
import type { InstalledSource } from '../../model/plugin-source.ts';
import {
  type Reading,
  readCustomer,
  readEvent,
  readListEntry,
  readOrder,
  readScore,
  readStore,
} from '../../model/read-fact.ts';
import type { FactSource, UnmovedOrder } from '../engine/engine.ts';
import { eventIdOf } from './event-id.ts';
import { addWarnings, type Warnings, warnOfFields, warnOfTotal } from './fact-warning.ts';

/** What `Engine.put` takes, growing. */
export interface FactChunk {
  readonly orders: OrderFact[];
  readonly stores: StoreFact[];
  readonly customers: string[];
  readonly traits: TraitFact[];
  readonly events: EventFact[];
  readonly scores: ScoreFact[];
  readonly listEntries: ListEntryFact[];
  /** Lists that are emptied before the entries. */
  readonly emptiedLists: string[];
  /** Of its rows. */
  readonly warnings: Warnings;
  rows: number;
  /** Estimated. */
  bytes: number;
}

/** What an object and its fields take besides their text. */
const FACT_BYTES = 200;
/** What a property takes besides its text. */
const PROPERTY_BYTES = 40;

export function emptyChunk(): FactChunk {
  return {
    orders: [],
    stores: [],
    customers: [],
    traits: [],
    events: [],
    scores: [],
    listEntries: [],
    emptiedLists: [],
    warnings: new Map(),
    rows: 0,
    bytes: 0,
  };
}

/** What rows are of: a source that is built in, or one of a plug-in. */
export type RowSource = FactSource | InstalledSource;

/**
 * Reads a row and adds its facts.
 *
 * @returns The reason why it is not taken, or undefined.
 */
export function addRow(chunk: FactChunk, source: RowSource, row: unknown): string | undefined {
  if (typeof source === 'object') return addEvent(chunk, source.readRow(row));
  const reason = addFact(chunk, source, row);
  if (reason === undefined) warnOfFields(chunk.warnings, source, row);
  return reason;
}

function addFact(chunk: FactChunk, source: FactSource, row: unknown): string | undefined {
  switch (source) {
    case 'orders':
      return add(chunk, readOrder(row), (fact) => {
        chunk.orders.push(fact);
        warnOfTotal(chunk.warnings, fact.totalE4, row);
        return fact.customerId.length + fact.orderId.length + (fact.storeId?.length ?? 0);
      });
    case 'stores':
      return add(chunk, readStore(row), (fact) => {
        chunk.stores.push(fact);
        return fact.storeId.length + (fact.tags?.join().length ?? 0);
      });
    case 'customers':
      return add(chunk, readCustomer(row), ({ customerId, traits }) => {
        chunk.customers.push(customerId);
        let characters = customerId.length;
        for (const trait of traits) {
          chunk.traits.push(trait);
          characters += FACT_BYTES + trait.name.length + trait.value.length;
        }
        return characters;
      });
    case 'events':
      return addEvent(chunk, readEvent(row, eventIdOf));
    case 'scores':
      return add(chunk, readScore(row), (fact) => {
        chunk.scores.push(fact);
        return fact.customerId.length + fact.model.length + fact.version.length;
      });
    case 'lists':
      return add(chunk, readListEntry(row), (fact) => {
        chunk.listEntries.push(fact);
        return fact.customerId.length + fact.list.length;
      });
  }
}

function addEvent(chunk: FactChunk, reading: Reading<EventFact>): string | undefined {
  return add(chunk, reading, (fact) => {
    chunk.events.push(fact);
    let characters = fact.customerId.length + fact.eventId.length + fact.name.length;
    for (const [name, value] of Object.entries(fact.properties)) {
      characters += PROPERTY_BYTES + name.length + value.length;
    }
    return characters;
  });
}

/** Rows about some customers: a row of a customer brings one id, and its traits. */
export function countRowsOf(chunk: FactChunk, customerIds: ReadonlySet<string>): number {
  let count = 0;
  for (const customerId of chunk.customers) if (customerIds.has(customerId)) count++;
  for (const facts of [chunk.orders, chunk.events, chunk.scores, chunk.listEntries]) {
    for (const { customerId } of facts) if (customerIds.has(customerId)) count++;
  }
  return count;
}

/** Orders that are to be moved from another customer, and those of them that the customer does not have. */
export function countMoves(
  chunk: FactChunk,
  unmoved: readonly UnmovedOrder[],
): { readonly moved: number; readonly unmoved: number } {
  const moves = chunk.orders.filter((order) => order.previousCustomerId !== undefined);
  if (moves.length === 0) return { moved: 0, unmoved: 0 };
  const key = (previousCustomerId: string | undefined, orderId: string) =>
    JSON.stringify([previousCustomerId, orderId]);
  const missing = new Set(unmoved.map((order) => key(order.previousCustomerId, order.orderId)));
  const count = moves.filter((order) => missing.has(key(order.previousCustomerId, order.orderId))).length;
  return { moved: moves.length - count, unmoved: count };
}

/** Appends one chunk to another, in order. */
export function appendChunk(to: FactChunk, from: FactChunk): void {
  for (const order of from.orders) to.orders.push(order);
  for (const store of from.stores) to.stores.push(store);
  for (const customer of from.customers) to.customers.push(customer);
  for (const trait of from.traits) to.traits.push(trait);
  for (const event of from.events) to.events.push(event);
  for (const score of from.scores) to.scores.push(score);
  for (const entry of from.listEntries) to.listEntries.push(entry);
  for (const list of from.emptiedLists) to.emptiedLists.push(list);
  addWarnings(to.warnings, from.warnings);
  to.rows += from.rows;
  to.bytes += from.bytes;
}

function add<T>(chunk: FactChunk, reading: Reading<T>, take: (fact: T) => number): string | undefined {
  if ('reason' in reading) return reading.reason;
  chunk.bytes += FACT_BYTES + take(reading.fact);
  chunk.rows++;
  return undefined;
}
