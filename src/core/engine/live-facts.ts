/**
 * Facts kept ready by customer, for ticks: what a few thousand customers did is read in milliseconds
 * however many orders there are. A driver derives it from its tables, and can throw it away and derive
 * it again at any time.
 *
 * It stands at a mark of knowledge and moves on only by `advance`, so that a tick reads one state
 * however many facts arrive meanwhile.
 */
import type { CustomerBatch } from '../../model/membership.ts';
import type { FactBatch, ScanColumns } from './engine.ts';

export interface Advance {
  /** The mark reached: the last batch that was durable when this began. */
  readonly batchNo: number;
  /** Customers with facts in the batches taken in, ascending, each once; deleted ones too. */
  readonly customers: Uint32Array;
  /** Customers first heard of in them, in order of their ids' bytes. */
  readonly newCustomers: CustomerBatch;
  /** Whether stores were added or have other attributes than before, so that store sets may differ. */
  readonly storesChanged: boolean;
  /** Whether trait names, trait values or currencies were added, so that a plan may have to be compiled again. */
  readonly dictionaryChanged: boolean;
}

export interface LiveFacts {
  /** Facts of this batch and before are in. */
  readonly batchNo: number;
  /** Takes in all batches that are durable by now; cheap when there are none. */
  advance(): Promise<Advance>;
  /**
   * Customers with an order whose time plus one of the windows falls in (after, upTo], ascending: those
   * whose memberships time alone can change. A window of 0 is an order dated in the future that begins
   * to count.
   *
   * @param windowsS - Seconds, finite.
   */
  crossing(windowsS: readonly number[], after: number, upTo: number): Promise<Uint32Array>;
  /** Facts of these customers at the mark, in the shape and order of `Engine.scan`. Ascending. */
  scan(customers: Uint32Array, columns: ScanColumns): AsyncIterable<FactBatch>;
  close(): Promise<void>;
}
