/**
 * The engine port's oracle: every version of every fact in plain arrays, every question answered by
 * walking over all of them. Slow and obvious on purpose; drivers are held to it.
 */
import {
  type CustomerFacts,
  type EventFact,
  type OrderFact,
  type ScoreFact,
  type StoreFact,
  type TraitFact,
  traitMoment,
  traitNumber,
} from '../../../model/fact.ts';
import type { CustomerBatch } from '../../../model/membership.ts';
import { compareBytes } from '../../../model/utf8.ts';
import type {
  Engine,
  Erasure,
  FactBatch,
  FactCounts,
  FactDictionary,
  ImportReport,
  ModelState,
  PopulationRequest,
  PopulationValues,
  PutReport,
  RowNo,
  ScanRequest,
  StoreTable,
  StreamPosition,
} from '../engine.ts';
import type { LiveFacts } from '../live-facts.ts';
import { versionNotFound } from '../version-not-found.ts';
import { eventKey, number, orderKey, scoreKey, traitKey } from './fact-key.ts';
import { memoryBatch, type NamedValue, type NumberedOrder } from './memory-batch.ts';
import { MemoryLists } from './memory-lists.ts';
import { openMemoryLiveFacts } from './memory-live-facts.ts';
import { MemoryModels } from './memory-models.ts';
import { memoryPopulationValues } from './memory-population.ts';
import { withMoves } from './moved-orders.ts';
import { append, byCustomer, lastOfEach, latest, type Received } from './received.ts';
import { storeTableOf } from './store-table.ts';

type PutFacts = Parameters<Engine['put']>[0];

const LAST_BATCH = 0xffff_ffff;

export class MemoryEngine implements Engine {
  readonly #now: () => number;

  /** @param now - The clock that receipts are dated by, in seconds since 1970. */
  constructor(now = () => Math.floor(Date.now() / 1000)) {
    this.#now = now;
  }

  #batchNo = 0;
  /** When each batch was received, from batch 1 on. */
  readonly #receivedAt: number[] = [];
  readonly #customers = new Map<string, { readonly no: RowNo; readonly batchNo: number }>();
  readonly #storeNos = new Map<string, RowNo>();
  readonly #currencies = new Map([['', 0]]);
  /** Of traits, versions of models, and lists: one range of numbers. */
  #nameNoEnd = 0;
  readonly #traitNames = new Map<string, number>();
  readonly #traitValues = new Map<number, Map<string, number>>();
  readonly #models = new MemoryModels(() => this.#nameNoEnd++);
  readonly #lists = new MemoryLists(() => this.#nameNoEnd++);
  readonly #eventNames = new Map<string, number>();
  #orders: Received<OrderFact>[] = [];
  readonly #stores: Received<StoreFact>[] = [];
  #traits: Received<TraitFact>[] = [];
  #events: Received<EventFact>[] = [];
  #scores: Received<ScoreFact>[] = [];
  #customerNoEnd = 0;
  #erasures: Erasure[] = [];
  readonly #erasedIds = new Set<string>();
  readonly #positions = new Map<string, Map<string, number>>();

  importFile(): Promise<ImportReport> {
    throw new Error('the oracle reads no files');
  }

