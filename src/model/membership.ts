/**
 * What crosses from the Core to the Store: segments with their defaults, and customers' rows. Both sides
 * know only these shapes, never each other.
 */
import type { SegmentStatus } from './segment.ts';

/** What the Store holds of a segment, to answer for it without the Core. */
export interface SegmentEntry {
  /** Given once, never reused; 32 bits. */
  readonly segmentNo: number;
  readonly key: string;
  readonly name?: string;
  readonly owner?: string;
  readonly tags: readonly string[];
  readonly type: string;
  readonly status: SegmentStatus;
  /** Whether customers without facts are in it. */
  readonly defaultMember: boolean;
  /** Customers whose membership differed from the default in the last full pass; absent where a tick wrote the entry. */
  readonly exceptions?: number;
  /** The stores its rule names: ids only, absent for rules over all stores or over attributes. */
  readonly stores?: readonly string[];
  /** How old answers about it may be, in seconds, as its definition wants; absent: any age. */
  readonly freshnessS?: number;
}

/** The moment and the last fact that memberships reflect. */
export interface AsOf {
  /** Seconds since 1970: windows are reckoned from here. */
  readonly moment: number;
  /** The engine's last batch of facts that was read. */
  readonly batchNo: number;
  /** The catalog's last row that was compiled. */
  readonly catalogNo: number;
  /** Counts full passes from 1. */
  readonly calculationNo: number;
}

/**
 * Rows of several customers: customer `customerNos[i]` has the bytes `rows[offsets[i]..offsets[i+1])`,
 * as `row.ts` writes them. Customers ascend; those without exceptions are absent.
 */
export interface RowBatch {
  readonly count: number;
  /** At least `count` long. */
  readonly customerNos: Uint32Array;
  /** At least `count + 1` long, from 0. */
  readonly offsets: Uint32Array;
  readonly rows: Uint8Array;
}

/** Customers by id, in ascending order of the ids' UTF-8 bytes. */
export interface CustomerBatch {
  readonly ids: readonly string[];
  readonly customerNos: Uint32Array;
}

/** Where a full pass writes to. Nothing of it is seen by readers before `commit`, everything after. */
export interface MembershipLoad {
  /** Called any number of times, in ascending order of ids over all calls. */
  putCustomers(batch: CustomerBatch): Promise<void> | void;
  /** Called any number of times, in ascending order of customer numbers over all calls. */
  putRows(batch: RowBatch): Promise<void> | void;
  /** Once, after all rows: the segments, any order; `customers` counts those known. */
  commit(end: {
    readonly asOf: AsOf;
    readonly segments: Iterable<SegmentEntry>;
    readonly customers: number;
  }): Promise<void>;
  /** Throws away what was put. Safe to call after a failure, once. */
  abort(): Promise<void>;
}

/** What one tick changes in the Store: applied whole, in one transaction with the as-of, or not at all. */
export interface MembershipChanges {
  readonly asOf: AsOf;
  /** Customers first heard of since the last as-of, in order of their ids' bytes. */
  readonly newCustomers?: CustomerBatch;
  /** Rows that replace what was there, ascending by customer; an empty row means no exceptions any more. */
  readonly rows?: RowBatch;
  /** Segments that are new or have another default, status, name, owner or tags. */
  readonly segments?: readonly SegmentEntry[];
  /** Numbers of segments that are archived: unknown from now on. Their numbers may remain in rows that were not replaced, and mean nothing. */
  readonly removedSegments?: readonly number[];
  /** Ids of customers to forget: as ones never heard of. */
  readonly forgottenCustomers?: readonly string[];
}

/** The Store as the Core sees it: where memberships go, and what they were. */
export interface MembershipTarget {
  /** A full load, switched in at its end. */
  beginLoad(): Promise<MembershipLoad>;
  /** Applies a tick on top of what is served; durable against the death of the process. */
  apply(changes: MembershipChanges): Promise<void>;
  /** The rows of these customers as served now, in their order; undefined for none. Copies. */
  rows(customerNos: Uint32Array): Promise<readonly (Uint8Array | undefined)[]>;
  /** What is served reflects this; undefined before the first load. */
  asOf(): AsOf | undefined;
  /** Known customers at that as-of; 0 before the first load. */
  customers(): number;
}
