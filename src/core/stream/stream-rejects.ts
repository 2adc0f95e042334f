/**
 * Where rows of streams that were set aside go: NDJSON files beside the data, for people to read and mend.
 * It holds at most two files of a bounded size, the older of which gives way, so that a broken producer
 * cannot fill the disk. A row may stand in it twice when the process was killed in between.
 */
import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
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

const FILE_BYTES_MAX = 64 * 1_048_576;

/** @param folder - Made when the first row is set aside. */
export function openStreamRejects(folder: string, fileBytesMax = FILE_BYTES_MAX): StreamRejects {
  const file = join(folder, 'stream.ndjson');
  return {
    async add(rejects) {
      if (rejects.length === 0) return;
      await mkdir(folder, { recursive: true });
      const bytes = await stat(file).then(
        (found) => found.size,
        () => 0,
      );
      if (bytes >= fileBytesMax) await rename(file, join(folder, 'stream-before.ndjson'));
      const at = new Date().toISOString();
      await appendFile(file, rejects.map((reject) => `${JSON.stringify({ at, ...reject })}\n`).join(''));
    },
  };
}
