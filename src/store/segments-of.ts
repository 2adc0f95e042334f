/**
 * The list of segments a customer is in: defaults that hold and exceptions that do, merged in ascending
 * order of segment numbers, a page at a time. Cost: the row is decoded once; a filter walks the shortest
 * list of entries that satisfies one of its parts, so a list for one store does not look at the others.
 */
import type { SegmentEntry } from '../model/membership.ts';
import { decodeRow } from '../model/row.ts';
import {
  type DirectoryIndex,
  type Facet,
  indexOf,
  type Positions,
  positionAfter,
} from './segment-directory.ts';
import type { StoreView } from './store.ts';

export interface SegmentsOfFilter {
  readonly owner?: string;
  readonly tag?: string;
  readonly type?: string;
  /** Segments whose rule names this store by its id, families' instances among them. */
  readonly store?: string;
  /** At most this many entries; 1 or more. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: number;
}

export interface SegmentsOfAnswer {
  /** Ascending by segment number. */
  readonly entries: readonly SegmentEntry[];
  /** The segment number to go on after; absent when there are no more. */
  readonly next?: number;
}

/** The active segments that a customer is in. One never heard of is in those with a true default. */
export function segmentsOf(
  view: StoreView,
  customerId: string,
  filter: SegmentsOfFilter,
): SegmentsOfAnswer | Promise<SegmentsOfAnswer> {
  const row = view.row(customerId);
  return row instanceof Promise
    ? row.then((arrived) => list(view, arrived, filter))
    : list(view, row, filter);
}

function list(view: StoreView, row: Uint8Array | undefined, filter: SegmentsOfFilter): SegmentsOfAnswer {
  const exceptions = row === undefined ? [] : decodeRow(row);
  const index = indexOf(view.directory);
  const positions = shortestPositions(index, filter);
  const listed = positions
    ? membersAmong(index, positions, exceptions, filter)
    : allMembers(index, exceptions, filter);
  const candidates = index.changed
    ? merge(inForce(index, listed), changedMembers(index.changed, exceptions, filter))
    : listed;
  const entries: SegmentEntry[] = [];
  for (const entry of candidates) {
    if (!passes(entry, filter)) continue;
    if (entries.length === filter.limit) return { entries, next: entries.at(-1)!.segmentNo };
    entries.push(entry);
  }
  return { entries };
}

/** Undefined without a filter, empty if nothing can pass. */
function shortestPositions(index: DirectoryIndex, filter: SegmentsOfFilter): Positions | undefined {
  let shortest: Positions | undefined;
  for (const facet of ['owner', 'tag', 'type', 'store'] satisfies Facet[]) {
    const value = filter[facet];
    if (value === undefined) continue;
    const positions = index.positionsOf(facet, value) ?? [];
    if (!shortest || positions.length < shortest.length) shortest = positions;
  }
  return shortest;
}

/** Walks the positions and the exceptions side by side: both ascend. */
function* membersAmong(
  { entries }: DirectoryIndex,
  positions: Positions,
  exceptions: readonly number[],
  filter: SegmentsOfFilter,
): Generator<SegmentEntry> {
  let at = 0;
  for (let i = firstAfter(positions, entries, filter); i < positions.length; i++) {
    const entry = entries[positions[i]!]!;
    while (at < exceptions.length && exceptions[at]! < entry.segmentNo) at++;
    if (entry.defaultMember !== (exceptions[at] === entry.segmentNo)) yield entry;
  }
}

/** Merges the segments that are true by default and no exception with the exceptions that are false by default. */
function* allMembers(
  { entries, defaultMembers }: DirectoryIndex,
  exceptions: readonly number[],
  filter: SegmentsOfFilter,
): Generator<SegmentEntry> {
  let at = firstAfter(defaultMembers, entries, filter);
  for (const segmentNo of exceptions) {
    if (filter.after !== undefined && segmentNo <= filter.after) continue;
    while (at < defaultMembers.length && entries[defaultMembers[at]!]!.segmentNo < segmentNo) {
      yield entries[defaultMembers[at++]!]!;
    }
    if (at < defaultMembers.length && entries[defaultMembers[at]!]!.segmentNo === segmentNo) {
      at++;
      continue;
    }
    const entry = entries[positionAfter(entries, segmentNo - 1)];
    // Numbers of segments that are archived or paused may still stand in a row.
    if (entry?.segmentNo === segmentNo && entry.status === 'active') yield entry;
  }
  while (at < defaultMembers.length) yield entries[defaultMembers[at++]!]!;
}

function* inForce(index: DirectoryIndex, entries: Iterable<SegmentEntry>): Generator<SegmentEntry> {
  for (const entry of entries) if (!index.isSuperseded(entry.segmentNo)) yield entry;
}

/** Of the entries that changed lately, those that the customer is in. They are few: all are looked at. */
function* changedMembers(
  changed: readonly SegmentEntry[],
  exceptions: readonly number[],
  filter: SegmentsOfFilter,
): Generator<SegmentEntry> {
  let at = 0;
  for (
    let i = filter.after === undefined ? 0 : positionAfter(changed, filter.after);
    i < changed.length;
    i++
  ) {
    const entry = changed[i]!;
    while (at < exceptions.length && exceptions[at]! < entry.segmentNo) at++;
    if (entry.status === 'active' && entry.defaultMember !== (exceptions[at] === entry.segmentNo))
      yield entry;
  }
}

/** Two lists, each ascending by segment number and without a number of the other, as one. */
function* merge(one: Generator<SegmentEntry>, other: Generator<SegmentEntry>): Generator<SegmentEntry> {
  let a = one.next();
  let b = other.next();
  while (!a.done || !b.done) {
    if (b.done || (!a.done && a.value.segmentNo < b.value.segmentNo)) {
      yield a.value;
      a = one.next();
    } else {
      yield b.value;
      b = other.next();
    }
  }
}

/** Index of the first of these positions whose entry comes after the page before. */
function firstAfter(
  positions: Positions,
  entries: readonly SegmentEntry[],
  filter: SegmentsOfFilter,
): number {
  if (filter.after === undefined) return 0;
  const first = positionAfter(entries, filter.after);
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle]! < first) low = middle + 1;
    else high = middle;
  }
  return low;
}

function passes(entry: SegmentEntry, filter: SegmentsOfFilter): boolean {
  return (
    (filter.owner === undefined || entry.owner === filter.owner) &&
    (filter.type === undefined || entry.type === filter.type) &&
    (filter.tag === undefined || entry.tags.includes(filter.tag)) &&
    (filter.store === undefined || (entry.stores?.includes(filter.store) ?? false))
  );
}
