/** Takes a file of a plug-in's source, which its own code reads, into the data folder. */
import { jsonRow } from '../core/ingest/row-lines.ts';
import { UnreadableRow } from '../core/ingest/row-tally.ts';
import type { Invocation } from './command.ts';
import { type FactFile, factRows } from './fact-rows.ts';
import type { SendReport } from './send-facts.ts';

const PROGRESS_ROWS = 10_000;

/** @throws {CoterieError} What `Parts.takeRows` and the file throw. */
export async function takePluginRows(
  call: Invocation<{ readonly strict?: boolean }>,
  from: FactFile,
): Promise<SendReport> {
  const began = performance.now();
  let count = 0;
  async function* rows() {
    for await (const block of factRows(from)) {
      yield block.map((row) => ('json' in row ? jsonRow(row.json) : new UnreadableRow(row.reason)));
      count += block.length;
      if (count % PROGRESS_ROWS < block.length) call.progress.step({ phase: 'reading rows', done: count });
    }
  }
  const { source } = from;
  const strict = call.options.strict ?? false;
  const { rejects, ...report } = await call.parts.takeRows(call.config, { source, rows: rows(), strict });
  const lines = await linesOf(from, new Set(rejects.map(({ index }) => index)));
  return {
    rows: count,
    warnings: {},
    ...report,
    rejects: rejects.map(({ index, reason }) => ({ line: lines.get(index)!, reason })),
    seconds: (performance.now() - began) / 1000,
  };
}

/** Lines of some rows, by their index. */
async function linesOf(from: FactFile, indexes: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const lines = new Map<number, number>();
  if (indexes.size === 0) return lines;
  let index = 0;
  for await (const block of factRows(from)) {
    for (const { line } of block) if (indexes.has(index++)) lines.set(index - 1, line);
    if (lines.size === indexes.size) break;
  }
  return lines;
}
