/**
 * The record of flows: how many entered and left each segment, hour by hour, and how many members it had
 * when that last changed. Rows come from ticks, or after a crash from the log of changes, so each block
 * says up to which position of that log it goes, and blocks count once.
 */

/** What happened to one segment within an hour. */
export interface SegmentFlow {
  readonly segmentNo: number;
  readonly entries: number;
  readonly exits: number;
  /** After the last change within the block; absent where that is no longer known. */
  readonly state?: SegmentState;
}

/** What a segment's size follows from: customers without facts are in it or not, but for the exceptions. */
export interface SegmentState {
  readonly isDefault: boolean;
  readonly exceptions: number;
}

/** Flows within one hour, all later than those of the block before. */
export interface FlowBlock {
  /** Start of the hour; seconds since 1970. */
  readonly hour: number;
  /** The moment of the last tick in it. */
  readonly at: number;
  /** The last position of the log of changes that is in it. */
  readonly position: number;
  /** Known customers at that moment. */
  readonly customers: number;
  readonly flows: readonly SegmentFlow[];
}

/** One segment in one hour, over all blocks. */
export interface HourFlow {
  readonly hour: number;
  readonly entries: number;
  readonly exits: number;
  /** The last that is known within the hour, and its moment. */
  readonly state?: SegmentState & { readonly at: number };
}

/** How far the record goes. */
export interface FlowMark {
  readonly at: number;
  readonly position: number;
}

export interface FlowLog {
  /** Appends a block, all or nothing, durably. Hours never go back. */
  append(block: FlowBlock): Promise<void>;
  /** The last block's; undefined before the first. */
  mark(): Promise<FlowMark | undefined>;
  /** Removes all blocks of this hour and later. */
  rewind(hour: number): Promise<void>;
  /** One segment's hours before `until`, ascending; those in which nothing happened to it are absent. */
  flows(segmentNo: number, until: number): Promise<readonly HourFlow[]>;
  /** Known customers after the last block of each hour before `until`, ascending. */
  customers(until: number): Promise<readonly { readonly at: number; readonly customers: number }[]>;
}
