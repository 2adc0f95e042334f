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
  const versions = await session.rows<{ name_no: number; was_in_force: boolean; later: number }>(
    modelVersionsSql(upTo),
  );
  const hidden = new Set<number>();
  const dropped = new Set<number>();
  for (const { name_no, was_in_force, later } of versions) {
    if (later > 0 || !was_in_force) hidden.add(name_no);
    if (later >= KEPT_IN_FORCE && was_in_force) dropped.add(name_no);
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
