/**
 * The written form of a rule in normal form: how random rules get into a catalog. What cannot be written,
 * such as bounds that cross, becomes a rule like it that can.
 */
import { formatAmountE4 } from '../../src/model/amount.ts';
import type {
  Condition,
  EventCondition,
  EventFilter,
  OrderFilter,
  OrdersCondition,
  Rule,
  ScoreCondition,
  SequenceCondition,
  SequenceStep,
  StoreSet,
  TraitCondition,
  ValueTest,
} from '../../src/model/rule.ts';
import { formatDuration } from '../../src/model/time.ts';

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
/** The longest window that can be written. */
const WINDOW_MAX_S = 36_525 * 86_400;

interface Bounds {
  readonly atLeast?: number;
  readonly atMost?: number;
}

export function writtenRule(rule: Rule): unknown {
  switch (rule.kind) {
    case 'all':
    case 'any':
      return { [rule.kind]: rule.rules.map(writtenRule) };
    case 'not':
      return { not: writtenRule(rule.rule) };
    case 'segment':
      return { segment: rule.key };
    default:
      return writtenCondition(rule);
  }
}

function writtenCondition(condition: Condition): unknown {
  switch (condition.kind) {
    case 'orders':
      return { orders: writtenOrders(condition) };
    case 'event':
      return { event: writtenEvent(condition) };
    case 'trait':
      return { trait: writtenTrait(condition) };
    case 'score':
      return { score: writtenScore(condition) };
    case 'listed':
      return { listed: { list: condition.list } };
    case 'sequence':
      return { sequence: writtenSequence(condition) };
  }
}

function writtenOrders(condition: OrdersCondition): unknown {
  const { measure, currency, minimumTotalE4 } = condition;
  const amount = (value: number): number => Number(formatAmountE4(value));
  const test = ((): object => {
    switch (measure) {
      case 'count':
      case 'days':
        return { [measure]: bounds(condition) };
      case 'stores':
        return { distinctStores: bounds(condition) };
      case 'firstAge':
        return { first: ages(condition) };
      case 'lastAge':
        return { last: ages(condition) };
      default:
        return { [measure]: { ...bounds(condition, amount), currency } };
    }
  })();
  const isAmount = Object.keys(Object.values(test)[0] as object).includes('currency');
  return {
    ...writtenOrderFilter(condition, measure === 'days'),
    ...within(condition),
    ...test,
    ...(isAmount || minimumTotalE4 !== undefined || currency === undefined ? {} : { currency }),
  };
}

function writtenOrderFilter(filter: OrderFilter, countsDays = false): object {
  const { currency, minimumTotalE4, discounted, statuses, weekdays, hours, timeZone } = filter;
  // From an hour up to the same one is every hour, which is written by leaving it out.
  const isHours = hours !== undefined && hours.from !== hours.to;
  const readsZone = countsDays || weekdays !== undefined || isHours;
  return {
    stores: writtenStores(filter.stores),
    ...(minimumTotalE4 === undefined
      ? {}
      : { minimumTotal: { amount: Number(formatAmountE4(minimumTotalE4)), currency } }),
    ...(discounted === undefined ? {} : { discounted }),
    ...(statuses === undefined ? {} : { status: statuses }),
    ...(weekdays === undefined ? {} : { weekday: weekdays.map((day) => WEEKDAYS[day - 1]) }),
    ...(isHours ? { hours } : {}),
    ...(timeZone === undefined || !readsZone ? {} : { timeZone }),
  };
}

function writtenStores(stores: StoreSet): unknown {
  if (stores.kind === 'all') return 'all';
  if (stores.kind === 'ids') return stores.ids;
  return Object.keys(stores.attributes).length === 0 ? 'all' : stores.attributes;
}

function writtenEvent(condition: EventCondition): unknown {
  const { measure } = condition;
  const test =
    measure === 'firstAge'
      ? { first: ages(condition) }
      : measure === 'lastAge'
        ? { last: ages(condition) }
        : { [measure]: bounds(condition) };
  return { ...writtenEventFilter(condition), ...within(condition), ...test };
}

function writtenEventFilter({ name, where }: EventFilter): object {
  if (where.length === 0) return { name };
  const tests = where.map(({ property, test }) => [property, writtenValueTest(test)] as const);
  return { name, where: Object.fromEntries(tests) };
}

function writtenTrait({ name, test }: TraitCondition): unknown {
  if (test.kind !== 'age') return { name, ...writtenValueTest(test) };
  const { atLeast = 0, atMost } = test;
  if (atMost !== undefined && atMost < 0) return { name, ahead: window(-Math.min(atLeast, atMost)) };
  return { name, ...ages({ atLeast, ...(atMost === undefined ? {} : { atMost }) }) };
}

function writtenValueTest(test: ValueTest): object {
  if (test.kind === 'exists') return { exists: true };
  return test.kind === 'in' ? { in: test.values } : bounds(test);
}

function writtenScore(condition: ScoreCondition): unknown {
  const { model } = condition;
  const hasBounds = condition.atLeast !== undefined || condition.atMost !== undefined;
  return { model, ...(hasBounds ? bounds(condition) : { exists: true }) };
}

function writtenSequence({ first, second, withinS, isWithout, lookbackS }: SequenceCondition): unknown {
  const isLong = lookbackS !== undefined && (!isWithout || lookbackS > withinS);
  return {
    first: writtenStep(first),
    [isWithout ? 'without' : 'then']: writtenStep(second),
    within: window(withinS),
    ...(isLong ? { lookback: window(lookbackS) } : {}),
  };
}

function writtenStep(step: SequenceStep): object {
  if (step.kind === 'event') return { event: writtenEventFilter(step.filter) };
  const { currency, minimumTotalE4 } = step.filter;
  const other = currency === undefined || minimumTotalE4 !== undefined ? {} : { currency };
  return { orders: { ...writtenOrderFilter(step.filter), ...other } };
}

function within({ withinS }: { readonly withinS?: number }): object {
  return withinS === undefined ? {} : { within: window(withinS) };
}

function window(seconds: number): string {
  return formatDuration(Math.min(Math.max(seconds, 1), WINDOW_MAX_S));
}

/** Bounds that cross are refused when written, and are no rule that a catalog can hold. */
function bounds({ atLeast, atMost }: Bounds, write = (value: number): number => value): object {
  return {
    ...(atLeast === undefined ? {} : { atLeast: write(atLeast) }),
    ...(atMost === undefined || atMost < (atLeast ?? atMost) ? {} : { atMost: write(atMost) }),
  };
}

/** An age of 0 or more is any age: it is written as one below the longest window. */
function ages({ atLeast, atMost }: Bounds): object {
  const before = atLeast === undefined || atLeast < 1 ? undefined : Math.min(atLeast, WINDOW_MAX_S - 1);
  const isCrossed = atMost === undefined || atMost < (before ?? 0);
  if (before !== undefined && isCrossed) return { before: window(before) };
  return {
    ...(before === undefined ? {} : { before: window(before) }),
    within: window(atMost === undefined ? WINDOW_MAX_S : atMost + 1),
  };
}
