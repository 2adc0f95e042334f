/** What is served of a few customers, read in one go: for those who hold it to the facts later. */
import type { AsOf } from '../model/membership.ts';
import { checkBatch } from './check.ts';
import type { Store } from './store.ts';

/** One state of what is served. */
export interface ServedSample {
  readonly asOf: AsOf;
  readonly keys: readonly string[];
  readonly memberships: ReadonlyMap<string, Readonly<Record<string, boolean>>>;
}

/**
 * Reads memberships without letting anything else run, so that no tick comes in between.
 *
 * @param draw - Chooses among the keys of all segments served.
 * @returns Without the customers who are not known to what is served; undefined before the first load.
 * @throws {Error} for a store that is not local.
 */
export function servedSample(
  store: Store,
  customerIds: readonly string[],
  draw: (keys: readonly string[]) => readonly string[],
): ServedSample | undefined {
  const view = store.view();
  if (view === undefined) return undefined;
  const keys = draw(view.directory.entries.map(({ key }) => key));
  const known = customerIds.filter((id) => view.isKnown(id) === true);
  const answers = checkBatch(view, known, keys);
  if (answers instanceof Promise) throw new Error('a store over a network has no state to read in one go');
  return {
    asOf: view.asOf,
    keys,
    memberships: new Map(known.map((id, i) => [id, answers[i]!.memberships])),
  };
}
