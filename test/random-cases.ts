/**
 * How often random cases are drawn, and from which seed: `COTERIE_RUNS` sets the number of cases,
 * `COTERIE_SEED` repeats those of an earlier run, which a test prints.
 */

/** Of everything random in one run of a file of tests. */
export const SEED = Number(process.env.COTERIE_SEED ?? Date.now() % 2 ** 31);

/** The number of cases, unless the environment says another. */
export function runsOf(fallback: number): number {
  return Number(process.env.COTERIE_RUNS ?? fallback);
}

/** A reporter for cases that are long: what differs is told by the error alone, as one rule and one customer. */
export function throwCause(details: { readonly failed: boolean; readonly errorInstance?: unknown }): void {
  if (details.failed) throw details.errorInstance;
}
