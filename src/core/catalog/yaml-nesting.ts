/**
 * Estimates how deep YAML text nests, in one pass over its characters and before it is parsed: the parser
 * is recursive and slow on hostile depth. It may count a little too much in odd text, never
 * without bound, and the limit lies far above what rules need.
 */

/** Offset at which the text nests deeper than `nestingMax`, or undefined. */
export function deepYamlOffset(text: string, nestingMax: number): number | undefined {
  const indents: number[] = [];
  /** Column of the block that a flow collection stands in; −1 outside, −2 for one that starts a line. */
  const flow = { depth: 0, column: -1 };
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const head = readHead(text, start, end);
    if (head.content < end) {
      if (flow.depth > 0 && flow.column >= 0 && head.indent <= flow.column) flow.depth = 0;
      if (flow.depth === 0) {
        while (indents.length > 0 && indents.at(-1)! >= head.indent) indents.pop();
        indents.push(head.indent);
      }
      if (indents.length + head.markers > nestingMax) return start;
      const deep = readFlow(text, head, end, flow, nestingMax);
      if (deep !== undefined) return deep;
    }
    start = end + 1;
  }
  return undefined;
}

interface Head {
  readonly indent: number;
  /** Markers of list elements and of keys before the content: `- - ? x` has 3. */
  readonly markers: number;
  readonly content: number;
}

function readHead(text: string, start: number, end: number): Head {
  let at = start;
  while (at < end && (text[at] === ' ' || text[at] === '\t')) at++;
  const indent = at - start;
  let markers = 0;
  for (; at < end; at++) {
    const character = text[at];
    const isMarker = character === '-' || character === '?' || character === ':';
    if (isMarker && (at + 1 >= end || text[at + 1] === ' ' || text[at + 1] === '\t')) markers++;
    else if (character !== ' ' && character !== '\t' && character !== '\r') break;
  }
  return { indent, markers, content: markers > 0 && at >= end ? end - 1 : at };
}

/** Counts brackets where a value can begin: those within text do not open anything. */
function readFlow(
  text: string,
  head: Head,
  end: number,
  flow: { depth: number; column: number },
  nestingMax: number,
): number | undefined {
  let canBegin = true;
  for (let at = head.content; at < end; at++) {
    switch (text.charCodeAt(at)) {
      case 0x5b: // [
      case 0x7b: // {
        if (!canBegin) break;
        if (flow.depth === 0) flow.column = at === head.content && head.markers === 0 ? -2 : head.indent;
        if (++flow.depth > nestingMax) return at;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        if (flow.depth > 0) flow.depth--;
        canBegin = false;
        break;
      case 0x3a: // :
      case 0x2c: // ,
      case 0x2d: // -
      case 0x3f: // ?
        canBegin = true;
        break;
      case 0x20:
      case 0x09:
        break;
      default:
        canBegin = false;
    }
  }
  return undefined;
}
