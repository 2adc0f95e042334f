/**
 * Bodies that hold facts: a JSON list read whole, or NDJSON read as it comes, however long it is; both
 * packed with gzip or not. A line that is no JSON, or not UTF-8, is set aside like any other bad row; a list,
 * which is one text, is then refused. Ids of customers also come as text, one a line.
 */
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { decodeUtf8, readLines } from '../core/ingest/row-lines.ts';
import { CoterieError } from '../model/error.ts';
import { notUtf8 } from './body-format.ts';

/** Rows of a body, as `Ingest.submit` takes them. */
export type FactRows = readonly unknown[] | AsyncIterable<readonly unknown[]>;

const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
const TEXT_TYPE = 'text/plain';
/** The types of bodies that hold facts, for descriptions. */
export const FACT_TYPES: readonly string[] = ['application/json', NDJSON_TYPES[0]!];
/** The types of bodies that hold ids of customers. */
export const ID_TYPES: readonly string[] = [...FACT_TYPES, TEXT_TYPE];

/** Makes the routes of a scope get bodies as {@link FactRows}. */
export function readFactRows(
  scope: Pick<FastifyInstance, 'removeContentTypeParser' | 'addContentTypeParser'>,
): void {
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser('application/json', async (request: FastifyRequest, body: Readable) =>
    rowsOf(await readText(unpacked(request, body), request.routeOptions.bodyLimit)),
  );
  scope.addContentTypeParser(NDJSON_TYPES, async (request: FastifyRequest, body: Readable) =>
    readLines(bytesOf(unpacked(request, body))),
  );
}

/** As {@link readFactRows}, and text with an id a line: blanks around it and empty lines are nothing. */
export function readIdRows(
  scope: Pick<FastifyInstance, 'removeContentTypeParser' | 'addContentTypeParser'>,
): void {
  readFactRows(scope);
  scope.addContentTypeParser(TEXT_TYPE, async (request: FastifyRequest, body: Readable) =>
    readLines(bytesOf(unpacked(request, body)), (text) => text),
  );
}

function unpacked(request: FastifyRequest, body: Readable): AsyncIterable<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new CoterieError(
      'MEDIA_TYPE_UNSUPPORTED',
      `The body is packed with ${JSON.stringify(encoding)}: expected gzip, or no Content-Encoding`,
      { expected: 'gzip', found: encoding },
    );
  }
  const unpack = createGunzip();
  // A client that goes away ends the unpacking too, which pipe() alone would leave waiting.
  body.once('error', (error) => unpack.destroy(error));
  body.once('close', () => {
    if (!body.readableEnded) unpack.destroy(brokenOff());
  });
  return body.pipe(unpack);
}

/** Bytes of a body; what goes wrong with it leaves in the words of the catalogue. */
async function* bytesOf(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    if (error instanceof CoterieError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_')) throw brokenOff(error);
    throw new CoterieError(
      'REQUEST_INVALID',
      `The body is not whole gzip: ${(error as Error).message}`,
      { in: 'body', expected: 'gzip' },
      { cause: error },
    );
  }
}

function brokenOff(cause?: unknown): CoterieError {
  return new CoterieError('REQUEST_INVALID', 'The body broke off before its end', { in: 'body' }, { cause });
}

async function readText(body: AsyncIterable<Buffer>, limitBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of bytesOf(body)) {
    bytes += part.length;
    if (bytes > limitBytes) {
      throw new CoterieError(
        'BODY_TOO_LARGE',
        `The body, unpacked, is larger than ${limitBytes} bytes: send it in parts, or as NDJSON, which has no limit`,
      );
    }
    parts.push(part);
  }
  const text = decodeUtf8(Buffer.concat(parts, bytes));
  if (text === undefined) throw notUtf8();
  return text;
}

/** A list, or an object with a list called `rows`. */
function rowsOf(text: string): readonly unknown[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    const why = text.trim() === '' ? 'it is empty' : (error as Error).message;
    throw new CoterieError('REQUEST_INVALID', `The body is not JSON: ${why}`, { in: 'body' });
  }
  const rows = Array.isArray(body) ? body : (body as { readonly rows?: unknown } | null)?.rows;
  if (Array.isArray(rows)) return rows;
  throw new CoterieError(
    'REQUEST_INVALID',
    'the body: expected a list of rows, or {"rows": […]}, found neither',
    { in: 'body', expected: 'a list of rows' },
  );
}
