/** Reads conditions on orders and filters of them. */
import type { OrderFilter, OrderMeasure, OrdersCondition } from '../../../model/rule.ts';
import {
  ORDER_MEASURES,
  ORDER_STATUSES,
  WEEKDAYS,
  type WrittenOrderFilter,
  type WrittenOrders,
} from '../../../model/rule-schema/orders-schema.ts';
import type { Path } from '../problem.ts';
import type { Report } from './problem-report.ts';
import {
  optional,
  readAges,
  readAmount,
  readAmounts,
  readCount,
  readRank,
  readWindow,
} from './read-bound.ts';
import { readStores } from './read-stores.ts';
import { canonicalTimeZone, closeTimeZones } from './time-zone.ts';

type WrittenMeasure = (typeof ORDER_MEASURES)[number];

const MEASURE: Readonly<Record<WrittenMeasure, OrderMeasure>> = {
  count: 'count',
  sum: 'sum',
  average: 'average',
  minimum: 'minimum',
  maximum: 'maximum',
  days: 'days',
  distinctStores: 'stores',
  first: 'firstAge',
  last: 'lastAge',
};

/** The normal form of a condition on orders. */
export function readOrders(written: WrittenOrders, path: Path, report: Report): OrdersCondition {
  const measure = ORDER_MEASURES.find((name) => written[name] !== undefined);
  const amountTest = isAmount(measure) ? written[measure] : undefined;
  return {
    kind: 'orders',
    ...readFilter(written, { path, report, measure, currency: amountTest?.currency }),
    ...optional(
      'withinS',
      written.within === undefined ? undefined : readWindow(written.within, [...path, 'within'], report),
    ),
    measure: measure === undefined ? 'count' : MEASURE[measure],
    ...readMeasure(written, measure, path, report),
  };
}

/** The normal form of a filter of orders, as a step of a sequence has it. */
export function readOrderFilter(written: WrittenOrderFilter, path: Path, report: Report): OrderFilter {
  return readFilter(written, { path, report, measure: undefined, currency: undefined });
}

function isAmount(measure: WrittenMeasure | undefined): measure is 'sum' | 'average' | 'minimum' | 'maximum' {
  return measure === 'sum' || measure === 'average' || measure === 'minimum' || measure === 'maximum';
}

function readMeasure(
  written: WrittenOrders,
  measure: WrittenMeasure | undefined,
  path: Path,
  report: Report,
) {
  if (measure === undefined) return { atLeast: 1 };
  const at = [...path, measure];
  if (measure === 'first') return readAges(written.first!, at, report);
  const population = readRank(written[measure]!, at, report);
  if (population !== undefined) return { population };
  if (isAmount(measure)) return readAmounts(written[measure]!, at, report);
  if (measure === 'last') return readAges(written.last!, at, report);
  return readCount(written[measure]!, at, report);
}

interface FilterContext {
  readonly path: Path;
  readonly report: Report;
  readonly measure: WrittenMeasure | undefined;
  /** Of the amount that is measured. */
  readonly currency: string | undefined;
}

function readFilter(written: WrittenOrderFilter, context: FilterContext): OrderFilter {
  const { path, report } = context;
  const { minimumTotal } = written;
  return {
    stores: readStores(written.stores),
    ...optional('currency', readCurrency(written, context)),
    ...optional(
      'minimumTotalE4',
      minimumTotal && readAmount(minimumTotal.amount, [...path, 'minimumTotal', 'amount'], report),
    ),
    ...optional('discounted', written.discounted),
    ...readStatuses(written.status),
    ...readCalendar(written, context),
  };
}

/** One currency for all that names one, in capitals. */
function readCurrency(written: WrittenOrderFilter, context: FilterContext): string | undefined {
  const { path, report, measure, currency: ofMeasure } = context;
  const { minimumTotal } = written;
  let currency = ofMeasure?.toUpperCase();
  let whose = `the currency of ${measure}`;
  if (currency === undefined && written.currency !== undefined) {
    currency = written.currency.toUpperCase();
    whose = 'the currency of the orders';
  } else if (written.currency !== undefined && written.currency.toUpperCase() !== currency) {
    report([...path, 'currency'], {
      expected: `${whose}, ${JSON.stringify(currency)}`,
      found: JSON.stringify(written.currency),
    });
  }
  if (minimumTotal === undefined) return currency;
  const ofTotal = minimumTotal.currency.toUpperCase();
  if (currency !== undefined && ofTotal !== currency) {
    report([...path, 'minimumTotal', 'currency'], {
      expected: `${whose}, ${JSON.stringify(currency)}`,
      found: JSON.stringify(minimumTotal.currency),
    });
  }
  return currency ?? ofTotal;
}

function readStatuses(written: WrittenOrderFilter['status']): Pick<OrderFilter, 'statuses'> {
  if (written === undefined) return {};
  const wanted = typeof written === 'string' ? [written] : written;
  const statuses = ORDER_STATUSES.filter((status) => wanted.includes(status));
  return statuses.length === 1 && statuses[0] === 'completed' ? {} : { statuses };
}

/** Days, hours and the zone that they are read in; what takes every order is left out. */
function readCalendar(
  written: WrittenOrderFilter,
  context: FilterContext,
): Pick<OrderFilter, 'weekdays' | 'hours' | 'timeZone'> {
  const { weekday, timeZone } = written;
  if (weekday === undefined && written.hours === undefined && timeZone === undefined) return {};
  // Midnight ends a day as it begins one.
  const hours = written.hours?.to === 0 ? { ...written.hours, to: 24 } : written.hours;
  const { path, report, measure } = context;
  const wanted = typeof weekday === 'string' ? [weekday] : (weekday ?? []);
  const weekdays = WEEKDAYS.flatMap((day, i) => (wanted.includes(day) ? [i + 1] : []));
  const isEveryDay = weekdays.length === 0 || weekdays.length === WEEKDAYS.length;
  if (written.hours !== undefined && written.hours.from === written.hours.to) {
    report([...path, 'hours', 'to'], {
      expected: `another hour than from, ${written.hours.from}`,
      found: `${written.hours.to}`,
    });
  }
  const isEveryHour = hours === undefined || (hours.from === 0 && hours.to === 24);
  const readsZone = measure === 'days' || !isEveryDay || !isEveryHour;
  if (timeZone !== undefined && weekday === undefined && hours === undefined && measure !== 'days') {
    report([...path, 'timeZone'], {
      expected: 'weekday, hours or days beside it, which are read in the time zone',
      found: 'none of them',
    });
  }
  const zone = timeZone === undefined ? undefined : readTimeZone(timeZone, [...path, 'timeZone'], report);
  return {
    ...(isEveryDay ? {} : { weekdays }),
    ...(isEveryHour ? {} : { hours }),
    ...(zone === undefined || zone === 'UTC' || !readsZone ? {} : { timeZone: zone }),
  };
}

function readTimeZone(written: string, path: Path, report: Report): string | undefined {
  const zone = canonicalTimeZone(written);
  if (zone === undefined) {
    const close = closeTimeZones(written).map((name) => `"${name}"`);
    const hint = close.length === 0 ? '' : `; did you mean ${close.join(' or ')}?`;
    report(path, {
      expected: 'the IANA name of a time zone such as "Europe/Madrid"',
      found: `${JSON.stringify(written)}${hint}`,
    });
  }
  return zone;
}
