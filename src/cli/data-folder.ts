/**
 * The data folder as the commands see it: a marker `coterie.json` with the version of its layout, and
 * `server.json`, which says where the server that has it open can be reached. Invariant: no command
 * touches anything in a folder whose layout is newer than it knows.
 */
import { access, constants, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../core/make-folder.ts';
import { CoterieError } from '../model/error.ts';

/** Raised whenever the folder's layout changes; a folder with a higher number is refused. */
export const DATA_FORMAT = 1;

const MARKER_FILE = 'coterie.json';
const SERVER_FILE = 'server.json';

/** Where the memberships are, inside the data folder. */
export function storeFolder(data: string): string {
  return join(data, 'store');
}

/** Where the log of entries and exits is. */
export function changesFolder(data: string): string {
  return join(data, 'changes');
}

/** Where rows that were set aside are. */
export function rejectsFolder(data: string): string {
  return join(data, 'rejects');
}

/** Where long uploads wait until they are taken in; what the engine puts aside is there too, and it empties it at its start. */
export function uploadFolder(data: string): string {
  return join(data, 'spill');
}

/**
 * Checks the folder before anything in it is opened.
 *
 * @param wanted - `create` makes the folder and its marker when missing; `exist` refuses a missing one.
 * @throws {CoterieError} `DATA_FOLDER_MISSING`, `DATA_FOLDER_NEWER`, `DATA_FOLDER_CORRUPT`,
 *   `DATA_FOLDER_UNWRITABLE`, `DISK_FULL`.
 */
export async function prepareDataFolder(
  data: string,
  wanted: { readonly ifMissing: 'create' | 'refuse'; readonly version: string },
): Promise<void> {
  const found = await readMarker(data);
  if (found !== undefined) {
    if (found > DATA_FORMAT) {
      throw new CoterieError(
        'DATA_FOLDER_NEWER',
        `${data} has the format ${found}; this version of Coterie reads up to ${DATA_FORMAT}`,
        { folder: data, expected: DATA_FORMAT, found },
      );
    }
    if (wanted.ifMissing === 'create') await requireWritable(data);
    return;
  }
  if (wanted.ifMissing === 'refuse') {
    throw new CoterieError(
      'DATA_FOLDER_MISSING',
      `${data} is not a data folder of Coterie: it has no ${MARKER_FILE}`,
      {
        folder: data,
      },
    );
  }
  try {
    await makeFolder(data);
    await requireWritable(data);
    const marker = {
      format: DATA_FORMAT,
      createdBy: `coterie ${wanted.version}`,
      createdAt: new Date().toISOString(),
    };
    await writeWhole(join(data, MARKER_FILE), `${JSON.stringify(marker, null, 2)}\n`);
  } catch (error) {
    throw folderError(error, data);
  }
}

async function readMarker(data: string): Promise<number | undefined> {
  const file = join(data, MARKER_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw folderError(error, data);
  }
  try {
    const { format } = JSON.parse(text) as { format?: unknown };
    if (Number.isInteger(format) && Number(format) >= 1) return Number(format);
  } catch {
    // Told below, like any other content that is no marker.
  }
  throw new CoterieError('DATA_FOLDER_CORRUPT', `${file} is not readable: expected {"format": 1, …}`, {
    folder: data,
    file,
  });
}

async function requireWritable(data: string): Promise<void> {
  try {
    await access(data, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw folderError(error, data);
  }
}

function folderError(error: unknown, data: string): CoterieError {
  if (error instanceof CoterieError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new CoterieError(
    full ? 'DISK_FULL' : 'DATA_FOLDER_UNWRITABLE',
    full ? `the disk of ${data} is full` : `${data} cannot be written: ${message}`,
    { folder: data, reason: code },
    { cause: error },
  );
}

/** A server that has a data folder open. */
export interface ServerNote {
  readonly pid: number;
  readonly url: string;
}

/** Leaves word where the server can be reached. */
export async function writeServerNote(data: string, note: ServerNote): Promise<void> {
  try {
    await writeWhole(join(data, SERVER_FILE), `${JSON.stringify(note)}\n`);
  } catch (error) {
    throw folderError(error, data);
  }
}

/** Takes it back; only the process that wrote it does. */
export async function removeServerNote(data: string): Promise<void> {
  if ((await readServerNote(data))?.pid === process.pid) await rm(join(data, SERVER_FILE), { force: true });
}

/** The server that has the folder open, if one left word and its process is alive. */
export async function readServerNote(data: string): Promise<ServerNote | undefined> {
  try {
    const { pid, url } = JSON.parse(await readFile(join(data, SERVER_FILE), 'utf8')) as Partial<ServerNote>;
    if (typeof pid !== 'number' || typeof url !== 'string' || !isAlive(pid)) return undefined;
    return { pid, url };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is alive, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Readers see the old content or the new, never a part. */
async function writeWhole(file: string, content: string): Promise<void> {
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, content);
  await rename(beside, file);
}
