/**
 * The segments of the benchmarks: `new`, `recurrent` and `inactive` in equal parts, each over a store set
 * of its own of 1 to 250 stores, so that nothing is shared between segments but windows and stores.
 */
import type { StoreTable } from '../src/core/engine/engine.ts';
import type { Definition } from '../src/model/segment.ts';

/**
 * How many stores a segment has, from 1 to 250: `brand` as brands have them, mostly few (mean 24);
 * `log-uniform` with mean 45; `uniform` with mean 125.
 */
export type StoreSpread = 'brand' | 'log-uniform' | 'uniform';

const STORES_MAX = 250;
const WINDOWS = ['7d', '14d', '30d', '45d', '60d', '90d', '180d', '365d'] as const;

/** A small generator of numbers in [0, 1), the same on every machine (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function storeCount(spread: StoreSpread, random: () => number): number {
  if (spread === 'uniform') return 1 + Math.floor(random() * STORES_MAX);
  if (spread === 'log-uniform') return Math.min(STORES_MAX, Math.floor(STORES_MAX ** random() * 1.0001));
  // A Pareto tail with exponent 0.56, cut at 250: median 3.4, mean 24.
  return Math.min(STORES_MAX, Math.floor((1 - random()) ** (-1 / 0.56)));
}

/**
 * Definitions for a benchmark: the same for the same arguments.
 *
 * @returns Exactly `segments` definitions with keys `benchmark-0`, `benchmark-1`, …
 */
export function benchmarkDefinitions(request: {
  readonly segments: number;
  readonly stores: StoreTable;
  readonly seed: number;
  readonly spread?: StoreSpread;
}): Definition[] {
  const random = randomFrom(request.seed);
  const storeIds = request.stores.ids;
  return Array.from({ length: request.segments }, (_, index) => {
    const wanted = Math.min(storeCount(request.spread ?? 'brand', random), storeIds.length);
    const chosen = new Set<string>();
    while (chosen.size < wanted) chosen.add(storeIds[Math.floor(random() * storeIds.length)]!);
    const stores = [...chosen];
    const within = WINDOWS[Math.floor(random() * WINDOWS.length)]!;
    const common = { key: `benchmark-${index}`, owner: `partner-${index % 997}`, tags: ['benchmark'] };
    if (index % 3 === 0) return { ...common, type: 'new', params: { stores } };
    if (index % 3 === 1) {
      return {
        ...common,
        type: 'recurrent',
        params: { stores, atLeast: 2 + Math.floor(random() * 4), within },
      };
    }
    return { ...common, type: 'inactive', params: { stores, within } };
  });
}
