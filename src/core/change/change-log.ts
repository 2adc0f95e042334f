/**
 * The change-log port: entries to and exits from segments, in order, each at a position from which a
 * reader can go on. A first calculation writes none; a new segment writes none for its first members.
 */

/** What one tick changed for one customer. */
export interface MembershipChange {
  readonly customerNo: number;
  readonly customerId: string;
  /** Segment numbers, ascending. */
  readonly entered: readonly number[];
  readonly exited: readonly number[];
}

export interface LoggedChange extends MembershipChange {
  /** From 1, one more for each logged customer change; never reused. */
  readonly position: number;
  /** The moment that the change was calculated for; seconds since 1970. */
  readonly at: number;
  /** The facts that were known. */
  readonly batchNo: number;
}

export interface ChangeLog {
  /** Position of the last change, 0 when there is none. */
  readonly position: number;
  /**
   * Appends the changes of one tick, all or none, before the Store is told. A tick that is repeated after
   * a crash is appended again by the same `at` and `batchNo` only once: what was logged beyond what the
   * Store reflects is cut off by `truncate` first.
   */
  append(tick: {
    readonly at: number;
    readonly batchNo: number;
    readonly changes: readonly MembershipChange[];
  }): Promise<void>;
  /** Removes changes logged for later than this as-of: after a crash between log and Store. */
  truncate(reflected: { readonly moment: number; readonly batchNo: number }): Promise<void>;
  /** Changes after a position, oldest first, at most `limit`. */
  read(after: number, limit: number): Promise<readonly LoggedChange[]>;
  /** The oldest position that is still kept; readers that are further behind have to start anew. */
  oldestPosition(): Promise<number>;
  /** Removes changes calculated for before a moment. */
  retain(since: number): Promise<void>;
  /** Removes every change of a customer, and keeps the positions of the others. */
  forget(customerNo: number): Promise<void>;
  close(): Promise<void>;
}
