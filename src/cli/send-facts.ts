/** Sends a file of facts to a running server, request by request, each acknowledged when it is durable. */
import type { FactsAnswer } from '../client/client.ts';
import { type FactFile, factLines } from './fact-lines.ts';
import type { RemoteServer } from './parts.ts';

/** What became of the rows of a file. Rows are counted from 1, without the header. */
export interface SendReport {
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Rows about customers who were forgotten, which were dropped; absent: none. */
  readonly erased?: number;
  /** Rows that moved an order from another customer; absent: none. */
  readonly moved?: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** The first 100. */
  readonly rejects: readonly { readonly row: number; readonly reason: string }[];
  /** What is worth a look in rows that were accepted: text → rows. */
  readonly warnings: Readonly<Record<string, number>>;
  readonly batchNo?: number;
  readonly seconds: number;
}

const REQUEST_ROWS = 2000;
const REQUEST_CHARACTERS = 1_048_576;
const REJECTS_LISTED_MAX = 100;

/** @param options - With `strict` the file is one request, of which all is taken or nothing. */
export async function sendFacts(
  server: Pick<RemoteServer, 'sendFactLines'>,
  from: FactFile,
  options: { readonly strict: boolean; readonly onRows: (rows: number) => void },
): Promise<SendReport> {
  const began = performance.now();
  const reasons: Record<string, number> = {};
  const rejects: { readonly row: number; readonly reason: string }[] = [];
  const warnings: Record<string, number> = {};
  const total = { rows: 0, accepted: 0, rejected: 0 };
  let [erased, moved] = [0, 0];
  let batchNo: number | undefined;
  let lines: string[] = [];
  let characters = 0;
  const send = async () => {
    const answer: FactsAnswer = await server.sendFactLines(
      from.source,
      `${lines.join('\n')}\n`,
      options.strict,
    );
    for (const { index, reason } of answer.rejects) {
      if (rejects.length < REJECTS_LISTED_MAX) rejects.push({ row: total.rows + index + 1, reason });
    }
    addCounts(reasons, answer.reasons);
    addCounts(warnings, answer.warnings ?? {});
    total.rows += lines.length;
    total.accepted += answer.accepted;
    total.rejected += answer.rejected;
    erased += answer.erased ?? 0;
    moved += answer.moved ?? 0;
    batchNo = answer.batchNo ?? batchNo;
    lines = [];
    characters = 0;
    options.onRows(total.rows);
  };
  for await (const line of factLines(from)) {
    lines.push(line);
    characters += line.length;
    const isFull = lines.length >= REQUEST_ROWS || characters >= REQUEST_CHARACTERS;
    if (isFull && !options.strict) await send();
  }
  if (lines.length > 0) await send();
  return {
    ...total,
    ...(erased > 0 ? { erased } : {}),
    ...(moved > 0 ? { moved } : {}),
    reasons,
    rejects,
    warnings,
    ...(batchNo === undefined ? {} : { batchNo }),
    seconds: (performance.now() - began) / 1000,
  };
}

function addCounts(to: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [text, rows] of Object.entries(counts)) to[text] = (to[text] ?? 0) + rows;
}
