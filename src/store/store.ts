/**
 * The store port: serves memberships, customer by customer, and needs nothing of the Core to answer. A
 * full load is built beside what is being served and switched in at once; a tick changes what is served
 * in place, in one step. Readers never see half of either.
 */
import type {
  AsOf,
  MembershipChanges,
  MembershipLoad,
  MembershipTarget,
  SegmentEntry,
} from '../model/membership.ts';

/** All segments, by key and by number. Held in memory by every process that serves. */
export interface SegmentDirectory {
  readonly byKey: ReadonlyMap<string, SegmentEntry>;
  /** Ascending by segment number. */
  readonly entries: readonly SegmentEntry[];
}

/**
 * One consistent state: directory and rows of the same load and tick. Look-ups are synchronous where the driver
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

export interface Store extends MembershipTarget {
  /** What is served now; undefined until the first load. Never changes under the caller's hands. */
  view(): StoreView | undefined;
  /** Looks for a newer load or tick by any process and switches to it; true if there was one. */
  refresh(): Promise<boolean>;
  /**
   * Starts a load; one at a time over all processes. Ticks go on being applied to what is served
   * meanwhile; they are not in the load, so after its commit the caller evaluates again what changed
   * since the load's as-of, and applies that.
   */
  beginLoad(): Promise<MembershipLoad>;
  /**
   * Applies a tick to what is served, whichever process loaded it; then `view()` and `asOf()` are of
   * this tick. One writer at a time, as the Core's files have it. `exceptions` of segments stay what the
   * last load or the tick's own entries say: sizes are the Core's to tell.
   *
   * Durable against the death of the process at any moment. A power cut can take back the last ticks,
   * each whole: the as-of then tells from where to go on.
   *
   * @throws {CoterieError} `CALCULATION_SUPERSEDED` if the tick was not calculated on top of the load
   *   that is served, which its `calculationNo` tells; `NOT_CALCULATED` before the first load;
   *   `DATA_FOLDER_UNWRITABLE`, `DISK_FULL`, with nothing changed.
   */
  apply(changes: MembershipChanges): Promise<void>;
  close(): Promise<void>;
}
