/**
 * Turns failures of the file system and of LMDB into operating failures with a code. LMDB gives the
 * system's error number, or one of its own below −30,000; Node gives names.
 */
import { statfsSync } from 'node:fs';
import { CoterieError, type ErrorCode } from '../../model/error.ts';

const MDB_MAP_FULL = -30_792;

/**
 * A short write, which is how a full disk shows itself to LMDB, comes out as EIO (5): LMDB does not ask
 * the system again to learn why the write stopped. The message tells how much space is left.
 */
const DISK_FULL_CODES: ReadonlySet<unknown> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EIO',
  28,
  122,
  27,
  5,
  MDB_MAP_FULL,
]);
const UNWRITABLE_CODES: ReadonlySet<unknown> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EEXIST',
  13,
  1,
  30,
  20,
]);
/** MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_VERSION_MISMATCH, MDB_INVALID, MDB_INCOMPATIBLE, MDB_BAD_TXN. */
const CORRUPT_CODES: ReadonlySet<unknown> = new Set([-30_797, -30_796, -30_794, -30_793, -30_784, -30_782]);

/**
 * Wraps a failure of `doing` (words after "cannot") in `folder`. What is an operating failure already, or
 * is none that an operator can mend, comes back as it is.
 */
export function toStoreError(error: unknown, folder: string, doing: string): unknown {
  if (error instanceof CoterieError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const mapped = errorCode(code);
  if (!mapped) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const space = mapped === 'DISK_FULL' ? `; ${freeSpace(folder)}` : '';
  return new CoterieError(
    mapped,
    `cannot ${doing} in ${folder}: ${reason}${space}`,
    { folder },
    { cause: error },
  );
}

function errorCode(code: unknown): ErrorCode | undefined {
  if (DISK_FULL_CODES.has(code)) return 'DISK_FULL';
  if (UNWRITABLE_CODES.has(code)) return 'DATA_FOLDER_UNWRITABLE';
  if (CORRUPT_CODES.has(code)) return 'DATA_FOLDER_CORRUPT';
  return undefined;
}

function freeSpace(folder: string): string {
  try {
    return `${mebibytes(freeBytes(folder))} are free there`;
  } catch {
    return 'the space left there is unknown';
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

const mebibytes = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MiB`;

/** What a load leaves free, for LMDB's own pages and for others who write at the same moment. */
const SPACE_RESERVE_BYTES = 4 << 20;

/**
 * Stops a load while there is still space for `bytes` of values. LMDB must not meet a full disk: where a
 * write fails, lmdb-js 3.5.6 prints its error into a buffer that is too short for it (`last_error` in
 * mdb.c, 100 bytes), and where the first pages of an environment fail, it ends the process by SIGSEGV.
 *
 * @throws {CoterieError} `DISK_FULL`.
 */
export function checkSpace(folder: string, bytes: number): void {
  // Values longer than half a page take whole pages, so twice their bytes at the most.
  const needed = 2 * bytes + SPACE_RESERVE_BYTES;
  const free = freeBytes(folder);
  if (free >= needed) return;
  throw new CoterieError(
    'DISK_FULL',
    `${mebibytes(free)} are free in ${folder}, and the next step of the load needs ${mebibytes(needed)}`,
    { folder, freeBytes: free, neededBytes: needed },
  );
}

/** Whether a file or folder was not there: by Node's name or by the number that LMDB passes on. */
export function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ENOENT' || code === 2;
}
