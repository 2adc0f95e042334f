/**
 * Walks JSON text without recursion and without making values: for what `JSON.parse` does not tell, that
 * is, where things stand, which names stand twice in a map, and how deep it goes, before it is parsed.
 */
import type { ErrorCode } from '../../model/error.ts';

export interface TextProblem {
  readonly code: ErrorCode;
  readonly offset: number;
  readonly expected: string;
  readonly found: string;
  /** Where the first of two stands, of which there may be one. */
  readonly firstOffset?: number;
}

export interface JsonScan {
  /** Offsets of the elements of the outermost list, or of the one value if that is no list. */
  readonly starts: number[];
  readonly ends: number[];
  readonly isList: boolean;
  /** Empty if all is well. A text that is not well-formed is left at the first problem of syntax. */
  readonly problems: TextProblem[];
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS = ['true', 'false', 'null'] as const;

interface Level {
  readonly isMap: boolean;
  /** Names met in a map, with their offsets. */
  readonly names: Map<string, number> | undefined;
}

/** Thrown and caught in here: scanning stops at the first problem of syntax. */
class Stop extends Error {
  readonly problem: TextProblem;
  constructor(problem: TextProblem) {
    super(problem.expected);
    this.problem = problem;
  }
}

/**
 * Scans `text` from `from` to `to`.
 *
 * @param nestingMax - Levels of lists and maps; more is `DEFINITION_TOO_LARGE`.
 */
export function scanJson(text: string, from: number, to: number, nestingMax: number): JsonScan {
  const scan: JsonScan = { starts: [], ends: [], isList: false, problems: [] };
  try {
    return scanValues(text, from, to, nestingMax, scan);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    scan.problems.push(error.problem);
    return scan;
  }
}

function scanValues(text: string, from: number, to: number, nestingMax: number, scan: JsonScan): JsonScan {
  const levels: Level[] = [];
  let at = skipSpace(text, from, to);
  const isList = text[at] === '[';
  const itemDepth = isList ? 1 : 0;
  for (;;) {
    // A value is due here.
    const character = at < to ? text[at] : undefined;
    if (levels.length === itemDepth && !(isList && levels.length === 0)) scan.starts.push(at);
    if (character === '{' || character === '[') {
      if (levels.length >= nestingMax) throw tooDeep(at, nestingMax);
      const isMap = character === '{';
      levels.push({ isMap, names: isMap ? new Map() : undefined });
      at = skipSpace(text, at + 1, to);
      if (at < to && text[at] === (isMap ? '}' : ']')) {
        levels.pop();
        at++;
      } else {
        if (isMap) at = scanName(text, at, to, levels.at(-1)!, scan);
        continue;
      }
    } else at = scanScalar(text, at, to);
    // A value has ended here: close what it ends, or go on to the next.
    for (;;) {
      if (levels.length === itemDepth && scan.ends.length < scan.starts.length) scan.ends.push(at);
      at = skipSpace(text, at, to);
      const level = levels.at(-1);
      if (level === undefined) {
        if (at < to) throw syntax(text, at, to, 'the end of the text');
        return { ...scan, isList };
      }
      const next = at < to ? text[at] : undefined;
      if (next === ',') {
        at = skipSpace(text, at + 1, to);
        if (level.isMap) at = scanName(text, at, to, level, scan);
        break;
      }
      if (next !== (level.isMap ? '}' : ']')) {
        throw syntax(text, at, to, level.isMap ? '"," or "}"' : '"," or "]"');
      }
      levels.pop();
      at++;
    }
  }
}

/** A name in a map and its colon; returns where the value is due. */
function scanName(text: string, from: number, to: number, level: Level, scan: JsonScan): number {
  if (text[from] !== '"' || from >= to) throw syntax(text, from, to, 'a name in double quotes');
  const end = scanString(text, from, to);
  const raw = text.slice(from + 1, end - 1);
  const name = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  const names = level.names!;
  const first = names.get(name);
  if (first === undefined) names.set(name, from);
  else if (scan.problems.length < 100) scan.problems.push(duplicateName(name, from, first));
  const colon = skipSpace(text, end, to);
  if (text[colon] !== ':' || colon >= to) throw syntax(text, colon, to, '":"');
  return skipSpace(text, colon + 1, to);
}

/** The problem of a name that stands twice in a map. */
export function duplicateName(name: string, offset: number, firstOffset: number): TextProblem {
  return {
    code: 'DEFINITION_SYNTAX',
    offset,
    expected: 'each field once in a map',
    found: `${JSON.stringify(name)} again`,
    firstOffset,
  };
}

function scanScalar(text: string, at: number, to: number): number {
  if (at >= to) throw syntax(text, at, to, 'a value');
  if (text[at] === '"') return scanString(text, at, to);
  NUMBER.lastIndex = at;
  if (NUMBER.test(text) && NUMBER.lastIndex <= to) return NUMBER.lastIndex;
  for (const literal of LITERALS) if (text.startsWith(literal, at)) return at + literal.length;
  throw syntax(text, at, to, 'a value');
}

/** Returns the offset after the closing quote. */
function scanString(text: string, from: number, to: number): number {
  let at = from + 1;
  let isPlain = true;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) break;
    if (code === 0x5c) {
      isPlain = false;
      at++;
    } else if (code < 0x20) throw syntax(text, at, to, 'text without control characters');
  }
  if (at >= to) throw syntax(text, to, to, 'a closing double quote');
  if (!isPlain) {
    try {
      JSON.parse(text.slice(from, at + 1));
    } catch {
      throw new Stop({
        code: 'DEFINITION_SYNTAX',
        offset: from,
        expected: 'only the escapes that JSON knows',
        found: 'another one in this text',
      });
    }
  }
  return at + 1;
}

function skipSpace(text: string, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
  }
  return at;
}

function syntax(text: string, at: number, to: number, expected: string): Stop {
  const found =
    at >= to ? 'the end of the text' : JSON.stringify(text.slice(at, Math.min(at + 10, to)).split('\n')[0]);
  return new Stop({ code: 'DEFINITION_SYNTAX', offset: at, expected, found });
}

function tooDeep(offset: number, nestingMax: number): Stop {
  return new Stop({
    code: 'DEFINITION_TOO_LARGE',
    offset,
    expected: `at most ${nestingMax} levels of nesting`,
    found: 'more',
  });
}
