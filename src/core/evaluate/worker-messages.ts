/** What the pool and its workers say to each other. A run is one evaluation of one plan at one moment. */

import type { RowBatch } from '../../model/membership.ts';
import type { Plan } from '../compile/plan.ts';
import type { FactBatch } from '../engine/engine.ts';

/** What a thread is started with: URLs of the modules of plug-ins, which it loads before anything else. */
export interface WorkerData {
  readonly plugins: readonly string[];
}

export type ToWorker =
  | { readonly kind: 'begin'; readonly run: number; readonly plan: Plan; readonly moment: number }
  | {
      readonly kind: 'batch';
      readonly run: number;
      readonly index: number;
      readonly batch: Omit<FactBatch, 'release'>;
    }
  /** The block was written and can be filled again. */
  | { readonly kind: 'release'; readonly run: number; readonly block: number }
  | { readonly kind: 'end'; readonly run: number };

export type FromWorker =
  | {
      readonly kind: 'rows';
      readonly run: number;
      readonly index: number;
      readonly rows: RowBatch;
      readonly block: number;
    }
  /** All rows of the batch have been sent. */
  | { readonly kind: 'done'; readonly run: number; readonly index: number; readonly cpuMs: number }
  /** A plug-in threw while it evaluated: the run is over, the thread goes on. */
  | { readonly kind: 'failed'; readonly run: number; readonly message: string }
  | { readonly kind: 'ended'; readonly run: number; readonly exceptionCounts: Uint32Array };
