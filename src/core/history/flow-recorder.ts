/**
 * Gathers what ticks change, segment by segment, and writes it to the record of flows now and then: every
 * minute of the clock, at the end of an hour, and when definitions switch. After a crash, what was not
 * written is counted again from the log of changes, so nothing is lost or counted twice.
 */
import type { AsOf } from '../../model/membership.ts';
import type { ChangeLog } from '../change/change-log.ts';
import type { FlowLog, SegmentFlow, SegmentState } from './flow-log.ts';

export const HOUR_S = 3600;
const FLUSH_S = 60;
const CHANGES_PER_READ = 10_000;

export const hourOf = (moment: number): number => moment - (moment % HOUR_S);

/** What a tick did, as the recorder needs it. */
export interface RecordedTick {
  readonly at: number;
  /** The log's last position after the tick. */
  readonly position: number;
  readonly customers: number;
  /** Entries and exits by segment. */
  readonly flows: ReadonlyMap<number, { readonly entries: number; readonly exits: number }>;
  /** Other segments whose state changed; those that are gone too. */
  readonly changed: Iterable<number>;
  /** Whether this is to be written at once. */
  readonly isUrgent: boolean;
}

interface PendingHour {
  at: number;
  position: number;
  customers: number;
  readonly flows: Map<number, SegmentFlow>;
}

export class FlowRecorder {
  readonly #log: FlowLog;
  readonly #changes: ChangeLog;
  /** By hour, ascending. */
  readonly #pending = new Map<number, PendingHour>();
  #writtenAt = 0;
  #customers = -1;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: { readonly log: FlowLog; readonly changes: ChangeLog }) {
    this.#log = parts.log;
    this.#changes = parts.changes;
  }

  /** Makes the record agree with what is served, after the log of changes was made to. */
  async resume(asOf: AsOf, customers: number, stateOf: (segmentNo: number) => SegmentState): Promise<void> {
    this.#pending.clear();
    let mark = await this.#log.mark();
    if (
      mark &&
      (mark.at > asOf.moment || (mark.at === asOf.moment && !(await this.#isLogged(mark.position))))
    ) {
      // What was served went back, as after a power cut, and the log of changes with it: by whole ticks, of which
      // several may be of one second.
      await this.#log.rewind(hourOf(asOf.moment));
      mark = await this.#log.mark();
    }
    const last = new Map<number, number>();
    let position = mark?.position ?? 0;
    for (;;) {
      const changes = await this.#changes.read(position, CHANGES_PER_READ);
      if (changes.length === 0) break;
      for (const change of changes) {
        position = change.position;
        const hour = this.#hour(change.at, position, customers);
        for (const segmentNo of change.entered) count(hour.flows, segmentNo, { entries: 1, exits: 0 });
        for (const segmentNo of change.exited) count(hour.flows, segmentNo, { entries: 0, exits: 1 });
        for (const segmentNo of [...change.entered, ...change.exited]) last.set(segmentNo, change.at);
      }
    }
    for (const [segmentNo, at] of last) {
      count(this.#pending.get(hourOf(at))!.flows, segmentNo, {
        entries: 0,
        exits: 0,
        state: stateOf(segmentNo),
      });
    }
    this.#customers = -1;
    await this.flush();
  }

  /** Whether the log still has what stood at a position. */
  async #isLogged(position: number): Promise<boolean> {
    if (position === 0) return true;
    const [change] = await this.#changes.read(position - 1, 1);
    return change?.position === position;
  }

  /** Takes in a tick that was applied, and writes if it is time to. */
  async note(tick: RecordedTick, stateOf: (segmentNo: number) => SegmentState): Promise<void> {
    const isSame = tick.flows.size === 0 && tick.customers === this.#customers && !tick.isUrgent;
    if (!isSame) {
      const hour = this.#hour(tick.at, tick.position, tick.customers);
      for (const [segmentNo, flow] of tick.flows) {
        count(hour.flows, segmentNo, { ...flow, state: stateOf(segmentNo) });
      }
      for (const segmentNo of tick.changed) {
        count(hour.flows, segmentNo, { entries: 0, exits: 0, state: stateOf(segmentNo) });
      }
      this.#customers = tick.customers;
    }
    if (tick.isUrgent || tick.at - this.#writtenAt >= FLUSH_S || this.#pending.size > 1) {
      this.#writtenAt = tick.at;
      await this.flush();
    }
  }

  /** Writes what is not written yet; what fails to be written is kept for the next time. */
  flush(): Promise<void> {
    const write = () => this.#write();
    const result = this.#writing.then(write, write);
    this.#writing = result.catch(() => {});
    return result;
  }

  async #write(): Promise<void> {
    for (const [hour, pending] of [...this.#pending].sort(([a], [b]) => a - b)) {
      this.#pending.delete(hour);
      const { at, position, customers, flows } = pending;
      try {
        await this.#log.append({ hour, at, position, customers, flows: [...flows.values()] });
      } catch (error) {
        this.#putBack(hour, pending);
        throw error;
      }
    }
  }

  /** Under what came in meanwhile. */
  #putBack(hour: number, failed: PendingHour): void {
    const meanwhile = this.#pending.get(hour);
    if (meanwhile) {
      for (const flow of meanwhile.flows.values()) count(failed.flows, flow.segmentNo, flow);
      const { at, position, customers } = meanwhile;
      Object.assign(failed, { at, position, customers });
    }
    this.#pending.set(hour, failed);
  }

  #hour(at: number, position: number, customers: number): PendingHour {
    const hour = this.#pending.get(hourOf(at)) ?? { at, position, customers, flows: new Map() };
    hour.at = at;
    hour.position = position;
    hour.customers = customers;
    this.#pending.set(hourOf(at), hour);
    return hour;
  }
}

function count(
  flows: Map<number, SegmentFlow>,
  segmentNo: number,
  more: Omit<SegmentFlow, 'segmentNo'>,
): void {
  const known = flows.get(segmentNo);
  const state = more.state ?? known?.state;
  flows.set(segmentNo, {
    segmentNo,
    entries: (known?.entries ?? 0) + more.entries,
    exits: (known?.exits ?? 0) + more.exits,
    ...(state ? { state } : {}),
  });
}
