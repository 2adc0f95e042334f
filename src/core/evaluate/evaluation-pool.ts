/**
 * Worker threads that evaluate ranges of customers side by side. They live as long as the Core, so that
 * a preview does not wait for threads to start. Rows come back in the order of the batches, and a bounded
 * number of batches is under way, so memory does not grow with the facts.
 */
import { Worker } from 'node:worker_threads';
import { CoterieError } from '../../model/error.ts';
import type { RowBatch } from '../../model/membership.ts';
import type { Plan } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';
import type { FromWorker, ToWorker, WorkerData } from './worker-messages.ts';

export interface EvaluationRequest {
  readonly plan: Plan;
  /** Seconds since 1970. */
  readonly moment: number;
  readonly batches: AsyncIterable<FactBatch>;
  /** Called in ascending order of customers, one at a time; the batch is valid until its promise resolves. */
  readonly onRows: (rows: RowBatch) => void | Promise<void>;
  /** Called after each batch that was read, with the orders read so far. */
  readonly onProgress?: (orders: number) => void;
  /** Stops between batches, with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface EvaluationResult {
  /** By place in the plan: customers whose membership is not the default. */
  readonly exceptionCounts: Uint32Array;
  readonly orders: number;
  /** Busy time of the evaluating threads, summed. */
  readonly evaluateSeconds: number;
  /** Time that `onRows` took. */
  readonly writeSeconds: number;
}

/** Batches that a thread may have waiting, so that it never waits for the scan. */
const BATCHES_AHEAD = 2;

interface Result {
  readonly rows: { readonly rows: RowBatch; readonly block: number }[];
  readonly worker: Worker;
  done: boolean;
}

export class EvaluationPool {
  readonly threads: number;
  readonly #workers: Worker[] = [];
  readonly #data: WorkerData;
  #runs = 0;

  /**
   * @param threads - At least 1. They start at the first run, or with `start`.
   * @param plugins - URLs of the modules of plug-ins whose sources plans may have conditions on.
   */
  constructor(threads: number, plugins: readonly string[] = []) {
    this.threads = threads;
    this.#data = { plugins };
  }

  /** Starts the threads ahead of the first run, which then does not wait the tenths of a second they take. */
  start(): void {
    while (this.#workers.length < this.threads) {
      const worker = new Worker(new URL('./worker-entry.mjs', import.meta.url), {
        execArgv: [],
        workerData: this.#data,
      });
      worker.setMaxListeners(0);
      // A thread that ends leaves its place to another, from its fault on: it is over before it has ended. Its
      // runs learn of it by listeners of their own.
      const leave = (): void => {
        const place = this.#workers.indexOf(worker);
        if (place >= 0) this.#workers.splice(place, 1);
      };
      worker.on('error', leave);
      worker.once('exit', leave);
      worker.unref();
      this.#workers.push(worker);
    }
  }

