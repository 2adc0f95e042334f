/**
 * Reads one element of a block list when it is written in the plain part of YAML that nearly all
 * definitions are written in: maps and lists in blocks or on one line, unquoted words and numbers, simple
 * quotes. Whatever else it meets it leaves to the full parser. It exists for size: it reads 100,000
 * definitions in about a second, where the full parser takes fifteen to twenty. Invariant: what it reads,
 * the full parser reads the same (see the property test).
 */

interface Line {
  indent: number;
  content: string;
}

interface Cursor {
  readonly lines: Line[];
  at: number;
}

/** Stands for "left to the full parser"; no value of YAML is a symbol. */
export const NOT_PLAIN: unique symbol = Symbol('not plain');

const KEY = /^([A-Za-z][\w-]*):(?: +(.*))?$/;
const WORD = /^[\w./+\u00c0-\u024f](?:[\w./+@%() \u00c0-\u024f-]*[\w./+@%()\u00c0-\u024f-])?$/;
const FLOW_WORD = /[\w./+@%() \u00c0-\u024f-]+/y;
const FLOW_KEY = /([A-Za-z][\w-]*): +/y;
const INTEGER = /^-?(?:0|[1-9][0-9]{0,14})$/;
const DECIMAL = /^-?(?:0|[1-9][0-9]{0,8})\.[0-9]{1,6}$/;
/** What YAML 1.2 reads as a number but is not written in one of the two ways above. */
const OTHER_NUMBER =
  /^(?:0o[0-7]+|0x[0-9a-fA-F]+|[-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$/;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...['null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);

/**
 * Reads text that begins with the dash of a list's element, in its first column.
 *
 * @returns The element's value, or `NOT_PLAIN`.
 */
export function readPlainElement(text: string): unknown {
  if (/[\t\r]/.test(text)) return NOT_PLAIN;
  const lines: Line[] = [];
  for (const line of text.split('\n')) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    lines.push({ indent: line.length - line.trimStart().length, content });
  }
  const first = lines[0];
  if (first === undefined || !first.content.startsWith('- ')) return NOT_PLAIN;
  const cursor: Cursor = { lines, at: 0 };
  const value = readElement(cursor, first);
  return cursor.at === lines.length ? value : NOT_PLAIN;
}

/** An element whose dash begins the line at the cursor. */
function readElement(cursor: Cursor, line: Line): unknown {
  const rest = line.content.slice(1).trimStart();
  const { indent } = line;
  if (rest === '') return NOT_PLAIN;
  if (rest.startsWith('- ') || KEY.test(rest)) {
    line.indent = indent + line.content.length - rest.length;
    line.content = rest;
    return readBlock(cursor, line.indent);
  }
  cursor.at++;
  return endsHere(cursor, indent) ? readInline(rest) : NOT_PLAIN;
}

function readBlock(cursor: Cursor, indent: number): unknown {
  return cursor.lines[cursor.at]!.content.startsWith('- ')
    ? readList(cursor, indent)
    : readMap(cursor, indent);
}

function readList(cursor: Cursor, indent: number): unknown {
  const list: unknown[] = [];
  for (let line = cursor.lines[cursor.at]; line !== undefined; line = cursor.lines[cursor.at]) {
    if (line.indent !== indent || !line.content.startsWith('- ')) break;
    const value = readElement(cursor, line);
    if (value === NOT_PLAIN) return NOT_PLAIN;
    list.push(value);
  }
  return endsHere(cursor, indent) ? list : NOT_PLAIN;
}

function readMap(cursor: Cursor, indent: number): unknown {
  const map: Record<string, unknown> = {};
  for (let line = cursor.lines[cursor.at]; line !== undefined; line = cursor.lines[cursor.at]) {
    if (line.indent < indent) break;
    const match = line.indent === indent ? KEY.exec(line.content) : null;
    if (match === null || !isPlainName(match[1]!, map)) return NOT_PLAIN;
    cursor.at++;
    const rest = match[2];
    const value = rest === undefined ? readNested(cursor, indent) : readInline(rest);
    // A deeper line after a value on the same line would continue that value.
    if (value === NOT_PLAIN || (rest !== undefined && !endsHere(cursor, indent))) return NOT_PLAIN;
    map[match[1]!] = value;
  }
  return map;
}

/** Not one that stands twice, which the full parser reports, nor a word such as `null`, which it renames. */
function isPlainName(name: string, map: object): boolean {
  return !Object.hasOwn(map, name) && !WORDS.has(name);
}

/** What follows a name that has nothing on its own line. */
function readNested(cursor: Cursor, indent: number): unknown {
  const next = cursor.lines[cursor.at];
  if (next === undefined || next.indent < indent) return null;
  if (next.indent === indent) return next.content.startsWith('- ') ? readListOfMap(cursor, indent) : null;
  return KEY.test(next.content) || next.content.startsWith('- ') ? readBlock(cursor, next.indent) : NOT_PLAIN;
}

/** A list whose dashes stand right below the name that it belongs to. */
function readListOfMap(cursor: Cursor, indent: number): unknown {
  const list: unknown[] = [];
  for (let line = cursor.lines[cursor.at]; line !== undefined; line = cursor.lines[cursor.at]) {
    if (line.indent !== indent || !line.content.startsWith('- ')) break;
    const value = readElement(cursor, line);
    if (value === NOT_PLAIN) return NOT_PLAIN;
    list.push(value);
  }
  return list;
}

/** Whether the line at the cursor is no deeper, so that what was read ends before it. */
function endsHere(cursor: Cursor, indent: number): boolean {
  const next = cursor.lines[cursor.at];
  return next === undefined || next.indent <= indent;
}

function readInline(text: string): unknown {
  const first = text[0];
  if (first === '[' || first === '{') {
    const flow = { text, at: 0 };
    const value = readFlow(flow);
    return flow.at === text.length ? value : NOT_PLAIN;
  }
  if (first === '"') return /^"[^"\\]*"$/.test(text) ? text.slice(1, -1) : NOT_PLAIN;
  if (first === "'") return /^'[^']*'$/.test(text) ? text.slice(1, -1) : NOT_PLAIN;
  return readWord(text);
}

