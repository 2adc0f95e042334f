/**
 * What lies in an LMDB store: the folder's files, a generation's named databases, and how keys are
 * written. Every generation is whole from the moment CURRENT names it; ticks change the one in force, each
 * in one transaction.
 *
 *     <folder>/CURRENT          JSON: format, generation, bytes of its data file; replaced atomically
 *     <folder>/LOCK             who loads now; see load-lock.ts
 *     <folder>/gen-<N>/data.mdb one LMDB environment per load, and data.mdb-lock beside it
 *
 *     customer   id in UTF-8 → customer number, 4 bytes, little-endian
 *     row        customer number → exceptions, as model/row.ts writes them
 *     segment    page number → entries of segments, ascending by number; see segment-pages.ts
 *     segmentStore, storeId   the stores that they name
 *     segmentChange  change number → JSON of `WrittenChange`: what ticks changed in the directory. Of each
 *                segment the last change only; the next load begins without any
 *     meta       0 → JSON of `GenerationMeta`
 */
import type { Database, Transaction } from 'lmdb';
import type { AsOf, SegmentEntry } from '../../model/membership.ts';
import type { PageCounts } from './segment-pages.ts';

/** Raised whenever a file or a database changes shape; a folder with a higher number is refused. */
export const FORMAT_VERSION = 2;

export const CUSTOMER_DATABASE = 'customer';
export const ROW_DATABASE = 'row';
/** Databases of the directory's pages. */
export const PAGE_DATABASES = ['segment', 'segmentStore', 'storeId'] as const;
export const CHANGE_DATABASE = 'segmentChange';
export const META_DATABASE = 'meta';
export const META_KEY = 0;

/** Slots for readers, one per view: a process holds one, and one more for each view it has superseded. */
export const READERS_MAX = 1_000;
/** LMDB's own lock file for that many readers: 1,000 slots of 64 bytes and a header need 63 KiB. */
export const LOCK_FILE_BYTES = 65_536;

/** Written last by a load, so it is there only if the load was finished; replaced by every tick. */
export interface GenerationMeta extends PageCounts {
  readonly format: number;
  readonly asOf: AsOf;
  /** Known customers. */
  readonly customers: number;
  /** Ticks since the load; absent: none. */
  readonly tickNo?: number;
  /** The last key of `segmentChange` that was given; absent: none. */
  readonly changeNo?: number;
}

/** One change of the directory: the segment as it is now, or its number alone when it was removed. */
export type WrittenChange = SegmentEntry | { readonly segmentNo: number; readonly key?: undefined };

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
