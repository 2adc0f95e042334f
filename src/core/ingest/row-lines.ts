/**
 * Bytes as the rows that they hold, a line each: where facts become text. What is not UTF-8 is set aside
 * and never read with another character in place of its bytes, by which two ids would become one.
 */
import { isUtf8 } from 'node:buffer';
import { CoterieError } from '../../model/error.ts';
import { FACT_REASON } from '../../model/fact-reason.ts';
import { UnreadableRow } from './row-tally.ts';

/** A longer line is set aside without being held in memory. */
const LINE_BYTES_MAX = 1_048_576;
/** What a body may hold besides its rows: a small one can unpack to endless lines of nothing. */
export const IDLE_BYTES_MAX = 16 * 1_048_576;

const NEWLINE = 10;

const TOO_LONG = new UnreadableRow(`a row longer than ${LINE_BYTES_MAX} bytes`);
const NOT_JSON = new UnreadableRow(FACT_REASON.notObject);
export const NOT_UTF8 = new UnreadableRow(FACT_REASON.notUtf8);

/** The text of bytes; undefined if they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  // A decoder that throws takes 50 µs for each text that is bad.
  return isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString() : undefined;
}

/** A row of JSON, or why there is none. */
export function jsonRow(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}

/**
 * Rows of lines, a block for each chunk of the body. Empty lines are no rows.
 *
 * @param readRow - Of the text of a line without blanks around it.
 * @throws {CoterieError} `REQUEST_INVALID` when much more of the body holds no rows than holds some; what
 *   the body throws.
 */
export async function* readLines(
  body: AsyncIterable<Buffer>,
  readRow: (text: string) => unknown = jsonRow,
): AsyncGenerator<readonly unknown[]> {
  const reader = new LineReader(readRow);
  for await (const chunk of body) {
    const rows = reader.read(chunk);
    if (rows.length > 0) yield rows;
  }
  const rows = reader.end();
  if (rows.length > 0) yield rows;
}

class LineReader {
  readonly #readRow: (text: string) => unknown;
  /** The beginning of a line, while it may still be a row. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Bytes without rows over those with rows. */
  #idleBytes = 0;

  constructor(readRow: (text: string) => unknown) {
    this.#readRow = readRow;
  }

  read(chunk: Buffer): readonly unknown[] {
    const rows: unknown[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#endLine(rows, chunk.subarray(from, end));
      from = end + 1;
      // Of a run of empty lines each would cost as much as a row.
      while (chunk[from] === NEWLINE) {
        from++;
        this.#idleBytes++;
      }
    }
    this.#keep(chunk.subarray(from));
    this.#checkIdle();
    return rows;
  }

  end(): readonly unknown[] {
    const rows: unknown[] = [];
    this.#endLine(rows, Buffer.alloc(0));
    return rows;
  }

  #keep(part: Buffer): void {
    this.#restBytes += part.length;
    if (this.#restBytes > LINE_BYTES_MAX) this.#rest = [];
    else if (part.length > 0) this.#rest.push(part);
  }

  #endLine(rows: unknown[], part: Buffer): void {
    const bytes = this.#restBytes + part.length;
    const row =
      bytes > LINE_BYTES_MAX
        ? TOO_LONG
        : this.#row(this.#rest.length === 0 ? part : Buffer.concat([...this.#rest, part]));
    this.#rest = [];
    this.#restBytes = 0;
    if (row !== undefined) rows.push(row);
    if (row === undefined || row instanceof UnreadableRow) this.#idleBytes += bytes + 1;
    else this.#idleBytes = Math.max(0, this.#idleBytes - bytes);
  }

  /** Undefined for an empty line. */
  #row(line: Buffer): unknown {
    const text = decodeUtf8(line);
    if (text === undefined) return NOT_UTF8;
    const trimmed = text.trim();
    return trimmed === '' ? undefined : this.#readRow(trimmed);
  }

  #checkIdle(): void {
    const overlong = this.#restBytes > LINE_BYTES_MAX ? this.#restBytes : 0;
    if (this.#idleBytes + overlong <= IDLE_BYTES_MAX) return;
    throw new CoterieError(
      'REQUEST_INVALID',
      `the body: expected rows, a line each, found more than ${IDLE_BYTES_MAX} bytes of empty, overlong or unreadable lines`,
      { in: 'body', expected: 'rows', bytesMax: IDLE_BYTES_MAX },
    );
  }
}
