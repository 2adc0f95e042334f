/** Members as lines of text, block by block, as fast as the reader takes them. */

export type MemberFormat = 'ndjson' | 'csv';

type Blocks = AsyncIterator<readonly string[]>;

/**
 * Lines of NDJSON or CSV. Ends `blocks` also when the reader goes away.
 *
 * @param first - The first of the blocks, which was taken already.
 */
export async function* memberLines(
  first: IteratorResult<readonly string[]>,
  blocks: Blocks,
  wanted: { readonly format: MemberFormat; readonly limit: number | undefined },
): AsyncGenerator<string> {
  const line = wanted.format === 'csv' ? csvLine : ndjsonLine;
  let left = wanted.limit ?? Number.POSITIVE_INFINITY;
  try {
    if (wanted.format === 'csv') yield 'customer\r\n';
    for (let block = first; !block.done && left > 0; block = left > 0 ? await blocks.next() : block) {
      const ids = block.value.length > left ? block.value.slice(0, left) : block.value;
      left -= ids.length;
      if (ids.length > 0) yield ids.map(line).join('');
    }
  } finally {
    await blocks.return?.();
  }
}

function ndjsonLine(id: string): string {
  return `{"customer":${JSON.stringify(id)}}\n`;
}

/** RFC 4180: quoted where it holds a quote, a comma or the end of a line. */
function csvLine(id: string): string {
  return /[",\r\n]/.test(id) ? `"${id.replaceAll('"', '""')}"\r\n` : `${id}\r\n`;
}
