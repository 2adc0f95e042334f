/**
 * Ticks as the Core runs them: started when there is something to go on from, held while a full pass
 * runs, stopped where the last calculation is pinned to a moment.
 */
import type { AsOf } from '../../model/membership.ts';
import type { LiveStatus } from '../core.ts';
import type { LiveFacts } from '../engine/live-facts.ts';
import type { FlowLog, SegmentState } from '../history/flow-log.ts';
import { FlowRecorder } from '../history/flow-recorder.ts';
import type { PastKnowledge } from '../history/past-knowledge.ts';
import { forgetErased } from './forget-erased.ts';
import { type Live, type LiveParts, openLive, type TickReport } from './live.ts';
import { LiveSizes } from './live-sizes.ts';
import { Ticker } from './ticker.ts';

export interface LiveCoreParts extends Omit<LiveParts, 'facts'> {
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Whether what is served is to stay at its moment. */
  readonly isPinned: () => Promise<boolean>;
  readonly periodMs: number;
  readonly onFailure?: (error: unknown) => void;
  /** Where entries and exits are recorded by hour; absent: nowhere. */
  readonly flows?: FlowLog;
  readonly knowledge: PastKnowledge;
}

export class LiveCore {
  readonly #parts: LiveCoreParts;
  readonly #sizes = new LiveSizes();
  readonly #ticker: Ticker;
  readonly #recorder: FlowRecorder | undefined;
  #facts: LiveFacts | undefined;
  #live: Live | undefined;
  #isPinned = false;
  /** Nothing could be gone on from, such as a plan whose plug-in is gone: every tick tries again, and tells. */
  #mustResume = false;
  #ticks = 0;
  readonly #totals = { failures: 0, affected: 0, entries: 0, exits: 0, seconds: 0 };
  #lastTick: TickReport | undefined;
  #failure: string | undefined;

