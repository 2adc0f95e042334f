/** A file to import: what format it has, its hash, and its bytes, unpacked and checked to be complete. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { CoterieError } from '../../../model/error.ts';
import { fileUnreadable } from '../../ingest/record-reader.ts';
import type { FileFormat, ImportRequest } from '../engine.ts';

export interface ImportSource {
  readonly file: string;
  readonly format: FileFormat;
  readonly gzipped: boolean;
  /** As the file has them, packed or not. */
  readonly bytes: number;
  /** Of CSV: what the name or the request says. */
  readonly delimiter: string;
}

const READ_BYTES = 1 << 18;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
/** Parquet, zip (a spreadsheet), and the two byte orders of UTF-16. */
const NOT_TEXT = /^(?:PAR1|PK|\xff\xfe|\xfe\xff)/;
const FORMATS: Readonly<Record<string, FileFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
};

/**
 * Looks at a file before it is read.
 *
 * @throws {CoterieError} `IMPORT_FILE_UNREADABLE` if there is no such file, if it is a folder, empty, or of
 *   a format that is not read.
 */
export async function openSource(request: ImportRequest): Promise<ImportSource> {
  const { file } = request;
  const { bytes, beginning } = await readBeginning(file);
  const [, extension = '', packed] = /\.([a-z0-9]+?)(\.gz)?$/i.exec(file) ?? [];
  const format = request.format ?? FORMATS[extension.toLowerCase()];
  if (format === undefined) {
    throw fileUnreadable(
      file,
      'has a name that does not tell its format: expected .csv, .csv.gz, .tsv, .ndjson, .jsonl or .parquet; name the format with --format',
    );
  }
  if (bytes === 0) throw fileUnreadable(file, 'is empty');
  const gzipped = beginning.subarray(0, 2).equals(GZIP_MAGIC);
  if (packed !== undefined && !gzipped)
    throw fileUnreadable(file, 'is named .gz but is not packed with gzip');
  if (format === 'parquet' && beginning.toString('latin1') !== 'PAR1') {
    throw fileUnreadable(file, 'is not a Parquet file');
  }
  if (format !== 'parquet' && NOT_TEXT.test(beginning.toString('latin1'))) {
    throw fileUnreadable(
      file,
      `is not ${format.toUpperCase()} in UTF-8: save it as that, or name another --format`,
    );
  }
  // A tab is hard to type into a shell.
  const named = request.delimiter === '\\t' ? '\t' : request.delimiter;
  const delimiter = named ?? (extension.toLowerCase() === 'tsv' ? '\t' : ',');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a delimiter may be any of them but these.
  if (!/^[\x01-\x7f]$/.test(delimiter) || /["\r\n]/.test(delimiter)) {
    throw fileUnreadable(
      file,
      `cannot be read with the delimiter "${delimiter}": expected one character of ASCII`,
    );
  }
  return { file, format, gzipped, bytes, delimiter };
}

async function readBeginning(file: string): Promise<{ readonly bytes: number; readonly beginning: Buffer }> {
  try {
    const handle = await open(file, 'r');
    try {
      const status = await handle.stat();
      if (status.isDirectory()) throw fileUnreadable(file, 'is a folder: expected a file');
      const beginning = Buffer.alloc(4);
      const { bytesRead } = await handle.read(beginning, 0, 4, 0);
      return { bytes: status.size, beginning: beginning.subarray(0, bytesRead) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof CoterieError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw fileUnreadable(file, 'does not exist', error);
    if (code === 'EACCES' || code === 'EPERM')
      throw fileUnreadable(file, 'may not be read by this user', error);
    throw fileUnreadable(file, `cannot be read (${(error as Error).message})`, error);
  }
}

/** SHA-256 of the file and of all that decides what its rows mean. */
export async function hashSource(source: ImportSource, request: ImportRequest): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(source.file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  } catch (error) {
    throw fileUnreadable(source.file, `cannot be read (${(error as Error).message})`, error);
  }
  const sorted = (map: Readonly<Record<string, string>> = {}) => Object.entries(map).sort();
  const meaning = [
    request.source,
    source.format,
    source.delimiter,
    sorted(request.map),
    sorted(request.defaults),
    ...(request.source === 'lists' ? [request.replaceLists ?? false] : []),
    ...(request.source === 'scores' ? [request.activateVersions ?? true] : []),
  ];
  return hash.update(JSON.stringify(meaning)).digest('hex');
}

/**
 * The file's bytes, unpacked. A gzip that ends early or was damaged fails, at the latest at its end.
 *
 * @param read - Told how many bytes of the file as it lies have been read.
 */
export async function* readSource(
  source: ImportSource,
  read: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  const raw = createReadStream(source.file, { highWaterMark: READ_BYTES });
  raw.on('data', (chunk) => {
    bytes += chunk.length;
  });
  raw.pause();
  const stream = source.gzipped ? createGunzip({ chunkSize: READ_BYTES }) : raw;
  if (stream !== raw) {
    raw.on('error', (error) => stream.destroy(error));
    raw.pipe(stream as NodeJS.WritableStream);
  }
  try {
    for await (const chunk of stream) {
      yield chunk as Buffer;
      read(bytes);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof CoterieError) throw error;
    if (code === 'Z_BUF_ERROR')
      throw fileUnreadable(source.file, 'ends early: the gzip is not complete', error);
    if (code?.startsWith('Z_')) throw fileUnreadable(source.file, `is damaged: ${message}`, error);
    throw fileUnreadable(source.file, `cannot be read (${message})`, error);
  } finally {
    raw.destroy();
  }
}
