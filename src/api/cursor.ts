/** Cursors of lists: opaque text for callers, so that what a list is ordered by can change. */
import { CoterieError } from '../model/error.ts';

/** Where a page ended, as text for `next`. */
export function writeCursor(after: string | number): string {
  return Buffer.from(JSON.stringify(after)).toString('base64url');
}

/** @throws {CoterieError} `REQUEST_INVALID` for what no list gave out. */
export function readKeyCursor(cursor: string): string {
  const after = read(cursor);
  return typeof after === 'string' ? after : refuse(cursor);
}

/** @throws {CoterieError} `REQUEST_INVALID` for what no list gave out. */
export function readNumberCursor(cursor: string): number {
  const after = read(cursor);
  return Number.isInteger(after) ? (after as number) : refuse(cursor);
}

function read(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function refuse(cursor: string): never {
  const found = JSON.stringify(cursor.slice(0, 60));
  throw new CoterieError(
    'REQUEST_INVALID',
    `query parameter cursor: expected the \`next\` of the page before, found ${found}`,
    { field: 'cursor', in: 'query', expected: 'the `next` of the page before', found },
  );
}