  constructor(parts: LiveCoreParts) {
    this.#parts = parts;
    this.#recorder = parts.flows && new FlowRecorder({ log: parts.flows, changes: parts.changes });
    this.#ticker = new Ticker({
      periodMs: parts.periodMs,
      tick: () => this.#tick(),
      onFailure: (error) => {
        this.#totals.failures++;
        this.#failure = error instanceof Error ? error.message : String(error);
        parts.onFailure?.(error);
      },
    });
  }

  /** Starts to tick, after preparing facts by customer where there is something to tick on from. */
  async start(): Promise<void> {
    await this.#resume().catch(() => {});
    this.#ticker.start();
  }

  async stop(): Promise<void> {
    await this.#ticker.stop();
    await this.#recorder?.flush();
    await this.#facts?.close();
  }

  /** What is served while ticks go on; undefined while they do not. */
  asOf(): AsOf | undefined {
    return this.#live && this.#parts.target.asOf();
  }

  /** How long it took to take the bounds in force; 0 where the population sets none. */
  boundsSeconds(): number {
    return this.#live?.plan.boundsSeconds ?? 0;
  }

  status(): LiveStatus {
    const last = this.#lastTick;
    return {
      state: this.#live ? 'ticking' : this.#isPinned ? 'pinned' : 'waiting',
      periodMs: this.#parts.periodMs,
      ticks: this.#ticks,
      totals: { ...this.#totals },
      ...(this.#live ? { exceptions: this.#sizes.total } : {}),
      ...this.#lateness(),
      failures: this.#ticker.failures,
      ...(this.#ticker.failures > 0 && this.#failure !== undefined ? { failure: this.#failure } : {}),
      ...(last && {
        lastTick: {
          at: last.asOf,
          affected: last.affected,
          entries: last.entries,
          exits: last.exits,
          seconds: last.seconds,
        },
      }),
    };
  }

  #lateness(): { readonly latenessS?: number } {
    const asOf = this.asOf();
    if (!asOf) return {};
    return { latenessS: Math.max(0, this.#parts.now() - asOf.moment - this.#parts.periodMs / 1000) };
  }

  /**
   * Runs a full pass between ticks. One that goes on with the present begins where a tick has just been,
   * so that it changes nothing but what was wrong, and no entry or exit goes untold. Bounds that the
   * population sets are taken anew before it, in a tick of their own.
   *
   * @param at.moment - Where the pass is pinned to, if it is.
   * @param at.calculationNo - The number of the pass.
   */
  around<T>(
    at: { readonly moment: number | undefined; readonly calculationNo: number },
    pass: () => Promise<T>,
  ): Promise<T> {
    return this.#ticker.exclusive(async () => {
      if (this.#live && at.moment === undefined) {
        await this.#runTick(this.#live);
        if (this.#live.plan.isRanked) await this.#runTick(this.#live, at.calculationNo);
      } else {
        this.#live = undefined;
        // If the pass fails, the next tick goes on from what is served.
        this.#mustResume = true;
      }
      const result = await pass();
      await this.#resume();
      return result;
    });
  }

  /** Makes what is served forget erased customers, where the next tick does not. */
  forgetErased(): Promise<void> {
    return this.#ticker.exclusive(async () => {
      if (this.#live === undefined) await forgetErased(this.#parts);
    });
  }

  /** Members of a segment as served now; undefined while ticks do not go on, or for one not in the plan. */
  size(segmentNo: number): number | undefined {
    const segment = this.#live?.plan.segments.get(segmentNo);
    if (!segment || this.#live === undefined) return undefined;
    const exceptions = this.#sizes.exceptions(segmentNo);
    return this.#live.plan.isDefault(segmentNo) ? this.#parts.target.customers() - exceptions : exceptions;
  }

  /** Goes on from what is served, if there is something and it is not pinned. */
  async #resume(): Promise<void> {
    this.#mustResume = true;
    await this.#goOn();
    this.#mustResume = false;
  }

  async #goOn(): Promise<void> {
    const { target, engine } = this.#parts;
    this.#live = undefined;
    this.#isPinned = target.asOf() !== undefined && (await this.#parts.isPinned());
    if (target.asOf() === undefined || this.#isPinned) {
      await forgetErased(this.#parts);
      return;
    }
    this.#facts ??= await engine.openLiveFacts();
    const live = await openLive({ ...this.#parts, facts: this.#facts });
    await this.#sizes.count(target, await engine.customerNoEnd());
    this.#live = live;
    await this.#parts.knowledge.note(target.asOf()!);
    await this.#recorder?.resume(target.asOf()!, target.customers(), (segmentNo) =>
      this.#stateOf(live, segmentNo),
    );
  }

  /** Writes what the record of flows does not have yet. */
  async flushFlows(): Promise<void> {
    await this.#recorder?.flush();
  }

  #stateOf(live: Live, segmentNo: number): SegmentState {
    // A segment that is paused or gone holds nobody.
    if (!live.plan.fingerprints.has(segmentNo)) return { isDefault: false, exceptions: 0 };
    return { isDefault: live.plan.isDefault(segmentNo), exceptions: this.#sizes.exceptions(segmentNo) };
  }

  async #record(live: Live, report: TickReport): Promise<void> {
    const { asOf, flows, exceptionDeltas, switchedSegmentNos } = report;
    await this.#recorder?.note(
      {
        at: asOf.moment,
        position: this.#parts.changes.position,
        customers: this.#parts.target.customers(),
        flows,
        changed: new Set([...exceptionDeltas.keys(), ...switchedSegmentNos]),
        isUrgent: switchedSegmentNos.length > 0,
      },
      (segmentNo) => this.#stateOf(live, segmentNo),
    );
  }

  async #tick(): Promise<TickReport | undefined> {
    if (this.#mustResume) await this.#resume();
    return this.#live && this.#runTick(this.#live);
  }

  async #runTick(live: Live, renewFor?: number): Promise<TickReport> {
    const report = await live.tick(this.#parts.now(), renewFor);
    this.#sizes.apply(report);
    this.#ticks++;
    this.#totals.affected += report.affected;
    this.#totals.entries += report.entries;
    this.#totals.exits += report.exits;
    this.#totals.seconds += report.seconds;
    this.#lastTick = report;
    await this.#parts.knowledge.note(report.asOf);
    await this.#record(live, report);
    return report;
  }
}
