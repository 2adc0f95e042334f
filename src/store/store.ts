/**
 * The store port: serves memberships, customer by customer, and needs nothing of the Core to answer. A
 * full load is built beside what is being served and switched in at once; readers never see half of it.
 */
import type { AsOf, MembershipLoad, SegmentEntry } from '../model/membership.ts';

/** All segments, by key and by number. Held in memory by every process that serves. */
export interface SegmentDirectory {
  readonly byKey: ReadonlyMap<string, SegmentEntry>;
  /** Ascending by segment number. */
  readonly entries: readonly SegmentEntry[];
}

/**
 * One consistent state: directory and rows of the same load. Look-ups are synchronous where the driver
 * is local; a driver over a network answers with promises.
 */
export interface StoreView {
  readonly asOf: AsOf;
  readonly directory: SegmentDirectory;
  /** Known customers. */
  readonly customers: number;
  /**
   * The row's bytes, as `model/row.ts` writes them; undefined for a customer without exceptions or never
   * heard of: both have every segment's default. The caller may keep the bytes, and must not change them.
   */
  row(customerId: string): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Whether the customer was ever heard of. */
  isKnown(customerId: string): boolean | Promise<boolean>;
}

export interface Store {
  /** What is served now; undefined until the first load. Never changes under the caller's hands. */
  view(): StoreView | undefined;
  /** Looks for a newer load by any process and switches to it; true if there was one. */
  refresh(): Promise<boolean>;
  /** Starts a load; one at a time over all processes. */
  beginLoad(): Promise<MembershipLoad>;
  close(): Promise<void>;
}
