/** Stores as the compiler reads them: column by column. */
import type { StoreFact } from '../../../model/fact.ts';
import type { StoreTable } from '../engine.ts';

/** @param stores - The version in force of each, in the order of their numbers. */
export function storeTableOf(stores: readonly StoreFact[]): StoreTable {
  return {
    ids: stores.map((store) => store.storeId),
    brand: stores.map((store) => store.brand),
    city: stores.map((store) => store.city),
    category: stores.map((store) => store.category),
    tags: stores.map((store) => store.tags),
  };
}
