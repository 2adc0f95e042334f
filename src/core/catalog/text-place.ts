/**
 * Finds where in a text something stands. Only errors need it, so nothing of it is paid for by good files.
 */
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import type { Path } from './problem.ts';

export interface Place {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** A text and what stands in it: definition i is `text.slice(starts[i], ends[i])`. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Line and column of an offset. */
export function placeOf(text: string, offset: number): Place {
  const at = Math.min(Math.max(offset, 0), text.length);
  let line = 1;
  let lineStart = 0;
  for (let next = text.indexOf('\n'); next !== -1 && next < at; next = text.indexOf('\n', next + 1)) {
    line++;
    lineStart = next + 1;
  }
  return { line, column: at - lineStart + 1 };
}

/**
 * Where fields of definition i stand: the name of each, or the list's element; the nearest that surrounds
 * it if it is missing. JSON is read as YAML, of which it is a part.
 *
 * Cost: parses the definition's text once.
 */
export function fieldPlaces(source: SourceText, i: number, paths: readonly Path[]): Place[] {
  const start = source.starts[i]!;
  const place = placeOf(source.text, start);
  if (paths.every((path) => path.length === 0)) return paths.map(() => place);
  // A map in a block is read in its own column, or its first field would stand before the others.
  const column = place.column > COLUMN_MAX ? 0 : place.column - 1;
  const text = ' '.repeat(column) + source.text.slice(start, source.ends[i]!);
  const document = parseDocument(text, { strict: false, uniqueKeys: false, logLevel: 'silent' });
  let contents: unknown = document.contents;
  // The text of an element of a block list begins with its dash.
  if (isSeq(contents) && contents.items.length === 1 && /^ *-/.test(text)) contents = contents.items[0];
  return paths.map((path) =>
    path.length === 0
      ? place
      : placeOf(source.text, start - column + fieldOffset(document, contents, path, column)),
  );
}

/** Text that starts further right is on one line. */
const COLUMN_MAX = 1_000;

function fieldOffset(document: Document, contents: unknown, path: Path, start: number): number {
  let node = contents;
  let offset = isNode(node) ? (node.range?.[0] ?? start) : start;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (typeof part === 'number' && isSeq(node)) {
      node = node.items[part];
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    } else if (isMap(node)) {
      const pair = node.items.findLast((one) => isScalar(one.key) && String(one.key.value) === part);
      if (pair === undefined || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else break;
  }
  return offset;
}