function readWord(text: string): unknown {
  if (INTEGER.test(text) || DECIMAL.test(text)) {
    const number = Number(text);
    return Object.is(number, -0) ? NOT_PLAIN : number;
  }
  if (!WORD.test(text) || OTHER_NUMBER.test(text)) return NOT_PLAIN;
  const word = text.length <= 5 ? WORDS.get(text) : undefined;
  return word === undefined ? text : word;
}

interface Flow {
  readonly text: string;
  at: number;
}

function readFlow(flow: Flow): unknown {
  const { text } = flow;
  const first = text[flow.at];
  if (first === '[') return readFlowList(flow);
  if (first === '{') return readFlowMap(flow);
  if (first === '"' || first === "'") {
    const end = text.indexOf(first, flow.at + 1);
    if (end === -1) return NOT_PLAIN;
    const content = text.slice(flow.at + 1, end);
    flow.at = end + 1;
    // Two single quotes in a row stand for one.
    return content.includes('\\') || text[flow.at] === first ? NOT_PLAIN : content;
  }
  FLOW_WORD.lastIndex = flow.at;
  const match = FLOW_WORD.exec(text);
  if (match === null) return NOT_PLAIN;
  flow.at = FLOW_WORD.lastIndex;
  return readWord(match[0].trimEnd());
}

function readFlowList(flow: Flow): unknown {
  const list: unknown[] = [];
  flow.at++;
  skipSpaces(flow);
  if (flow.text[flow.at] === ']') {
    flow.at++;
    return list;
  }
  for (;;) {
    const value = readFlow(flow);
    if (value === NOT_PLAIN) return NOT_PLAIN;
    list.push(value);
    const next = afterValue(flow);
    if (next === ']') return list;
    if (next !== ',') return NOT_PLAIN;
  }
}

function readFlowMap(flow: Flow): unknown {
  const map: Record<string, unknown> = {};
  flow.at++;
  skipSpaces(flow);
  if (flow.text[flow.at] === '}') {
    flow.at++;
    return map;
  }
  for (;;) {
    FLOW_KEY.lastIndex = flow.at;
    const key = FLOW_KEY.exec(flow.text)?.[1];
    if (key === undefined || !isPlainName(key, map)) return NOT_PLAIN;
    flow.at = FLOW_KEY.lastIndex;
    const value = readFlow(flow);
    if (value === NOT_PLAIN) return NOT_PLAIN;
    map[key] = value;
    const next = afterValue(flow);
    if (next === '}') return map;
    if (next !== ',') return NOT_PLAIN;
  }
}

/** The character after a value, passed over with the spaces around it. */
function afterValue(flow: Flow): string | undefined {
  skipSpaces(flow);
  const next = flow.text[flow.at++];
  if (next === ',') skipSpaces(flow);
  return next;
}

function skipSpaces(flow: Flow): void {
  while (flow.text[flow.at] === ' ') flow.at++;
}
