/** The range of a history: whole hours, up to the hour of what is served, in at most 10,000 steps. */
import { CoterieError } from '../../model/error.ts';
import { formatMoment } from '../../model/time.ts';
import { HOUR_S, hourOf } from './flow-recorder.ts';

/** What was asked for; see `Core.history`. */
export interface HistoryRange {
  readonly from?: number;
  readonly to?: number;
  readonly stepS?: number;
}

const DAY_S = 24 * HOUR_S;
const WEEK_S = 7 * DAY_S;
const STEPS_MAX = 10_000;

/**
 * @param moment - What is served reflects it; seconds since 1970.
 * @throws {CoterieError} `REQUEST_INVALID`, naming the field.
 */
export function historyRange(wanted: HistoryRange, moment: number): Required<HistoryRange> {
  const end = hourOf(moment) + HOUR_S;
  const to = Math.min(end, wanted.to === undefined ? end : Math.ceil(wanted.to / HOUR_S) * HOUR_S);
  const from = hourOf(wanted.from ?? Math.max(0, to - WEEK_S));
  const stepS = wanted.stepS ?? (to - from > WEEK_S ? DAY_S : HOUR_S);
  if (from >= to) {
    throw invalid('from', `a moment before ${formatMoment(to)}`, formatMoment(from));
  }
  if (stepS % HOUR_S !== 0) throw invalid('step', 'a multiple of an hour', `${stepS}s`);
  const steps = Math.ceil((to - from) / stepS);
  if (steps > STEPS_MAX) throw invalid('step', `at most ${STEPS_MAX} steps`, `${steps}`);
  return { from, to, stepS };
}

function invalid(field: string, expected: string, found: string): CoterieError {
  return new CoterieError('REQUEST_INVALID', `${field}: expected ${expected}, found ${found}`, {
    field,
    in: 'query',
    expected,
    found,
  });
}
