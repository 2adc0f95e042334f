/** Reads every kind of fact, from a scan or from live facts, into plain values: names and ids instead of numbers. */
import assert from 'node:assert/strict';
import type { Engine, FactBatch, FactDictionary, ScanColumns } from '../../src/core/engine/engine.ts';
import type { LiveFacts, TimeOffsets } from '../../src/core/engine/live-facts.ts';
import { sortedByText } from './engine-reading.ts';

/** Columns by names, which have other numbers in other engines. */
export interface Asked extends Omit<ScanColumns, 'traitNames' | 'events'> {
  /** Of traits, models and lists; absent: all. */
  readonly names?: readonly string[];
  /** Of events; absent: all. */
  readonly eventNames?: readonly string[];
  readonly properties?: NonNullable<ScanColumns['events']>['properties'];
}

export interface ReadFacts {
  readonly orders: unknown[];
  readonly uncounted: unknown[];
  /** Kind and name, value, number, moment. */
  readonly values: unknown[];
  readonly events: unknown[];
}

export const EVERYTHING: Asked = {
  amounts: true,
  traits: true,
  uncounted: true,
  properties: [
    { name: 'city', values: ['BCN', 'é'] },
    { name: 'amount', values: ['5'] },
  ],
};

/** Offsets of one source, or of some. */
export const offsetsOf = (offsets: Partial<TimeOffsets>): TimeOffsets => ({
  orders: [],
  events: [],
  traits: [],
  scores: [],
  ...offsets,
});

/** What live facts say of these customers, by id. */
export async function readLive(
  engine: Engine,
  facts: LiveFacts,
  customers: Uint32Array,
  asked = EVERYTHING,
): Promise<Record<string, ReadFacts>> {
  const columns = await columnsOf(engine, asked);
  return readBatches(engine, facts.scan(customers, columns), { columns, knownAt: facts.batchNo });
}

/** What a scan of the engine brings, by id. */
export async function readEngine(
  engine: Engine,
  request: { readonly knownAt?: number; readonly customers?: Uint32Array } = {},
  asked = EVERYTHING,
): Promise<Record<string, ReadFacts>> {
  const columns = await columnsOf(engine, asked);
  const knownAt = request.knownAt ?? (await engine.lastBatchNo());
  return readBatches(engine, engine.scan({ ...request, columns }), { columns, knownAt });
}

async function columnsOf(engine: Engine, asked: Asked): Promise<ScanColumns> {
  const { names, eventNames, properties, ...columns } = asked;
  const dictionary = await engine.dictionary();
  const ofNames = [...namesOf(dictionary)].filter(([, name]) => names?.includes(name)).map(([no]) => no);
  const events = [...dictionary.eventNames].filter(([name]) => eventNames?.includes(name) ?? true);
  return {
    ...columns,
    ...(names && { traitNames: ofNames.sort((a, b) => a - b) }),
    ...(properties && { events: { names: events.map(([, no]) => no).sort((a, b) => a - b), properties } }),
  };
}

/** Name number → kind and name. */
function namesOf({ traitNames, models, lists }: FactDictionary): Map<number, string> {
  const of = (kind: string, numbers: ReadonlyMap<string, number>) =>
    [...numbers].map(([name, no]) => [no, `${kind} ${name}`] as const);
  return new Map([...of('trait', traitNames), ...of('score', models), ...of('list', lists)]);
}

