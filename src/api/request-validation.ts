/**
 * Holds requests to their schemas, and says what is wrong with them in the words of the API: the field, what
 * was expected, what was found. Bodies are taken as they are; parameters arrive as text and are converted.
 * Nothing is dropped in silence: a field or parameter that a route does not have is an error.
 */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify';
import { foundText, pathText } from '../core/catalog/problem.ts';
import { CoterieError } from '../model/error.ts';

const bodies = new Ajv2020({ strict: false, verbose: true, allErrors: false });
const parameters = new Ajv2020({ strict: false, verbose: true, allErrors: false, coerceTypes: true });

/** Compiles the schema of one part of a route's requests. */
export const compileValidator: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? bodies : parameters).compile(schema as object);

/** For routes whose schema documents the body, which something else checks. */
export const compileAllButBody: FastifySchemaCompiler<unknown> = (part) =>
  part.httpPart === 'body' ? () => true : compileValidator(part);

/**
 * Words for the first error that the validator found.
 *
 * @param part - Which part of the request: `body`, `querystring`, `params` or `headers`.
 */
export function requestError(errors: readonly FastifySchemaValidationError[], part: string): CoterieError {
  const error = errors[0] as unknown as ErrorObject;
  const { path, expected, found } = describe(error);
  const name = pathText(path);
  const field = part === 'querystring' ? `query parameter ${name}` : name;
  const where = field === '' ? 'the body' : field;
  return new CoterieError('REQUEST_INVALID', `${where}: expected ${expected}, found ${found}`, {
    field: name,
    in: part === 'querystring' ? 'query' : part,
    expected,
    found,
  });
}

interface Description {
  readonly path: (string | number)[];
  readonly expected: string;
  readonly found: string;
}

function describe(error: ErrorObject): Description {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')));
  const found = foundText(error.data);
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required':
      return {
        path: [...path, String(params.missingProperty)],
        expected: 'a value, since it is required',
        found: 'nothing',
      };
    case 'additionalProperties': {
      const known = Object.keys(
        (error.parentSchema as { properties?: object } | undefined)?.properties ?? {},
      );
      return {
        path: [...path, String(params.additionalProperty)],
        expected: known.length === 0 ? 'nothing here' : `one of ${known.join(', ')}`,
        found: 'a name that is not known',
      };
    }
    case 'type':
      return { path, expected: kindWords(params.type), found };
    case 'enum':
      return { path, expected: `one of ${(params.allowedValues as unknown[]).join(', ')}`, found };
    case 'const':
      return { path, expected: foundText(params.allowedValue), found };
    case 'minItems':
      return { path, expected: `at least ${params.limit} in the list`, found };
    case 'maxItems':
      return { path, expected: `at most ${params.limit} in the list`, found };
    case 'minLength':
      return { path, expected: `at least ${params.limit} characters`, found };
    case 'maxLength':
      return { path, expected: `at most ${params.limit} characters`, found };
    case 'minimum':
      return { path, expected: `a number of at least ${params.limit}`, found };
    case 'maximum':
      return { path, expected: `a number of at most ${params.limit}`, found };
    default:
      return { path, expected: error.message ?? error.keyword, found };
  }
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function kindWords(type: unknown): string {
  return (Array.isArray(type) ? type : [type]).map((kind) => KIND_WORDS[String(kind)] ?? kind).join(' or ');
}
