/**
 * Bounds that the population sets: which values they are taken from, and the rule with plain numbers that a
 * ranked condition stands for once they are known. Pure; the numbers come from the engine.
 */
import { CoterieError } from '../model/error.ts';
import type { OrdersCondition, PopulationTest, Rule, ScoreCondition } from '../model/rule.ts';
import { canonicalJson } from './catalog/canonical-json.ts';

/** A condition whose bounds the population sets. */
export type RankedCondition = (OrdersCondition | ScoreCondition) & { readonly population: PopulationTest };

/** The bounds of one rank over one population, as they were taken. */
export interface PopulationBound {
  /** See {@link boundKey}. */
  readonly key: string;
  /** The full pass that it was taken for, or that was served when a new definition needed it. */
  readonly calculationNo: number;
  /** What it was taken as of: seconds since 1970, and the last batch of facts. */
  readonly moment: number;
  readonly batchNo: number;
  /** How many customers it was taken over. */
  readonly customers: number;
  /**
   * Of quintiles the four cuts, ascending; of a top the lowest value that is in. As in `PopulationValues`;
   * empty without customers.
   */
  readonly values: readonly number[];
}

const QUINTILES = 5;
/** Distinct populations in one plan: each costs a query over the orders at every full pass. */
export const POPULATIONS_MAX = 1_000;

/**
 * Refuses more populations than a full pass can be asked to rank.
 *
 * @throws {CoterieError} `POPULATIONS_TOO_MANY`.
 */
export function checkPopulations(found: number): void {
  if (found <= POPULATIONS_MAX) return;
  throw new CoterieError(
    'POPULATIONS_TOO_MANY',
    `expected at most ${POPULATIONS_MAX} distinct populations to rank over all active segments, found ${found}: ` +
      'a family whose instances rank the customers of their own stores has one for each',
    { expected: POPULATIONS_MAX, found },
  );
}

/** Whether a rule is a condition whose bounds the population sets. */
export function isRanked(rule: Rule): rule is RankedCondition {
  return (rule.kind === 'orders' || rule.kind === 'score') && rule.population !== undefined;
}

/** Whether any condition of a rule is ranked. */
export function hasRanked(rule: Rule): boolean {
  if (rule.kind === 'all' || rule.kind === 'any') return rule.rules.some(hasRanked);
  return rule.kind === 'not' ? hasRanked(rule.rule) : isRanked(rule);
}

/** All ranked conditions of a rule, references to other segments left out. */
export function rankedConditions(rule: Rule): RankedCondition[] {
  if (rule.kind === 'all' || rule.kind === 'any') return rule.rules.flatMap(rankedConditions);
  if (rule.kind === 'not') return rankedConditions(rule.rule);
  return isRanked(rule) ? [rule] : [];
}

/** The same text for conditions that measure the same over the same population. */
export function measureKey({ population: _, ...measure }: RankedCondition): string {
  return canonicalJson(measure);
}

/**
 * The same text for conditions whose bounds are the same: what is measured, and quintiles or a top. Scores
 * of another version of a model are something else, so an activation needs bounds of its own at once.
 *
 * @param models - Model → number of the version in force.
 */
export function boundKey(
  { population, ...measure }: RankedCondition,
  models: ReadonlyMap<string, number>,
): string {
  const rank = population.kind === 'top' ? { top: population.percent } : 'quintiles';
  const version = measure.kind === 'score' ? { version: models.get(measure.model) ?? null } : {};
  return canonicalJson({ ...measure, ...version, rank });
}

/** The ascending ranks, from 1, of the values that bounds are taken from; `customers` is 1 or more. */
export function ranksOf(test: PopulationTest, customers: number): number[] {
  if (test.kind === 'top') return [customers - ceilPercent(test.percent, customers) + 1];
  return [1, 2, 3, 4].map((cut) => Math.ceil((cut * customers) / QUINTILES));
}

/** percent ÷ 100 × count, rounded up, of the percent as it is written: 7 percent of 100 are 7. */
function ceilPercent(percent: number, count: number): number {
  const [digits = '', exponent = '0'] = String(percent).split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  const scale = 2 + fraction.length - Number(exponent);
  const part = BigInt(whole + fraction) * BigInt(count) * 10n ** BigInt(Math.max(0, -scale));
  const divisor = 10n ** BigInt(Math.max(0, scale));
  return Number((part + divisor - 1n) / divisor);
}

