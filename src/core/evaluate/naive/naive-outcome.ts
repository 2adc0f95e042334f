/** What the naive evaluator says of one condition, and what all its conditions share. */
import type { CustomerFacts, EventFact, OrderFact, ScoreFact, StoreFact } from '../../../model/fact.ts';

/** Known stores by id, each with its attributes in force. */
export type StoreLookup = ReadonlyMap<string, StoreFact>;

/** What a condition is evaluated on. */
export interface NaiveQuestion {
  readonly facts: CustomerFacts;
  /** Seconds since 1970. */
  readonly moment: number;
  readonly stores: StoreLookup;
}

/** One condition, evaluated for one customer at one moment. */
export interface NaiveOutcome {
  readonly holds: boolean;
  /**
   * What was measured: a number of orders, events, days or stores; an age in seconds; an amount as decimal
   * text (an average is rounded to 4 places here; the test itself is exact); a trait's value; a score that
   * counts; the name of a list that the customer is on; of a sequence how many firsts it holds for. Null
   * where there is none.
   */
  readonly value: number | string | null;
  /** The orders that the condition looks at, latest first. */
  readonly orders: readonly OrderFact[];
  /** The events that the condition looks at, latest first. */
  readonly events: readonly EventFact[];
  /** The trait that the condition looks at, if the customer has it. */
  readonly trait?: { readonly name: string; readonly value: string };
  /** The score that the condition looks at, if the customer has one, whether it counts still or not. */
  readonly score?: ScoreFact;
  /** The list that the condition looks at, if the customer is on it. */
  readonly list?: string;
}

interface Bounds {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Whether a value lies in inclusive bounds, of which any may be absent. */
export function isWithin(value: number, { atLeast, atMost }: Bounds): boolean {
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}
