/** What an engine says of one rule that it evaluates inside itself: for questions about few rules. */
import type { Rule } from '../../model/rule.ts';

export interface MembersRequest {
  /** References replaced, and bounds of the population by numbers. */
  readonly rule: Rule;
  /** Seconds since 1970. */
  readonly moment: number;
  /** Read what was known after this batch; absent means the last one. */
  readonly knownAt?: number;
  /** Bring the numbers of so many members, drawn evenly and always the same; absent means of all. */
  readonly sample?: number;
}

export interface Members {
  /** Known customers in the segment, exactly. */
  readonly size: number;
  /** Their numbers, or those of the sample; ascending. */
  readonly customerNos: Uint32Array;
}
