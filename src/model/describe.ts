/** Conditions and rules in plain English, for explanations and the command line. */
import { formatAmountE4 } from './amount.ts';
import type { Condition, OrdersCondition, Rule, StoreSet, TraitCondition } from './rule.ts';
import { formatDuration } from './time.ts';

/** Values listed before the rest is counted. */
const LISTED_MAX = 5;

/** A condition as a phrase about a customer, such as `at least 3 orders in s1, s2 within 30d`. */
export function describeCondition(condition: Condition): string {
  return condition.kind === 'orders' ? describeOrders(condition) : describeTrait(condition);
}

/** A rule as one phrase, with brackets where it nests. */
export function describeRule(rule: Rule): string {
  switch (rule.kind) {
    case 'all':
      return rule.rules.map(inBrackets).join(' and ');
    case 'any':
      return rule.rules.map(inBrackets).join(' or ');
    case 'not':
      return `not ${inBrackets(rule.rule)}`;
    case 'segment':
      return `in segment ${rule.key}`;
    default:
      return describeCondition(rule);
  }
}

function inBrackets(rule: Rule): string {
  const isCompound = (rule.kind === 'all' || rule.kind === 'any') && rule.rules.length > 1;
  return isCompound ? `(${describeRule(rule)})` : describeRule(rule);
}

function describeOrders(condition: OrdersCondition): string {
  const { measure, currency } = condition;
  const amount = (amountE4: number): string =>
    `${formatAmountE4(amountE4)}${currency === undefined || currency === '' ? '' : ` ${currency}`}`;
  const isOne = measure === 'count' && (condition.atMost ?? condition.atLeast) === 1;
  const kind = [
    ...(condition.discounted === undefined ? [] : [condition.discounted ? 'discounted' : 'undiscounted']),
    isOne ? 'order' : 'orders',
    ...(condition.minimumTotalE4 === undefined ? [] : [`of ${amount(condition.minimumTotalE4)} or more`]),
    ...(measure === 'count' && condition.minimumTotalE4 === undefined && currency !== undefined
      ? [`in ${currency}`]
      : []),
    ...describeStores(condition.stores),
    condition.withinS === undefined ? 'ever' : `within ${formatDuration(condition.withinS)}`,
  ].join(' ');
  if (measure === 'count') return `${bounds(condition, String)} ${kind}`;
  return `${measure} of ${kind} is ${bounds(condition, amount)}`;
}

function bounds(
  { atLeast, atMost }: { readonly atLeast?: number; readonly atMost?: number },
  text: (value: number) => string,
): string {
  if (atLeast !== undefined && atLeast === atMost) return `exactly ${text(atLeast)}`;
  if (atLeast === undefined) return `at most ${text(atMost ?? 0)}`;
  return atMost === undefined ? `at least ${text(atLeast)}` : `between ${text(atLeast)} and ${text(atMost)}`;
}

function describeStores(stores: StoreSet): string[] {
  if (stores.kind === 'all') return [];
  if (stores.kind === 'ids') return [`in ${listed(stores.ids, ', ')}`];
  const parts = Object.entries(stores.attributes).map(
    ([name, values]) => `${name} ${listed(values, ' or ')}`,
  );
  return [`in stores with ${parts.join(' and ')}`];
}

function describeTrait({ name, test }: TraitCondition): string {
  if (test.kind === 'exists') return `trait ${name} is known`;
  if (test.kind === 'in') return `trait ${name} is ${listed(test.values, ' or ')}`;
  return `trait ${name} is ${bounds(test, String)}`;
}

function listed(values: readonly string[], separator: string): string {
  const shown = values.slice(0, LISTED_MAX).join(separator);
  return values.length > LISTED_MAX ? `${shown} and ${values.length - LISTED_MAX} more` : shown;
}
