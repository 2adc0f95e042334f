/**
 * The directory of a view: all segments by key and by number, and for lists of a customer's segments
 * the entries of each owner, tag, type and store. Built entry by entry, so that a driver can read a
 * hundred thousand of them in slices. Archived segments are left out: to a check they are unknown.
 *
 * A hundred thousand segments can name ten million stores, so stores are held as numbers, and an entry's
 * `stores` are made of them only when they are read.
 */
import type { SegmentEntry } from '../model/membership.ts';
import type { SegmentDirectory } from './store.ts';

/** A property that lists are narrowed by. */
export type Facet = 'owner' | 'tag' | 'type' | 'store';

/** Positions in `entries`, ascending. */
export type Positions = readonly number[] | Uint32Array;

export interface DirectoryIndex {
  /** What positions are positions in: all entries, or those before the last changes. */
  readonly entries: readonly SegmentEntry[];
  /** Active segments that hold customers without facts. */
  readonly defaultMembers: readonly number[];
  /** Active segments with this value of the facet; undefined if there are none. */
  positionsOf(facet: Facet, value: string): Positions | undefined;
  /** Entries that came or changed since, ascending by number: in none of the lists above. Undefined if there was no change. */
  readonly changed: readonly SegmentEntry[] | undefined;
  /** What store numbers stand for. */
  readonly storeIds: readonly string[];
  /** Whether the entry of this number among `entries` is no longer in force. */
  isSuperseded(segmentNo: number): boolean;
}

/** An entry whose stores are given apart, as indexes into the builder's list of store ids. */
export type EntryWithoutStores = Omit<SegmentEntry, 'stores'>;

const indexes = new WeakMap<SegmentDirectory, DirectoryIndex>();

/** Store numbers that are filled in between two pauses: some milliseconds of work. */
const POSTINGS_PER_SLICE = 500_000;
/** Entries that are handled between two pauses: some milliseconds of work. */
const ENTRIES_PER_SLICE = 2_000;

/** Collects entries, ascending by segment number, and makes the directory of them. */
export class DirectoryBuilder {
  readonly #byKey = new Map<string, SegmentEntry>();
  readonly #entries: SegmentEntry[] = [];
  readonly #defaultMembers: number[] = [];
  readonly #facets = new Map<string, number[]>();
  readonly #storeIds: readonly string[];
  /** Of each entry. */
  readonly #storeNos: (Uint32Array | undefined)[] = [];
  /** Of each store: active entries that name it. */
  readonly #storeCounts: Uint32Array;

  /** @param storeIds - What store numbers stand for. */
  constructor(storeIds: readonly string[]) {
    this.#storeIds = storeIds;
    this.#storeCounts = new Uint32Array(storeIds.length);
  }

