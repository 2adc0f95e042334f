/**
 * Records of a file of facts in CSV or NDJSON, from its bytes, with true line numbers: the same whether the
 * file is imported here or its rows are sent to a server. What is no row is told with its reason.
 */
import { CoterieError } from '../../model/error.ts';
import { FACT_REASON } from '../../model/fact-reason.ts';
import { type CsvRecord, CsvScanner, splitRecord } from './csv-scanner.ts';

/** Stands for the delimiter of NDJSON, where a record is a line: JSON text cannot contain it. */
export const NDJSON_SEPARATOR = '\x01';
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

export interface RecordVisitor {
  /** Of CSV: the columns, before any row; throws if they will not do. */
  header(names: readonly string[]): void;
  row(record: CsvRecord): void;
  /** A blank line in CSV of one column: a row without a value. */
  blank(line: number): void;
  reject(record: CsvRecord, reason: string): void;
}

/** An error about a file as a whole. */
export function fileUnreadable(file: string, why: string, cause?: unknown): CoterieError {
  return new CoterieError(
    'IMPORT_FILE_UNREADABLE',
    `${file} ${why}`,
    { file },
    cause === undefined ? {} : { cause },
  );
}

/** The error that stops a strict import. */
export function rowRejected(file: string, line: number, reason: string): CoterieError {
  return new CoterieError('IMPORT_ROW_REJECTED', `${file}, line ${line}: ${reason}; nothing was imported`, {
    file,
    line,
    reason,
  });
}

export class RecordReader {
  readonly #file: string;
  readonly #isCsv: boolean;
  readonly #delimiter: string;
  readonly #visitor: RecordVisitor;
  readonly #scanner: CsvScanner;
  #columns = 0;
  #isFirst = true;
  #hasRecords = false;
  // In a file of one column a blank line is a row without a value, unless only blank lines follow.
  #blankLines = 0;
  #firstBlank = 0;

  constructor(
    from: { readonly file: string; readonly format: 'csv' | 'ndjson'; readonly delimiter: string },
    visitor: RecordVisitor,
  ) {
    this.#file = from.file;
    this.#isCsv = from.format === 'csv';
    this.#delimiter = this.#isCsv ? from.delimiter : NDJSON_SEPARATOR;
    this.#visitor = visitor;
    this.#scanner = new CsvScanner(this.#delimiter, this.#isCsv);
  }

  /** @throws {CoterieError} `IMPORT_FILE_UNREADABLE` for a header that cannot be read; what the visitor throws. */
  read(chunk: Buffer): void {
    const bytes = this.#isFirst && chunk.subarray(0, 3).equals(BOM) ? chunk.subarray(3) : chunk;
    this.#isFirst = false;
    this.#scan(bytes, false);
  }

  /** @throws {CoterieError} `IMPORT_FILE_UNREADABLE` for a file without a header, or a record; as `read`. */
  end(): void {
    this.#scan(Buffer.alloc(0), true);
    if (!this.#hasRecords) throw fileUnreadable(this.#file, 'is empty');
  }

  #scan(bytes: Buffer, isLast: boolean): void {
    this.#scanner.scan(
      bytes,
      isLast,
      (record) => this.#visit(record),
      (line) => {
        if (this.#columns === 1 && this.#blankLines++ === 0) this.#firstBlank = line;
      },
    );
  }

  #visit(record: CsvRecord): void {
    for (let i = 0; i < this.#blankLines; i++) this.#visitor.blank(this.#firstBlank + i);
    this.#blankLines = 0;
    this.#hasRecords = true;
    if (this.#isCsv && this.#columns === 0) this.#visitHeader(record);
    else if (record.problem !== undefined) this.#visitor.reject(record, record.problem);
    else if (record.columns === (this.#isCsv ? this.#columns : 1)) this.#visitor.row(record);
    else this.#visitor.reject(record, this.#isCsv ? FACT_REASON.columns : FACT_REASON.notObject);
  }

  #visitHeader(record: CsvRecord): void {
    if (record.problem !== undefined) {
      throw fileUnreadable(this.#file, `has an unreadable header: ${record.problem}`);
    }
    const names = splitRecord(recordText(record), this.#delimiter).map((name) => name.trim());
    this.#columns = names.length;
    this.#visitor.header(names);
  }
}

/** A record as people may read it, whatever its bytes. */
export function recordText({ bytes, start, end }: CsvRecord): string {
  return bytes.toString('utf8', start, end).replaceAll('\0', '\ufffd');
}
