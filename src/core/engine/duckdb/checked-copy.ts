/**
 * The copy of a text file that DuckDB reads: sound rows only, each with its line number in front, without
 * the header; bad rows go to a second file. Made outside of any transaction, so that writers wait for the
 * taking in alone.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { NDJSON_SEPARATOR, RecordReader, recordText, rowRejected } from '../../ingest/record-reader.ts';
import { csvRow } from '../../ingest/rejects-csv.ts';
import type { Progress } from '../engine.ts';
import { translateError } from './duckdb-error.ts';
import { type ImportSource, readSource } from './import-source.ts';

const FLUSH_BYTES = 1 << 20;

export interface CheckedCopy {
  /** Where the copy is. */
  readonly path: string;
  /** Where bad rows are: CSV of line, reason and row, without a header. */
  readonly rejectsPath: string;
  /** Of CSV: the columns' names, in their order. */
  readonly header: readonly string[];
  /** Sound rows in the copy. */
  readonly rows: number;
  readonly rejected: number;
  /** Whether a sound row spans several lines. */
  readonly multiline: boolean;
}

export interface CopyOptions {
  /** Where the copy goes, without an ending. */
  readonly path: string;
  readonly folder: string;
  readonly strict: boolean;
  /** Called with the columns of a CSV file before any row is read; throws if they will not do. */
  readonly checkHeader: (header: readonly string[]) => void;
  readonly progress: Progress;
}

/**
 * Makes the copy.
 *
 * @throws {CoterieError} `IMPORT_FILE_UNREADABLE`, `IMPORT_ROW_REJECTED` when strict, `DISK_FULL`, and what
 *   `checkHeader` throws.
 */
export async function makeCheckedCopy(source: ImportSource, options: CopyOptions): Promise<CheckedCopy> {
  const copy = new Writer(await openForWriting(`${options.path}.rows`, options.folder), options.folder);
  const rejects = new Writer(await openForWriting(`${options.path}.rejects`, options.folder), options.folder);
  try {
    const header: string[] = [];
    const counts = { rows: 0, rejected: 0, multiline: false };
    const separator = source.format === 'csv' ? source.delimiter : NDJSON_SEPARATOR;
    const format = source.format === 'csv' ? 'csv' : 'ndjson';
    const reader = new RecordReader(
      { file: source.file, format, delimiter: source.delimiter },
      {
        header(names) {
          header.push(...names);
          options.checkHeader(header);
        },
        row(record) {
          counts.rows++;
          if (record.lines > 1) counts.multiline = true;
          copy.text(`${record.line}${separator}`);
          copy.bytes(record.bytes, record.start, record.end);
        },
        blank(line) {
          counts.rows++;
          copy.text(`${line}${separator}\n`);
        },
        reject(record, reason) {
          if (options.strict) throw rowRejected(source.file, record.line, reason);
          counts.rejected++;
          rejects.text(csvRow([record.line, reason, recordText(record)]));
        },
      },
    );
    const read = (done: number) => options.progress({ phase: 'reading', done, total: source.bytes });
    for await (const chunk of readSource(source, read)) {
      reader.read(chunk);
      await copy.flush(FLUSH_BYTES);
      await rejects.flush(FLUSH_BYTES);
    }
    reader.end();
    await copy.flush(0);
    await rejects.flush(0);
    return { path: `${options.path}.rows`, rejectsPath: `${options.path}.rejects`, header, ...counts };
  } finally {
    await copy.close();
    await rejects.close();
  }
}

async function openForWriting(path: string, folder: string): Promise<FileHandle> {
  try {
    return await open(path, 'w');
  } catch (error) {
    throw translateError(error, folder);
  }
}

/** Gathers rows and writes them in large pieces. */
class Writer {
  readonly #file: FileHandle;
  readonly #folder: string;
  #buffer = Buffer.allocUnsafe(FLUSH_BYTES * 2);
  #count = 0;

  constructor(file: FileHandle, folder: string) {
    this.#file = file;
    this.#folder = folder;
  }

  text(text: string): void {
    // A UTF-16 unit takes at most 3 bytes in UTF-8.
    this.#reserve(text.length * 3);
    this.#count += this.#buffer.write(text, this.#count);
  }

  /** A row's bytes and its line end. */
  bytes(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start + 1);
    this.#count += bytes.copy(this.#buffer, this.#count, start, end);
    this.#buffer[this.#count++] = 10;
  }

  async flush(above: number): Promise<void> {
    if (this.#count <= above) return;
    try {
      // One write may take only a part: on a disk that is nearly full, the next one then says so.
      for (let at = 0; at < this.#count; ) {
        const { bytesWritten } = await this.#file.write(this.#buffer, at, this.#count - at);
        at += bytesWritten;
      }
    } catch (error) {
      throw translateError(error, this.#folder);
    }
    this.#count = 0;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #reserve(bytes: number): void {
    if (this.#count + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe((this.#count + bytes) * 2);
    this.#buffer.copy(larger, 0, 0, this.#count);
    this.#buffer = larger;
  }
}