  /**
   * @param storeNos - Stores that the entry's rule names; kept, not copied.
   * @throws {Error} if the segment number is not above all before, or the key is taken: a bug.
   */
  add(entry: EntryWithoutStores, storeNos: Uint32Array | undefined): void {
    if (entry.status === 'archived') return;
    const position = this.#entries.length;
    const last = this.#entries[position - 1];
    if (last && last.segmentNo >= entry.segmentNo) {
      throw new Error(`segment numbers do not ascend: ${entry.segmentNo} comes after ${last.segmentNo}`);
    }
    if (this.#byKey.has(entry.key)) throw new Error(`two segments have the key ${entry.key}`);
    const whole = new DirectoryEntry(entry, storeNos, this.#storeIds) as SegmentEntry;
    this.#entries.push(whole);
    this.#byKey.set(entry.key, whole);
    // Paused segments hold nobody, so no list ever shows them.
    const isListed = entry.status === 'active';
    this.#storeNos.push(isListed ? storeNos : undefined);
    if (!isListed) return;
    if (entry.defaultMember) this.#defaultMembers.push(position);
    if (entry.owner !== undefined) this.#post('owner', entry.owner, position);
    this.#post('type', entry.type, position);
    for (const tag of entry.tags) this.#post('tag', tag, position);
    if (storeNos) for (let i = 0; i < storeNos.length; i++) this.#storeCounts[storeNos[i]!]!++;
  }

  /** Makes the directory; each yield is a moment to let other work pass. */
  *finish(): Generator<void, SegmentDirectory> {
    const starts = new Uint32Array(this.#storeCounts.length + 1);
    for (const [storeNo, count] of this.#storeCounts.entries())
      starts[storeNo + 1] = starts[storeNo]! + count;
    const ends = starts.slice();
    const positions = new Uint32Array(starts.at(-1)!);
    let sinceYield = 0;
    for (const [position, storeNos] of this.#storeNos.entries()) {
      if (!storeNos) continue;
      fillPositions(position, storeNos, starts, ends, positions);
      sinceYield += storeNos.length;
      if (sinceYield < POSTINGS_PER_SLICE) continue;
      sinceYield = 0;
      yield;
    }
    const storeNoOf = new Map(this.#storeIds.map((id, storeNo) => [id, storeNo]));
    const directory: SegmentDirectory = { byKey: this.#byKey, entries: this.#entries };
    setIndex(directory, {
      entries: this.#entries,
      changed: undefined,
      storeIds: this.#storeIds,
      isSuperseded: () => false,
      defaultMembers: this.#defaultMembers,
      positionsOf: (facet, value) => {
        if (facet !== 'store') return this.#facets.get(facetKey(facet, value));
        const storeNo = storeNoOf.get(value);
        return storeNo === undefined ? undefined : positions.subarray(starts[storeNo]!, ends[storeNo]!);
      },
    });
    return directory;
  }

  #post(facet: Facet, value: string, position: number): void {
    const key = facetKey(facet, value);
    const positions = this.#facets.get(key);
    if (!positions) this.#facets.set(key, [position]);
    else if (positions.at(-1) !== position) positions.push(position);
  }
}

const facetKey = (facet: Facet, value: string) => `${facet}:${value}`;

/** Puts one entry under each of its stores, once also where the rule names a store twice. */
function fillPositions(
  position: number,
  storeNos: Uint32Array,
  starts: Uint32Array,
  ends: Uint32Array,
  positions: Uint32Array,
): void {
  for (let i = 0; i < storeNos.length; i++) {
    const storeNo = storeNos[i]!;
    const end = ends[storeNo]!;
    if (end > starts[storeNo]! && positions[end - 1] === position) continue;
    positions[end] = position;
    ends[storeNo] = end + 1;
  }
}

/**
 * An entry as the directory holds it. One shape for all, since checks read entries in their innermost
 * loop: with a getter of its own on each, every entry has another hidden class and a check of 20
 * segments takes 46 µs longer. `stores` is therefore no own property, and a spread leaves it out.
 */
export class DirectoryEntry {
  readonly segmentNo: number;
  readonly key: string;
  readonly defaultMember: boolean;
  readonly status: SegmentEntry['status'];
  readonly name?: string;
  readonly owner?: string;
  readonly tags: readonly string[];
  readonly type: string;
  readonly exceptions?: number;
  readonly freshnessS?: number;
  readonly #storeNos: Uint32Array | undefined;
  readonly #storeIds: readonly string[];

  constructor(entry: EntryWithoutStores, storeNos: Uint32Array | undefined, storeIds: readonly string[]) {
    this.segmentNo = entry.segmentNo;
    this.key = entry.key;
    this.defaultMember = entry.defaultMember;
    this.status = entry.status;
    this.tags = entry.tags;
    this.type = entry.type;
    if (entry.name !== undefined) this.name = entry.name;
    if (entry.owner !== undefined) this.owner = entry.owner;
    if (entry.exceptions !== undefined) this.exceptions = entry.exceptions;
    if (entry.freshnessS !== undefined) this.freshnessS = entry.freshnessS;
    this.#storeNos = storeNos;
    this.#storeIds = storeIds;
  }

  /** Made anew at each reading; undefined where the entry names none, as the interface has it. */
  get stores(): readonly string[] | undefined {
    return this.#storeNos && Array.from(this.#storeNos, (storeNo) => this.#storeIds[storeNo]!);
  }

  /** The same stores as numbers of another numbering. */
  storeNosIn(numbering: StoreNumbering): Uint32Array | undefined {
    return this.#storeNos && numbering.translate(this.#storeNos, this.#storeIds);
  }

  toJSON(): object {
    const { stores } = this;
    return stores ? { ...this, stores } : { ...this };
  }
}

/** Numbers store ids in order of their first appearance. */
export class StoreNumbering {
  readonly ids: string[] = [];
  readonly #numbers = new Map<string, number>();
  /** Segments of one store set may well bring the same array. */
  readonly #known = new WeakMap<readonly string[], Uint32Array>();
  /** Lists of ids whose numbers here are their positions. */
  readonly #same = new WeakSet<readonly string[]>();

  /** @param ids - Stores that keep their positions as numbers. */
  constructor(ids: readonly string[] = []) {
    for (const id of ids) this.#numberOf(id);
    this.#same.add(ids);
  }

  /** Numbers that stand for positions in `ids`, as numbers of this numbering; the same array where they agree. */
  translate(storeNos: Uint32Array, ids: readonly string[]): Uint32Array {
    return this.#same.has(ids) ? storeNos : storeNos.map((storeNo) => this.#numberOf(ids[storeNo]!));
  }

  numbersOf(stores: readonly string[]): Uint32Array {
    const known = this.#known.get(stores);
    if (known) return known;
    const numbers = new Uint32Array(stores.length);
    for (let i = 0; i < stores.length; i++) numbers[i] = this.#numberOf(stores[i]!);
    this.#known.set(stores, numbers);
    return numbers;
  }

  #numberOf(id: string): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    this.#numbers.set(id, this.ids.length);
    return this.ids.push(id) - 1;
  }
}

/** Makes the directory of segments in any order; each yield is a moment to let other work pass. */
export function* buildDirectory(
  segments: Iterable<SegmentEntry>,
  numbering = new StoreNumbering(),
): Generator<void, SegmentDirectory> {
  const entries = [...segments].sort((a, b) => a.segmentNo - b.segmentNo);
  const storeNos: (Uint32Array | undefined)[] = [];
  for (const [i, entry] of entries.entries()) {
    storeNos.push(storeNosOf(entry, numbering));
    if (i % ENTRIES_PER_SLICE === ENTRIES_PER_SLICE - 1) yield;
  }
  const builder = new DirectoryBuilder(numbering.ids);
  for (const [i, entry] of entries.entries()) {
    builder.add(entry, storeNos[i]);
    if (i % ENTRIES_PER_SLICE === ENTRIES_PER_SLICE - 1) yield;
  }
  return yield* builder.finish();
}

function storeNosOf(entry: SegmentEntry, numbering: StoreNumbering): Uint32Array | undefined {
  if (entry instanceof DirectoryEntry) return entry.storeNosIn(numbering);
  return entry.stores && numbering.numbersOf(entry.stores);
}

/** Makes the directory of segments in any order, in one go. */
export function directoryOf(segments: Iterable<SegmentEntry>): SegmentDirectory {
  return runToEnd(buildDirectory(segments));
}

/** What a generator returns, without a pause. */
export function runToEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** An entry of its own, in the one shape that entries of a directory have. */
export function singleEntry({ stores, ...entry }: SegmentEntry): SegmentEntry {
  return new DirectoryEntry(
    entry,
    stores && Uint32Array.from(stores, (_, i) => i),
    stores ?? [],
  ) as SegmentEntry;
}

export function setIndex(directory: SegmentDirectory, index: DirectoryIndex): void {
  indexes.set(directory, index);
}

/** The index of a directory; made on the first use for one that no builder made. */
export function indexOf(directory: SegmentDirectory): DirectoryIndex {
  const index = indexes.get(directory) ?? indexes.get(directoryOf(directory.entries))!;
  if (!indexes.has(directory)) indexes.set(directory, index);
  return index;
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
