/**
 * A rule: a boolean tree over conditions, as the compiler and the oracles read it. Definitions are written
 * in another form (see `rule-schema.ts`); `core/catalog/read-rule.ts` turns that one into this one, with
 * windows in seconds and amounts in ten-thousandths, so that nothing below parses text.
 */

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

/** What is measured over the orders that a condition looks at. All but `count` are amounts. */
export type OrderMeasure = 'count' | 'sum' | 'average' | 'minimum' | 'maximum';

/**
 * A test on a customer's orders. `count` and `sum` over no orders are 0; an average, minimum or maximum
 * over no orders does not exist, and every test on it fails.
 */
export interface OrdersCondition {
  readonly kind: 'orders';
  readonly stores: StoreSet;
  /** Seconds; absent means ever. Holds orders with now − within < t ≤ now. */
  readonly withinS?: number;
  readonly measure: OrderMeasure;
  /** Inclusive bounds: orders for `count`, ten-thousandths otherwise. At least one is present. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Only orders in this currency. Present whenever amounts are measured or filtered. */
  readonly currency?: string;
  /** Only orders whose total is at least this many ten-thousandths. */
  readonly minimumTotalE4?: number;
  /** Only orders with (true) or without (false) a discount above 0. */
  readonly discounted?: boolean;
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
    | { readonly kind: 'exists' }
    | { readonly kind: 'in'; readonly values: readonly string[] }
    /** On values that read as numbers; others fail. Inclusive. */
    | { readonly kind: 'range'; readonly atLeast?: number; readonly atMost?: number };
}

export type Condition = OrdersCondition | TraitCondition;

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
