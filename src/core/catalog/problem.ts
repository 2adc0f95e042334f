/**
 * What is wrong with definitions, one problem at a time, and how a list of problems becomes one error.
 * The words are made from the schema: its titles, examples and bounds.
 */
import type { ErrorObject } from 'ajv/dist/2020.js';
import { CoterieError, type ErrorCode } from '../../model/error.ts';

export interface Problem {
  readonly code: ErrorCode;
  /** The field, from the definition: `params.all[0].orders.within`; '' for the definition itself. */
  readonly path: string;
  /** The same in parts. */
  readonly at: Path;
  readonly expected: string;
  readonly found: string;
  /** Key of the definition, where it has one. */
  readonly key?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** All of it in words, in one line. */
  readonly message: string;
}

/** Most problems that are reported at once. */
export const PROBLEMS_MAX = 100;
/** Most problems that are put in the message; all of them are in the details. */
const PROBLEMS_IN_MESSAGE = 20;

export type Path = readonly (string | number)[];

/** Makes a problem, and its message without a place. */
export function problemAt(
  path: Path,
  words: { readonly code?: ErrorCode; readonly expected: string; readonly found: string },
): Problem {
  const field = pathText(path);
  const where = field === '' ? '' : `${field}: `;
  return {
    code: words.code ?? 'DEFINITION_INVALID',
    path: field,
    at: path,
    expected: words.expected,
    found: words.found,
    message: `${where}expected ${words.expected}, found ${words.found}`,
  };
}

/** Prefixes a problem with where it is: the file's place, or the definition's key. */
export function placedProblem(
  problem: Problem,
  place: { readonly file?: string; readonly line?: number; readonly column?: number; readonly key?: string },
): Problem {
  const at = [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
  const where = at === '' ? (place.key === undefined ? '' : `${place.key}: `) : `${at}: `;
  return { ...problem, ...place, message: `${where}${problem.message}` };
}

/**
 * One error for all problems; its code is the first one's.
 *
 * @param problems - At least one.
 */
export function problemsError(problems: readonly Problem[], cause?: unknown): CoterieError {
  const shown = problems.slice(0, PROBLEMS_IN_MESSAGE).map((problem) => problem.message);
  const rest = problems.length - shown.length;
  if (rest > 0)
    shown.push(`… and ${rest}${problems.length >= PROBLEMS_MAX ? ' or more' : ''} other problems`);
  return new CoterieError(
    problems[0]!.code,
    shown.join('\n'),
    { problems: problems.slice(0, PROBLEMS_MAX) },
    cause === undefined ? undefined : { cause },
  );
}

/** `['params', 'all', 0, 'orders']` → `params.all[0].orders`. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$-]{0,59}$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${cut(JSON.stringify(part))}]`;
  }
  return text;
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** A value in words, short, on one line. */
export function foundText(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return cut(JSON.stringify(value));
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') {
    const fields = Object.keys(value);
    return fields.length === 0 ? 'no fields' : `the fields ${cut(fields.slice(0, 8).join(', '))}`;
  }
  return String(value);
}

/**
 * Problems in the words of people, from what the validator found (all errors, verbose).
 *
 * Alternatives that differ in kind (text, a list, a map) are told apart by what was written, so that a
 * wrong element of a list is reported as that, not as "neither text nor a list nor a map".
 */
export function problemsOf(errors: readonly ErrorObject[]): Problem[] {
  const unknownFields = new Set(
    errors.filter((error) => error.keyword === 'additionalProperties').map((error) => error.instancePath),
  );
  const kept = errors.filter((error) => {
    if (error.keyword === 'if' || error.schemaPath.includes('/oneOf/')) return false;
    // What is wrong with a field's name is told at that name.
    if (error.keyword === 'propertyNames') return false;
    // Alternatives are between fields: they say nothing of what is no map, or of a misspelt field.
    return error.keyword !== 'oneOf' || (isMap(error.data) && !unknownFields.has(error.instancePath));
  });
  const problems = new Map<string, Problem>();
  const unions = new Set(
    kept.filter((error) => error.keyword === 'anyOf').map((error) => error.instancePath),
  );
  const decided = new Set<string>();
  for (const error of kept) {
    const own = error.instancePath;
    // A wrong kind says nothing of the alternatives at its own place, but decides those around it.
    let path = unions.has(own) && isOfKind(error) ? parentOf(own) : own;
    for (; path !== undefined; path = parentOf(path)) if (unions.has(path)) decided.add(path);
  }
  for (const error of kept) {
    const at = error.instancePath;
    if (unions.has(at) && (error.keyword === 'anyOf' ? decided.has(at) : isOfKind(error))) continue;
    const problem = problemOf(error);
    problems.set(problem.message, problem);
    if (problems.size >= PROBLEMS_MAX) break;
  }
  return [...problems.values()];
}

/** The pointer to what holds this; undefined for the whole. */
function parentOf(pointer: string): string | undefined {
  return pointer === '' ? undefined : pointer.slice(0, pointer.lastIndexOf('/'));
}

