/**
 * Store sets by number: two conditions that look at the same stores share one, however they are written.
 * Sets are compared by their stores, found by a hash, so 100,000 lists of ids cost no strings.
 */
import type { StoreAttributes, StoreSet } from '../../model/rule.ts';
import type { StoreTable } from '../engine/engine.ts';

/** The number of the set of all stores, which orders without a store belong to as well. */
export const ALL_STORES = 0;

export class StoreSets {
  readonly #table: StoreTable;
  readonly #numberOf = new Map<string, number>();
  /** Sets of other than one store: those of a family's rule come again with every instance. */
  readonly #byObject = new Map<StoreSet, number>();
  /** Store number → the set of that store alone, 0 where nobody asked for it: most sets are the stores of instances. */
  readonly #ofOne: Uint32Array;
  /** Hash → the last set with it, and set → the one before it with the same, 0 for none. */
  readonly #byHash = new Map<number, number>();
  readonly #before: number[] = [0];
  /** Where a set is gathered before it is known whether it is a new one. */
  #gathered = new Uint32Array(64);
  readonly #byAttributes = new Map<string, number>();
  /** Index 0 is `ALL_STORES` and stays empty. */
  readonly #sets: Uint32Array[] = [new Uint32Array(0)];
  #byAttribute: Record<keyof StoreAttributes, Map<string, number[]>> | undefined;

  constructor(table: StoreTable) {
    this.#table = table;
    this.#ofOne = new Uint32Array(table.ids.length + 1);
    for (let i = 0; i < table.ids.length; i++) this.#numberOf.set(table.ids[i]!, i + 1);
  }

  /** The number of a set; sets with the same stores have the same one. */
  numberOf(set: StoreSet): number {
    if (set.kind === 'all') return ALL_STORES;
    if (set.kind === 'ids' && set.ids.length === 1) return this.#one(set.ids[0]!);
    let number = this.#byObject.get(set);
    if (number === undefined) {
      number = set.kind === 'ids' ? this.#ids(set.ids) : this.#attributes(set.attributes);
      this.#byObject.set(set, number);
    }
    return number;
  }

  /** Store numbers of a set, ascending. Not for `ALL_STORES`. */
  stores(number: number): Uint32Array {
    return this.#sets[number]!;
  }

  #one(id: string): number {
    const storeNo = this.#numberOf.get(id);
    if (storeNo === undefined) return this.#intern(new Uint32Array(0));
    if (this.#ofOne[storeNo] === 0) this.#ofOne[storeNo] = this.#intern(Uint32Array.of(storeNo));
    return this.#ofOne[storeNo]!;
  }

  /** Ids that are not known yet belong to no order, so they are left out. */
  #ids(ids: readonly string[]): number {
    if (ids.length > this.#gathered.length) this.#gathered = new Uint32Array(2 * ids.length);
    let count = 0;
    for (const id of ids) {
      const storeNo = this.#numberOf.get(id);
      if (storeNo !== undefined) this.#gathered[count++] = storeNo;
    }
    return this.#intern(this.#gathered.subarray(0, count).sort());
  }

  #attributes(attributes: StoreAttributes): number {
    const key = JSON.stringify([attributes.brand, attributes.city, attributes.category, attributes.tag]);
    let number = this.#byAttributes.get(key);
    if (number === undefined) {
      number = this.#intern(this.#storesWith(attributes));
      this.#byAttributes.set(key, number);
    }
    return number;
  }

  #storesWith(attributes: StoreAttributes): Uint32Array {
    this.#byAttribute ??= indexAttributes(this.#table);
    let stores: Set<number> | undefined;
    for (const name of ['brand', 'city', 'category', 'tag'] as const) {
      const values = attributes[name];
      if (values === undefined) continue;
      const having = new Set<number>();
      for (const value of values) {
        for (const storeNo of this.#byAttribute[name].get(value) ?? []) {
          if (stores === undefined || stores.has(storeNo)) having.add(storeNo);
        }
      }
      stores = having;
    }
    // No attribute given is every store; an order without a store is still not among them.
    return Uint32Array.from(stores ?? this.#numberOf.values()).sort();
  }

  /** @param stores - Ascending; repeated numbers are dropped from it, and what is kept is a copy. */
  #intern(stores: Uint32Array): number {
    let count = 0;
    let hash = 0;
    for (let i = 0; i < stores.length; i++) {
      if (i > 0 && stores[i] === stores[count - 1]) continue;
      stores[count++] = stores[i]!;
      hash = Math.imul(hash ^ stores[i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    const last = this.#byHash.get(hash) ?? 0;
    for (let number = last; number !== 0; number = this.#before[number]!) {
      if (isSet(this.#sets[number]!, stores, count)) return number;
    }
    const number = this.#sets.push(stores.slice(0, count)) - 1;
    this.#byHash.set(hash, number);
    this.#before.push(last);
    return number;
  }
}

/** Whether a set is that of the first `count` stores. */
function isSet(set: Uint32Array, stores: Uint32Array, count: number): boolean {
  if (set.length !== count) return false;
  for (let i = 0; i < count; i++) if (set[i] !== stores[i]) return false;
  return true;
}

function indexAttributes(table: StoreTable): Record<keyof StoreAttributes, Map<string, number[]>> {
  const index = { brand: new Map(), city: new Map(), category: new Map(), tag: new Map() } as Record<
    keyof StoreAttributes,
    Map<string, number[]>
  >;
  const add = (map: Map<string, number[]>, value: string | undefined, storeNo: number): void => {
    if (value === undefined) return;
    const stores = map.get(value);
    if (stores) stores.push(storeNo);
    else map.set(value, [storeNo]);
  };
  for (let i = 0; i < table.ids.length; i++) {
    add(index.brand, table.brand[i], i + 1);
    add(index.city, table.city[i], i + 1);
    add(index.category, table.category[i], i + 1);
    for (const tag of new Set(table.tags[i])) add(index.tag, tag, i + 1);
  }
  return index;
}
