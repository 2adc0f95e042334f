/**
 * A rule: a boolean tree over conditions, as the compiler and the oracles read it. Definitions are written
 * in another form (see `rule-schema.ts`); `core/catalog/read-rule.ts` turns that one into this one, with
 * windows in seconds and amounts in ten-thousandths, so that nothing below parses text.
 */

import type { OrderStatus } from './fact.ts';
import type { InstalledSource } from './plugin-source.ts';

/** Which stores a condition looks at. `all` includes orders without a store; the others never do. */
export type StoreSet =
  | { readonly kind: 'all' }
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  /** Stores that have every attribute given; within one attribute any of the values will do. */
  | { readonly kind: 'attributes'; readonly attributes: StoreAttributes };

export interface StoreAttributes {
  readonly brand?: readonly string[];
  readonly city?: readonly string[];
  readonly category?: readonly string[];
  readonly tag?: readonly string[];
}

/** Which orders a condition looks at, besides their time. */
export interface OrderFilter {
  readonly stores: StoreSet;
  /** Only orders in this currency. Present whenever amounts are measured or filtered. */
  readonly currency?: string;
  /** Only orders whose total is at least this many ten-thousandths. */
  readonly minimumTotalE4?: number;
  /** Only orders with (true) or without (false) a discount above 0. */
  readonly discounted?: boolean;
  /** Orders with one of these statuses; absent means completed alone. */
  readonly statuses?: readonly OrderStatus[];
  /** Only orders on these days of the week, 1 (Monday) to 7, in `timeZone`. Ascending, distinct. */
  readonly weekdays?: readonly number[];
  /**
   * Only orders from one full hour (0 to 23) up to, not including, another (1 to 24), in `timeZone`;
   * where `from` is not below `to`, through midnight.
   */
  readonly hours?: { readonly from: number; readonly to: number };
  /** IANA name; absent means UTC. Only with weekdays, hours or the measure `days`. */
  readonly timeZone?: string;
}

/**
 * What is measured over the orders that a condition looks at: how many there are, on how many days, in
 * how many stores; amounts of their totals; seconds since the first and the last of them.
 */
export type OrderMeasure =
  | 'count'
  | 'days'
  | 'stores'
  | 'sum'
  | 'average'
  | 'minimum'
  | 'maximum'
  | 'firstAge'
  | 'lastAge';

/**
 * Bounds that the population sets, over all customers with at least one fact that the condition looks
 * at: replaced by `atLeast` and `atMost` before anything is compiled (see `core/population-bound.ts`).
 */
export type PopulationTest =
  /** The highest values of so many percent of them; who ties with the last of these is in. 0 < percent ≤ 100. */
  | { readonly kind: 'top'; readonly percent: number }
  /** Quintiles from 1 (lowest) to 5, inclusive; those who tie are in the lower one. Of `lastAge`, 5 is the most recent. */
  | { readonly kind: 'quintile'; readonly atLeast: number; readonly atMost: number };

/**
 * A test on a customer's orders. `count`, `days`, `stores` and `sum` over no orders are 0; an average,
 * minimum, maximum or age over no orders does not exist, and every test on it fails. An order
 * without a store adds to `days`, not to `stores`.
 */
export interface OrdersCondition extends OrderFilter {
  readonly kind: 'orders';
  /** Seconds; absent means ever. Holds orders with now − within < t ≤ now. */
  readonly withinS?: number;
  readonly measure: OrderMeasure;
  /**
   * Inclusive bounds: a number for `count`, `days`, `stores`; seconds for ages; ten-thousandths otherwise.
   * At least one is present, unless there is `population`. An age below w seconds is an order within w.
   */
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly population?: PopulationTest;
}

/**
 * A test on the latest value of one of a customer's traits. A value is text; a number or a boolean in a
 * rule stands for its shortest text. A trait that is absent fails every test but `exists: false`, which
 * is written as *not exists*.
 */
export interface TraitCondition {
  readonly kind: 'trait';
  readonly name: string;
  readonly test:
    | ValueTest
    /** On values that read as a date or moment (`traitMoment`): seconds since it, negative before it. Inclusive. */
    | { readonly kind: 'age'; readonly atLeast?: number; readonly atMost?: number };
}

/** A test on a value that is text. */
export type ValueTest =
  | { readonly kind: 'exists' }
  | { readonly kind: 'in'; readonly values: readonly string[] }
  /** On values that read as numbers (`traitNumber`); others fail. Inclusive. */
  | { readonly kind: 'range'; readonly atLeast?: number; readonly atMost?: number };

/** Events of one name whose properties pass every test; a property that is absent fails. */
export interface EventFilter {
  readonly name: string;
  /** Properties are compared as traits are: by their text, or as numbers where they read as such. */
  readonly where: readonly { readonly property: string; readonly test: ValueTest }[];
}

/** A test on a customer's events, as on orders. */
export interface EventCondition extends EventFilter {
  readonly kind: 'event';
  /** Seconds; absent means ever. */
  readonly withinS?: number;
  /** `days` are of UTC. */
  readonly measure: 'count' | 'days' | 'firstAge' | 'lastAge';
  readonly atLeast?: number;
  readonly atMost?: number;
}

/**
 * A test on a model's score of the version in force. A score counts while now is before its end of
 * validity; one that does not count, or is absent, fails every test. Without bounds it tests that one counts.
 */
export interface ScoreCondition {
  readonly kind: 'score';
  readonly model: string;
  /** Inclusive. */
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly population?: PopulationTest;
}

/** The customer is on a list. */
export interface ListedCondition {
  readonly kind: 'listed';
  readonly list: string;
}

/** One kind of occurrence in a sequence. Orders with a currency filter only if amounts are filtered. */
export type SequenceStep =
  | { readonly kind: 'orders'; readonly filter: OrderFilter }
  | { readonly kind: 'event'; readonly filter: EventFilter };

/**
 * One occurrence after another. With a first at *a* (now − lookback < a ≤ now): it holds if a second came
 * at *b*, a < b ≤ a + within and b ≤ now; with `isWithout`, if a + within ≤ now and no second came in
 * a < b ≤ a + within. Any first will do.
 */
export interface SequenceCondition {
  readonly kind: 'sequence';
  readonly first: SequenceStep;
  readonly second: SequenceStep;
  /** Seconds. */
  readonly withinS: number;
  readonly isWithout: boolean;
  /** Seconds; absent means ever. */
  readonly lookbackS?: number;
}

/**
 * A condition on the facts of a plug-in's source, which says what its parameters mean. It can hold only for a
 * customer with an occurrence that it looks at, up to the moment. As JSON the source is its name.
 */
export interface SourceCondition {
  readonly kind: 'plugin';
  readonly source: InstalledSource;
  /** JSON; the same for all that mean the same. */
  readonly params: unknown;
}

export type Condition =
  | OrdersCondition
  | TraitCondition
  | EventCondition
  | ScoreCondition
  | ListedCondition
  | SequenceCondition
  | SourceCondition;

export type Rule =
  | { readonly kind: 'all'; readonly rules: readonly Rule[] }
  | { readonly kind: 'any'; readonly rules: readonly Rule[] }
  | { readonly kind: 'not'; readonly rule: Rule }
  /** Another segment's rule, by key; replaced by that rule before anything is compiled. */
  | { readonly kind: 'segment'; readonly key: string }
  | Condition;

/** Deepest nesting of a rule. */
export const RULE_DEPTH_MAX = 64;
/** Most conditions in one rule, after references to other segments are replaced. */
export const RULE_CONDITIONS_MAX = 1_000;
