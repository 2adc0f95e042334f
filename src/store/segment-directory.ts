/**
 * The directory of a view: all segments by key and by number, and for lists of a customer's segments
 * the entries of each owner, tag, type and store. Built entry by entry, so that a driver can read a
 * hundred thousand of them in slices. Archived segments are left out: to a check they are unknown.
 */
import type { SegmentEntry } from '../model/membership.ts';
import type { SegmentDirectory } from './store.ts';

/** A property that lists are narrowed by. */
export type Facet = 'owner' | 'tag' | 'type' | 'store';

/** Positions in `entries`, ascending. */
type Postings = ReadonlyMap<string, readonly number[]>;

interface DirectoryIndex {
  /** Active segments that hold customers without facts. */
  readonly defaultMembers: readonly number[];
  readonly facets: Readonly<Record<Facet, Postings>>;
}

const indexes = new WeakMap<SegmentDirectory, DirectoryIndex>();

/** Collects entries, ascending by segment number, and makes the directory of them. */
export class DirectoryBuilder {
  readonly #byKey = new Map<string, SegmentEntry>();
  readonly #entries: SegmentEntry[] = [];
  readonly #defaultMembers: number[] = [];
  readonly #facets: Record<Facet, Map<string, number[]>> = {
    owner: new Map(),
    tag: new Map(),
    type: new Map(),
    store: new Map(),
  };

  /** @throws {Error} if the segment number is not above all before, or the key is taken: a bug. */
  add(entry: SegmentEntry): void {
    if (entry.status === 'archived') return;
    const position = this.#entries.length;
    const last = this.#entries[position - 1];
    if (last && last.segmentNo >= entry.segmentNo) {
      throw new Error(`segment numbers do not ascend: ${entry.segmentNo} comes after ${last.segmentNo}`);
    }
    if (this.#byKey.has(entry.key)) throw new Error(`two segments have the key ${entry.key}`);
    this.#entries.push(entry);
    this.#byKey.set(entry.key, entry);
    // Paused segments hold nobody, so no list ever shows them.
    if (entry.status !== 'active') return;
    if (entry.defaultMember) this.#defaultMembers.push(position);
    if (entry.owner !== undefined) this.#post('owner', entry.owner, position);
    this.#post('type', entry.type, position);
    for (const tag of entry.tags) this.#post('tag', tag, position);
    for (const store of entry.stores ?? []) this.#post('store', store, position);
  }

  finish(): SegmentDirectory {
    const directory: SegmentDirectory = { byKey: this.#byKey, entries: this.#entries };
    indexes.set(directory, { defaultMembers: this.#defaultMembers, facets: this.#facets });
    return directory;
  }

  #post(facet: Facet, value: string, position: number): void {
    const postings = this.#facets[facet].get(value);
    if (!postings) this.#facets[facet].set(value, [position]);
    else if (postings.at(-1) !== position) postings.push(position);
  }
}

/** Makes the directory of segments in any order, in one go. */
export function directoryOf(segments: Iterable<SegmentEntry>): SegmentDirectory {
  const builder = new DirectoryBuilder();
  for (const entry of [...segments].sort((a, b) => a.segmentNo - b.segmentNo)) builder.add(entry);
  return builder.finish();
}

/** The index of a directory; made on the first use for one that no builder made. */
export function indexOf(directory: SegmentDirectory): DirectoryIndex {
  const index = indexes.get(directory) ?? indexes.get(directoryOf(directory.entries));
  if (!indexes.has(directory)) indexes.set(directory, index!);
  return index!;
}

/** Position of the first entry whose segment number is above `segmentNo`. */
export function positionAfter(entries: readonly SegmentEntry[], segmentNo: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.segmentNo <= segmentNo) low = middle + 1;
    else high = middle;
  }
  return low;
}
