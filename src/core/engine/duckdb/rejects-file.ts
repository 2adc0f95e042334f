/** The file of rows that were set aside: CSV of line, reason, and the row, for people to read and mend. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { makeFolder } from '../../make-folder.ts';
import { translateError } from './duckdb-error.ts';

/** One row of CSV with its line end. */
export function csvRow(values: readonly (string | number)[]): string {
  return `${values.map(csvField).join(',')}\n`;
}

/** Quoted where it must be. A spreadsheet would run a text that begins like a formula: that one is disarmed. */
function csvField(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

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
    stream.write('line,reason,row\n');
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
