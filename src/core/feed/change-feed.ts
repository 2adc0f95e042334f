/**
 * The log of changes as readers outside follow it: segments by their keys, and nothing that is not served
 * yet. Any number of readers follow at their own pace; each says from where, and nothing is kept for it.
 */
import { CoterieError } from '../../model/error.ts';
import type { AsOf, SegmentEntry } from '../../model/membership.ts';
import type { ChangeLog, LoggedChange } from '../change/change-log.ts';

/** What is served now, as a view of the Store has it. */
export interface Served {
  readonly asOf: AsOf;
  /** Ascending by segment number. */
  readonly entries: readonly SegmentEntry[];
}

/** What one tick changed for one customer; segments that are archived by now are left out. */
export interface FeedChange {
  readonly position: number;
  /** Seconds since 1970. */
  readonly at: number;
  readonly customer: string;
  readonly entered: readonly SegmentEntry[];
  readonly exited: readonly SegmentEntry[];
}

export interface FeedBlock {
  readonly changes: readonly FeedChange[];
  /** Where the next block begins, for `after`; the same as before when there is nothing new. */
  readonly position: number;
}

export interface ChangeFeedParts {
  readonly changes: Pick<ChangeLog, 'position' | 'read' | 'oldestPosition'>;
  readonly served: () => Served | undefined;
  /** How often followers look without being told. Default 250. */
  readonly pollMs?: number;
}

const POLL_MS = 250;

export class ChangeFeed {
  readonly #parts: ChangeFeedParts;
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: ChangeFeedParts) {
    this.#parts = parts;
  }

  /** The last position whose change is served: a log is ahead of the Store while a tick is applied. */
  async position(): Promise<number> {
    const served = this.#parts.served();
    if (served === undefined) return this.start();
    let low = await this.start();
    let high = this.#parts.changes.position;
    for (let middle = high; low < high; middle = Math.ceil((low + high) / 2)) {
      const [change] = await this.#parts.changes.read(middle - 1, 1);
      if (change === undefined || isServed(change, served.asOf)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Where a reader begins who wants all that is kept. */
  async start(): Promise<number> {
    return Math.max(0, (await this.#parts.changes.oldestPosition()) - 1);
  }

  /**
   * Changes after a position, oldest first, as far as they are served.
   *
   * @param limit - Most changes read; fewer come where segments are archived.
   * @throws {CoterieError} `CHANGES_EXPIRED` if some after this position are no longer kept, or if it was never
   *   given: the log that it is of was lost.
   */
  async read(after: number, limit: number): Promise<FeedBlock> {
    const logged = await this.#parts.changes.read(after, limit);
    await this.#checkKept(after);
    const served = this.#parts.served();
    const changes: FeedChange[] = [];
    let position = after;
    for (const change of logged) {
      if (served === undefined || !isServed(change, served.asOf)) break;
      position = change.position;
      const entered = entriesOf(served.entries, change.entered);
      const exited = entriesOf(served.entries, change.exited);
      if (entered.length + exited.length === 0) continue;
      changes.push({ position, at: change.at, customer: change.customerId, entered, exited });
    }
    return { changes, position };
  }

  async #checkKept(after: number): Promise<void> {
    const oldest = await this.#parts.changes.oldestPosition();
    const newest = this.#parts.changes.position;
    if (after + 1 >= oldest && after <= newest) return;
    const why =
      after > newest
        ? `position ${after} is not one of this log of changes: the newest is ${newest}`
        : `the changes after position ${after} are no longer kept: the oldest is ${oldest}`;
    throw new CoterieError('CHANGES_EXPIRED', why, { after, oldest, newest });
  }

  /** Returns when there may be something new, or the wait is over: after a block that brought nothing. */
  async wait(limit: { readonly ms: number; readonly signal?: AbortSignal }): Promise<void> {
    if (this.#closed || limit.signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(late);
        this.#waiting.delete(end);
        limit.signal?.removeEventListener('abort', end);
        resolve();
      };
      const late = setTimeout(end, limit.ms);
      limit.signal?.addEventListener('abort', end, { once: true });
      this.#waiting.add(end);
      this.#look();
    });
  }

  /** Tells followers to look now: after a tick that changed something. */
  notify(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Ends every wait, now and later; followers see `isClosed`. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.notify();
  }

  /** Looks now and then while anybody waits: what was logged earlier may be served only by now. */
  #look(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.notify();
    }, this.#parts.pollMs ?? POLL_MS).unref();
  }
}

function isServed(change: LoggedChange, asOf: AsOf): boolean {
  return change.at <= asOf.moment && change.batchNo <= asOf.batchNo;
}

function entriesOf(entries: readonly SegmentEntry[], segmentNos: readonly number[]): SegmentEntry[] {
  const found: SegmentEntry[] = [];
  for (const segmentNo of segmentNos) {
    const entry = entryOf(entries, segmentNo);
    if (entry !== undefined) found.push(entry);
  }
  return found;
}

function entryOf(entries: readonly SegmentEntry[], segmentNo: number): SegmentEntry | undefined {
  let low = 0;
  let high = entries.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle]!;
    if (entry.segmentNo === segmentNo) return entry;
    if (entry.segmentNo < segmentNo) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
