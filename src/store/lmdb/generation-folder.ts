/**
 * The files around the generations: which one is in force, switching to the next, clearing away the
 * rest. Invariant: CURRENT is only ever replaced whole, after everything it names is on disk, so a
 * process killed at any moment leaves the old or the new generation in force.
 */
import { constants, statSync } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CoterieError } from '../../model/error.ts';
import { isMissing, toStoreError } from './lmdb-error.ts';
import { FORMAT_VERSION } from './lmdb-layout.ts';

/** What CURRENT says. */
export interface CurrentGeneration {
  readonly format: number;
  /** Counts loads from 1; those that failed leave no gap. */
  readonly generation: number;
  /** Size of its data file when it was switched in: a shorter one has lost its end. */
  readonly bytes: number;
}

const CURRENT = 'CURRENT';
const GENERATION = /^gen-(\d+)$/;
/** Names of our own passing files: a CURRENT or LOCK being written, a generation being removed. */
const PASSING = /^(?:CURRENT|LOCK|gen-\d+)\.[0-9a-f-]+$/;

export function generationFolder(folder: string, generation: number): string {
  return join(folder, `gen-${generation}`);
}

export function dataFile(folder: string, generation: number): string {
  return join(generationFolder(folder, generation), 'data.mdb');
}

/**
 * Makes the folder if it is missing, and checks that it can be written.
 *
 * @throws {CoterieError} `DATA_FOLDER_UNWRITABLE`, `DISK_FULL`.
 */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw toStoreError(error, folder, 'write the store');
  }
}

/**
 * Reads which generation is in force; undefined before the first load.
 *
 * @throws {CoterieError} `DATA_FOLDER_NEWER`, `DATA_FOLDER_CORRUPT`, `DATA_FOLDER_UNWRITABLE` (no permission).
 */
export async function readCurrent(folder: string): Promise<CurrentGeneration | undefined> {
  const file = join(folder, CURRENT);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toStoreError(error, folder, 'read CURRENT');
  }
  const current = parseCurrent(text);
  if (!current) {
    throw new CoterieError(
      'DATA_FOLDER_CORRUPT',
      `${file} does not name a generation: expected JSON with format, generation and bytes, found ${JSON.stringify(text.slice(0, 80))}`,
      { file },
    );
  }
  if (current.format > FORMAT_VERSION) {
    throw new CoterieError(
      'DATA_FOLDER_NEWER',
      `${folder} has format ${current.format}; this version reads formats up to ${FORMAT_VERSION}`,
      { folder, expected: FORMAT_VERSION, found: current.format },
    );
  }
  return current;
}

/**
 * Changes whenever CURRENT does; undefined before the first load. A hundredth of the cost of reading
 * CURRENT, since every tick asks.
 */
export function currentStamp(folder: string): string | undefined {
  const found = statSync(join(folder, CURRENT), { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino}/${found.mtimeNs}/${found.size}`;
}

/** Only the format need be readable in a file of a newer version. */
function parseCurrent(text: string): CurrentGeneration | undefined {
  let value: Partial<Record<keyof CurrentGeneration, unknown>> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isCount = (field: unknown): field is number => Number.isSafeInteger(field) && (field as number) > 0;
  if (typeof value !== 'object' || value === null || !isCount(value.format)) return undefined;
  const { format, generation, bytes } = value;
  if (format > FORMAT_VERSION) return { format, generation: 0, bytes: 0 };
  return isCount(generation) && isCount(bytes) ? { format, generation, bytes } : undefined;
}

/**
 * Puts a finished generation in force. Its files are made durable first, then CURRENT is replaced.
 *
 * @param token - Unique to this load: names the passing file.
 */
export async function switchCurrent(folder: string, generation: number, token: string): Promise<void> {
  const data = await open(dataFile(folder, generation), 'r');
  let bytes: number;
  try {
    await data.sync();
    bytes = (await data.stat()).size;
  } finally {
    await data.close();
  }
  await syncFolder(generationFolder(folder, generation));
  const current: CurrentGeneration = { format: FORMAT_VERSION, generation, bytes };
  const passing = join(folder, `${CURRENT}.${token}`);
  const file = await open(passing, 'w', 0o664);
  try {
    await file.writeFile(`${JSON.stringify(current)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  // The new generation's entry in the folder must be on disk before the file that names it.
  await syncFolder(folder);
  await rename(passing, join(folder, CURRENT));
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Removes every generation but those to keep, and passing files of processes that died. Only the holder
 * of the lock may call this. Readers in other processes keep what they have mapped.
 */
export async function removeOthers(folder: string, keep: readonly number[], token: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const generation = GENERATION.exec(name)?.[1];
    if (generation !== undefined ? !keep.includes(Number(generation)) : PASSING.test(name)) {
      await removeAtOnce(folder, name, token);
    }
  }
}

/** Renamed first, so that no reader can begin to open, or put a file into, a folder that is half gone. */
async function removeAtOnce(folder: string, name: string, token: string): Promise<void> {
  const path = join(folder, name);
  const doomed = GENERATION.test(name) ? `${path}.${token}` : path;
  if (doomed !== path) await rename(path, doomed);
  await rm(doomed, { recursive: true, force: true });
}
