/**
 * Finds the records of a CSV file in its bytes, with true line numbers, and says of each whether it is
 * sound. It goes before DuckDB's reader because that one counts records instead of lines, and loses good
 * rows beside bad ones. A quote that is never closed costs its own line only: reading goes on at the next.
 */
import { isUtf8 } from 'node:buffer';
import { FACT_REASON } from '../../model/fact-reason.ts';

/** A record without its line end: bytes [start, end) of the buffer at hand. */
export interface CsvRecord {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** The line that it begins on, from 1. */
  readonly line: number;
  /** Lines that it spans; more than 1 only inside quotes. */
  readonly lines: number;
  readonly columns: number;
  /** Why it cannot be read; its bytes are then those of its first line. */
  readonly problem?: string;
}

/** Longest record; DuckDB's reader takes up to 2 MiB. */
export const RECORD_BYTES_MAX = 1 << 20;
/** What is shown of a line that is longer. */
const SHOWN_BYTES_MAX = 1024;

const LF = 10;
const CR = 13;
const QUOTE = 34;

const BAD_QUOTING = 'bad quoting';

/** Where the scanner is inside a record. */
const FIELD_START = 0;
const UNQUOTED = 1;
const QUOTED = 2;
const AFTER_QUOTE = 3;

/** What looking at one record found: its end and the place after it, or that more bytes are needed. */
interface Found {
  end: number;
  next: number;
  lines: number;
  columns: number;
  problem: string | undefined;
}

export class CsvScanner {
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #found: Found = { end: 0, next: 0, lines: 0, columns: 0, problem: undefined };
  #rest: Buffer = Buffer.alloc(0);
  #line = 1;
  /** In the middle of a line that was too long and has been reported. */
  #skipping = false;

  /**
   * @param delimiter - One byte of ASCII.
   * @param quotes - Whether quotes mean anything; without, a record is a line.
   */
  constructor(delimiter: string, quotes = true) {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#quote = quotes ? QUOTE : -1;
  }

  /**
   * Takes the file's next bytes and visits every record that is complete. Blank lines are passed over, unless
   * `visitBlank` is given, which is told of them.
   */
  scan(
    chunk: Buffer,
    last: boolean,
    visit: (record: CsvRecord) => void,
    visitBlank?: (line: number) => void,
  ): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = this.#skipping ? this.#skip(bytes) : 0;
    while (at < bytes.length) {
      const found = this.#record(bytes, at, last);
      if (found === undefined) break;
      const { end, next, lines, columns, problem } = found;
      const line = this.#line;
      this.#line += lines;
      if (end > at) {
        visit({ bytes, start: at, end, line, lines, columns, ...(problem === undefined ? {} : { problem }) });
      } else {
        visitBlank?.(line);
      }
      at = next;
    }
    this.#rest = bytes.subarray(at);
  }

  #skip(bytes: Buffer): number {
    const lineEnd = bytes.indexOf(LF);
    if (lineEnd < 0) return bytes.length;
    this.#skipping = false;
    this.#line++;
    return lineEnd + 1;
  }

  /** The record that begins at `start`; undefined while it is incomplete. */
  #record(bytes: Buffer, start: number, last: boolean): Found | undefined {
    const delimiter = this.#delimiter;
    const quote = this.#quote;
    const length = bytes.length;
    let state = FIELD_START;
    let columns = 1;
    let lines = 1;
    let allBits = 0;
    for (let i = start; i < length; i++) {
      const byte = bytes[i]!;
      allBits |= byte;
      if (state === QUOTED) {
        if (byte === quote) state = AFTER_QUOTE;
        else if (byte === LF) lines++;
        else if (byte === 0) return this.#bad(bytes, start, last, 'a NUL byte');
      } else if (byte === delimiter) {
        columns++;
        state = FIELD_START;
      } else if (byte === LF) {
        const end = i > start && bytes[i - 1] === CR ? i - 1 : i;
        return this.#sound(bytes, start, end, i + 1, lines, columns, allBits);
      } else if (byte === quote) {
        if (state === UNQUOTED) return this.#bad(bytes, start, last, BAD_QUOTING);
        state = QUOTED;
      } else if (byte === CR) {
        if (i + 1 === length && !last) return undefined;
        if (i + 1 < length && bytes[i + 1] !== LF) {
          return this.#bad(bytes, start, last, 'a carriage return without a line feed');
        }
      } else if (byte === 0) {
        return this.#bad(bytes, start, last, 'a NUL byte');
      } else if (state === AFTER_QUOTE) {
        return this.#bad(bytes, start, last, BAD_QUOTING);
      } else {
        state = UNQUOTED;
      }
    }
    if (length - start > RECORD_BYTES_MAX) {
      // An open quote may have swallowed good lines: those are given back.
      const problem = state === QUOTED ? BAD_QUOTING : 'a row longer than 1 MiB';
      return this.#bad(bytes, start, last, problem);
    }
    if (!last) return undefined;
    if (state === QUOTED) return this.#bad(bytes, start, last, BAD_QUOTING);
    const end = bytes[length - 1] === CR ? length - 1 : length;
    return this.#sound(bytes, start, Math.max(start, end), length, lines, columns, allBits);
  }

  #sound(
    bytes: Buffer,
    start: number,
    end: number,
    next: number,
    lines: number,
    columns: number,
    allBits: number,
  ): Found {
    const found = this.#found;
    found.end = end;
    found.next = next;
    found.lines = lines;
    found.columns = columns;
    found.problem = undefined;
    if (allBits > 0x7f && !isUtf8(bytes.subarray(start, end))) found.problem = FACT_REASON.notUtf8;
    else if (end - start > RECORD_BYTES_MAX) found.problem = 'a row longer than 1 MiB';
    return found;
  }

  /** A bad record ends with its first line, wherever the quotes seemed to lead. */
  #bad(bytes: Buffer, start: number, last: boolean, problem: string): Found | undefined {
    const lineEnd = bytes.indexOf(LF, start);
    const found = this.#found;
    found.problem = problem;
    found.columns = 0;
    found.lines = 1;
    if (lineEnd >= 0) {
      found.next = lineEnd + 1;
    } else if (last) {
      found.next = bytes.length;
    } else if (bytes.length - start > RECORD_BYTES_MAX) {
      found.next = bytes.length;
      found.lines = 0;
      this.#skipping = true;
    } else {
      return undefined;
    }
    const whole = lineEnd >= 0 ? lineEnd : bytes.length;
    const cut = bytes[whole - 1] === CR ? whole - 1 : whole;
    found.end = Math.max(start, whole - start > RECORD_BYTES_MAX ? start + SHOWN_BYTES_MAX : cut);
    return found;
  }
}

/** The fields of one sound record. */
export function splitRecord(text: string, delimiter: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let value = '';
      at++;
      for (;;) {
        const quote = text.indexOf('"', at);
        value += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        value += '"';
        at++;
      }
      fields.push(value);
    } else {
      const next = text.indexOf(delimiter, at);
      const end = next < 0 ? text.length : next;
      fields.push(text.slice(at, end));
      at = end;
    }
    if (at >= text.length) return fields;
    at++;
  }
}
