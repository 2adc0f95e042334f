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
  readonly #byHash = new Map<number, number[]>();
  readonly #byObject = new WeakMap<StoreSet, number>();
  readonly #byAttributes = new Map<string, number>();
  /** Index 0 is `ALL_STORES` and stays empty. */
  readonly #sets: Uint32Array[] = [new Uint32Array(0)];
  #byAttribute: Record<keyof StoreAttributes, Map<string, number[]>> | undefined;

  constructor(table: StoreTable) {
    this.#table = table;
    for (let i = 0; i < table.ids.length; i++) this.#numberOf.set(table.ids[i]!, i + 1);
  }

  /** The number of a set; sets with the same stores have the same one. */
  numberOf(set: StoreSet): number {
    if (set.kind === 'all') return ALL_STORES;
    const known = this.#byObject.get(set);
    if (known !== undefined) return known;
    const number =
      set.kind === 'ids' ? this.#intern(this.#storesOf(set.ids)) : this.#attributes(set.attributes);
    this.#byObject.set(set, number);
    return number;
  }

  /** Store numbers of a set, ascending. Not for `ALL_STORES`. */
  stores(number: number): Uint32Array {
    return this.#sets[number]!;
  }

  /** Ids that are not known yet belong to no order, so they are left out. */
  #storesOf(ids: readonly string[]): Uint32Array {
    const stores = new Uint32Array(ids.length);
    let count = 0;
    for (const id of ids) {
      const storeNo = this.#numberOf.get(id);
      if (storeNo !== undefined) stores[count++] = storeNo;
    }
    return stores.subarray(0, count).sort();
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

  /** @param stores - Ascending; repeated numbers are dropped. */
  #intern(stores: Uint32Array): number {
    let count = 0;
    let hash = 0;
    for (let i = 0; i < stores.length; i++) {
      if (i > 0 && stores[i] === stores[count - 1]) continue;
      stores[count++] = stores[i]!;
      hash = Math.imul(hash ^ stores[i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    const distinct = stores.subarray(0, count);
    const candidates = this.#byHash.get(hash);
    const known = candidates?.find((number) => sameStores(this.#sets[number]!, distinct));
    if (known !== undefined) return known;
    const number = this.#sets.push(distinct) - 1;
    if (candidates) candidates.push(number);
    else this.#byHash.set(hash, [number]);
    return number;
  }
}

function sameStores(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
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
