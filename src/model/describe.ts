/** Conditions and rules in plain English, for explanations and the command line. */
import { formatAmountE4 } from './amount.ts';
import type {
  Condition,
  EventCondition,
  EventFilter,
  OrderFilter,
  OrdersCondition,
  PopulationTest,
  Rule,
  ScoreCondition,
  SequenceCondition,
  SequenceStep,
  StoreSet,
  TraitCondition,
  ValueTest,
} from './rule.ts';
import { WEEKDAYS } from './rule-schema/orders-schema.ts';
import { formatDuration } from './time.ts';

/** Values listed before the rest is counted. */
const LISTED_MAX = 5;

/** A condition as a phrase about a customer, such as `at least 3 orders in s1, s2 within 30d`. */
export function describeCondition(condition: Condition): string {
  switch (condition.kind) {
    case 'orders':
      return describeOrders(condition);
    case 'event':
      return describeEvent(condition);
    case 'trait':
      return describeTrait(condition);
    case 'score':
      return describeScore(condition);
    case 'listed':
      return `on the list ${condition.list}`;
    case 'sequence':
      return describeSequence(condition);
    case 'plugin':
      return condition.source.describe(condition.params);
  }
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

interface Limits {
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly population?: PopulationTest;
}

function describeOrders(condition: OrdersCondition): string {
  const { measure, currency, withinS } = condition;
  const orders = `${ordersText(condition, false)} ${windowText(withinS)}`;
  switch (measure) {
    case 'count':
      return countText(
        condition,
        isOne(condition) ? `${ordersText(condition, true)} ${windowText(withinS)}` : orders,
      );
    case 'days': {
      const zone =
        hasCalendar(condition) || condition.timeZone === undefined ? '' : ` in ${condition.timeZone}`;
      return countText(condition, `${isOne(condition) ? 'day' : 'days'}${zone} with ${orders}`);
    }
    case 'stores':
      return countText(condition, `${isOne(condition) ? 'store' : 'stores'} with ${orders}`);
    case 'firstAge':
      return `first of ${orders} was ${ageText(condition)}`;
    case 'lastAge': {
      const { population } = condition;
      const when = population === undefined ? `was ${ageText(condition)}` : `is ${rankText(population)}`;
      return `last of ${orders} ${when}`;
    }
    default:
      return `${measure} of ${orders} is ${bounds(condition, (value) => amountText(value, currency))}`;
  }
}

function isOne(limits: Limits): boolean {
  return (limits.atMost ?? limits.atLeast) === 1;
}

/** How many there are of something. */
function countText(limits: Limits, what: string): string {
  return limits.population === undefined
    ? `${bounds(limits, String)} ${what}`
    : `number of ${what} is ${rankText(limits.population)}`;
}

function hasCalendar(filter: OrderFilter): boolean {
  return filter.weekdays !== undefined || filter.hours !== undefined;
}

/** The orders looked at, whenever they were. */
function ordersText(filter: OrderFilter, one: boolean): string {
  const { currency, minimumTotalE4, statuses, discounted } = filter;
  const measuresAmount = 'measure' in filter && !NUMBERS.has(String(filter.measure));
  return [
    ...(statuses === undefined ? [] : [listed(statuses, ' or ')]),
    ...(discounted === undefined ? [] : [discounted ? 'discounted' : 'undiscounted']),
    one ? 'order' : 'orders',
    ...(minimumTotalE4 === undefined ? [] : [`of ${amountText(minimumTotalE4, currency)} or more`]),
    ...(!measuresAmount && minimumTotalE4 === undefined && currency !== undefined
      ? [currency === '' ? 'without a currency' : `in ${currency}`]
      : []),
    ...describeStores(filter.stores),
    ...describeCalendar(filter),
  ].join(' ');
}

/** Measures that are no amounts: their bounds do not name the currency. */
const NUMBERS: ReadonlySet<string> = new Set(['count', 'days', 'stores', 'firstAge', 'lastAge']);

function amountText(amountE4: number, currency: string | undefined): string {
  return `${formatAmountE4(amountE4)}${currency === undefined || currency === '' ? '' : ` ${currency}`}`;
}

function describeCalendar({ weekdays, hours, timeZone }: OrderFilter): string[] {
  const clock = (hour: number) => `${String(hour).padStart(2, '0')}:00`;
  const parts = [
    ...(weekdays === undefined ? [] : [`on ${weekdays.map((day) => WEEKDAYS[day - 1]).join(', ')}`]),
    ...(hours === undefined ? [] : [`from ${clock(hours.from)} to ${clock(hours.to)}`]),
  ];
  return parts.length === 0 ? [] : [...parts, timeZone ?? 'UTC'];
}

function windowText(withinS: number | undefined): string {
  return withinS === undefined ? 'ever' : `within ${formatDuration(withinS)}`;
}

/** An age in seconds as it is written: less than so long ago, at least so long ago. */
function ageText({ atLeast, atMost }: Limits): string {
  const parts = [
    ...(atLeast === undefined ? [] : [`at least ${formatDuration(atLeast)} ago`]),
    ...(atMost === undefined ? [] : [`less than ${formatDuration(atMost + 1)} ago`]),
  ];
  return parts.join(' and ');
}

function bounds(limits: Limits, text: (value: number) => string): string {
  const { atLeast, atMost, population } = limits;
  if (population !== undefined) return rankText(population);
  if (atLeast !== undefined && atLeast === atMost) return `exactly ${text(atLeast)}`;
  if (atLeast === undefined) return `at most ${text(atMost ?? 0)}`;
  return atMost === undefined ? `at least ${text(atLeast)}` : `between ${text(atLeast)} and ${text(atMost)}`;
}

function rankText(population: PopulationTest): string {
  if (population.kind === 'top') return `in the top ${population.percent} %`;
  const { atLeast, atMost } = population;
  return atLeast === atMost ? `in quintile ${atLeast}` : `in quintiles ${atLeast} to ${atMost}`;
}

function describeStores(stores: StoreSet): string[] {
  if (stores.kind === 'all') return [];
  if (stores.kind === 'ids') return [`in ${listed(stores.ids, ', ')}`];
  const parts = Object.entries(stores.attributes).map(
    ([name, values]) => `${name} ${listed(values, ' or ')}`,
  );
  return [`in stores with ${parts.join(' and ')}`];
}

function describeEvent(condition: EventCondition): string {
  const which = `${eventText(condition)} ${windowText(condition.withinS)}`;
  const events = `events ${which}`;
  switch (condition.measure) {
    case 'count':
      return countText(condition, isOne(condition) ? `event ${which}` : events);
    case 'days':
      return countText(condition, `${isOne(condition) ? 'day' : 'days'} with ${events}`);
    case 'firstAge':
      return `first of ${events} was ${ageText(condition)}`;
    case 'lastAge':
      return `last of ${events} was ${ageText(condition)}`;
  }
}

function eventText({ name, where }: EventFilter): string {
  const tests = where.map(({ property, test }) => `${property} ${valueText(test)}`);
  return tests.length === 0 ? name : `${name} where ${tests.join(' and ')}`;
}

function valueText(test: ValueTest): string {
  if (test.kind === 'exists') return 'is known';
  return `is ${test.kind === 'in' ? listed(test.values, ' or ') : bounds(test, String)}`;
}

function describeTrait({ name, test }: TraitCondition): string {
  if (test.kind !== 'age') return `trait ${name} ${valueText(test)}`;
  const { atLeast, atMost } = test;
  if (atLeast !== undefined && atLeast < 0 && atMost === -1)
    return `trait ${name} is a date ahead, at most ${formatDuration(-atLeast)}`;
  // Past and no more: age 0 is now.
  if (atLeast === 0 && atMost !== undefined) return `trait ${name} is a date past, ${ageText({ atMost })}`;
  return `trait ${name} is a date ${ageText(test)}`;
}

function describeScore(condition: ScoreCondition): string {
  const { model, atLeast, atMost, population } = condition;
  const isTested = atLeast !== undefined || atMost !== undefined || population !== undefined;
  return `score of ${model} ${isTested ? `is ${bounds(condition, String)}` : 'is known'}`;
}

function describeSequence(condition: SequenceCondition): string {
  const { first, second, withinS, isWithout, lookbackS } = condition;
  const then = isWithout ? 'and then no' : 'and then';
  return `${stepText(first)} ${windowText(lookbackS)} ${then} ${stepText(second)} within ${formatDuration(withinS)} after it`;
}

function stepText(step: SequenceStep): string {
  return step.kind === 'event' ? `event ${eventText(step.filter)}` : ordersText(step.filter, true);
}

function listed(values: readonly string[], separator: string): string {
  const shown = values.slice(0, LISTED_MAX).join(separator);
  return values.length > LISTED_MAX ? `${shown} and ${values.length - LISTED_MAX} more` : shown;
}
