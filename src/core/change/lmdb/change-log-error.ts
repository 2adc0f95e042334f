/**
 * Turns failures of the file system and of LMDB around the change log into operating failures with a
 * code. LMDB gives the system's error number, or one of its own below −30,000; Node gives names.
 */
import { statfsSync } from 'node:fs';
import { CoterieError, type ErrorCode } from '../../../model/error.ts';

/** ENOSPC, EDQUOT, EFBIG, EIO (which is how LMDB tells of a short write), MDB_MAP_FULL. */
const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 28, 122, 27, 5, -30_792]);
const UNWRITABLE: ReadonlySet<unknown> = new Set([
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
const CORRUPT: ReadonlySet<unknown> = new Set([-30_797, -30_796, -30_794, -30_793, -30_784, -30_782]);

/** LMDB must not meet a full disk: its own handling of it can end the process. */
const SPACE_RESERVE_BYTES = 4 << 20;

/** Wraps a failure of `doing` (words after "cannot"); what is none of an operator's comes back as it is. */
export function toChangeLogError(error: unknown, folder: string, doing: string): unknown {
  if (error instanceof CoterieError) return error;
  const code = codeOf((error as { code?: unknown } | null)?.code);
  if (!code) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new CoterieError(code, `cannot ${doing} in ${folder}: ${reason}`, { folder }, { cause: error });
}

function codeOf(code: unknown): ErrorCode | undefined {
  if (FULL.has(code)) return 'DISK_FULL';
  if (UNWRITABLE.has(code)) return 'DATA_FOLDER_UNWRITABLE';
  return CORRUPT.has(code) ? 'DATA_FOLDER_CORRUPT' : undefined;
}

/** @throws {CoterieError} `DISK_FULL` if there is no room for this many bytes and a reserve. */
export function checkRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const needed = bytes + SPACE_RESERVE_BYTES;
  if (free >= needed) return;
  throw new CoterieError(
    'DISK_FULL',
    `${free} bytes are free in ${folder}, and the log of changes needs ${needed}`,
    { folder, freeBytes: free, neededBytes: needed },
  );
}
