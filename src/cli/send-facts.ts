/** Sends a file of facts to a running server, request by request, each acknowledged when it is durable. */
import type { FactsAnswer, ModelVersion } from '../client/client.ts';
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
  /** Of a list that is replaced: what changed nothing, and customers never heard of before. */
  readonly unchanged?: number;
  readonly unknown?: number;
  readonly batchNo?: number;
  /** Of scores: the versions of models that were put in force; absent: none was to be. */
  readonly activated?: readonly ModelVersion[];
  readonly seconds: number;
}

const REQUEST_ROWS = 2000;
const REQUEST_CHARACTERS = 1_048_576;
const REJECTS_LISTED_MAX = 100;

interface SendOptions {
  /** Whether the file is one request, of which all is taken or nothing. */
  readonly strict: boolean;
  /** Of scores: whether the versions that the file brings are put in force at its end. */
  readonly activate: boolean;
  readonly onRows: (rows: number) => void;
}

/** Sends the rows of a file, and at its end puts versions of models in force where that was asked for. */
export async function sendFacts(
  server: Pick<RemoteServer, 'sendFactLines' | 'activateModelVersion'>,
  from: FactFile,
  options: SendOptions,
): Promise<SendReport> {
  const began = performance.now();
  const reasons: Record<string, number> = {};
  const rejects: { readonly row: number; readonly reason: string }[] = [];
  const warnings: Record<string, number> = {};
  const total = { rows: 0, accepted: 0, rejected: 0 };
  let [erased, moved] = [0, 0];
  /** Model → the version that arrived last. */
  const versions = new Map<string, string>();
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
    for (const { model, version } of answer.versions ?? []) versions.set(model, version);
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
  const activated = [...versions].map(([model, version]) => ({ model, version }));
  if (options.activate) {
    for (const { model, version } of activated) {
      // A version that is in force already says since when: before the last rows.
      const done = await server.activateModelVersion(model, version);
      batchNo = Math.max(batchNo ?? 0, done.batchNo);
    }
  }
  return {
    ...total,
    ...(erased > 0 ? { erased } : {}),
    ...(moved > 0 ? { moved } : {}),
    reasons,
    rejects,
    warnings,
    ...(batchNo === undefined ? {} : { batchNo }),
    ...(options.activate ? { activated } : {}),
    seconds: (performance.now() - began) / 1000,
  };
}

/** Makes the rows of a file the whole of a list, in one request. */
export async function sendList(
  server: Pick<RemoteServer, 'replaceListLines'>,
  from: FactFile,
  options: { readonly list: string; readonly strict: boolean; readonly onRows: (rows: number) => void },
): Promise<SendReport> {
  const began = performance.now();
  let rows = 0;
  async function* counted() {
    for await (const line of factLines(from)) {
      rows++;
      if (rows % REQUEST_ROWS === 0) options.onRows(rows);
      yield line;
    }
  }
  const {
    list: _,
    rejects,
    ...answer
  } = await server.replaceListLines(options.list, counted(), options.strict);
  return {
    rows,
    ...answer,
    warnings: {},
    rejects: rejects.map(({ index, reason }) => ({ row: index + 1, reason })),
    seconds: (performance.now() - began) / 1000,
  };
}

function addCounts(to: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [text, rows] of Object.entries(counts)) to[text] = (to[text] ?? 0) + rows;
}
