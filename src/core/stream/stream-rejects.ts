/**
 * Where rows of streams that were set aside go: NDJSON files beside the data, for people to read and mend.
 * It holds at most two files of a bounded size, the older of which gives way, so that a broken producer
 * cannot fill the disk. A row may stand in it twice when the process was killed in between.
 */
import { appendFile, mkdir, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface StreamReject {
  readonly stream: string;
  readonly subject: string;
  readonly partition: string;
  readonly position: number;
  readonly reason: string;
  /** The row, or the start of the message. */
  readonly row: string;
}

export interface StreamRejects {
  /** Keeps rows that were set aside. */
  add(rejects: readonly StreamReject[]): Promise<void>;
}

export interface StreamRejectsOptions {
  /** A file that has as many gives way to a new one. */
  readonly fileBytesMax?: number;
  /** So does one whose first row is half of this old: see `old-rejects.ts`. */
  readonly lifeMs?: number;
  readonly now?: () => number;
}

const FILE_BYTES_MAX = 64 * 1_048_576;
/** What the first line begins with holds when it was written. */
const BEGINNING_BYTES = 64;

/** @param folder - Made when the first row is set aside. */
export function openStreamRejects(
  folder: string,
  {
    fileBytesMax = FILE_BYTES_MAX,
    lifeMs = Number.POSITIVE_INFINITY,
    now = Date.now,
  }: StreamRejectsOptions = {},
): StreamRejects {
  const file = join(folder, 'stream.ndjson');
  let beganMs: number | undefined;
  return {
    async add(rejects) {
      if (rejects.length === 0) return;
      await mkdir(folder, { recursive: true });
      const bytes = await stat(file).then(
        (found) => found.size,
        () => 0,
      );
      const nowMs = now();
      beganMs = bytes === 0 ? nowMs : (beganMs ?? (await firstWritten(file)) ?? nowMs);
      if (bytes >= fileBytesMax || (bytes > 0 && nowMs - beganMs >= lifeMs / 2)) {
        await rename(file, join(folder, 'stream-before.ndjson'));
        beganMs = nowMs;
      }
      const at = new Date(nowMs).toISOString();
      await appendFile(file, rejects.map((reject) => `${JSON.stringify({ at, ...reject })}\n`).join(''));
    },
  };
}

/** When the first row was written; undefined if the file does not say. */
async function firstWritten(path: string): Promise<number | undefined> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES, 0);
    const at = Date.parse(/^\{"at":"([^"]+)"/.exec(buffer.toString('latin1'))?.[1] ?? '');
    return Number.isNaN(at) ? undefined : at;
  } finally {
    await file.close();
  }
}
