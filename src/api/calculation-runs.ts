/**
 * Calculations that were asked for over HTTP: they run behind the answer, and are kept a while so that
 * whoever asked can see how it went. One runs at a time.
 */
import type { CalculationReport, Core } from '../core/core.ts';
import { CoterieError } from '../model/error.ts';

/** One calculation of this process. */
export interface CalculationRun {
  /** Counts from 1 since this process began. */
  readonly id: number;
  readonly state: 'running' | 'done' | 'failed';
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly finishedAtMs?: number;
  readonly progress?: { readonly phase: string; readonly done: number; readonly total?: number };
  readonly report?: CalculationReport;
  readonly failure?: CoterieError;
}

const RUNS_KEPT = 20;

export class CalculationRuns {
  readonly #runs: CalculationRun[] = [];
  readonly #abort = new AbortController();
  readonly #onFailure: (thrown: unknown) => void;
  #count = 0;
  #running: Promise<void> = Promise.resolve();

  /** @param onFailure - Called with whatever ended a calculation, for the log. */
  constructor(onFailure: (thrown: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /**
   * Begins a calculation and returns at once.
   *
   * @param moment - Seconds since 1970; default now.
   * @throws {CoterieError} `CALCULATION_RUNNING`.
   */
  start(core: Core, moment: number | undefined): CalculationRun {
    if (core.isCalculating() || this.#abort.signal.aborted) {
      throw new CoterieError('CALCULATION_RUNNING', 'A calculation is running; it ends by itself');
    }
    this.#count++;
    const run: CalculationRun = { id: this.#count, state: 'running', startedAtMs: Date.now() };
    this.#runs.unshift(run);
    this.#runs.length = Math.min(this.#runs.length, RUNS_KEPT);
    this.#running = this.#calculate(core, moment, run.id);
    return run;
  }

  /** Newest first. */
  list(): readonly CalculationRun[] {
    return this.#runs;
  }

  get(id: number): CalculationRun | undefined {
    return this.#runs.find((run) => run.id === id);
  }

  /** Stops what runs; what is served stays as it is. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #calculate(core: Core, moment: number | undefined, id: number): Promise<void> {
    try {
      const report = await core.calculate(
        { ...(moment === undefined ? {} : { moment }), signal: this.#abort.signal },
        (progress) => this.#update(id, { progress }),
      );
      this.#update(id, { state: 'done', finishedAtMs: Date.now(), report });
    } catch (thrown) {
      if (!this.#abort.signal.aborted) this.#onFailure(thrown);
      const failure =
        thrown instanceof CoterieError
          ? thrown
          : new CoterieError(
              'INTERNAL',
              'The calculation failed unexpectedly; the log has it',
              {},
              { cause: thrown },
            );
      this.#update(id, { state: 'failed', finishedAtMs: Date.now(), failure });
    }
  }

  #update(id: number, change: Partial<CalculationRun>): void {
    const at = this.#runs.findIndex((run) => run.id === id);
    if (at >= 0) this.#runs[at] = { ...this.#runs[at]!, ...change };
  }
}
