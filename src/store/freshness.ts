/**
 * Freshness objectives: how old answers about a segment may be. All segments of a view share one as-of,
 * so which of them are beyond their objective is one look into the sorted objectives of the directory.
 */
import type { SegmentDirectory, StoreView } from './store.ts';

/** Objectives of active segments in seconds, ascending; made once for each directory. */
const objectivesOf = new WeakMap<SegmentDirectory, Float64Array>();

/**
 * Counts active segments with an objective, and those whose answers are older than it.
 *
 * @param now - Seconds since 1970.
 */
export function beyondFreshness(
  { asOf, directory }: Pick<StoreView, 'asOf' | 'directory'>,
  now: number,
): { readonly objectives: number; readonly beyond: number } {
  const objectives = objectivesOf.get(directory) ?? collect(directory);
  const age = now - asOf.moment;
  let low = 0;
  let high = objectives.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (objectives[middle]! < age) low = middle + 1;
    else high = middle;
  }
  return { objectives: objectives.length, beyond: low };
}

function collect(directory: SegmentDirectory): Float64Array {
  const found: number[] = [];
  for (const { status, freshnessS } of directory.entries) {
    if (status === 'active' && freshnessS !== undefined) found.push(freshnessS);
  }
  const objectives = Float64Array.from(found).sort();
  objectivesOf.set(directory, objectives);
  return objectives;
}
