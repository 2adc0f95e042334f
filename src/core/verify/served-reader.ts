/**
 * What is served, as verification reads it: the memberships of some segments, customer by customer, each as
 * a difference from what the segment's default says. Built from rows, which are exactly that, or from
 * answers that somebody was given.
 */
import type { SegmentEntry } from '../../model/membership.ts';

/** Reads what is served in the segments of a list of keys; `place` is a key's index in it. */
export interface ServedReader {
  /** By place: what is served of a customer who is no exception; undefined where the key is not served. */
  readonly defaults: readonly (boolean | undefined)[];
  /** Calls for every exception, with the index of the customer. */
  read(
    customerIds: readonly string[],
    onException: (index: number, place: number) => void,
  ): Promise<void> | void;
}

/** What verification needs of the Store's view. */
export interface ServedView {
  readonly directory: { readonly byKey: ReadonlyMap<string, SegmentEntry> };
  row(customerId: string): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** Reads rows as they lie in the Store: the way for many segments. Cost: one walk over each row. */
export function servedByRows(view: ServedView, keys: readonly string[]): ServedReader {
  const defaults: (boolean | undefined)[] = [];
  const placeOf: number[] = [];
  for (const [place, key] of keys.entries()) {
    const entry = view.directory.byKey.get(key);
    const isActive = entry?.status === 'active';
    defaults.push(entry && isActive && entry.defaultMember);
    // Nobody is in a paused segment, whatever the rows still hold of it.
    if (isActive) placeOf[entry.segmentNo] = place;
  }
  const places = Int32Array.from({ length: placeOf.length }, (_, no) => placeOf[no] ?? -1);
  return {
    defaults,
    async read(customerIds, onException) {
      for (let i = 0; i < customerIds.length; i++) {
        const found = view.row(customerIds[i]!);
        const row = found instanceof Promise ? await found : found;
        if (row !== undefined) walkRow(row, i, places, onException);
      }
    },
  };
}

/** Reads the answers that checks gave: customer → key → membership. */
export function servedByAnswers(
  answers: ReadonlyMap<string, Readonly<Record<string, boolean>>>,
  keys: readonly string[],
): ServedReader {
  const [first] = answers.values();
  return {
    defaults: keys.map((key) => (first?.[key] === undefined ? undefined : false)),
    read(customerIds, onException) {
      for (const [i, id] of customerIds.entries()) {
        const answer = answers.get(id)!;
        for (const [place, key] of keys.entries()) if (answer[key]) onException(i, place);
      }
    },
  };
}

/** Reads the numbers of a row as `model/row.ts` lays them down. */
function walkRow(
  row: Uint8Array,
  index: number,
  places: Int32Array,
  onException: (index: number, place: number) => void,
): void {
  let segmentNo = -1;
  for (let i = 0; i < row.length; ) {
    let byte = row[i++]!;
    let distance = byte & 0x7f;
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      byte = row[i++]!;
      distance += (byte & 0x7f) * scale;
    }
    segmentNo += distance;
    const place = segmentNo < places.length ? places[segmentNo]! : -1;
    if (place >= 0) onException(index, place);
  }
}
