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

/** The changes of one tick. */
export interface TickChanges {
  /** The as-of that they lead to. */
  readonly at: number;
  readonly batchNo: number;
  readonly catalogNo: number;
  /** At most one for each customer, in any order; they are given positions in this order. */
  readonly changes: readonly MembershipChange[];
}

export interface ChangeLog {
  /** The last position that was given, 0 when there was none. */
  readonly position: number;
  /**
   * Appends the changes of one tick, all or none, and durably: before the Store is told, so that no
   * membership ever changes unlogged. A tick without changes writes nothing.
   *
   * @throws {CoterieError} `DISK_FULL`, `DATA_FOLDER_UNWRITABLE`, with nothing appended.
   */
  append(tick: TickChanges): Promise<void>;
  /**
   * Removes the changes of ticks that lead beyond this as-of, in moment, facts or definitions: after a
   * crash between log and Store, before the tick is done again. Their positions are not given again.
   */
  truncate(reflected: {
    readonly moment: number;
    readonly batchNo: number;
    readonly catalogNo: number;
  }): Promise<void>;
  /** Changes after a position, oldest first, at most `limit`. */
  read(after: number, limit: number): Promise<readonly LoggedChange[]>;
  /** The changes of one customer, oldest first. */
  ofCustomer(customerNo: number): Promise<readonly LoggedChange[]>;
  /** The oldest position that is still kept; readers that are further behind have to start anew. */
  oldestPosition(): Promise<number>;
  /** Removes the oldest changes, up to the first that was calculated for this moment or later. */
  retain(since: number): Promise<void>;
  /** Removes every change of a customer, and keeps the positions of the others. */
  forget(customerNo: number): Promise<void>;
  close(): Promise<void>;
}
