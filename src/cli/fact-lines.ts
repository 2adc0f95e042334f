/**
 * Rows of a file as NDJSON, for a server that takes facts over HTTP: CSV by its header, NDJSON line by
 * line, gzipped or not, in bounded memory. The server judges the rows; here they are only found.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { CoterieError } from '../model/error.ts';

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

type Row = Record<string, unknown>;

const NEEDED: Readonly<Record<string, readonly string[]>> = {
  orders: ['customer_id', 'order_id', 'ordered_at', 'total'],
  stores: ['store_id'],
  customers: ['customer_id'],
  events: ['customer_id', 'name', 'occurred_at'],
  scores: ['customer_id', 'model', 'value'],
  lists: ['customer_id', 'list'],
};

/**
 * One line of JSON for each row.
 *
 * @throws {CoterieError} `IMPORT_FILE_UNREADABLE`, `IMPORT_COLUMNS_MISSING`.
 */
export async function* factLines(from: FactFile): AsyncGenerator<string> {
  const [, extension = '', packed] = /\.([a-z0-9]+?)(\.gz)?$/i.exec(from.file) ?? [];
  const format =
    from.format ?? { csv: 'csv', tsv: 'csv', ndjson: 'ndjson', jsonl: 'ndjson' }[extension.toLowerCase()];
  if (format !== 'csv' && format !== 'ndjson') {
    throw unreadable(
      from.file,
      'is neither CSV nor NDJSON: a running server takes no other files; stop it to import this one',
    );
  }
  const lines = linesOf(from.file, packed !== undefined);
  if (format === 'csv') yield* csvLines(lines, from, from.delimiter ?? (extension === 'tsv' ? '\t' : ','));
  else yield* ndjsonLines(lines, from);
}

async function* linesOf(file: string, isPacked: boolean): AsyncGenerator<string> {
  const bytes = createReadStream(file);
  const input = isPacked ? bytes.pipe(createGunzip()) : bytes;
  const failed = new Promise<never>((_, reject) => {
    bytes.once('error', reject);
    input.once('error', reject);
  });
  failed.catch(() => {});
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), failed]);
      if (next.done) break;
      yield next.value;
    }
  } catch (error) {
    throw unreadable(file, `cannot be read: ${(error as Error).message}`, error);
  } finally {
    bytes.destroy();
  }
}

async function* ndjsonLines(
  lines: AsyncIterable<string>,
  { map, defaults }: FactFile,
): AsyncGenerator<string> {
  const isPlain = Object.keys(map).length + Object.keys(defaults).length === 0;
  for await (const line of lines) {
    if (line.trim() === '') continue;
    if (isPlain) yield line;
    else {
      const row = parsed(line);
      yield row === undefined ? line : JSON.stringify(renamed(row, map, defaults));
    }
  }
}

function parsed(line: string): Row | undefined {
  try {
    const row = JSON.parse(line) as unknown;
    return typeof row === 'object' && row !== null && !Array.isArray(row) ? (row as Row) : undefined;
  } catch {
    return undefined;
  }
}

function renamed(row: Row, map: FactFile['map'], defaults: FactFile['defaults']): Row {
  const out: Row = { ...defaults, ...row };
  for (const column of Object.values(map)) delete out[column];
  for (const [field, column] of Object.entries(map)) if (column !== '') out[field] = row[column];
  return out;
}

async function* csvLines(
  lines: AsyncIterable<string>,
  from: FactFile,
  delimiter: string,
): AsyncGenerator<string> {
  let header: readonly string[] | undefined;
  for await (const record of csvRecords(lines, delimiter)) {
    if (header === undefined) {
      header = record.map((name, i) => (i === 0 ? name.replace(/^\ufeff/, '') : name));
      checkHeader(header, from);
    } else if (record.length !== header.length) {
      // No object: the server sets it aside and counts it.
      yield JSON.stringify(record);
    } else {
      const row = Object.fromEntries(header.map((name, i) => [name, record[i]]));
      yield JSON.stringify(renamed(row, from.map, from.defaults));
    }
  }
}

function checkHeader(header: readonly string[], { file, source, map, defaults }: FactFile): void {
  const mapped = Object.values(map).filter((column) => column !== '' && !header.includes(column));
  const needed = NEEDED[source] ?? [];
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

/** RFC 4180: fields in quotes may hold delimiters, quotes twice, and ends of lines. */
async function* csvRecords(lines: AsyncIterable<string>, delimiter: string): AsyncGenerator<string[]> {
  let open = '';
  for await (const line of lines) {
    const text = open === '' ? line : `${open}\n${line}`;
    open = '';
    if (text.trim() === '') continue;
    if (!text.includes('"')) yield text.split(delimiter);
    else if ((text.split('"').length - 1) % 2 === 1) open = text;
    else yield quotedFields(text, delimiter);
  }
  if (open !== '') yield [open];
}

function quotedFields(text: string, delimiter: string): string[] {
  const fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '"' && isQuoted && text[i + 1] === '"') field += text[++i];
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === delimiter && !isQuoted) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  return [...fields, field];
}

function unreadable(file: string, why: string, cause?: unknown): CoterieError {
  return new CoterieError(
    'IMPORT_FILE_UNREADABLE',
    `${file} ${why}`,
    { file },
    cause === undefined ? {} : { cause },
  );
}
