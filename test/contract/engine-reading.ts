/** Reads an engine into plain values that two engines can be compared by: ids instead of numbers. */
import assert from 'node:assert/strict';
import type { Engine, FactBatch, ScanRequest } from '../../src/core/engine/engine.ts';

export interface ReadOrder {
  readonly store: string | null;
  readonly orderedAt: number;
  readonly totalE4?: number;
  readonly discountE4?: number;
  readonly currency?: string;
}

export interface ReadCustomer {
  readonly orders: readonly ReadOrder[];
  /** Name → value, and the number it stands for (null for none). */
  readonly traits: Readonly<Record<string, readonly [string, number | null]>>;
}

/** What a scan brings, by customer id; checks what every scan promises on the way. */
export async function readScan(
  engine: Engine,
  request: Partial<ScanRequest> = {},
): Promise<Record<string, ReadCustomer>> {
  const columns = request.columns ?? { amounts: true, traits: true };
  const stores = await engine.storeTable();
  const dictionary = await engine.dictionary();
  const names = inverse(dictionary.traitNames);
  const values = new Map([...dictionary.traitValues].map(([nameNo, map]) => [nameNo, inverse(map)]));
  const currencies = inverse(dictionary.currencies);
  const read = new Map<number, { orders: ReadOrder[]; traits: Record<string, [string, number | null]> }>();
  let lastNo = -1;
  for await (const batch of engine.scan({ ...request, columns })) {
    const seen = new Set<number>();
    const of = (customerNo: number) => {
      assert(customerNo > lastNo, 'a customer is in one batch only, and batches ascend');
      seen.add(customerNo);
      const customer = read.get(customerNo) ?? { orders: [], traits: {} };
      read.set(customerNo, customer);
      return customer;
    };
    assertSorted(batch);
    for (let i = 0; i < batch.orderCount; i++) {
      const storeNo = batch.storeNo[i]!;
      of(batch.customerNo[i]!).orders.push({
        store: storeNo === 0 ? null : stores.ids[storeNo - 1]!,
        orderedAt: batch.orderedAt[i]!,
        ...(columns.amounts && {
          totalE4: batch.totalE4![i]!,
          discountE4: batch.discountE4![i]!,
          currency: currencies.get(batch.currencyNo![i]!)!,
        }),
      });
    }
    for (let i = 0; i < batch.traitCount; i++) {
      const nameNo = batch.traitNameNo![i]!;
      const number = batch.traitNumber![i]!;
      const { traits } = of(batch.traitCustomerNo![i]!);
      // Scores and entries of lists are read by `readEngine`.
      if (!names.has(nameNo)) continue;
      traits[names.get(nameNo)!] = [
        values.get(nameNo)!.get(batch.traitValueNo![i]!)!,
        Number.isNaN(number) ? null : number,
      ];
    }
    assert(seen.size > 0, 'a batch is not empty');
    lastNo = Math.max(...seen);
    assert(batch.customerNo.buffer instanceof SharedArrayBuffer || batch.orderCount === 0);
    batch.release();
  }
  const nos = Uint32Array.from(read.keys());
  const ids = await engine.customerIds(nos);
  return Object.fromEntries(
    ids
      .map((id, i): [string, ReadCustomer] => {
        const { orders, traits } = read.get(nos[i]!)!;
        return [
          id,
          { orders: sortedByText(orders), traits: Object.fromEntries(sortedByText(Object.entries(traits))) },
        ];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function assertSorted(batch: FactBatch): void {
  const { customerNo, storeNo, orderedAt } = batch;
  for (let i = 1; i < batch.orderCount; i++) {
    const order =
      customerNo[i - 1]! - customerNo[i]! ||
      storeNo[i - 1]! - storeNo[i]! ||
      orderedAt[i - 1]! - orderedAt[i]!;
    assert(order <= 0, 'orders come by customer, store and time');
  }
  for (let i = 1; i < batch.traitCount; i++) {
    const order =
      batch.traitCustomerNo![i - 1]! - batch.traitCustomerNo![i]! ||
      batch.traitNameNo![i - 1]! - batch.traitNameNo![i]!;
    assert(order < 0, 'traits come by customer and name, each once');
  }
}

const inverse = (numbers: ReadonlyMap<string, number>) =>
  new Map([...numbers].map(([text, number]) => [number, text]));

/** In an order that does not depend on the engine: orders at one moment come in any. */
export function sortedByText<T>(values: readonly T[]): T[] {
  const text = (value: T) => JSON.stringify(value);
  return [...values].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** All customers, in the engine's order. */
export async function readCustomers(engine: Engine, knownAt?: number): Promise<string[]> {
  const ids: string[] = [];
  for await (const batch of engine.customers(knownAt)) {
    assert.deepEqual(await engine.customerIds(batch.customerNos), batch.ids);
    ids.push(...batch.ids);
  }
  return ids;
}

/** Stores by id with their attributes. */
export async function readStores(engine: Engine, knownAt?: number): Promise<Record<string, unknown>> {
  const table = await engine.storeTable(knownAt);
  return Object.fromEntries(
    table.ids
      .map((id, i): [string, unknown] => [
        id,
        [table.brand[i] ?? null, table.city[i] ?? null, table.category[i] ?? null, table.tags[i] ?? null],
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
