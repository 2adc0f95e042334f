/**
 * The directory of a generation: the load's pages, and on top of them what ticks changed, in order. Kept
 * from view to view, so that a tick which changes no segment costs nothing here.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CoterieError } from '../../model/error.ts';
import type { SegmentEntry } from '../../model/membership.ts';
import { changeDirectory, type DirectoryChange } from '../directory-change.ts';
import type { SegmentDirectory } from '../store.ts';
import { corrupt, type LmdbGeneration, parseJson, type Snapshot } from './lmdb-generation.ts';
import type { GenerationMeta, WrittenChange } from './lmdb-layout.ts';
import { readPages } from './segment-pages.ts';

export interface ReadDirectory {
  readonly directory: SegmentDirectory;
  /** The last change in it. */
  readonly changeNo: number;
  /** Segment → key of its change. Goes over to the next directory, so only the newest one's is right. */
  readonly changeNos: Map<number, number>;
}

const CHANGES_PER_SLICE = 1_000;

/**
 * Reads the whole directory, letting requests pass in between.
 *
 * @throws {CoterieError} `DATA_FOLDER_CORRUPT`.
 */
export async function readDirectory(
  generation: LmdbGeneration,
  meta: GenerationMeta,
  snapshot: Snapshot,
): Promise<ReadDirectory> {
  const { path, databases } = generation;
  const page = (kind: string, number: number): Uint8Array => {
    const bytes = databases.pages.get(kind)!.get(number, snapshot);
    if (!bytes) throw corrupt(path, `page ${number} of ${kind} is missing`);
    return bytes;
  };
  try {
    const directory = await readPages(meta, page, nextTurn);
    return await readChanges(
      generation,
      { directory, changeNo: 0, changeNos: new Map() },
      meta.changeNo ?? 0,
      snapshot,
    );
  } catch (error) {
    if (error instanceof CoterieError) throw error;
    throw corrupt(path, 'its directory of segments is not as it was written', error);
  }
}

/** Brings a directory up to a later change. */
export async function readChanges(
  generation: LmdbGeneration,
  known: ReadDirectory,
  changeNo: number,
  snapshot: Snapshot,
): Promise<ReadDirectory> {
  if (known.changeNo === changeNo) return known;
  const { path, databases } = generation;
  if (!databases.change) throw corrupt(path, 'a database is missing');
  const { changeNos } = known;
  const segments: SegmentEntry[] = [];
  const removedSegments: number[] = [];
  for (let after = known.changeNo; after < changeNo; ) {
    const range = { start: after + 1, end: changeNo + 1, limit: CHANGES_PER_SLICE, ...snapshot };
    let found = 0;
    for (const { key, value } of databases.change.getRange(range)) {
      const change = parseJson<WrittenChange>(path, value);
      changeNos.set(change.segmentNo, key);
      if (change.key === undefined) removedSegments.push(change.segmentNo);
      else segments.push(change);
      after = key;
      found++;
    }
    if (found < CHANGES_PER_SLICE) break;
    await nextTurn();
  }
  const directory = await changed(known.directory, { segments, removedSegments });
  return { directory, changeNo, changeNos };
}

/** The directory after a change, letting requests pass in between. */
export async function changed(
  directory: SegmentDirectory,
  change: DirectoryChange,
): Promise<SegmentDirectory> {
  const steps = changeDirectory(directory, change);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await nextTurn();
  }
}
