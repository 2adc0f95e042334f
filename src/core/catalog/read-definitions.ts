/**
 * Reads files of definitions: YAML, JSON or NDJSON text in, checked definitions out. Every problem is
 * found, up to a hundred, and told with file, line and column; places are worked out for problems only.
 */
import type { Definition } from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import { definitionProblems, NESTING_MAX } from './check-definition.ts';
import { scanJson, type TextProblem } from './json-scan.ts';
import { PROBLEMS_MAX, type Problem, placedProblem, problemAt, problemsError } from './problem.ts';
import { fieldPlaces, placeOf, type SourceText } from './text-place.ts';
import { readYamlText, type TextValues } from './yaml-text.ts';

export type DefinitionFormat = 'yaml' | 'json' | 'ndjson';

/** Where definitions were read, for problems that show only later. Held as long as the definition is. */
const readFrom = new WeakMap<Definition, { readonly source: SourceText; readonly index: number }>();

/**
 * Reads a text that holds one definition or a list of them (NDJSON: one on each line).
 *
 * @throws {CoterieError} `DEFINITION_SYNTAX`, `DEFINITION_INVALID`, `DEFINITION_TOO_LARGE` or
 * `SEGMENT_TYPE_UNKNOWN` (the first problem's); `details.problems` holds up to 100 {@link Problem}s.
 *
 * Cost: about 2 s for 100,000 definitions, whatever the format, if they are written plainly.
 */
export function readDefinitions(
  text: string,
  source: { readonly file: string; readonly format: DefinitionFormat },
  types: SegmentTypes,
): Definition[] {
  const clean = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  const read = readText(clean, source.format);
  const place: SourceText = { file: source.file, text: clean, starts: read.starts, ends: read.ends };
  const problems = read.problems.slice(0, PROBLEMS_MAX).map((problem) => textProblem(problem, place));
  if (problems.length > 0) throw problemsError(problems);
  if (read.values.length === 0 && isBlank(clean)) {
    const nothing = problemAt([], { expected: 'a definition or a list of them', found: 'nothing' });
    throw problemsError([placedProblem(nothing, { file: source.file, line: 1, column: 1 })]);
  }
  for (const [i, value] of read.values.entries()) {
    problems.push(...placedProblems(definitionProblems(value, types), value, place, i));
    if (problems.length >= PROBLEMS_MAX) break;
  }
  if (problems.length > 0) throw problemsError(problems);
  const definitions = read.values as Definition[];
  for (const [index, definition] of definitions.entries()) readFrom.set(definition, { source: place, index });
  refuseRepeatedKeys(definitions);
  return definitions;
}

/**
 * Refuses a key that is defined twice in what is applied at once; for definitions from files, with the
 * places of both.
 *
 * @throws {CoterieError} `DEFINITION_INVALID`.
 */
export function refuseRepeatedKeys(definitions: readonly Definition[]): void {
  const first = new Map<string, Definition>();
  const problems: Problem[] = [];
  for (const definition of definitions) {
    const other = first.get(definition.key);
    if (other === undefined) first.set(definition.key, definition);
    else if (problems.push(repeatedKey(definition, other)) >= PROBLEMS_MAX) break;
  }
  if (problems.length > 0) throw problemsError(problems);
}

function repeatedKey(second: Definition, first: Definition): Problem {
  const firstPlace = definitionPlace(first);
  const problem = problemAt(['key'], {
    expected: 'a key that is defined once',
    found: `"${second.key}" again${
      firstPlace === undefined
        ? ''
        : `; the first is at ${firstPlace.file}:${firstPlace.line}:${firstPlace.column}`
    }`,
  });
  return placedProblem(problem, { ...definitionPlace(second), key: second.key });
}

/** Where a definition that {@link readDefinitions} gave stands; undefined for others. */
export function definitionPlace(
  definition: Definition,
): { readonly file: string; readonly line: number; readonly column: number } | undefined {
  const from = readFrom.get(definition);
  return from && { file: from.source.file, ...fieldPlaces(from.source, from.index, [['key']])[0]! };
}

function readText(text: string, format: DefinitionFormat): TextValues {
  const read: TextValues = { values: [], starts: [], ends: [], problems: [] };
  if (format === 'yaml') {
    // All JSON is YAML, and much faster to read as JSON.
    if (/^\s*[[{]/.test(text)) readJson(text, 0, text.length, read);
    const isJson = read.values.length > 0 && read.problems.length === 0;
    return isJson ? read : readYamlText(text);
  }
  if (format === 'json') {
    if (text.trim() !== '') readJson(text, 0, text.length, read);
    return read;
  }
  for (let start = 0; start < text.length && read.problems.length < PROBLEMS_MAX; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    if (text.slice(start, end).trim() !== '') readJson(text, start, end, read);
    start = end + 1;
  }
  return read;
}

function readJson(text: string, start: number, end: number, read: TextValues): void {
  const scan = scanJson(text, start, end, NESTING_MAX);
  read.problems.push(...scan.problems);
  if (scan.problems.length > 0) return;
  const value: unknown = JSON.parse(start === 0 && end === text.length ? text : text.slice(start, end));
  for (const one of scan.isList ? (value as unknown[]) : [value]) read.values.push(one);
  for (let i = 0; i < scan.starts.length; i++) {
    read.starts.push(scan.starts[i]!);
    read.ends.push(scan.ends[i]!);
  }
}

/** Nothing but blank lines and comments. */
function isBlank(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(?:#|$)/.test(line));
}

function textProblem(problem: TextProblem, source: SourceText): Problem {
  const first = problem.firstOffset;
  const where = first === undefined ? '' : ` (the first is on line ${placeOf(source.text, first).line})`;
  return placedProblem(
    problemAt([], { code: problem.code, expected: problem.expected, found: `${problem.found}${where}` }),
    { file: source.file, ...placeOf(source.text, problem.offset) },
  );
}

function placedProblems(
  problems: readonly Problem[],
  value: unknown,
  source: SourceText,
  i: number,
): Problem[] {
  if (problems.length === 0) return [];
  // Working out a place in what is too large would be too large as well.
  const isTooLarge = problems.some((problem) => problem.code === 'DEFINITION_TOO_LARGE');
  const places = fieldPlaces(
    source,
    i,
    problems.map((problem) => (isTooLarge ? [] : problem.at)),
  );
  const key = (value as { readonly key?: unknown } | null)?.key;
  return problems.map((problem, n) =>
    placedProblem(problem, {
      file: source.file,
      ...places[n]!,
      ...(typeof key === 'string' ? { key } : {}),
    }),
  );
}
