/**
 * Builds the lists of what looks at a store by counting its orders; see `OrderIndex.look`. Within a list,
 * entries come by window and then by kind of action, so that a processor foresees what comes next.
 */
import { Turns } from '../turns.ts';
import { sharedUint32, shareUint32 } from './csr.ts';
import { ACTION_BITS, type OrderIndex } from './plan.ts';
import { ALL_STORES, type StoreSets } from './store-sets.ts';
import type { ActionOf } from './uses.ts';

/** Words before the entries of a list: how many entries there are of each of the three kinds. */
export const LOOK_HEADER = 3;
const WORDS = [1, 2, 2] as const;

/** What a condition on orders looks at. */
export interface Look {
  readonly storeSet: number;
  /** Seconds; Infinity is ever. */
  readonly windowS: number;
}

/** A condition that holds from so many orders on. */
export interface Counter extends Look {
  readonly threshold: number;
  readonly condition: number;
}

interface Entry {
  readonly storeSet: number;
  /** 0 ever, 1 touch, 2 count. */
  readonly kind: 0 | 1 | 2;
  readonly rank: number;
  readonly first: number;
  readonly second: number;
}

export interface LookContext {
  /** Window in seconds → its rank, longest first. */
  readonly rankOf: ReadonlyMap<number, number>;
  readonly stores: StoreSets;
  readonly storeLimit: number;
  readonly actionOf: ActionOf;
}

export async function buildLookLists(
  counters: readonly Counter[],
  context: LookContext,
): Promise<Pick<OrderIndex, 'lookStart' | 'look' | 'lookAll' | 'counterAction'>> {
  const turns = new Turns();
  const counterAction: number[] = [];
  const entries = entriesOf(counters, context, counterAction);
  const { stores, storeLimit } = context;
  const lookStart = sharedUint32(storeLimit + 1);
  const counts = new Uint32Array(storeLimit * LOOK_HEADER);
  for (const { storeSet, kind } of entries) {
    if (turns.isOver()) await turns.next();
    if (storeSet === ALL_STORES) continue;
    for (const storeNo of stores.stores(storeSet)) counts[storeNo * LOOK_HEADER + kind]!++;
  }
  for (let storeNo = 0; storeNo < storeLimit; storeNo++) {
    lookStart[storeNo + 1] = lookStart[storeNo]! + listLength(counts, storeNo * LOOK_HEADER);
  }
  const look = sharedUint32(lookStart[storeLimit]!);
  const next = lookStart.slice(0, storeLimit);
  for (let storeNo = 0; storeNo < storeLimit; storeNo++) {
    if (lookStart[storeNo + 1] === lookStart[storeNo]) continue;
    look.set(counts.subarray(storeNo * LOOK_HEADER, (storeNo + 1) * LOOK_HEADER), next[storeNo]);
    next[storeNo]! += LOOK_HEADER;
  }
  for (const { storeSet, kind, first, second } of entries) {
    if (turns.isOver()) await turns.next();
    if (storeSet === ALL_STORES) continue;
    for (const storeNo of stores.stores(storeSet)) {
      look[next[storeNo]!++] = first;
      if (WORDS[kind] === 2) look[next[storeNo]!++] = second;
    }
  }
  return { lookStart, look, lookAll: listOfAll(entries), counterAction: shareUint32(counterAction) };
}

/** All entries in the order of a list: by kind, window, and kind of action. */
function entriesOf(counters: readonly Counter[], context: LookContext, counterAction: number[]): Entry[] {
  const entries: Entry[] = [];
  for (const { storeSet, windowS, threshold, condition } of counters) {
    const action = context.actionOf(condition);
    if (action === undefined) continue;
    const rank = context.rankOf.get(windowS)!;
    if (threshold > 1) {
      const counter = counterAction.push(action) - 1;
      entries.push({ storeSet, kind: 2, rank, first: (rank + threshold * 65_536) >>> 0, second: counter });
    } else if (rank > 0) entries.push({ storeSet, kind: 1, rank, first: rank, second: action });
    else entries.push({ storeSet, kind: 0, rank, first: action, second: 0 });
  }
  const actionKind = (entry: Entry): number => {
    if (entry.kind === 2) return 0;
    return (entry.kind === 0 ? entry.first : entry.second) & ((1 << ACTION_BITS) - 1);
  };
  return entries.sort((a, b) => a.kind - b.kind || a.rank - b.rank || actionKind(a) - actionKind(b));
}

function listLength(counts: Uint32Array, at: number): number {
  const entries = counts[at]! + counts[at + 1]! + counts[at + 2]!;
  if (entries === 0) return 0;
  return LOOK_HEADER + counts[at]! * WORDS[0] + counts[at + 1]! * WORDS[1] + counts[at + 2]! * WORDS[2];
}

function listOfAll(entries: readonly Entry[]): Uint32Array {
  const all = entries.filter((entry) => entry.storeSet === ALL_STORES);
  const of = (kind: number): number => all.filter((entry) => entry.kind === kind).length;
  const words = all.flatMap(({ kind, first, second }) => (WORDS[kind] === 2 ? [first, second] : [first]));
  return shareUint32([of(0), of(1), of(2), ...words]);
}
