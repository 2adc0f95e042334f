/** When time alone makes an age enter its bounds, or leave them. */
import type { Bounds } from '../tally-table.ts';

/**
 * Adds the ages, in whole seconds, at which a test on an age changes.
 *
 * @param lowest - Ages below do not occur: by default those of facts dated ahead.
 */
export function addAgeOffsets(offsets: Set<number>, { low, high }: Bounds, lowest = 0): void {
  for (const age of [Math.ceil(low), Math.floor(high) + 1]) {
    if (Number.isFinite(age) && age >= lowest) offsets.add(age);
  }
}

/** Adds the time itself, at which a fact dated ahead begins to count, and the end of a window. */
export function addWindowOffsets(offsets: Set<number>, windowS: number): void {
  offsets.add(0);
  if (Number.isFinite(windowS)) offsets.add(windowS);
}
