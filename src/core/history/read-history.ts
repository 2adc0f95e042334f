/** Reads a segment's history from where it is recorded: full passes, and the flows of ticks between them. */
import type { AsOf } from '../../model/membership.ts';
import type { HistoryReport } from '../core.ts';
import { isDefaultMember } from '../explain.ts';
import type { SegmentSource } from '../segment-source.ts';
import type { CalculationLog } from './calculation-log.ts';
import type { FlowLog } from './flow-log.ts';
import { type HistoryRange, historyRange } from './history-range.ts';
import { historyOf } from './segment-history.ts';

export interface HistoryParts {
  readonly segments: SegmentSource;
  readonly calculations: CalculationLog;
  /** Absent: a history tells only of full passes. */
  readonly flows: FlowLog | undefined;
}

/** See `Core.history`; `asOf` is what is served. */
export async function readHistory(
  parts: HistoryParts,
  { key, segmentNo }: { readonly key: string; readonly segmentNo: number },
  wanted: HistoryRange,
  asOf: AsOf,
): Promise<HistoryReport> {
  const range = historyRange(wanted, asOf.moment);
  const passes = (await parts.calculations.sizes(segmentNo)).filter((pass) => pass.at < range.to);
  // Those before the range matter only as the last one.
  const first = Math.max(
    0,
    passes.findLastIndex((pass) => pass.at < range.from),
  );
  const isDefault = new Map<number, boolean>();
  for (const pass of passes.slice(first)) {
    if (isDefault.has(pass.catalogNo)) continue;
    const at = { ...asOf, ...pass, moment: pass.at };
    const { segment, stores } = await parts.segments.onlySegmentOf(key, at);
    isDefault.set(pass.catalogNo, isDefaultMember(segment, stores, pass.at));
  }
  const points = historyOf(
    {
      flows: (await parts.flows?.flows(segmentNo, range.to)) ?? [],
      customers: (await parts.flows?.customers(range.to)) ?? [],
      sizes: passes.slice(first).map((pass) => ({ ...pass, isDefault: isDefault.get(pass.catalogNo)! })),
    },
    range,
  );
  return { key, stepS: range.stepS, points, asOf };
}
