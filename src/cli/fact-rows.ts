/**
 * Rows of a file as NDJSON, for a server that takes facts over HTTP: CSV by its header, NDJSON line by
 * line, gzipped or not, in bounded memory. The server judges the rows; here they are found, as the import
 * into a data folder finds them, and what is no row is told with its reason.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { type CsvRecord, splitRecord } from '../core/ingest/csv-scanner.ts';
import { fileUnreadable, RecordReader, recordText } from '../core/ingest/record-reader.ts';
import { CoterieError } from '../model/error.ts';
import type { FactSource } from '../model/fact.ts';
import { NEEDED_FIELDS } from '../model/fact-field.ts';
import { FACT_REASON } from '../model/fact-reason.ts';

export interface FactFile {
  readonly file: string;
  /** A built-in source, or one of a plug-in. */
  readonly source: string;
  readonly format?: 'csv' | 'ndjson' | 'parquet';
  readonly delimiter?: string;
  /** Our field → the file's column. */
  readonly map: Readonly<Record<string, string>>;
  readonly defaults: Readonly<Record<string, string>>;
}

/** A row: a line of JSON to send, or the reason why there is none. */
export type FactRow = {
  /** On which it begins, from 1. */
  readonly line: number;
  /** As it stands in the file. */
  readonly text: string;
} & ({ readonly json: string } | { readonly reason: string });

type Row = Record<string, unknown>;

/**
 * The rows, a block for each piece of the file.
 *
 * @throws {CoterieError} `IMPORT_FILE_UNREADABLE`, `IMPORT_COLUMNS_MISSING`.
 */
export async function* factRows(from: FactFile): AsyncGenerator<readonly FactRow[]> {
  const [, extension = '', packed] = /\.([a-z0-9]+?)(\.gz)?$/i.exec(from.file) ?? [];
  const format =
    from.format ?? { csv: 'csv', tsv: 'csv', ndjson: 'ndjson', jsonl: 'ndjson' }[extension.toLowerCase()];
  if (format !== 'csv' && format !== 'ndjson') {
    throw fileUnreadable(
      from.file,
      'is neither CSV nor NDJSON: a running server takes no other files; stop it to import this one',
    );
  }
  const delimiter = from.delimiter ?? (extension === 'tsv' ? '\t' : ',');
  let rows: FactRow[] = [];
  let header: readonly string[] = [];
  const jsonOf = (record: CsvRecord) =>
    format === 'csv' ? csvJson(recordText(record), header, delimiter, from) : ndjsonJson(record, from);
  const reader = new RecordReader(
    { file: from.file, format, delimiter },
    {
      header(names) {
        header = names;
        checkHeader(header, from);
      },
      row(record) {
        const text = recordText(record);
        const json = jsonOf(record);
        const read = json === undefined ? { reason: FACT_REASON.notObject } : { json };
        rows.push({ line: record.line, text, ...read });
      },
      blank: (line) => rows.push({ line, text: '', json: csvJson('', header, delimiter, from) }),
      reject: (record, reason) => rows.push({ line: record.line, text: recordText(record), reason }),
    },
  );
  for await (const chunk of bytesOf(from.file, packed !== undefined)) {
    reader.read(chunk);
    if (rows.length > 0) yield rows;
    rows = [];
  }
  reader.end();
  if (rows.length > 0) yield rows;
}

async function* bytesOf(file: string, isPacked: boolean): AsyncGenerator<Buffer> {
  const bytes = createReadStream(file);
  const input = isPacked ? createGunzip() : bytes;
  if (input !== bytes) {
    bytes.on('error', (error) => input.destroy(error));
    bytes.pipe(input as NodeJS.WritableStream);
  }
  try {
    for await (const chunk of input) yield chunk as Buffer;
  } catch (error) {
    throw fileUnreadable(file, `cannot be read: ${(error as Error).message}`, error);
  } finally {
    bytes.destroy();
  }
}

/** Undefined for what is blank: a body passes it over, and rows would be counted otherwise there. */
function ndjsonJson(record: CsvRecord, { map, defaults }: FactFile): string | undefined {
  const text = recordText(record).trim();
  if (text === '') return undefined;
  if (Object.keys(map).length + Object.keys(defaults).length === 0) return text;
  const row = parsed(text);
  return row === undefined ? text : JSON.stringify(renamed(row, map, defaults));
}

function parsed(line: string): Row | undefined {
  try {
    const row = JSON.parse(line) as unknown;
    return typeof row === 'object' && row !== null && !Array.isArray(row) ? (row as Row) : undefined;
  } catch {
    return undefined;
  }
}

function csvJson(
  text: string,
  header: readonly string[],
  delimiter: string,
  { map, defaults }: FactFile,
): string {
  const fields = splitRecord(text, delimiter);
  const row = Object.fromEntries(header.map((name, i) => [name, fields[i]]));
  // A column without a name is none.
  delete row[''];
  return JSON.stringify(renamed(row, map, defaults));
}

function renamed(row: Row, map: FactFile['map'], defaults: FactFile['defaults']): Row {
  const out: Row = { ...defaults, ...row };
  for (const column of Object.values(map)) delete out[column];
  for (const [field, column] of Object.entries(map)) if (column !== '') out[field] = row[column];
  return out;
}

function checkHeader(header: readonly string[], { file, source, map, defaults }: FactFile): void {
  const mapped = Object.values(map).filter((column) => column !== '' && !header.includes(column));
  const needed = NEEDED_FIELDS[source as FactSource] ?? [];
  const missing = needed.filter(
    (field) => !(field in map) && !(field in defaults) && !header.includes(field),
  );
  if (mapped.length + missing.length === 0) return;
  const names = [...mapped, ...missing].map((name) => `"${name}"`).join(', ');
  throw new CoterieError(
    'IMPORT_COLUMNS_MISSING',
    `${file} has no column ${names}; it has ${header.map((name) => `"${name}"`).join(', ')}`,
    { file, missing: [...mapped, ...missing], found: header },
  );
}
