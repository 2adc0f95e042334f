/** Distinct windows over the facts of a source, ranked: the longest comes first, and Infinity, "ever", always leads. */
import { CoterieError } from '../../model/error.ts';
import { WINDOWS_MAX } from './plan.ts';

export interface Windows {
  /** Seconds, longest first. */
  readonly windowS: readonly number[];
  /** Window in seconds → its place in `windowS`. */
  readonly rankOf: ReadonlyMap<number, number>;
}

/** @throws {CoterieError} `DEFINITION_TOO_LARGE` for more distinct windows than a list can name. */
export function rankWindows(looks: Iterable<{ readonly windowS: number }>): Windows {
  const windows = new Set([Number.POSITIVE_INFINITY]);
  for (const look of looks) windows.add(look.windowS);
  if (windows.size > WINDOWS_MAX) {
    throw new CoterieError(
      'DEFINITION_TOO_LARGE',
      `expected at most ${WINDOWS_MAX} different windows over all segments, found ${windows.size}`,
      { expected: WINDOWS_MAX, found: windows.size },
    );
  }
  const windowS = [...windows].sort((a, b) => (a === b ? 0 : b - a));
  return { windowS, rankOf: new Map(windowS.map((window, rank) => [window, rank])) };
}
