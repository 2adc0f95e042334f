/**
 * The engine port's oracle: every version of every fact in plain arrays, every question answered by
 * walking over all of them. Slow and obvious on purpose; drivers are held to it.
 */
import { type CustomerFacts, type OrderFact, type StoreFact, traitNumber } from '../../../model/fact.ts';
import type { CustomerBatch } from '../../../model/membership.ts';
import type {
  Engine,
  Erasure,
  FactBatch,
  FactCounts,
  FactDictionary,
  ImportReport,
  PutReport,
  RowNo,
  ScanRequest,
  StoreTable,
  StreamPosition,
  UnmovedOrder,
} from '../engine.ts';
import type { LiveFacts } from '../live-facts.ts';
import { openMemoryLiveFacts } from './memory-live-facts.ts';

/** A fact and the batch that brought it. */
interface Received<T> {
  readonly fact: T;
  readonly batchNo: number;
}

interface Trait {
  readonly customerId: string;
  readonly name: string;
  readonly value: string;
}

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
  readonly #traitNames = new Map<string, number>();
  readonly #traitValues = new Map<number, Map<string, number>>();
  #orders: Received<OrderFact>[] = [];
  readonly #stores: Received<StoreFact>[] = [];
  #traits: Received<Trait>[] = [];
  #customerNoEnd = 0;
  #erasures: Erasure[] = [];
  readonly #erasedIds = new Set<string>();
  readonly #positions = new Map<string, Map<string, number>>();

  importFile(): Promise<ImportReport> {
    throw new Error('the oracle reads no files');
  }

  async put(
    all: {
      readonly orders?: readonly OrderFact[];
      readonly stores?: readonly StoreFact[];
      readonly traits?: readonly Trait[];
      readonly customers?: readonly string[];
    },
    positions: readonly StreamPosition[] = [],
  ): Promise<PutReport> {
    const erased = new Set<string>();
    const isKept = (customerId: string) => {
      if (this.#erasedIds.has(customerId)) erased.add(customerId);
      return !this.#erasedIds.has(customerId);
    };
    const { orders: moved, unmoved } = this.#withMoves(all.orders ?? []);
    const facts = {
      ...all,
      orders: moved.filter((order) => isKept(order.customerId)),
      traits: all.traits?.filter((trait) => isKept(trait.customerId)),
      customers: all.customers?.filter(isKept),
    };
    const batchNo = ++this.#batchNo;
    this.#receivedAt.push(this.#now());
    for (const { stream, partition, position } of positions) {
      if (!this.#positions.has(stream)) this.#positions.set(stream, new Map());
      this.#positions.get(stream)!.set(partition, position);
    }
    for (const store of lastOfEach(facts.stores ?? [], (fact) => fact.storeId)) {
      number(this.#storeNos, store.storeId, 1);
      append(this.#stores, { fact: store, batchNo }, (fact) => fact.storeId);
    }
    for (const order of facts.orders ?? []) {
      // Whatever a row names becomes known, even if a later row of the batch takes its place.
      this.#know(order.customerId, batchNo);
      if (order.storeId !== undefined && !this.#storeNos.has(order.storeId)) {
        number(this.#storeNos, order.storeId, 1);
        this.#stores.push({ fact: { storeId: order.storeId }, batchNo });
      }
      number(this.#currencies, order.currency, 0);
    }
    for (const order of lastOfEach(facts.orders ?? [], orderKey)) {
      append(this.#orders, { fact: order, batchNo }, orderKey);
    }
    for (const trait of lastOfEach(facts.traits ?? [], traitKey)) {
      this.#know(trait.customerId, batchNo);
      const nameNo = number(this.#traitNames, trait.name, 0);
      if (!this.#traitValues.has(nameNo)) this.#traitValues.set(nameNo, new Map());
      append(this.#traits, { fact: trait, batchNo }, traitKey);
    }
    for (const customerId of facts.customers ?? []) this.#know(customerId, batchNo);
    for (const trait of facts.traits ?? []) {
      number(this.#traitValues.get(this.#traitNames.get(trait.name)!)!, trait.value, 0);
    }
    return {
      batchNo,
      ...(erased.size > 0 ? { erasedCustomers: [...erased] } : {}),
      ...(unmoved.length > 0 ? { unmoved } : {}),
    };
  }

  async eraseCustomer(customerId: string): Promise<{ readonly batchNo: number } | undefined> {
    const known = this.#customers.get(customerId);
    if (known === undefined) return undefined;
    const { batchNo } = await this.put({});
    this.#customers.delete(customerId);
    this.#orders = this.#orders.filter(({ fact }) => fact.customerId !== customerId);
    this.#traits = this.#traits.filter(({ fact }) => fact.customerId !== customerId);
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
      batchNo: this.#batchNo,
      ...(orders.length === 0 ? {} : { lastOrderAt }),
    };
  }

  async *scan(request: ScanRequest): AsyncGenerator<FactBatch> {
    const knownAt = request.knownAt ?? LAST_BATCH;
    const orders = latest(this.#orders, orderKey, knownAt);
    const traits = latest(this.#traits, traitKey, knownAt);
    const wanted = request.customers && new Set(request.customers);
    const stores = request.stores && new Set(request.stores);
    for (const [customerId, { no }] of this.#customers) {
      if (wanted && !wanted.has(no)) continue;
      const counting = orders
        .filter((order) => order.customerId === customerId && order.status === 'completed')
        .filter((order) => !stores || stores.has(this.#storeNo(order)))
        .sort((a, b) => this.#storeNo(a) - this.#storeNo(b) || a.orderedAt - b.orderedAt);
      const own = request.columns.traits ? traits.filter((trait) => trait.customerId === customerId) : [];
      if (counting.length === 0 && (stores || own.length === 0)) continue;
      yield this.#batch(no, counting, own, request);
    }
  }

  async affectedCustomers(after: number, upTo: number): Promise<Uint32Array> {
    const affected = new Set<RowNo>();
    const within = (batchNo: number) => batchNo > after && batchNo <= upTo;
    for (const { no, batchNo } of this.#customers.values()) if (within(batchNo)) affected.add(no);
    for (const { customerNo, batchNo } of this.#erasures) if (within(batchNo)) affected.add(customerNo);
    for (const { fact, batchNo } of [...this.#orders, ...this.#traits]) {
      if (within(batchNo)) affected.add(this.#customers.get(fact.customerId)!.no);
    }
    return Uint32Array.from([...affected].sort((a, b) => a - b));
  }

  async storeTable(knownAt = LAST_BATCH): Promise<StoreTable> {
    const stores = latest(this.#stores, (fact) => fact.storeId, knownAt);
    stores.sort((a, b) => this.#storeNos.get(a.storeId)! - this.#storeNos.get(b.storeId)!);
    return {
      ids: stores.map((store) => store.storeId),
      brand: stores.map((store) => store.brand),
      city: stores.map((store) => store.city),
      category: stores.map((store) => store.category),
      tags: stores.map((store) => store.tags),
    };
  }

  async dictionary(): Promise<FactDictionary> {
    return { traitNames: this.#traitNames, traitValues: this.#traitValues, currencies: this.#currencies };
  }

  async *customers(knownAt = LAST_BATCH): AsyncGenerator<CustomerBatch> {
    const known = [...this.#customers].filter(([, customer]) => customer.batchNo <= knownAt);
    known.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    if (known.length === 0) return;
    yield {
      ids: known.map(([id]) => id),
      customerNos: Uint32Array.from(known, ([, customer]) => customer.no),
    };
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
    return {
      orders: own(latest(this.#orders, orderKey, knownAt)),
      traits: new Map(own(latest(this.#traits, traitKey, knownAt)).map((trait) => [trait.name, trait.value])),
    };
  }

  openLiveFacts(): Promise<LiveFacts> {
    return openMemoryLiveFacts(this);
  }

  async close(): Promise<void> {}

  /** Before each order that moves, the cancellation of the previous customer's, if that one has it. */
  #withMoves(orders: readonly OrderFact[]): { orders: OrderFact[]; unmoved: UnmovedOrder[] } {
    const had = new Set([...this.#orders.map(({ fact }) => orderKey(fact)), ...orders.map(orderKey)]);
    const all: OrderFact[] = [];
    const unmoved: UnmovedOrder[] = [];
    for (const { previousCustomerId, ...order } of orders) {
      if (previousCustomerId !== undefined && previousCustomerId !== order.customerId) {
        const cancelled = { ...order, customerId: previousCustomerId, status: 'cancelled' as const };
        const isErased = this.#erasedIds.has(previousCustomerId);
        if (had.has(orderKey(cancelled)) && !isErased) all.push(cancelled);
        else unmoved.push({ previousCustomerId, orderId: order.orderId });
      }
      all.push(order);
    }
    return { orders: all, unmoved };
  }

  #know(customerId: string, batchNo: number): void {
    if (!this.#customers.has(customerId)) {
      this.#customers.set(customerId, { no: this.#customerNoEnd++, batchNo });
    }
  }

  #storeNo(order: OrderFact): RowNo {
    return order.storeId === undefined ? 0 : this.#storeNos.get(order.storeId)!;
  }

  #batch(no: RowNo, orders: readonly OrderFact[], traits: readonly Trait[], request: ScanRequest): FactBatch {
    const rows = [...traits].sort((a, b) => this.#traitNames.get(a.name)! - this.#traitNames.get(b.name)!);
    const nameNos = rows.map((trait) => this.#traitNames.get(trait.name)!);
    return {
      orderCount: orders.length,
      customerNo: shared(
        Uint32Array,
        orders.map(() => no),
      ),
      storeNo: shared(
        Uint32Array,
        orders.map((order) => this.#storeNo(order)),
      ),
      orderedAt: shared(
        Uint32Array,
        orders.map((order) => order.orderedAt),
      ),
      ...(request.columns.amounts && {
        totalE4: shared(
          Float64Array,
          orders.map((order) => order.totalE4),
        ),
        discountE4: shared(
          Float64Array,
          orders.map((order) => order.discountE4),
        ),
        currencyNo: shared(
          Uint16Array,
          orders.map((order) => this.#currencies.get(order.currency)!),
        ),
      }),
      traitCount: rows.length,
      ...(request.columns.traits && {
        traitCustomerNo: shared(
          Uint32Array,
          rows.map(() => no),
        ),
        traitNameNo: shared(Uint32Array, nameNos),
        traitValueNo: shared(
          Uint32Array,
          rows.map((trait, i) => this.#traitValues.get(nameNos[i]!)!.get(trait.value)!),
        ),
        traitNumber: shared(
          Float64Array,
          rows.map((trait) => traitNumber(trait.value) ?? Number.NaN),
        ),
      }),
      release: () => {},
    };
  }
}

const orderKey = (order: OrderFact) => JSON.stringify([order.customerId, order.orderId]);
const traitKey = (trait: Trait) => JSON.stringify([trait.customerId, trait.name]);

function number(numbers: Map<string, number>, text: string, first: number): number {
  if (!numbers.has(text)) numbers.set(text, numbers.size + first);
  return numbers.get(text)!;
}

/** The last fact about each thing, in the order in which things first appear. */
function lastOfEach<T>(facts: readonly T[], key: (fact: T) => string): T[] {
  return [...new Map(facts.map((fact) => [key(fact), fact])).values()];
}

/** What was known after a batch: of each thing the latest version. */
function latest<T>(received: readonly Received<T>[], key: (fact: T) => string, knownAt: number): T[] {
  return lastOfEach(
    received.filter((row) => row.batchNo <= knownAt).map((row) => row.fact),
    key,
  );
}

/** Appends a version unless it says what the one in force says. */
function append<T>(received: Received<T>[], row: Received<T>, key: (fact: T) => string): void {
  const known = received.findLast((earlier) => key(earlier.fact) === key(row.fact));
  if (known === undefined || canonical(known.fact) !== canonical(row.fact)) received.push(row);
}

function canonical(fact: unknown): string {
  const entries = Object.entries(fact as Record<string, unknown>).filter(([, value]) => value !== undefined);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface SharedArray<T> {
  new (buffer: SharedArrayBuffer): T;
  readonly BYTES_PER_ELEMENT: number;
}

function shared<T extends { set(values: readonly number[]): void }>(
  type: SharedArray<T>,
  values: number[],
): T {
  const array = new type(new SharedArrayBuffer(values.length * type.BYTES_PER_ELEMENT));
  array.set(values);
  return array;
}
