/**
 * A walker goes through facts of one kind of storage, customer by customer, and acts on the conditions that
 * they make true, or adds to tallies. Four walkers (orders; traits, scores and lists; events; occurrences of
 * plug-ins): the evaluator keeps all at the same customer and knows nothing else of them.
 */
import type { FactBatch } from '../engine/engine.ts';

export interface Walker {
  /** Whose facts come next; `NO_CUSTOMER` after the last of the batch. */
  readonly customerNo: number;
  /** Goes to the first fact of a batch. */
  begin(batch: FactBatch): void;
  /** Acts on all facts of that customer, and goes on to the next. */
  walk(): void;
}

export const NO_CUSTOMER = Number.POSITIVE_INFINITY;

/** Where the facts of a customer that begin at `from` end. */
export function endOfCustomer(
  customerNos: Uint32Array,
  from: number,
  count: number,
  customerNo: number,
): number {
  let end = from;
  while (end < count && customerNos[end] === customerNo) end++;
  return end;
}
