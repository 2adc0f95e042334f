/**
 * Reads YAML text into values with their places. A list of definitions in block style is read element by
 * element, which needs memory for one at a time and lets each plain one take the fast way; anything else
 * goes through the full parser as a whole.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type ParsedNode,
  parseAllDocuments,
  visit,
  type YAMLMap,
} from 'yaml';
import { NESTING_MAX } from './check-definition.ts';
import { duplicateName, type TextProblem } from './json-scan.ts';
import { NOT_PLAIN, readPlainElement } from './plain-yaml.ts';
import { PROBLEMS_MAX } from './problem.ts';
import { deepYamlOffset } from './yaml-nesting.ts';

/** Values in a text, and where each of them stands. */
export interface TextValues {
  readonly values: unknown[];
  readonly starts: number[];
  readonly ends: number[];
  readonly problems: TextProblem[];
}

/** Most values that a text may stand for when aliases in it are written out. */
const ALIASED_VALUES_MAX = 5_000_000;

/** Reads a text of definitions; with problems, the values are not to be used. */
export function readYamlText(text: string): TextValues {
  const read: TextValues = { values: [], starts: [], ends: [], problems: [] };
  const deep = deepYamlOffset(text, NESTING_MAX);
  if (deep !== undefined) {
    read.problems.push(tooLarge(deep, `at most ${NESTING_MAX} levels of nesting`));
    return read;
  }
  const starts = elementStarts(text);
  if (starts === undefined) {
    readWhole(text, 0, read);
    return read;
  }
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? text.length;
    const element = text.slice(start, end);
    const value = readPlainElement(element);
    if (value === NOT_PLAIN) readWhole(element, start, read);
    else {
      read.values.push(value);
      read.starts.push(start);
      read.ends.push(end);
    }
    if (read.problems.length >= PROBLEMS_MAX) break;
  }
  return read;
}

/**
 * Offsets of the elements of a block list in the first column that is all of the text; undefined if the
 * text is anything else, or holds what reaches from one element into another (aliases).
 */
function elementStarts(text: string): number[] | undefined {
  const opening = /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?:---[ \t]*\r?\n)?(?:[ \t]*(?:#[^\n]*)?\r?\n)*/.exec(
    text,
  )![0].length;
  if (!/^-[ \t\r\n]/.test(text.slice(opening, opening + 2))) return undefined;
  // In the first column, after the first dash, only dashes, comments and blank lines may stand.
  const other = /^(?:[^\s#-]|-[^ \t\r\n])/m;
  const alias = /(?:^|[\s,[{:-])\*[^\s,[\]{}]/m;
  const rest = opening === 0 ? text : text.slice(opening);
  if (other.test(rest) || alias.test(rest)) return undefined;
  const starts = [opening];
  for (let at = text.indexOf('\n-', opening); at !== -1; at = text.indexOf('\n-', at + 1))
    starts.push(at + 1);
  return starts;
}

function readWhole(text: string, base: number, read: TextValues): void {
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, { uniqueKeys: false, logLevel: 'silent', prettyErrors: false });
    documents = 'empty' in parsed ? [] : parsed;
    for (const document of documents) readDocument(document, text, base, read);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    read.problems.push(tooLarge(base, `at most ${NESTING_MAX} levels of nesting`));
  }
}

function readDocument(document: Document.Parsed, text: string, base: number, read: TextValues): void {
  const problems = documentProblems(document, base);
  read.problems.push(...problems);
  const { contents } = document;
  if (problems.length > 0 || contents === null) return;
  const value: unknown = document.toJS({ maxAliasCount: -1 });
  if (/[&*]/.test(text) && isMoreThan(value, ALIASED_VALUES_MAX)) {
    read.problems.push(tooLarge(base, `at most ${ALIASED_VALUES_MAX} values with all aliases written out`));
    return;
  }
  const isList = isSeq(contents) && Array.isArray(value);
  const nodes: readonly unknown[] = isList ? contents.items : [contents];
  for (const [i, node] of nodes.entries()) {
    const range = isNode(node) ? (node as ParsedNode).range : contents.range;
    read.values.push(isList ? value[i] : value);
    read.starts.push(base + range[0]);
    read.ends.push(base + range[1]);
  }
}

function documentProblems(document: Document.Parsed, base: number): TextProblem[] {
  const problems: TextProblem[] = [];
  // Warnings are about tags that nothing here knows: what was meant is lost, so they count.
  for (const error of [...document.errors, ...document.warnings].slice(0, PROBLEMS_MAX)) {
    problems.push(
      /call stack/.test(error.message)
        ? tooLarge(base + error.pos[0], `at most ${NESTING_MAX} levels of nesting`)
        : {
            code: 'DEFINITION_SYNTAX',
            offset: base + error.pos[0],
            expected: 'well-formed YAML',
            found: `this: ${error.message.split('\n')[0]}`,
          },
    );
  }
  const anchors = new Map<string, Node>();
  visit(document, {
    Node(_, node, path) {
      if (isAlias(node)) {
        if (problems.length >= PROBLEMS_MAX) return;
        const named = anchors.get(node.source);
        const offset = base + (node.range?.[0] ?? 0);
        if (named === undefined) problems.push(unknownAlias(node.source, offset));
        else if (path.includes(named)) problems.push(circularAlias(node.source, offset));
        return;
      }
      if ('anchor' in node && node.anchor !== undefined) anchors.set(node.anchor, node);
      if (isMap(node)) problems.push(...repeatedNames(node, base).slice(0, PROBLEMS_MAX - problems.length));
    },
  });
  return problems;
}

function repeatedNames(map: YAMLMap, base: number): TextProblem[] {
  const problems: TextProblem[] = [];
  const names = new Map<string, number>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const offset = base + (key.range?.[0] ?? 0);
    const first = names.get(name);
    if (first === undefined) names.set(name, offset);
    else if (problems.push(duplicateName(name, offset, first)) >= PROBLEMS_MAX) break;
  }
  return problems;
}

function unknownAlias(name: string, offset: number): TextProblem {
  return {
    code: 'DEFINITION_SYNTAX',
    offset,
    expected: 'an alias of an anchor that stands before it',
    found: `*${name}, of which there is none`,
  };
}

function circularAlias(name: string, offset: number): TextProblem {
  return {
    code: 'DEFINITION_SYNTAX',
    offset,
    expected: 'an alias of what does not hold it',
    found: `*${name} inside of &${name}: a circle, &${name} → *${name} → &${name}`,
  };
}

/** Whether a value holds more than so many values, each counted as often as it is reached. */
function isMoreThan(value: unknown, most: number): boolean {
  const pending: unknown[] = [value];
  let count = 0;
  while (pending.length > 0) {
    const next = pending.pop();
    if (++count + pending.length > most) return true;
    if (typeof next !== 'object' || next === null) continue;
    for (const part of Object.values(next)) pending.push(part);
  }
  return false;
}

function tooLarge(offset: number, expected: string): TextProblem {
  return { code: 'DEFINITION_TOO_LARGE', offset, expected, found: 'more' };
}
