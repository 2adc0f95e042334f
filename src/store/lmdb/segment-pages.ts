/**
 * How the directory is written and read: pages of entries as JSON, in which `stores` is a count; the
 * stores themselves as numbers, one array per page; and pages of store ids, which the numbers stand for.
 * With 100,000 segments of 125 stores each, ids written out would be 100 MB of JSON.
 */
import type { SegmentEntry } from '../../model/membership.ts';
import { DirectoryBuilder, type EntryWithoutStores, StoreNumbering } from '../segment-directory.ts';
import type { SegmentDirectory } from '../store.ts';

/** Pages end at this many entries, or at about this much JSON, whichever comes first. */
const PAGE_ENTRIES_MAX = 1_000;
/** 128 Ki characters of JSON parse in about a millisecond, so reading a page does not hold up requests. */
const PAGE_CHARACTERS_MAX = 131_072;

type PageKind = 'segment' | 'segmentStore' | 'storeId';

/** Puts one page; pages of a kind come in order, from 0. */
type PutPage = (kind: PageKind, page: number, bytes: Buffer) => void;

/** How many pages there are of each kind; as many of `segmentStore` as of `segment`. */
export interface PageCounts {
  readonly segmentPages: number;
  readonly storeIdPages: number;
}

/** An entry as it stands in a page. */
type WrittenEntry = EntryWithoutStores & { readonly stores?: number };

interface Numbered {
  readonly entry: EntryWithoutStores;
  readonly storeNos: Uint32Array | undefined;
}

/** Writes segments, in any order, as pages; `pause` is called now and then to let other work pass. */
export async function writePages(
  segments: Iterable<SegmentEntry>,
  putPage: PutPage,
  pause: () => Promise<void>,
): Promise<PageCounts> {
  const numbering = new StoreNumbering();
  const numbered: Numbered[] = [];
  for (const { stores, ...entry } of segments) {
    numbered.push({ entry, storeNos: stores && numbering.numbersOf(stores) });
    if (numbered.length % PAGE_ENTRIES_MAX === 0) await pause();
  }
  numbered.sort((a, b) => a.entry.segmentNo - b.entry.segmentNo);
  let segmentPages = 0;
  for (let at = 0; at < numbered.length; segmentPages++) {
    const texts = takeTexts(numbered.length, at, (i) => writtenEntry(numbered[i]!));
    putPage('segment', segmentPages, Buffer.from(`[${texts.join(',')}]`));
    putPage('segmentStore', segmentPages, joinNumbers(numbered, at, at + texts.length));
    at += texts.length;
    await pause();
  }
  let storeIdPages = 0;
  for (let at = 0; at < numbering.ids.length; storeIdPages++) {
    const texts = takeTexts(numbering.ids.length, at, (i) => numbering.ids[i]!);
    putPage('storeId', storeIdPages, Buffer.from(`[${texts.join(',')}]`));
    at += texts.length;
    await pause();
  }
  return { segmentPages, storeIdPages };
}

function writtenEntry({ entry, storeNos }: Numbered): WrittenEntry {
  return storeNos ? { ...entry, stores: storeNos.length } : entry;
}

/** The JSON of items from `at` on, as many as make a page. */
function takeTexts(length: number, at: number, item: (i: number) => unknown): string[] {
  const texts: string[] = [];
  let characters = 0;
  for (let i = at; i < length && texts.length < PAGE_ENTRIES_MAX && characters < PAGE_CHARACTERS_MAX; i++) {
    const text = JSON.stringify(item(i));
    characters += text.length;
    texts.push(text);
  }
  return texts;
}

function joinNumbers(numbered: readonly Numbered[], from: number, to: number): Buffer {
  let count = 0;
  for (let i = from; i < to; i++) count += numbered[i]!.storeNos?.length ?? 0;
  const joined = new Uint32Array(count);
  let at = 0;
  for (let i = from; i < to; i++) {
    const storeNos = numbered[i]!.storeNos;
    if (!storeNos) continue;
    joined.set(storeNos, at);
    at += storeNos.length;
  }
  return Buffer.from(joined.buffer);
}

/**
 * Reads the pages back as a directory.
 *
 * @param page - Gives a page's bytes, the caller's to keep.
 */
export async function readPages(
  counts: PageCounts,
  page: (kind: PageKind, page: number) => Uint8Array,
  pause: () => Promise<void>,
): Promise<SegmentDirectory> {
  const storeIds: string[] = [];
  for (let i = 0; i < counts.storeIdPages; i++) {
    for (const id of parsePage<string>(page('storeId', i))) storeIds.push(id);
    await pause();
  }
  const builder = new DirectoryBuilder(storeIds);
  const shared = sharedTexts();
  for (let i = 0; i < counts.segmentPages; i++) {
    const storeNos = toNumbers(page('segmentStore', i));
    let at = 0;
    for (const { stores, ...entry } of parsePage<WrittenEntry>(page('segment', i))) {
      const end = at + (stores ?? 0);
      builder.add(shared(entry), stores === undefined ? undefined : storeNos.subarray(at, end));
      at = end;
    }
    await pause();
  }
  const finish = builder.finish();
  for (;;) {
    const step = finish.next();
    if (step.done) return step.value;
    await pause();
  }
}

function parsePage<T>(bytes: Uint8Array): T[] {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

function toNumbers(bytes: Uint8Array): Uint32Array {
  // Copied, since the bytes may not begin where a number may.
  return new Uint32Array(bytes.slice().buffer);
}

/** The same owners, types and tags come in thousands of entries: one text of each is kept. */
function sharedTexts(): (entry: EntryWithoutStores) => EntryWithoutStores {
  const texts = new Map<string, string>();
  const shared = (text: string): string => {
    const known = texts.get(text);
    if (known === undefined) texts.set(text, text);
    return known ?? text;
  };
  return (entry) => ({
    ...entry,
    ...(entry.owner === undefined ? {} : { owner: shared(entry.owner) }),
    type: shared(entry.type),
    tags: entry.tags.map(shared),
  });
}
