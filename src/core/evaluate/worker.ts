/** An evaluating thread: takes batches of facts, gives back rows, both on shared memory. */
import { parentPort, workerData } from 'node:worker_threads';
import { CoterieError } from '../../model/error.ts';
import { loadAccumulators } from '../plugin/load-accumulators.ts';
import { Evaluator } from './evaluate.ts';
import { RowWriter } from './row-writer.ts';
import type { FromWorker, ToWorker, WorkerData } from './worker-messages.ts';

interface Run {
  readonly evaluator: Evaluator;
  readonly writer: RowWriter;
  /** The batch that is being evaluated. */
  index: number;
}

const port = parentPort;
if (!port) throw new Error('This file is the entry of a worker thread');
const runs = new Map<number, Run>();
/** Messages wait meanwhile: they are listened to from below on. */
const accumulators = await loadAccumulators((workerData as WorkerData).plugins);
const send = (message: FromWorker): void => port.postMessage(message);

port.on('message', (message: ToWorker) => {
  try {
    receive(message);
  } catch (error) {
    // Anything else is a defect of ours, and ends the thread.
    if (!(error instanceof CoterieError)) throw error;
    runs.delete(message.run);
    send({ kind: 'failed', run: message.run, message: error.message });
  }
});

function receive(message: ToWorker): void {
  if (message.kind === 'begin') {
    const writer = new RowWriter((rows, block) => {
      send({ kind: 'rows', run: message.run, index: run.index, rows: { ...rows }, block });
    });
    const evaluator = new Evaluator(message.plan, message.moment, accumulators);
    const run: Run = { evaluator, writer, index: 0 };
    runs.set(message.run, run);
    return;
  }
  const run = runs.get(message.run);
  if (!run) return;
  if (message.kind === 'release') run.writer.release(message.block);
  else if (message.kind === 'batch') evaluateBatch(run, message);
  else {
    runs.delete(message.run);
    send({ kind: 'ended', run: message.run, exceptionCounts: run.evaluator.exceptionCounts });
  }
}

function evaluateBatch(run: Run, message: Extract<ToWorker, { kind: 'batch' }>): void {
  const started = performance.now();
  run.index = message.index;
  run.evaluator.evaluate({ ...message.batch, release: () => {} }, (customerNo, exceptions, count) => {
    run.writer.add(customerNo, exceptions, count);
  });
  run.writer.flush();
  send({ kind: 'done', run: message.run, index: message.index, cpuMs: performance.now() - started });
}
