/**
 * Facts kept ready by customer, for ticks: what a few thousand customers did is read in milliseconds
 * however many orders there are. A driver derives it from its tables, and can throw it away and derive
 * it again at any time.
 *
 * It stands at a mark of knowledge and moves on only by `advance`, so that a tick reads one state
 * however many facts arrive meanwhile. What changed since an earlier mark can be asked again and again,
 * so a tick that failed is simply done again.
 */
import type { CustomerBatch } from '../../model/membership.ts';
import type { FactBatch, ScanColumns } from './fact-batch.ts';

/**
 * How long after its time a fact of each source can change a membership: seconds, finite, distinct. 0 is
 * the time itself, at which a fact dated in the future begins to count. Orders are those of any status;
 * of traits it is the moment that the value reads as (offsets may be negative), of scores the end of validity.
 */
export interface TimeOffsets {
  readonly orders: readonly number[];
  readonly events: readonly number[];
  readonly traits: readonly number[];
  readonly scores: readonly number[];
}

export interface LiveFacts {
  /** The mark: facts of this batch and before are in, none of later ones. */
  readonly batchNo: number;
  /** The last batch up to the mark that changed a store, or brought a new one. */
  readonly storesBatchNo: number;
  /** Another one whenever the dictionary is: new names and values, and versions of models that are activated. */
  readonly dictionarySize: number;
  /** Takes in all batches that are durable by now; cheap when there are none. */
  advance(): Promise<void>;
  /**
   * Customers with facts received in batches after `after`, up to the mark, but for scores of versions that are
   * not in force at the mark; and those first heard of in them.
   */
  received(after: number): Promise<{
    /** Ascending, each once; deleted customers too. */
    readonly customers: Uint32Array;
    /** In order of their ids' bytes. */
    readonly newCustomers: CustomerBatch;
  }>;
  /**
   * Customers whose memberships time alone can change: those with a fact of a source whose time plus one
   * of that source's offsets falls in (after, upTo]. Ascending, each once.
   */
  crossing(offsets: TimeOffsets, after: number, upTo: number): Promise<Uint32Array>;
  /** Facts of these customers at the mark, in the shape and order of `Engine.scan`. Ascending. */
  scan(customers: Uint32Array, columns: ScanColumns): AsyncIterable<FactBatch>;
  close(): Promise<void>;
}
