/**
 * What lies in an LMDB store: the folder's files, a generation's named databases, and how keys are
 * written. Every generation is whole and immutable from the moment CURRENT names it.
 *
 *     <folder>/CURRENT          JSON: format, generation, bytes of its data file; replaced atomically
 *     <folder>/LOCK             who loads now; see load-lock.ts
 *     <folder>/gen-<N>/data.mdb one LMDB environment per load, and data.mdb-lock beside it
 *
 *     customer   id in UTF-8 → customer number, 4 bytes, little-endian
 *     row        customer number → exceptions, as model/row.ts writes them
 *     segment    page number → entries of segments, ascending by number; see segment-pages.ts
 *     segmentStore, storeId   the stores that they name
 *     meta       0 → JSON of `GenerationMeta`
 */
import type { Database, Transaction } from 'lmdb';
import type { AsOf } from '../../model/membership.ts';
import type { PageCounts } from './segment-pages.ts';

/** Raised whenever a file or a database changes shape; a folder with a higher number is refused. */
export const FORMAT_VERSION = 1;

export const CUSTOMER_DATABASE = 'customer';
export const ROW_DATABASE = 'row';
/** Databases of the directory's pages. */
export const PAGE_DATABASES = ['segment', 'segmentStore', 'storeId'] as const;
export const META_DATABASE = 'meta';
export const META_KEY = 0;

/** Slots for readers, one per view: a process holds one, and one more for each view it has superseded. */
export const READERS_MAX = 256;
/** LMDB's own lock file for that many readers: 256 slots of 64 bytes and a header need 17 KiB. */
export const LOCK_FILE_BYTES = 32_768;

/** Written last, so it is there only if the load was finished. */
export interface GenerationMeta extends PageCounts {
  readonly format: number;
  readonly asOf: AsOf;
  /** Known customers. */
  readonly customers: number;
}

/**
 * Customer ids as keys: their UTF-8 bytes, written straight into the library's key buffer, so that keys
 * sort as customers do and a look-up allocates nothing.
 */
export const CUSTOMER_KEY_ENCODER = {
  writeKey(customerId: string, target: Buffer, start: number): number {
    return start + target.write(customerId, start, 'utf8');
  },
  readKey(source: Buffer, start: number, end: number): string {
    return source.toString('utf8', start, end);
  },
};

/** A database as this store uses it: two methods do more than the library's own types say. */
export type BinaryDatabase<K extends string | number> = Omit<
  Database<Uint8Array, K>,
  'putSync' | 'getBinaryFast'
> & {
  /** False where LMDB refused the value, such as one out of order: it throws for nothing but a bad key. */
  putSync(key: K, value: Uint8Array, options: { readonly append: boolean }): boolean;
  /** The bytes are overwritten by the next look-up in this process, whichever database that is in. */
  getBinaryFast(key: K, options: { readonly transaction: Transaction }): Buffer | undefined;
};