async function readBatches(
  engine: Engine,
  batches: AsyncIterable<FactBatch>,
  { columns, knownAt }: { readonly columns: ScanColumns; readonly knownAt: number },
): Promise<Record<string, ReadFacts>> {
  const dictionary = await engine.dictionary(knownAt);
  const { ids: storeIds } = await engine.storeTable();
  const names = namesOf(dictionary);
  const values = new Map([...dictionary.traitValues].map(([no, texts]) => [no, inverse(texts)]));
  const currencies = inverse(dictionary.currencies);
  const eventNames = inverse(dictionary.eventNames);
  const storeOf = (no: number) => (no === 0 ? null : storeIds[no - 1]);
  const read = new Map<number, ReadFacts>();
  let lastNo = -1;
  for await (const batch of batches) {
    let lastSeen = -1;
    const of = (customerNo: number) => {
      assert(customerNo > lastNo, 'a customer is in one batch only, and batches ascend');
      lastSeen = Math.max(lastSeen, customerNo);
      const facts = read.get(customerNo) ?? { orders: [], uncounted: [], values: [], events: [] };
      read.set(customerNo, facts);
      return facts;
    };
    assertShape(batch, columns);
    for (let i = 0; i < batch.orderCount; i++) {
      const { customerNo, storeNo, orderedAt, totalE4, discountE4, currencyNo } = batch;
      const amounts = totalE4 && [totalE4[i], discountE4![i], currencies.get(currencyNo![i]!)];
      of(customerNo[i]!).orders.push([storeOf(storeNo[i]!), orderedAt[i], ...(amounts ?? [])]);
    }
    for (let i = 0; i < (batch.uncounted?.count ?? 0); i++) {
      const { customerNo, storeNo, orderedAt, totalE4, discountE4, currencyNo, status } = batch.uncounted!;
      const amounts = [totalE4[i], discountE4[i], currencies.get(currencyNo[i]!)];
      of(customerNo[i]!).uncounted.push([storeOf(storeNo[i]!), orderedAt[i], ...amounts, status[i]]);
    }
    for (let i = 0; i < batch.traitCount; i++) {
      const nameNo = batch.traitNameNo![i]!;
      const valueNo = batch.traitValueNo![i]!;
      const value = values.get(nameNo)?.get(valueNo) ?? valueNo;
      const facts = of(batch.traitCustomerNo![i]!);
      facts.values.push([names.get(nameNo), value, `${batch.traitNumber![i]}`, `${batch.traitMoment![i]}`]);
    }
    for (let i = 0; i < (batch.events?.count ?? 0); i++) {
      const { customerNo, nameNo, occurredAt, properties } = batch.events!;
      const found = properties.map(({ valueNo, number }) => [valueNo[i], `${number[i]}`]);
      of(customerNo[i]!).events.push([eventNames.get(nameNo[i]!), occurredAt[i], ...found]);
    }
    assert(lastSeen >= 0, 'a batch is not empty');
    lastNo = lastSeen;
    batch.release();
  }
  const customerNos = Uint32Array.from(read.keys());
  const ids = await engine.customerIds(customerNos);
  // Facts that are alike come in any order, and names have numbers of the engine's own.
  const sorted = ids.map((id, i): [string, ReadFacts] => {
    const { orders, uncounted, values, events } = read.get(customerNos[i]!)!;
    return [
      id,
      {
        orders: sortedByText(orders),
        uncounted: sortedByText(uncounted),
        values: sortedByText(values),
        events: sortedByText(events),
      },
    ];
  });
  return Object.fromEntries(sorted.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What is asked for is there, in order and on shared memory; nothing else is. */
function assertShape(batch: FactBatch, columns: ScanColumns): void {
  assert.equal(batch.uncounted !== undefined, columns.uncounted === true);
  assert.equal(batch.traitMoment !== undefined, columns.traits);
  assert.equal(batch.events?.properties.length, columns.events?.properties.length);
  if (columns.orders === false) assert.equal(batch.orderCount, 0);
  const { uncounted, events } = batch;
  assertAscending(batch.orderCount, [batch.customerNo, batch.storeNo, batch.orderedAt]);
  if (uncounted) {
    assertAscending(uncounted.count, [uncounted.customerNo, uncounted.storeNo, uncounted.orderedAt]);
  }
  if (events) assertAscending(events.count, [events.customerNo, events.nameNo, events.occurredAt]);
  if (columns.traits) assertAscending(batch.traitCount, [batch.traitCustomerNo!, batch.traitNameNo!]);
  for (const column of [batch.customerNo, uncounted?.status, batch.traitMoment, events?.nameNo]) {
    assert(column === undefined || column.buffer instanceof SharedArrayBuffer, 'columns are shared');
  }
}

function assertAscending(count: number, columns: readonly Uint32Array[]): void {
  for (let i = 1; i < count; i++) {
    const first = columns.find((column) => column[i - 1] !== column[i]);
    assert(first === undefined || first[i - 1]! < first[i]!, 'facts come in order');
  }
}

const inverse = (numbers: ReadonlyMap<string, number>) =>
  new Map([...numbers].map(([text, number]) => [number, text]));
