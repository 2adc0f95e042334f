/**
 * Changes to a directory, cheap where they are few: a changed directory is the old one with a small layer
 * on top, so an entry costs the same whether there are ten segments or a hundred thousand. A layer that
 * has grown is folded in. Directories never change: views that hold the old one go on seeing it.
 */
import type { SegmentEntry } from '../model/membership.ts';
import {
  buildDirectory,
  indexOf,
  positionAfter,
  StoreNumbering,
  setIndex,
  singleEntry,
} from './segment-directory.ts';
import type { SegmentDirectory } from './store.ts';

export interface DirectoryChange {
  /** New or changed; archived ones are removed. */
  readonly segments?: readonly SegmentEntry[];
  /** Numbers; those that are not there are passed over. */
  readonly removedSegments?: readonly number[];
}

/** Lists of a customer's segments look at the whole layer: a few microseconds at this many. */
const LAYER_MAX = 1_000;
/** Entries handled between two pauses: a millisecond or two of work. */
const ENTRIES_PER_SLICE = 2_000;

/**
 * The directory after a change; each yield is a moment to let other work pass. Up to 1,000 changed
 * segments cost microseconds each; then one folding, which costs as much as reading the directory.
 *
 * @throws {Error} if two segments have the same key: a bug.
 */
export function* changeDirectory(
  directory: SegmentDirectory,
  change: DirectoryChange,
): Generator<void, SegmentDirectory> {
  const layered = directory instanceof LayeredDirectory ? directory : undefined;
  const base = layered?.base ?? directory;
  const byNumber = new Map(layered?.byNumber);
  const byKey = new Map(layered?.changedKeys);
  const put = (change.segments ?? []).filter(({ status }) => status !== 'archived');
  const archived = (change.segments ?? []).filter(({ status }) => status === 'archived');
  const removed = [...(change.removedSegments ?? []), ...archived.map(({ segmentNo }) => segmentNo)];
  const entryOf = (segmentNo: number) => {
    const changed = byNumber.get(segmentNo);
    return changed === undefined ? entryIn(base, segmentNo) : (changed ?? undefined);
  };
  let steps = 0;
  for (const segmentNo of [...removed, ...put.map((entry) => entry.segmentNo)]) {
    if (++steps % ENTRIES_PER_SLICE === 0) yield;
    const entry = entryOf(segmentNo);
    if (!entry) continue;
    byNumber.set(segmentNo, null);
    byKey.set(entry.key, null);
  }
  for (const segment of put) {
    if (++steps % ENTRIES_PER_SLICE === 0) yield;
    const { segmentNo, key } = segment;
    const taken = byKey.get(key) ?? (byKey.has(key) ? undefined : base.byKey.get(key));
    if (taken) throw new Error(`segments ${taken.segmentNo} and ${segmentNo} both have the key ${key}`);
    const entry = singleEntry(segment);
    byNumber.set(segmentNo, entry);
    byKey.set(key, entry);
  }
  if (byNumber.size === 0) return directory;
  if (byNumber.size <= LAYER_MAX) return new LayeredDirectory(base, byNumber, byKey);
  const kept = base.entries.filter(({ segmentNo }) => !byNumber.has(segmentNo));
  yield;
  const entries = mergeEntries(kept, inOrder(byNumber));
  yield;
  return yield* buildDirectory(entries, new StoreNumbering(storeIdsOf(base)));
}

function inOrder(byNumber: ReadonlyMap<number, SegmentEntry | null>): SegmentEntry[] {
  return [...byNumber.values()].filter((entry) => entry !== null).sort((a, b) => a.segmentNo - b.segmentNo);
}

function entryIn({ entries }: SegmentDirectory, segmentNo: number): SegmentEntry | undefined {
  const entry = entries[positionAfter(entries, segmentNo) - 1];
  return entry?.segmentNo === segmentNo ? entry : undefined;
}

/** Stores keep their numbers through a folding, so that entries keep their arrays of them. */
function storeIdsOf(directory: SegmentDirectory): readonly string[] {
  return indexOf(directory).storeIds;
}

class LayeredDirectory implements SegmentDirectory {
  readonly base: SegmentDirectory;
  /** Null: removed. */
  readonly byNumber: ReadonlyMap<number, SegmentEntry | null>;
  readonly changedKeys: ReadonlyMap<string, SegmentEntry | null>;
  readonly byKey: ReadonlyMap<string, SegmentEntry>;
  readonly #changed: readonly SegmentEntry[];
  #entries: readonly SegmentEntry[] | undefined;

  constructor(
    base: SegmentDirectory,
    byNumber: ReadonlyMap<number, SegmentEntry | null>,
    changedKeys: ReadonlyMap<string, SegmentEntry | null>,
  ) {
    this.base = base;
    this.byNumber = byNumber;
    this.changedKeys = changedKeys;
    this.byKey = new LayeredMap(base.byKey, changedKeys);
    this.#changed = inOrder(byNumber);
    setIndex(this, {
      ...indexOf(base),
      changed: this.#changed,
      isSuperseded: (segmentNo) => byNumber.has(segmentNo),
    });
  }

  /** Put together when it is first asked for: checks never ask. */
  get entries(): readonly SegmentEntry[] {
    this.#entries ??= mergeEntries(
      this.base.entries.filter(({ segmentNo }) => !this.byNumber.has(segmentNo)),
      this.#changed,
    );
    return this.#entries;
  }
}

function mergeEntries(a: readonly SegmentEntry[], b: readonly SegmentEntry[]): SegmentEntry[] {
  const merged: SegmentEntry[] = [];
  let at = 0;
  for (const entry of a) {
    while (at < b.length && b[at]!.segmentNo < entry.segmentNo) merged.push(b[at++]!);
    merged.push(entry);
  }
  while (at < b.length) merged.push(b[at++]!);
  return merged;
}

/** A map with changes on top of it; a null among the changes takes a key away. */
class LayeredMap<K, V extends object> implements ReadonlyMap<K, V> {
  readonly #base: ReadonlyMap<K, V>;
  readonly #changes: ReadonlyMap<K, V | null>;
  readonly size: number;

  constructor(base: ReadonlyMap<K, V>, changes: ReadonlyMap<K, V | null>) {
    this.#base = base;
    this.#changes = changes;
    let { size } = base;
    for (const [key, value] of changes) size += Number(value !== null) - Number(base.has(key));
    this.size = size;
  }

  get(key: K): V | undefined {
    const changed = this.#changes.get(key);
    return changed === undefined ? this.#base.get(key) : (changed ?? undefined);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  *entries(): Generator<[K, V], undefined> {
    for (const entry of this.#base) if (!this.#changes.has(entry[0])) yield entry;
    for (const [key, value] of this.#changes) if (value !== null) yield [key, value];
  }

  *keys(): Generator<K, undefined> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value;
  }

  forEach(callback: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) callback(value, key, this);
  }

  [Symbol.iterator](): Generator<[K, V], undefined> {
    return this.entries();
  }
}
