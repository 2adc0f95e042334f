/**
 * What bodies are read as, all of them UTF-8. JSON everywhere, with the place where it ends to be JSON; definitions also as
 * YAML and NDJSON, which routes get as text, so that problems are told with line and column.
 */
import type { FastifyInstance } from 'fastify';
import type { DefinitionFormat } from '../core/catalog/read-definitions.ts';
import { decodeUtf8 } from '../core/ingest/row-lines.ts';
import { CoterieError } from '../model/error.ts';

/** Text of a body that holds definitions, as a route that was given {@link readDefinitionText} gets it. */
export interface DefinitionText {
  readonly text: string;
  readonly format: DefinitionFormat;
}

const FORMATS: Readonly<Record<DefinitionFormat, readonly string[]>> = {
  json: ['application/json'],
  ndjson: ['application/x-ndjson', 'application/ndjson', 'application/jsonl'],
  yaml: ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/vnd.yaml'],
};

/** The types of bodies that hold definitions, for descriptions. */
export const DEFINITION_TYPES: readonly string[] = [FORMATS.json[0]!, FORMATS.ndjson[0]!, FORMATS.yaml[0]!];

/** Makes a server read JSON, and nothing else. */
export function readJson(
  api: Pick<FastifyInstance, 'removeContentTypeParser' | 'addContentTypeParser' | 'getDefaultJsonParser'>,
): void {
  api.removeContentTypeParser(['application/json', 'text/plain']);
  const parse = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const text = decodeUtf8(body as Buffer);
    if (text === undefined) return done(notUtf8());
    parse(request, text, (error, value) => {
      if (error) done(jsonError(text));
      else done(null, value);
    });
  });
}

/** Makes the routes of a scope get bodies as {@link DefinitionText}. */
export function readDefinitionText(
  scope: Pick<FastifyInstance, 'removeContentTypeParser' | 'addContentTypeParser'>,
): void {
  scope.removeContentTypeParser('application/json');
  for (const [format, types] of Object.entries(FORMATS)) {
    scope.addContentTypeParser([...types], { parseAs: 'buffer' }, (_request, body, done) => {
      const text = decodeUtf8(body as Buffer);
      if (text === undefined) done(notUtf8());
      else done(null, { text, format });
    });
  }
}

/** Of a body that is one text: read with other characters in place of its bytes, it would name others. */
export function notUtf8(): CoterieError {
  return new CoterieError('REQUEST_INVALID', 'The body is not UTF-8', { in: 'body', expected: 'UTF-8' });
}

function jsonError(body: string): CoterieError {
  return new CoterieError('REQUEST_INVALID', `The body is not JSON: ${jsonWords(body)}`, { in: 'body' });
}

function jsonWords(body: string): string {
  if (body.trim() === '') return 'it is empty';
  try {
    return `it has a field named ${dangerousField(JSON.parse(body))}, which is not allowed`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The field for which Fastify refuses JSON that is well-formed: it could reach the prototype of objects. */
function dangerousField(body: unknown): '__proto__' | 'constructor.prototype' {
  const pending: unknown[] = [body];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (Object.hasOwn(next, '__proto__')) return '__proto__';
    for (const value of Object.values(next)) pending.push(value);
  }
  return 'constructor.prototype';
}
