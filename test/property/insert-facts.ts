/**
 * Writes a random history into the tables of the DuckDB file, row by row, without the engine: what the
 * tables mean is so tested apart from the code that fills them.
 */

import type { DuckDbDatabase } from '../../src/core/engine/duckdb/database.ts';
import { type OrderFact, traitNumber } from '../../src/model/fact.ts';
import type { World } from './arbitrary/world.ts';

const STATUS_NO = { completed: 0, cancelled: 1, refunded: 2 } as const;

/** Numbers given to texts in the order of their first use. */
class Numbers {
  readonly #given = new Map<string, number>();
  readonly #first: number;
  readonly #onNew: (text: string, no: number) => void;
  constructor(first: number, onNew: (text: string, no: number) => void) {
    this.#first = first;
    this.#onNew = onNew;
  }
  of(text: string): number {
    const known = this.#given.get(text);
    if (known !== undefined) return known;
    const no = this.#first + this.#given.size;
    this.#given.set(text, no);
    this.#onNew(text, no);
    return no;
  }
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const compare = (a: readonly unknown[], b: readonly unknown[], column: number): number =>
  Number(a[column]) - Number(b[column]);
const orNull = (text: string | undefined): string => (text === undefined ? 'NULL' : quote(text));

/** @param compactedAfter - The base holds the latest versions after so many batches; 0: it is empty. */
export async function insertFacts(
  database: DuckDbDatabase,
  world: World,
  compactedAfter: number,
): Promise<void> {
  const rows = new Map<string, string[]>();
  const add = (table: string, ...values: (string | number)[]): void => {
    const into = rows.get(table) ?? [];
    rows.set(table, into);
    into.push(`(${values.join(', ')})`);
  };
  let batchNo = 0;
  const customers = new Numbers(0, (id, no) => add('customer', no, quote(id), batchNo));
  const stores = new Numbers(1, () => {});
  const currencies = new Numbers(0, (code, no) => add('currency', no, quote(code)));
  const names = new Numbers(0, (name, no) => add('trait_name', no, quote(name)));
  const values = new Map<string, Numbers>();
  const described = new Set<string>();
  const base = new Map<string, { fact: OrderFact; batchNo: number }>();
  const orderRow = (fact: OrderFact, received: number): (string | number)[] => [
    customers.of(fact.customerId),
    fact.storeId === undefined ? 0 : stores.of(fact.storeId),
    fact.orderedAt,
    fact.totalE4,
    fact.discountE4,
    currencies.of(fact.currency),
    STATUS_NO[fact.status],
    received,
    quote(fact.orderId),
  ];
  for (const facts of world.received) {
    batchNo++;
    add('batch', batchNo, 0, "'test'", "'test'", 'NULL', 0, 0, 0, 0, 0, 'NULL');
    for (const fact of facts.stores) {
      described.add(fact.storeId);
      const tags = fact.tags === undefined ? 'NULL' : `[${fact.tags.map(quote).join(', ')}]::VARCHAR[]`;
      const [brand, city, category] = [orNull(fact.brand), orNull(fact.city), orNull(fact.category)];
      const id = quote(fact.storeId);
      add('store', stores.of(fact.storeId), id, brand, city, category, tags, 'NULL', 'NULL', batchNo);
    }
    for (const fact of facts.orders) {
      if (fact.storeId !== undefined && !described.has(fact.storeId)) {
        described.add(fact.storeId);
        const id = quote(fact.storeId);
        add('store', stores.of(fact.storeId), id, 'NULL', 'NULL', 'NULL', 'NULL', 'NULL', 'NULL', batchNo);
      }
      const row = orderRow(fact, batchNo);
      if (batchNo > compactedAfter) {
        add('order_tail', ...row);
        continue;
      }
      const key = `${fact.customerId} ${fact.orderId}`;
      const before = base.get(key);
      if (before) add('order_archive', ...orderRow(before.fact, before.batchNo), batchNo);
      base.set(key, { fact, batchNo });
    }
    for (const fact of facts.traits) {
      const nameNo = names.of(fact.name);
      if (!values.has(fact.name)) {
        values.set(
          fact.name,
          new Numbers(0, (value, no) =>
            add('trait_value', nameNo, no, quote(value), traitNumber(value) ?? 'NULL'),
          ),
        );
      }
      add('trait', customers.of(fact.customerId), nameNo, values.get(fact.name)!.of(fact.value), batchNo);
    }
  }
  const sorted = [...base.values()]
    .map(({ fact, batchNo: received }) => orderRow(fact, received))
    .sort((a, b) => compare(a, b, 0) || compare(a, b, 1) || compare(a, b, 2));
  for (const row of sorted) add('order_base', ...row);
  await database.exclusive(async (session) => {
    for (const [table, inserted] of rows)
      await session.run(`INSERT INTO ${table} VALUES ${inserted.join(', ')}`);
  });
}
