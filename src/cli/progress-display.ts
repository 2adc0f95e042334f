/**
 * Shows how far long work is: on a screen a bar with rate and time left, one line a phase; elsewhere a
 * plain line now and then, so that a log stays short. Quick phases leave no trace in a log.
 */
import cliProgress from 'cli-progress';
import type { Progress } from '../core/engine/engine.ts';
import type { Terminal } from './terminal.ts';
import { formatCount, formatRough, formatSeconds } from './words.ts';

/** Between two plain lines of the same phase; longer as it goes on, so that an hour fits a page. */
const PLAIN_PERIOD_MS = 10_000;
const PLAIN_PERIOD_SHARE = 0.2;
const BAR_WIDTH = 28;
/** A rate over less than this says nothing. */
const RATE_AFTER_S = 0.5;

interface Phase {
  readonly name: string;
  readonly startedAtMs: number;
  done: number;
  total: number | undefined;
  saidAtMs: number;
}

export class ProgressDisplay {
  readonly #terminal: Terminal;
  readonly #nowMs: () => number;
  #phase: Phase | undefined;
  #bar: cliProgress.SingleBar | undefined;

  constructor(terminal: Terminal, nowMs: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#nowMs = nowMs;
  }

  /** To be handed to the work. */
  readonly step: Progress = ({ phase, done, total }) => {
    if (this.#phase?.name !== phase) {
      this.#complete();
      this.#begin(phase);
    }
    const current = this.#phase!;
    current.done = done;
    current.total = total;
    if (this.#bar) {
      this.#bar.setTotal(total ?? Math.max(done, 1));
      this.#bar.update(done);
    } else if (!this.#terminal.interactive) {
      this.#sayNowAndThen(current);
    }
  };

  #sayNowAndThen(phase: Phase): void {
    const now = this.#nowMs();
    const period = Math.max(PLAIN_PERIOD_MS, (now - phase.startedAtMs) * PLAIN_PERIOD_SHARE);
    if (now - phase.saidAtMs < period) return;
    phase.saidAtMs = now;
    this.#terminal.note(describePhase(phase, now));
  }

  /** Ends the last phase; safe to call at any time, and needed before anything else is printed. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#phase = undefined;
  }

  /** The next phase has begun, so this one is done, whatever it said last. */
  #complete(): void {
    if (this.#phase?.total === undefined) return;
    this.#phase.done = this.#phase.total;
    this.#bar?.update(this.#phase.total);
  }

  #begin(name: string): void {
    this.stop();
    const now = this.#nowMs();
    this.#phase = { name, startedAtMs: now, done: 0, total: undefined, saidAtMs: now };
    if (!this.#terminal.interactive) return;
    this.#bar = new cliProgress.SingleBar({
      stream: this.#terminal.errors,
      fps: 8,
      hideCursor: true,
      clearOnComplete: false,
      gracefulExit: false,
      format: () => (this.#phase ? describePhase(this.#phase, this.#nowMs(), BAR_WIDTH) : ''),
    });
    this.#bar.start(1, 0);
  }
}

/** One line on a phase; with a width above 0 it has a bar. */
export function describePhase(phase: Omit<Phase, 'saidAtMs'>, nowMs: number, barWidth = 0): string {
  const seconds = (nowMs - phase.startedAtMs) / 1000;
  const rate = seconds >= RATE_AFTER_S ? phase.done / seconds : 0;
  const parts: string[] = [];
  if (phase.total === undefined || phase.total === 0) {
    if (phase.done > 0) parts.push(formatRough(phase.done));
  } else {
    const share = Math.min(1, phase.done / phase.total);
    const filled = Math.round(share * barWidth);
    const bar = barWidth > 0 ? `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ` : '';
    parts.push(`${bar}${String(Math.floor(share * 100)).padStart(3)} %`);
    parts.push(
      phase.total < 10_000
        ? `${formatCount(phase.done)} of ${formatCount(phase.total)}`
        : `${formatRough(phase.done)} of ${formatRough(phase.total)}`,
    );
  }
  if (rate > 0) parts.push(`${rate < 10 ? rate.toFixed(1) : formatRough(rate)}/s`);
  if (rate > 0 && phase.total !== undefined && phase.done < phase.total) {
    parts.push(`${formatSeconds((phase.total - phase.done) / rate)} left`);
  } else {
    parts.push(formatSeconds(seconds));
  }
  return `${phase.name.padEnd(10)} ${parts.join('  ')}`;
}
