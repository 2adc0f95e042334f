/** Reads conditions on events and filters of them. */
import type { EventCondition, EventFilter } from '../../../model/rule.ts';
import type { WrittenEvent, WrittenEventFilter } from '../../../model/rule-schema/event-schema.ts';
import type { Path } from '../problem.ts';
import type { Report } from './problem-report.ts';
import { optional, readAges, readCount, readWindow } from './read-bound.ts';
import { readValueTest } from './read-value-test.ts';

/** The normal form of a condition on events. */
export function readEvent(written: WrittenEvent, path: Path, report: Report): EventCondition {
  return {
    kind: 'event',
    ...readEventFilter(written, path, report),
    ...optional(
      'withinS',
      written.within === undefined ? undefined : readWindow(written.within, [...path, 'within'], report),
    ),
    ...readMeasure(written, path, report),
  };
}

function readMeasure(written: WrittenEvent, path: Path, report: Report) {
  const { count, days, first, last } = written;
  if (days !== undefined) return { measure: 'days' as const, ...readCount(days, [...path, 'days'], report) };
  if (first !== undefined)
    return { measure: 'firstAge' as const, ...readAges(first, [...path, 'first'], report) };
  if (last !== undefined)
    return { measure: 'lastAge' as const, ...readAges(last, [...path, 'last'], report) };
  return { measure: 'count' as const, ...readCount(count ?? { atLeast: 1 }, [...path, 'count'], report) };
}

/** The normal form of a filter of events: tests in the order of their properties, so that equal filters are equal. */
export function readEventFilter(written: WrittenEventFilter, path: Path, report: Report): EventFilter {
  const where = Object.entries(written.where ?? {}).map(([property, test]) => ({
    property,
    test: readValueTest(
      typeof test === 'object' ? test : { equals: test },
      [...path, 'where', property],
      report,
    ),
  }));
  return { name: written.name, where: where.sort((a, b) => (a.property < b.property ? -1 : 1)) };
}
