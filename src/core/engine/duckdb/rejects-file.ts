/** Writes the file of rows that an import set aside. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { csvRow, REJECTS_HEADER } from '../../ingest/rejects-csv.ts';
import { makeFolder } from '../../make-folder.ts';
import { translateError } from './duckdb-error.ts';

/** Writes the whole file beside its place and moves it there, so that no half of it is ever seen. */
export async function writeRejects(
  path: string,
  rows: AsyncIterable<readonly [line: number, reason: string, row: string]>,
): Promise<void> {
  const unfinished = `${path}.unfinished`;
  try {
    await makeFolder(dirname(path));
    const stream = createWriteStream(unfinished);
    await once(stream, 'open');
    stream.write(REJECTS_HEADER);
    for await (const row of rows) {
      if (!stream.write(csvRow(row))) await once(stream, 'drain');
    }
    stream.end();
    await finished(stream);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw translateError(error, dirname(path));
  }
}