/** Inclusive, in the terms of `PopulationValues`. */
interface Limits {
  readonly low?: number;
  readonly high?: number;
}

/** What a rank comes to, in the terms of a condition: for people to read. */
export interface BoundLimits {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/**
 * The rule that a ranked condition stands for. It holds for nobody without a fact that the condition looks
 * at, and for nobody at all where the population is empty.
 */
export function boundedRule(condition: RankedCondition, bound: PopulationBound): Rule {
  const { population, ...plain } = condition;
  if (bound.values.length === 0) return { ...plain, atLeast: 1, atMost: 0 };
  const limits = limitsOf(population, bound.values, nextAbove(condition));
  if (plain.kind === 'score') return { ...plain, ...between(limits) };
  const anyOrder: Rule = { ...plain, measure: 'count', atLeast: 1 };
  switch (plain.measure) {
    case 'count':
    case 'days':
      // Whoever has an order has one, on one day.
      return { ...plain, ...between({ ...limits, low: Math.max(1, limits.low ?? 1) }) };
    case 'firstAge':
    case 'lastAge':
      return isEmpty(limits) ? anyOrder : { ...plain, ...ages(limits, bound.moment) };
    case 'average':
      return boundedAverage(plain, limits, anyOrder);
    case 'minimum':
    case 'maximum':
      return isEmpty(limits) ? anyOrder : { ...plain, ...between(limits) };
    case 'sum':
    case 'stores': {
      // Over no orders they are 0, which must not be within.
      if (isEmpty(limits)) return anyOrder;
      const test: Rule = { ...plain, ...between(limits) };
      const { low = 0, high = 0 } = limits;
      return low > 0 || high < 0 ? test : { kind: 'all', rules: [anyOrder, test] };
    }
  }
}

/** Averages rank by whole ten-thousandths, rounded down: at most 5 is below 6. */
function boundedAverage(plain: OrdersCondition, { low, high }: Limits, anyOrder: Rule): Rule {
  const from: Rule = low === undefined ? anyOrder : { ...plain, atLeast: low };
  if (high === undefined) return from;
  return { kind: 'all', rules: [from, { kind: 'not', rule: { ...plain, atLeast: high + 1 } }] };
}

/** The numbers of a bound, as a condition's bounds are written; undefined where the population is empty. */
export function boundLimits(condition: RankedCondition, bound: PopulationBound): BoundLimits | undefined {
  if (bound.values.length === 0) return undefined;
  const limits = limitsOf(condition.population, bound.values, nextAbove(condition));
  return isAge(condition) ? ages(limits, bound.moment) : between(limits);
}

function isAge(condition: RankedCondition): boolean {
  return condition.kind === 'orders' && condition.measure.endsWith('Age');
}

/** A quintile begins above the cut below it, and holds the cut above it. */
function limitsOf(test: PopulationTest, values: readonly number[], above: (value: number) => number): Limits {
  if (test.kind === 'top') return { low: values[0]! };
  const { atLeast, atMost } = test;
  return {
    ...(atLeast > 1 ? { low: above(values[atLeast - 2]!) } : {}),
    ...(atMost < QUINTILES ? { high: values[atMost - 1]! } : {}),
  };
}

const isEmpty = ({ low, high }: Limits) => low === undefined && high === undefined;

function between({ low, high }: Limits): BoundLimits {
  return {
    ...(low === undefined ? {} : { atLeast: low }),
    ...(high === undefined ? {} : { atMost: high }),
  };
}

/** The later of two moments is the lower age. */
function ages({ low, high }: Limits, moment: number): BoundLimits {
  return {
    ...(high === undefined ? {} : { atLeast: moment - high }),
    ...(low === undefined ? {} : { atMost: moment - low }),
  };
}

/** The least value of a measure above another: all but scores are whole. */
function nextAbove(condition: RankedCondition): (value: number) => number {
  return condition.kind === 'score' ? nextDouble : (value) => value + 1;
}

/** The least double above one that is finite (IEEE 754: doubles of one sign ascend as their bits do). */
function nextDouble(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return view.getFloat64(0);
}
