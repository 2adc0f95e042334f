/**
 * A segment's past: size, entries and exits over time, put together from full passes and from the flows
 * that ticks recorded. Between two changes a size stands still, except that a segment which holds
 * customers without facts grows with every customer who becomes known.
 */
import type { HistoryPoint } from '../core.ts';
import type { SegmentSizeAt } from './calculation-log.ts';
import type { HourFlow } from './flow-log.ts';

export interface HistorySource {
  /** Ascending by hour. */
  readonly flows: readonly HourFlow[];
  /** Known customers, ascending by moment. */
  readonly customers: readonly { readonly at: number; readonly customers: number }[];
  /** Full passes, ascending by moment. */
  readonly sizes: readonly (SegmentSizeAt & { readonly isDefault: boolean })[];
}

type StateAt = NonNullable<HourFlow['state']>;

/** Puts a history together; `from`, `to` and `stepS` are whole hours, `to` after `from`. */
export function historyOf(
  source: HistorySource,
  request: { readonly from: number; readonly to: number; readonly stepS: number },
): HistoryPoint[] {
  const points: HistoryPoint[] = [];
  const { flows } = source;
  const states = flows.flatMap((flow) => (flow.state ? [flow.state] : []));
  let next = flows.findIndex((flow) => flow.hour >= request.from);
  if (next < 0) next = flows.length;
  for (let from = request.from; from < request.to; from += request.stepS) {
    const to = Math.min(from + request.stepS, request.to);
    let entries = 0;
    let exits = 0;
    for (; next < flows.length && flows[next]!.hour < to; next++) {
      entries += flows[next]!.entries;
      exits += flows[next]!.exits;
    }
    points.push({ from, to, entries, exits, size: sizeBefore(source, states, to) });
  }
  return points;
}

/** Members just before a moment, by the last full pass or the last change, whichever is later. */
function sizeBefore(source: HistorySource, states: readonly StateAt[], moment: number): number | null {
  const pass = lastBefore(source.sizes, moment);
  const state = lastBefore(states, moment);
  if (state && (!pass || state.at >= pass.at)) {
    if (!state.isDefault) return state.exceptions;
    const known = lastBefore(source.customers, moment);
    return known ? known.customers - state.exceptions : null;
  }
  if (!pass) return null;
  if (!pass.isDefault) return pass.size;
  const known = lastBefore(source.customers, moment);
  return pass.size + (known && known.at > pass.at ? known.customers - pass.customers : 0);
}

function lastBefore<T extends { readonly at: number }>(
  ascending: readonly T[],
  moment: number,
): T | undefined {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]!.at < moment) low = middle + 1;
    else high = middle;
  }
  return ascending[low - 1];
}
