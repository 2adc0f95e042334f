/**
 * What a new plan does to customers whom no fact and no window touches: the segments that differ are
 * evaluated alone, by their old rules and by their new ones, over the customers that either can match.
 * All other exceptions of these customers stay as they are served.
 */
import type { AsOf } from '../../model/membership.ts';
import { decodeRow } from '../../model/row.ts';
import type { Segment } from '../../model/segment.ts';
import { compile } from '../compile/compile.ts';
import type { Engine } from '../engine/engine.ts';
import type { EvaluationPool } from '../evaluate/evaluation-pool.ts';
import { storesLookedAt } from '../population.ts';
import type { LivePlan, PlanDifference } from './live-plan.ts';
import type { Exceptions } from './row-changes.ts';

/** Segments that differ, and by customer which of them are exceptions under the new rules. */
export interface DefinitionSwitch {
  /** Numbers of all segments that differ. */
  readonly segmentNos: ReadonlySet<number>;
  /**
   * Customers who are an exception of one of these segments, by its old rule or by its new one →
   * exceptions by the new rules, ascending.
   */
  readonly exceptions: ReadonlyMap<number, Exceptions>;
}

/**
 * Evaluates the segments that differ, at the moment and the facts of a tick.
 *
 * @param at.served - What old rules were served as of.
 */
export async function evaluateSwitch(
  parts: { readonly engine: Engine; readonly pool: EvaluationPool },
  before: LivePlan,
  now: LivePlan,
  difference: PlanDifference,
  at: { readonly served: AsOf; readonly asOf: AsOf },
): Promise<DefinitionSwitch> {
  const oldOnes = pick(before, [...difference.changed, ...difference.removed]);
  const newOnes = pick(now, [...difference.changed, ...difference.added]);
  const dictionary = await parts.engine.dictionary(at.asOf.batchNo);
  // Old rules mean the stores and the versions of models that they meant before; numbers never change.
  const oldPlan = await compile({
    segments: oldOnes,
    stores: before.stores,
    dictionary: { ...dictionary, models: before.models },
  });
  const newPlan = await compile({
    segments: newOnes,
    stores: now.stores,
    dictionary,
  });
  const exceptions = new Map<number, Exceptions>();
  const { served, asOf } = at;
  // Scores of a version that is not in force any more are read as of when it was.
  const oldBatchNo = isSame(before.models, now.models) ? asOf.batchNo : served.batchNo;
  for (const [plan, segments, stores, knownAt, moment] of [
    // By their old rules, those who are served as exceptions: time alone may have put them out since, as it
    // does whose score of a version that is no longer in force has ended.
    [oldPlan, oldOnes, before.stores, oldBatchNo, served.moment],
    [newPlan, newOnes, now.stores, asOf.batchNo, asOf.moment],
  ] as const) {
    if (segments.length === 0) continue;
    const only = storesLookedAt(segments, stores);
    if (only?.length === 0) continue;
    await parts.pool.run({
      plan,
      moment,
      batches: parts.engine.scan({
        columns: plan.columns,
        knownAt,
        ...(only === undefined ? {} : { stores: only }),
      }),
      onRows: (rows) => {
        for (let i = 0; i < rows.count; i++) {
          const row = rows.rows.subarray(rows.offsets[i]!, rows.offsets[i + 1]!);
          exceptions.set(rows.customerNos[i]!, plan === newPlan ? decodeRow(row) : []);
        }
      },
    });
  }
  return {
    segmentNos: new Set([...difference.changed, ...difference.added, ...difference.removed]),
    exceptions,
  };
}

function isSame(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([model, nameNo]) => b.get(model) === nameNo);
}

function pick(plan: LivePlan, segmentNos: readonly number[]): Segment[] {
  return segmentNos.map((segmentNo) => plan.segments.get(segmentNo)!);
}
