/**
 * What the engine says of a population: the values of a measure over all customers who have any of the
 * facts that it looks at, at ranks in ascending order. Bounds of conditions are taken from these.
 */
import type { OrdersCondition } from '../../model/rule.ts';

/** What is measured, whatever its bounds. The stores are numbers by then: see `PopulationRequest`. */
export type PopulationMeasure =
  | Omit<OrdersCondition, 'stores' | 'atLeast' | 'atMost' | 'population'>
  | { readonly kind: 'score'; readonly model: string };

export interface PopulationRequest {
  readonly measure: PopulationMeasure;
  /** Only orders in these stores, ascending; absent: all, and those without a store. */
  readonly stores?: Uint32Array;
  /** Seconds since 1970: later facts do not count, windows are reckoned from here. */
  readonly moment: number;
  /** Read what was known after this batch; absent means the last one. */
  readonly knownAt?: number;
  /**
   * Called once, with how many customers there are, if there are any: the ranks that are wanted, from 1
   * (the lowest value) to that number.
   */
  readonly ranksOf: (customers: number) => readonly number[];
}

/**
 * `values[i]` is that of the customer at rank i of those asked for, ties in any order. A number for `count`,
 * `days` and `stores`; ten-thousandths for amounts, where an average is rounded down to a whole one; a
 * score as it is; of ages the moment of the first or last order in seconds since 1970, so that the most
 * recent come last.
 */
export interface PopulationValues {
  /** Customers with at least one fact that the measure looks at. */
  readonly customers: number;
  /** Empty without customers. */
  readonly values: readonly number[];
}