function isOfKind(error: ErrorObject): boolean {
  // A wrong word where one of some words is wanted is of the right kind.
  if (error.keyword === 'enum') return typeof error.data !== 'string';
  return ['type', 'const', 'anyOf'].includes(error.keyword);
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface SchemaWords {
  readonly title?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaWords>>;
}

function problemOf(error: ErrorObject): Problem {
  const schema = (error.parentSchema ?? {}) as SchemaWords;
  const path = [
    ...pathOf(error.instancePath),
    ...(error.propertyName === undefined ? [] : [error.propertyName]),
  ];
  const params = error.params as Readonly<Record<string, unknown>>;
  const found = foundText(error.data);
  switch (error.keyword) {
    case 'additionalProperties': {
      const field = String(params.additionalProperty);
      const known = Object.keys(schema.properties ?? {});
      return problemAt([...path, field], {
        expected: `one of the fields ${known.join(', ')}`,
        found: `an unknown field${didYouMean(field, known)}`,
      });
    }
    case 'required': {
      const field = String(params.missingProperty);
      const missing = schema.properties?.[field];
      return problemAt([...path, field], {
        expected: missing === undefined ? `the field ${field}` : nounOf(missing),
        found: 'nothing',
      });
    }
    case 'enum': {
      const allowed = (params.allowedValues as readonly unknown[]).map(String);
      const near = typeof error.data === 'string' ? didYouMean(error.data, allowed) : '';
      return problemAt(path, { expected: `one of ${allowed.join(', ')}`, found: `${found}${near}` });
    }
    case 'minimum':
      return problemAt(path, { expected: `a number of at least ${params.limit}`, found });
    case 'maximum':
      return problemAt(path, { expected: `a number of at most ${params.limit}`, found });
    case 'maxLength':
      return problemAt(path, {
        expected: `at most ${params.limit} characters`,
        found: lengthText(error.data),
      });
    case 'minLength':
      return problemAt(path, { expected: nounOf(schema), found: 'empty text' });
    case 'minItems':
      return problemAt(path, { expected: `a list of at least ${params.limit}`, found });
    case 'maxItems':
      return problemAt(path, { expected: `a list of at most ${params.limit}`, found });
    case 'minProperties':
    case 'maxProperties':
      return problemAt(path, {
        expected: numberOfFields(error.keyword, schema, params.limit),
        found: schema.properties === undefined ? `${Object.keys(error.data as object).length}` : found,
      });
    case 'oneOf':
      return problemAt(path, { expected: schema.title ?? 'one alternative', found });
    case 'pattern':
      return problemAt(path, {
        expected: nounOf(schema),
        found: `${found}${hasControl(error.data) ? ', which has control characters' : ''}`,
      });
    default:
      return problemAt(path, { expected: nounOf(schema), found });
  }
}

function numberOfFields(keyword: string, { properties }: SchemaWords, limit: unknown): string {
  if (properties === undefined)
    return keyword === 'minProperties' ? 'at least one field' : `at most ${limit} fields`;
  const which = limit === 1 && keyword === 'maxProperties' ? 'exactly one' : 'at least one';
  return `${which} of ${Object.keys(properties).join(', ')}`;
}

function hasControl(value: unknown): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
  return typeof value === 'string' && /[\u0000-\u001f\u007f]/.test(value);
}

function lengthText(value: unknown): string {
  return typeof value === 'string' ? `${value.length}` : foundText(value);
}

/** A schema's title with its article and an example: `a window such as "30d"`. */
function nounOf(schema: SchemaWords): string {
  const title = schema.title ?? 'another value';
  const lower = title.charAt(0).toLowerCase() + title.slice(1);
  const bare = /^(the|true|text|either|at|one|another|parameters)\b/.test(lower);
  const noun = bare ? lower : `${/^[aeio]/.test(lower) ? 'an' : 'a'} ${lower}`;
  const example = schema.examples?.[0];
  return example === undefined || lower.startsWith('true or') || lower.startsWith('the word')
    ? noun
    : `${noun} such as ${JSON.stringify(example)}`;
}

function pathOf(pointer: string): Path {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')));
}

/** `; did you mean "stores"?` for a near miss, else ''. */
export function didYouMean(written: string, known: readonly string[]): string {
  if (written.length > 40) return '';
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(written.length / 3)) + 1;
  for (const candidate of known) {
    // The distance is that of the lengths at the least.
    if (Math.abs(candidate.length - written.length) >= bestDistance) continue;
    const distance = editDistance(written.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === undefined ? '' : `; did you mean "${best}"?`;
}

/** How many insertions, deletions, replacements and swaps of neighbours (optimal string alignment) lie between. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      current.push(
        Math.min(
          replaced,
          previous[j]! + 1,
          current[j - 1]! + 1,
          swapped ? beforePrevious[j - 2]! + 1 : replaced,
        ),
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
