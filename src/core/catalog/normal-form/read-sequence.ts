/** Reads sequences: one thing after another, or without it. */
import type { SequenceCondition, SequenceStep } from '../../../model/rule.ts';
import type { WrittenSequence, WrittenStep } from '../../../model/rule-schema/sequence-schema.ts';
import type { Path } from '../problem.ts';
import type { Report } from './problem-report.ts';
import { optional, readWindow } from './read-bound.ts';
import { readEventFilter } from './read-event.ts';
import { readOrderFilter } from './read-orders.ts';

/** The normal form of a sequence. */
export function readSequence(written: WrittenSequence, path: Path, report: Report): SequenceCondition {
  const second = written.without === undefined ? 'then' : 'without';
  const isWithout = second === 'without';
  const withinS = readWindow(written.within, [...path, 'within'], report);
  const lookbackS =
    written.lookback === undefined ? undefined : readWindow(written.lookback, [...path, 'lookback'], report);
  if (isWithout && lookbackS !== undefined && lookbackS <= withinS) {
    report([...path, 'lookback'], {
      expected: `a window longer than within, ${written.within}, since it holds only once that has passed`,
      found: JSON.stringify(written.lookback),
    });
  }
  return {
    kind: 'sequence',
    first: readStep(written.first, [...path, 'first'], report),
    second: readStep(written[second]!, [...path, second], report),
    withinS,
    isWithout,
    ...optional('lookbackS', lookbackS),
  };
}

function readStep(written: WrittenStep, path: Path, report: Report): SequenceStep {
  return written.orders === undefined
    ? { kind: 'event', filter: readEventFilter(written.event!, [...path, 'event'], report) }
    : { kind: 'orders', filter: readOrderFilter(written.orders, [...path, 'orders'], report) };
}
