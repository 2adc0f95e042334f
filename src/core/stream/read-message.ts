/** Rows of a message's body: one JSON object, a list of them, or NDJSON. */
import { decodeUtf8, jsonRow, NOT_UTF8 } from '../ingest/row-lines.ts';
import { UnreadableRow } from '../ingest/row-tally.ts';

const NEWLINE = 10;

/** @returns Rows as `addRow` takes them, and an {@link UnreadableRow} for what is no JSON or not UTF-8. */
export function readMessage(body: Uint8Array): readonly unknown[] {
  const text = decodeUtf8(body);
  const whole = text === undefined ? NOT_UTF8 : jsonRow(text.trim());
  if (Array.isArray(whole)) return whole;
  if (!(whole instanceof UnreadableRow)) return [whole];
  const lines = linesOf(body).filter((line) => line?.trim() !== '');
  return lines.length > 1
    ? lines.map((line) => (line === undefined ? NOT_UTF8 : jsonRow(line.trim())))
    : [whole];
}

/** Of each line its text, or undefined where it is not UTF-8. */
function linesOf(body: Uint8Array): (string | undefined)[] {
  const lines: (string | undefined)[] = [];
  for (let from = 0; from <= body.length; ) {
    const newline = body.indexOf(NEWLINE, from);
    const end = newline < 0 ? body.length : newline;
    lines.push(decodeUtf8(body.subarray(from, end)));
    from = end + 1;
  }
  return lines;
}
