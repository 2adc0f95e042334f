import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CsvScanner, RECORD_BYTES_MAX, splitRecord } from './csv-scanner.ts';

interface Seen {
  readonly line: number;
  readonly text: string;
  readonly columns: number;
  readonly problem?: string;
}

/** Scans a file in pieces of a size, so that every boundary falls everywhere once. */
function scanned(content: string | Buffer, pieceBytes = 7): Seen[] {
  const bytes = Buffer.from(content as string);
  const scanner = new CsvScanner(',');
  const seen: Seen[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += pieceBytes) {
    scanner.scan(bytes.subarray(at, at + pieceBytes), at + pieceBytes >= bytes.length, (record) => {
      const { line, columns, problem } = record;
      const text = record.bytes.toString('utf8', record.start, record.end);
      seen.push({ line, text, columns, ...(problem === undefined ? {} : { problem }) });
    });
  }
  return seen;
}

const brief = (content: string | Buffer, pieceBytes?: number) =>
  scanned(content, pieceBytes).map(({ line, text, problem }) => [line, text, ...(problem ? [problem] : [])]);

describe('the CSV scanner', () => {
  it('finds records with their lines, blank lines and both kinds of line end included', () => {
    assert.deepEqual(brief('a,b\r\n\n1,2\n\r\n3,4'), [
      [1, 'a,b'],
      [3, '1,2'],
      [5, '3,4'],
    ]);
  });

  it('counts the lines inside quotes', () => {
    assert.deepEqual(brief('"a\nb",1\n"x""y\n\n",2\nz,3\n'), [
      [1, '"a\nb",1'],
      [3, '"x""y\n\n",2'],
      [6, 'z,3'],
    ]);
  });

  it('gives up only the line of a quote that is never closed', () => {
    assert.deepEqual(brief('a,1\n"open,2\nb,3\n"c",4\nd,5'), [
      [1, 'a,1'],
      [2, '"open,2', 'bad quoting'],
      [3, 'b,3'],
      [4, '"c",4'],
      [5, 'd,5'],
    ]);
    assert.deepEqual(brief('a,1\nb,"open\nc,3'), [
      [1, 'a,1'],
      [2, 'b,"open', 'bad quoting'],
      [3, 'c,3'],
    ]);
  });

  it('refuses text after a quote, quotes inside text, lone carriage returns, NUL and what is not UTF-8', () => {
    const file = Buffer.concat([
      Buffer.from('"a"b,1\nc"d,2\ne\rf,3\ng\0,4\n'),
      Buffer.from([0xff, 0x2c, 0x35, 0x0a]),
    ]);
    assert.deepEqual(
      scanned(file).map(({ line, problem }) => [line, problem]),
      [
        [1, 'bad quoting'],
        [2, 'bad quoting'],
        [3, 'a carriage return without a line feed'],
        [4, 'a NUL byte'],
        [5, 'not UTF-8'],
      ],
    );
  });

  it('passes over a line of any length without holding it', () => {
    const long = 'x'.repeat(3 * RECORD_BYTES_MAX);
    const seen = scanned(`a,1\n${long}\nb,2\n"${long}\nc,3`, 65_536);
    assert.deepEqual(
      seen.map(({ line, problem }) => [line, problem]),
      [
        [1, undefined],
        [2, 'a row longer than 1 MiB'],
        [3, undefined],
        [4, 'bad quoting'],
        [5, undefined],
      ],
    );
    assert(seen.every(({ text }) => text.length <= 1024));
  });

  it('finds any fields again that are written as RFC 4180 has them, at any boundary', () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r\n', 'é', ' '), maxLength: 6 });
    const row = fc.array(field, { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (rows, pieceBytes) => {
        const write = (fields: string[]) =>
          fields.map((value) => `"${value.replaceAll('"', '""')}"`).join(',');
        const seen = scanned(rows.map((fields) => `${write(fields)}\n`).join(''), pieceBytes);
        assert.deepEqual(
          seen.map(({ text }) => splitRecord(text, ',')),
          rows,
        );
        assert.deepEqual(
          seen.map(({ columns, problem }) => [columns, problem]),
          rows.map((fields) => [fields.length, undefined]),
        );
      }),
    );
  });
});
