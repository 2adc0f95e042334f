/** Reads a set of stores, and puts the instances of families in their place. */
import type { StoreAttributes, StoreSet } from '../../../model/rule.ts';
import type { WrittenStoreFilter, WrittenStores } from '../../../model/rule-schema/stores-schema.ts';

/**
 * Stands, in a family's rule, for the store set of an instance; compared by identity. It matches no
 * store, so that a rule in which it was left by mistake holds for nobody.
 */
export const EACH: StoreSet = { kind: 'ids', ids: [] };
const ALL_STORES: StoreSet = { kind: 'all' };
/** The last list of several ids: conditions of one rule mostly look at the same stores, and then share one set. */
let lastList: { readonly written: readonly string[]; readonly set: StoreSet } | undefined;

/** The normal form of a set of stores. */
export function readStores(written: WrittenStores | undefined): StoreSet {
  if (written === undefined || written === 'all') return ALL_STORES;
  if (isIdList(written)) return readIds(written);
  if (written.ids !== undefined) return readIds(written.ids);
  if (written.each !== undefined) return EACH;
  const attributes: { -readonly [Name in keyof StoreAttributes]: readonly string[] } = {};
  for (const name of ['brand', 'city', 'category', 'tag'] as const) {
    const value = written[name];
    if (value !== undefined) attributes[name] = typeof value === 'string' ? [value] : distinct(value);
  }
  return { kind: 'attributes', attributes };
}

function readIds(written: readonly string[]): StoreSet {
  if (written.length < 2) return { kind: 'ids', ids: written };
  if (lastList === undefined || !isSameList(lastList.written, written)) {
    lastList = { written, set: { kind: 'ids', ids: distinct(written) } };
  }
  return lastList.set;
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

function isIdList(written: readonly string[] | WrittenStoreFilter): written is readonly string[] {
  return Array.isArray(written);
}

/** The same list if nothing is in it twice, so that a definition's list is shared rather than copied. */
export function distinct(values: readonly string[]): readonly string[] {
  if (values.length < 2) return values;
  const seen = new Set(values);
  return seen.size === values.length ? values : [...seen];
}
