/**
 * Runs ticks at a period, one after another, never two at once; and lets other work that must not
 * overlap with a tick, such as a full pass, have its turn in between.
 */
export interface TickerOptions {
  readonly tick: () => Promise<unknown>;
  /** From the start of one tick to the start of the next, unless a tick takes longer. */
  readonly periodMs: number;
  /** A tick failed; it is tried again, later and later up to a minute. */
  readonly onFailure?: (error: unknown, failures: number) => void;
}

const PAUSE_MAX_MS = 60_000;

export class Ticker {
  readonly #options: TickerOptions;
  #timer: NodeJS.Timeout | undefined;
  /** The end of what runs or waits for its turn. */
  #last: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #failures = 0;

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  /** Ticks that failed since the last one that did not. */
  get failures(): number {
    return this.#failures;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Runs work when no tick is under way, and lets no tick begin until it ends. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Starts no further tick, and waits for the one under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#last;
  }

  #schedule(afterMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.exclusive(() => this.#runTick());
    }, afterMs);
    this.#timer.unref();
  }

  async #runTick(): Promise<void> {
    if (this.#stopped) return;
    const started = performance.now();
    const { periodMs, tick, onFailure } = this.#options;
    try {
      await tick();
      this.#failures = 0;
      this.#schedule(Math.max(0, periodMs - (performance.now() - started)));
    } catch (error) {
      this.#failures++;
      onFailure?.(error, this.#failures);
      this.#schedule(Math.min(PAUSE_MAX_MS, periodMs * 2 ** Math.min(this.#failures, 16)));
    }
  }
}
