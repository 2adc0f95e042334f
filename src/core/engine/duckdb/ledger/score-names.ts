/**
 * Which scores the ledger holds, and which of them count. Values hold those of the version in force, of the
 * one before it, and of versions that never were in force: so an activation, and going back by one, changes
 * no value. Scores of older versions are let go of as values are written anew.
 */
import type { DuckDbSession } from '../session.ts';
import { modelVersionsSql } from './ledger-query.ts';

/** Versions of a model that were in force and are kept: the one that is, and the one before. */
const KEPT_IN_FORCE = 2;

/** Numbers of names under which models' versions have their scores. */
export interface ScoreNames {
  /** Not in force: their scores do not come. */
  readonly hidden: ReadonlySet<number>;
  /** Of these, those that values need not hold. */
  readonly dropped: ReadonlySet<number>;
}

/** The names as they are after a batch. */
export async function readScoreNames(
  session: Pick<DuckDbSession, 'rows'>,
  upTo: number,
): Promise<ScoreNames> {
  const versions = await session.rows<{ model: string; name_no: number; activated_batch_no: number | null }>(
    modelVersionsSql(upTo),
  );
  const hidden = new Set<number>();
  const dropped = new Set<number>();
  for (const { model, name_no, activated_batch_no } of versions) {
    const isAfter = (other: (typeof versions)[number]) =>
      other.model === model && (other.activated_batch_no ?? 0) > (activated_batch_no ?? 0);
    const later = versions.filter(isAfter).length;
    if (later > 0 || activated_batch_no === null) hidden.add(name_no);
    if (later >= KEPT_IN_FORCE && activated_batch_no !== null) dropped.add(name_no);
  }
  return { hidden, dropped };
}

/** Whether scores count now that were let go of: then values must be made anew. */
export function isRevived(before: ScoreNames, now: ScoreNames): boolean {
  return [...before.dropped].some((nameNo) => !now.dropped.has(nameNo));
}

/** Whether other scores count than before. */
export function isSwitched(before: ScoreNames, now: ScoreNames): boolean {
  return before.hidden.size !== now.hidden.size || [...before.hidden].some((no) => !now.hidden.has(no));
}