  async put(all: PutFacts, positions: readonly StreamPosition[] = []): Promise<PutReport> {
    const erased = new Set<string>();
    const isKept = (customerId: string) => {
      if (this.#erasedIds.has(customerId)) erased.add(customerId);
      return !this.#erasedIds.has(customerId);
    };
    const kept = <T extends { readonly customerId: string }>(facts: readonly T[] = []) =>
      facts.filter((fact) => isKept(fact.customerId));
    const { orders, unmoved } = withMoves(all.orders ?? [], this.#orders, this.#erasedIds);
    const batchNo = this.#nextBatch();
    const customersBefore = this.#customers.size;
    for (const { stream, partition, position } of positions) {
      if (!this.#positions.has(stream)) this.#positions.set(stream, new Map());
      this.#positions.get(stream)!.set(partition, position);
    }
    this.#putStores(all.stores ?? [], batchNo);
    this.#putOrders(kept(orders), batchNo);
    this.#putTraits(kept(all.traits), batchNo);
    for (const customerId of (all.customers ?? []).filter(isKept)) this.#know(customerId, batchNo);
    this.#putEvents(kept(all.events), batchNo);
    this.#putScores(kept(all.scores), batchNo);
    const entries = kept(all.listEntries);
    // Whom a row puts on a list is known from then on; whom it only takes off is not.
    for (const entry of entries) if (entry.isListed) this.#know(entry.customerId, batchNo);
    const { unchanged, delisted } = this.#lists.put(entries, all.emptiedLists ?? [], batchNo);
    const newCustomers = this.#customers.size - customersBefore;
    return {
      batchNo,
      ...(newCustomers > 0 ? { newCustomers } : {}),
      ...(unchanged > 0 ? { unchangedListEntries: unchanged } : {}),
      ...(all.emptiedLists?.length ? { delisted } : {}),
      ...(erased.size > 0 ? { erasedCustomers: [...erased] } : {}),
      ...(unmoved.length > 0 ? { unmoved } : {}),
    };
  }

  #putStores(stores: readonly StoreFact[], batchNo: number): void {
    for (const store of lastOfEach(stores, (fact) => fact.storeId)) {
      number(this.#storeNos, store.storeId, 1);
      append(this.#stores, { fact: store, batchNo }, (fact) => fact.storeId);
    }
  }

  #putOrders(orders: readonly OrderFact[], batchNo: number): void {
    for (const order of orders) {
      // Whatever a row names becomes known, even if a later row of the batch takes its place.
      this.#know(order.customerId, batchNo);
      if (order.storeId !== undefined && !this.#storeNos.has(order.storeId)) {
        number(this.#storeNos, order.storeId, 1);
        this.#stores.push({ fact: { storeId: order.storeId }, batchNo });
      }
      number(this.#currencies, order.currency, 0);
    }
    for (const order of lastOfEach(orders, orderKey)) {
      append(this.#orders, { fact: order, batchNo }, orderKey);
    }
  }

  #putTraits(traits: readonly TraitFact[], batchNo: number): void {
    for (const trait of traits) {
      this.#know(trait.customerId, batchNo);
      if (!this.#traitNames.has(trait.name)) this.#traitNames.set(trait.name, this.#nameNoEnd++);
      const nameNo = this.#traitNames.get(trait.name)!;
      if (!this.#traitValues.has(nameNo)) this.#traitValues.set(nameNo, new Map());
      number(this.#traitValues.get(nameNo)!, trait.value, 0);
    }
    for (const trait of lastOfEach(traits, traitKey)) {
      append(this.#traits, { fact: trait, batchNo }, traitKey);
    }
  }

  #putEvents(events: readonly EventFact[], batchNo: number): void {
    const known = new Set(this.#events.map(({ fact }) => eventKey(fact)));
    for (const event of events) {
      this.#know(event.customerId, batchNo);
      number(this.#eventNames, event.name, 0);
      if (!known.has(eventKey(event))) this.#events.push({ fact: event, batchNo });
      known.add(eventKey(event));
    }
  }

  #putScores(scores: readonly ScoreFact[], batchNo: number): void {
    for (const score of scores) {
      this.#know(score.customerId, batchNo);
      this.#models.know(score.model, score.version, batchNo);
    }
    for (const score of lastOfEach(scores, scoreKey)) {
      append(this.#scores, { fact: score, batchNo }, scoreKey);
    }
  }

  async activateModelVersion(model: string, version: string): Promise<{ readonly batchNo: number }> {
    const scores = this.#scores.filter(({ fact }) => fact.model === model && fact.version === version);
    if (scores.length === 0) throw versionNotFound(model, version);
    const inForce = this.#models.inForce(model, LAST_BATCH);
    if (inForce?.version === version) return { batchNo: inForce.batchNo };
    const batchNo = this.#nextBatch();
    this.#models.activate(model, version, batchNo);
    return { batchNo };
  }

  async models(): Promise<readonly ModelState[]> {
    const scores = latest(this.#scores, scoreKey, LAST_BATCH);
    return this.#models.states(
      (model, version) => scores.filter((score) => score.model === model && score.version === version).length,
    );
  }

  async lists(list?: string): ReturnType<Engine['lists']> {
    return this.#lists.states().filter((one) => list === undefined || one.list === list);
  }

  async eraseCustomer(customerId: string): Promise<{ readonly batchNo: number } | undefined> {
    const known = this.#customers.get(customerId);
    if (known === undefined) return undefined;
    const { batchNo } = await this.put({});
    this.#customers.delete(customerId);
    const others = <T extends { readonly customerId: string }>(received: Received<T>[]) =>
      received.filter(({ fact }) => fact.customerId !== customerId);
    this.#orders = others(this.#orders);
    this.#traits = others(this.#traits);
    this.#events = others(this.#events);
    this.#scores = others(this.#scores);
    this.#lists.forget(customerId);
    this.#erasedIds.add(customerId);
    this.#erasures.push({ customerNo: known.no, batchNo, customerId, isPending: true });
    return { batchNo };
  }

  async readmitCustomer(customerId: string): Promise<boolean> {
    return this.#erasedIds.delete(customerId);
  }

  async erasures(after: number, upTo = LAST_BATCH): Promise<readonly Erasure[]> {
    return this.#erasures
      .filter(({ batchNo }) => batchNo > after && batchNo <= upTo)
      .sort((a, b) => a.customerNo - b.customerNo);
  }

  async settleErasures(upTo: number, part: 'ids' | 'all'): Promise<void> {
    this.#erasures = this.#erasures.map((erasure) => {
      if (erasure.batchNo > upTo) return erasure;
      const { customerId: _, isPending, ...rest } = erasure;
      return { ...rest, isPending: isPending && part === 'ids' };
    });
  }

  async customerNoEnd(): Promise<number> {
    return this.#customerNoEnd;
  }

  async streamPositions(stream: string): Promise<ReadonlyMap<string, number>> {
    return new Map(this.#positions.get(stream));
  }

  async lastBatchNo(receivedUpTo = LAST_BATCH): Promise<number> {
    return this.#receivedAt.findLastIndex((receivedAt) => receivedAt <= receivedUpTo) + 1;
  }

  async counts(): Promise<FactCounts> {
    const orders = latest(this.#orders, orderKey, LAST_BATCH);
    const lastOrderAt = Math.max(...orders.map((order) => order.orderedAt));
    return {
      customers: this.#customers.size,
      stores: this.#storeNos.size,
      orders: orders.length,
      traits: latest(this.#traits, traitKey, LAST_BATCH).length,
      events: this.#events.length,
      scores: latest(this.#scores, scoreKey, LAST_BATCH).length,
      listEntries: this.#lists.listed(LAST_BATCH).length,
      batchNo: this.#batchNo,
      ...(orders.length === 0 ? {} : { lastOrderAt }),
    };
  }

  async *scan(request: ScanRequest): AsyncGenerator<FactBatch> {
    const { columns, knownAt = LAST_BATCH } = request;
    const wanted = request.customers && new Set(request.customers);
    const stores = request.stores && new Set(request.stores);
    const orders = byCustomer(latest(this.#orders, orderKey, knownAt));
    const values = byCustomer(columns.traits ? this.#namedValues(knownAt, columns.traitNames) : []);
    const names = new Set(columns.events?.names);
    const events = byCustomer(
      this.#events
        .filter(({ fact, batchNo }) => batchNo <= knownAt && names.has(this.#eventNames.get(fact.name)!))
        .map(({ fact }) => fact),
    );
    for (const [customerId, { no }] of this.#customers) {
      if (wanted && !wanted.has(no)) continue;
      const own = (orders.get(customerId) ?? [])
        .map((order) => this.#numbered(order))
        .filter((order) => !stores || stores.has(order.storeNo));
      const rows = {
        no,
        orders: columns.orders === false ? [] : own.filter((order) => order.fact.status === 'completed'),
        uncounted: columns.uncounted ? own.filter((order) => order.fact.status !== 'completed') : [],
        values: values.get(customerId) ?? [],
        events: (events.get(customerId) ?? []).map((fact) => ({
          fact,
          nameNo: this.#eventNames.get(fact.name)!,
        })),
      };
      const ordered = rows.orders.length + rows.uncounted.length;
      if (ordered === 0 && (stores || rows.values.length + rows.events.length === 0)) continue;
      yield memoryBatch(rows, columns);
    }
  }

  /** Traits, scores of versions in force and entries of lists, as they were after a batch. */
  #namedValues(knownAt: number, names?: readonly number[]): (NamedValue & { readonly customerId: string })[] {
    const traits = latest(this.#traits, traitKey, knownAt).map(({ customerId, name, value }) => {
      const nameNo = this.#traitNames.get(name)!;
      return {
        customerId,
        nameNo,
        valueNo: this.#traitValues.get(nameNo)!.get(value)!,
        number: traitNumber(value) ?? Number.NaN,
        moment: traitMoment(value) ?? Number.NaN,
      };
    });
    const scores = this.#scoresInForce(knownAt).map((score) => ({
      customerId: score.customerId,
      nameNo: this.#models.nameNo(score.model, score.version),
      valueNo: 0,
      number: score.value,
      moment: score.validUntil ?? Number.POSITIVE_INFINITY,
    }));
    const entries = this.#lists.listed(knownAt).map(({ customerId, list }) => ({
      customerId,
      nameNo: this.#lists.numbers.get(list)!,
      valueNo: 0,
      number: Number.NaN,
      moment: Number.NaN,
    }));
    return [...traits, ...scores, ...entries].filter(({ nameNo }) => names?.includes(nameNo) ?? true);
  }

  #scoresInForce(knownAt: number): ScoreFact[] {
    return latest(this.#scores, scoreKey, knownAt).filter((one) => this.#models.isInForce(one, knownAt));
  }

  async populationValues(request: PopulationRequest): Promise<PopulationValues> {
    const stores = request.stores && new Set(request.stores);
    const everybody: CustomerFacts[] = [];
    for (const customerId of this.#customers.keys()) {
      const facts = await this.customerFacts(customerId, request.knownAt);
      const orders = facts.orders.filter((order) => !stores || stores.has(this.#numbered(order).storeNo));
      everybody.push({ ...facts, orders });
    }
    return memoryPopulationValues(everybody, request);
  }

  async affectedCustomers(after: number, upTo: number): Promise<Uint32Array> {
    const affected = new Set<RowNo>();
    const within = (batchNo: number) => batchNo > after && batchNo <= upTo;
    for (const { no, batchNo } of this.#customers.values()) if (within(batchNo)) affected.add(no);
    for (const { customerNo, batchNo } of this.#erasures) if (within(batchNo)) affected.add(customerNo);
    const scores = this.#scores.filter(({ fact }) => this.#models.isInForce(fact, upTo));
    const facts = [this.#orders, this.#traits, this.#events, scores, this.#lists.entries];
    for (const { fact, batchNo } of facts.flat()) {
      if (within(batchNo)) affected.add(this.#customers.get(fact.customerId)!.no);
    }
    return Uint32Array.from([...affected].sort((a, b) => a - b));
  }

  async storeTable(knownAt = LAST_BATCH): Promise<StoreTable> {
    const stores = latest(this.#stores, (fact) => fact.storeId, knownAt);
    stores.sort((a, b) => this.#storeNos.get(a.storeId)! - this.#storeNos.get(b.storeId)!);
    return storeTableOf(stores);
  }

  async dictionary(knownAt = LAST_BATCH): Promise<FactDictionary> {
    return {
      traitNames: this.#traitNames,
      models: this.#models.numbersInForce(knownAt),
      lists: this.#lists.numbers,
      eventNames: this.#eventNames,
      traitValues: this.#traitValues,
      currencies: this.#currencies,
    };
  }

  async *customers(knownAt = LAST_BATCH): AsyncGenerator<CustomerBatch> {
    const known = [...this.#customers].filter(([, customer]) => customer.batchNo <= knownAt);
    known.sort(([a], [b]) => compareBytes(a, b));
    if (known.length === 0) return;
    yield { ids: known.map(([id]) => id), customerNos: Uint32Array.from(known, ([, { no }]) => no) };
  }

  async customerNo(customerId: string, knownAt = LAST_BATCH): Promise<RowNo | undefined> {
    const known = this.#customers.get(customerId);
    return known && known.batchNo <= knownAt ? known.no : undefined;
  }

  async customerIds(customerNos: Uint32Array): Promise<string[]> {
    const byNo = new Map([...this.#customers].map(([id, { no }]) => [no, id]));
    return Array.from(customerNos, (no) => byNo.get(no) ?? '');
  }

  async customerFacts(customerId: string, knownAt = LAST_BATCH): Promise<CustomerFacts> {
    const own = <T extends { readonly customerId: string }>(facts: T[]) =>
      facts.filter((fact) => fact.customerId === customerId);
    const events = this.#events.filter(({ batchNo }) => batchNo <= knownAt).map(({ fact }) => fact);
    return {
      orders: own(latest(this.#orders, orderKey, knownAt)),
      traits: new Map(own(latest(this.#traits, traitKey, knownAt)).map((trait) => [trait.name, trait.value])),
      events: own(events),
      scores: new Map(own(this.#scoresInForce(knownAt)).map((score) => [score.model, score])),
      lists: new Set(own(this.#lists.listed(knownAt)).map((entry) => entry.list)),
    };
  }

  openLiveFacts(): Promise<LiveFacts> {
    return openMemoryLiveFacts(this);
  }

  async close(): Promise<void> {}

  #nextBatch(): number {
    this.#receivedAt.push(this.#now());
    return ++this.#batchNo;
  }

  #know(customerId: string, batchNo: number): void {
    if (!this.#customers.has(customerId)) {
      this.#customers.set(customerId, { no: this.#customerNoEnd++, batchNo });
    }
  }

  #numbered(fact: OrderFact): NumberedOrder {
    return {
      fact,
      storeNo: fact.storeId === undefined ? 0 : this.#storeNos.get(fact.storeId)!,
      currencyNo: this.#currencies.get(fact.currency)!,
    };
  }
}