  /** Evaluates all batches. Several runs may be under way. Rejects with the first failure of any part. */
  async run(request: EvaluationRequest): Promise<EvaluationResult> {
    this.start();
    const run = new Run([...this.#workers], ++this.#runs, request);
    try {
      return await run.finish();
    } finally {
      run.dispose();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** One evaluation under way. */
class Run {
  readonly #workers: readonly Worker[];
  readonly #number: number;
  readonly #request: EvaluationRequest;
  readonly #listeners = new Map<Worker, (message: FromWorker) => void>();
  readonly #onError: (error: Error) => void;
  readonly #onExit = (): void => this.#fail(new Error('a thread ended that was evaluating'));
  /** Batches sent and not written yet, by index. */
  readonly #underWay = new Map<number, Result>();
  readonly #sent = new Map<number, FactBatch>();
  readonly #load = new Map<Worker, number>();
  #nextToWrite = 0;
  #writing = false;
  #orders = 0;
  #evaluateMs = 0;
  #writeMs = 0;
  #ended = 0;
  readonly #exceptionCounts: Uint32Array;
  #failure: unknown;
  #wake: () => void = () => {};

  constructor(workers: readonly Worker[], number: number, request: EvaluationRequest) {
    this.#workers = workers;
    this.#number = number;
    this.#request = request;
    this.#exceptionCounts = new Uint32Array(request.plan.segmentNos.length);
    this.#onError = (error) => this.#fail(error);
    for (const worker of workers) {
      const listener = (message: FromWorker): void => {
        if (message.run === number) this.#receive(worker, message);
      };
      this.#listeners.set(worker, listener);
      this.#load.set(worker, 0);
      worker.ref();
      worker.on('message', listener);
      worker.on('error', this.#onError);
      worker.on('exit', this.#onExit);
      this.#send(worker, { kind: 'begin', run: number, plan: request.plan, moment: request.moment });
    }
  }

  async finish(): Promise<EvaluationResult> {
    let index = 0;
    for await (const batch of this.#request.batches) {
      this.#request.signal?.throwIfAborted();
      this.#dispatch(index++, batch);
      this.#orders += batch.orderCount;
      this.#request.onProgress?.(this.#orders);
      await this.#until(() => this.#underWay.size < this.#workers.length * BATCHES_AHEAD + 1);
    }
    await this.#until(() => this.#underWay.size === 0);
    for (const worker of this.#workers) this.#send(worker, { kind: 'end', run: this.#number });
    await this.#until(() => this.#ended === this.#workers.length);
    return {
      exceptionCounts: this.#exceptionCounts,
      orders: this.#orders,
      evaluateSeconds: this.#evaluateMs / 1000,
      writeSeconds: this.#writeMs / 1000,
    };
  }

  dispose(): void {
    for (const [worker, listener] of this.#listeners) {
      worker.off('message', listener);
      worker.off('error', this.#onError);
      worker.off('exit', this.#onExit);
      // A run that failed is still known to its workers; ending it twice does nothing.
      this.#send(worker, { kind: 'end', run: this.#number });
      if (worker.listenerCount('message') === 0) worker.unref();
    }
    for (const batch of this.#sent.values()) batch.release();
  }

  #dispatch(index: number, batch: FactBatch): void {
    const [worker] = [...this.#load].sort((a, b) => a[1] - b[1])[0]!;
    this.#load.set(worker, this.#load.get(worker)! + 1);
    this.#sent.set(index, batch);
    this.#underWay.set(index, { rows: [], worker, done: false });
    const { release: _, ...columns } = batch;
    this.#send(worker, { kind: 'batch', run: this.#number, index, batch: columns });
  }

  #receive(worker: Worker, message: FromWorker): void {
    try {
      if (message.kind === 'failed') {
        this.#failure ??= new CoterieError('PLUGIN_FAILED', message.message);
      } else if (message.kind === 'rows') {
        this.#underWay.get(message.index)!.rows.push(message);
      } else if (message.kind === 'done') {
        this.#evaluateMs += message.cpuMs;
        this.#load.set(worker, this.#load.get(worker)! - 1);
        this.#underWay.get(message.index)!.done = true;
        this.#sent.get(message.index)!.release();
        this.#sent.delete(message.index);
        void this.#writeReady();
      } else {
        this.#ended++;
        const counts = message.exceptionCounts;
        for (let place = 0; place < counts.length; place++) this.#exceptionCounts[place]! += counts[place]!;
      }
    } catch (error) {
      this.#failure ??= error;
    }
    this.#wake();
  }

  /** Writes what has come back, as far as no batch is missing in between, one at a time. */
  async #writeReady(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      for (let result = this.#nextDone(); result !== undefined; result = this.#nextDone()) {
        for (const { rows, block } of result.rows) {
          const started = performance.now();
          await this.#request.onRows(rows);
          this.#writeMs += performance.now() - started;
          this.#send(result.worker, { kind: 'release', run: this.#number, block });
        }
        this.#underWay.delete(this.#nextToWrite++);
        this.#wake();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = false;
    }
  }

  #nextDone(): Result | undefined {
    const result = this.#underWay.get(this.#nextToWrite);
    return result?.done ? result : undefined;
  }

  #send(worker: Worker, message: ToWorker): void {
    worker.postMessage(message);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (condition()) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
