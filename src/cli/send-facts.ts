/** Sends a file of facts to a running server, request by request, each acknowledged when it is durable. */
import type { FactsAnswer, ListUploadAnswer, ModelVersion } from '../client/client.ts';
import { rowRejected } from '../core/ingest/record-reader.ts';
import { CoterieError } from '../model/error.ts';
import { type FactFile, type FactRow, factRows } from './fact-rows.ts';
import type { RemoteServer } from './parts.ts';
import type { Reject, RejectsWriter } from './rejects-writer.ts';

/** What became of the rows of a file. */
export interface SendReport {
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Rows about customers who were forgotten, which were dropped; absent: none. */
  readonly erased?: number;
  /** Rows that moved an order from another customer; absent: none. */
  readonly moved?: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** The first 100, by the line of the file. */
  readonly rejects: readonly { readonly line: number; readonly reason: string }[];
  /** Where all rows that were set aside are; absent: nowhere, or there are none. */
  readonly rejectsFile?: string;
  /** What is worth a look in rows that were accepted: text → rows. */
  readonly warnings: Readonly<Record<string, number>>;
  /** Of lists: what changed nothing, and customers never heard of before. */
  readonly unchanged?: number;
  readonly unknown?: number;
  /** Of a list that is replaced: customers who are on it no longer. */
  readonly delisted?: number;
  readonly batchNo?: number;
  /** Of scores: the versions of models that were put in force; absent: none was to be. */
  readonly activated?: readonly ModelVersion[];
  readonly seconds: number;
}

const REQUEST_ROWS = 2000;
const REQUEST_CHARACTERS = 1_048_576;
const REJECTS_LISTED_MAX = 100;
/** The most that a server lists. */
const LIST_REJECTS_MAX = 10_000;

interface SendOptions {
  /** Whether the file is one request, of which all is taken or nothing. */
  readonly strict: boolean;
  /** Where rows that are set aside go; absent: nowhere. */
  readonly rejects?: RejectsWriter;
  readonly onRows: (rows: number) => void;
}

type Counts = Record<string, number>;

/** What was set aside: counted by reason, the first ones listed, all written. */
class SetAside {
  rejected = 0;
  readonly reasons: Counts = {};
  readonly rejects: { readonly line: number; readonly reason: string }[] = [];
  readonly #writer: RejectsWriter | undefined;
  readonly #found: Reject[] = [];

  constructor(writer: RejectsWriter | undefined) {
    this.#writer = writer;
  }

  /** Rows that are not written yet. */
  get waiting(): number {
    return this.#found.length;
  }

  add(row: FactRow, reason: string): void {
    this.rejected++;
    addCounts(this.reasons, { [reason]: 1 });
    this.#found.push({ line: row.line, reason, text: row.text });
  }

  /** Counts what the answer to a request counts but does not list. */
  addUnlisted(answer: Pick<FactsAnswer, 'rejected' | 'reasons' | 'rejects'>): void {
    if (answer.rejected === answer.rejects.length) return;
    this.rejected += answer.rejected - answer.rejects.length;
    addCounts(this.reasons, answer.reasons);
    for (const { reason } of answer.rejects) addCounts(this.reasons, { [reason]: -1 });
    for (const [reason, rows] of Object.entries(this.reasons)) if (rows <= 0) delete this.reasons[reason];
  }

  /** Writes what came since the last time, in the order of the file. */
  async flush(): Promise<void> {
    const found = this.#found.splice(0).sort((a, b) => a.line - b.line);
    const listed = found.slice(0, REJECTS_LISTED_MAX - this.rejects.length);
    for (const { line, reason } of listed) this.rejects.push({ line, reason });
    await this.#writer?.add(found);
  }

  async report() {
    await this.flush();
    const rejectsFile = await this.#writer?.close();
    const { rejected, reasons, rejects } = this;
    return { rejected, reasons, rejects, ...(rejectsFile === undefined ? {} : { rejectsFile }) };
  }
}

/** Sends the rows of a file, and at its end puts versions of models in force where that was asked for. */
export async function sendFacts(
  server: Pick<RemoteServer, 'sendFactLines' | 'activateModelVersion'>,
  from: FactFile,
  options: SendOptions & {
    /** Of scores: whether the versions that the file brings are put in force at its end. */
    readonly activate: boolean;
  },
): Promise<SendReport> {
  const began = performance.now();
  const setAside = new SetAside(options.rejects);
  const warnings: Counts = {};
  const total: Counts = {};
  /** Model → the version that arrived last. */
  const versions = new Map<string, string>();
  let [rows, batchNo] = [0, 0];
  let pending: (FactRow & { readonly json: string })[] = [];
  let characters = 0;
  const sending = { strict: options.strict, counts: from.source === 'lists', rejects: REQUEST_ROWS };
  const send = async () => {
    if (pending.length > 0) {
      const lines = `${pending.map(({ json }) => json).join('\n')}\n`;
      const answer = await server.sendFactLines(from.source, lines, sending).catch((error) => {
        throw inFile(error, from.file, (index) => pending[index]?.line);
      });
      for (const { index, reason } of answer.rejects) setAside.add(pending[index]!, reason);
      setAside.addUnlisted(answer);
      const { accepted, erased = 0, moved = 0, unchanged, unknown } = answer;
      addCounts(total, { accepted, erased, moved, ...(unchanged === undefined ? {} : { unchanged }) });
      if (unknown !== undefined) addCounts(total, { unknown });
      addCounts(warnings, answer.warnings ?? {});
      batchNo = answer.batchNo ?? batchNo;
      for (const { model, version } of answer.versions ?? []) versions.set(model, version);
    }
    pending = [];
    characters = 0;
    await setAside.flush();
    options.onRows(rows);
  };
  for await (const block of factRows(from)) {
    for (const row of block) {
      rows++;
      if ('json' in row) pending.push(row);
      else if (options.strict) throw rowRejected(from.file, row.line, row.reason);
      else setAside.add(row, row.reason);
      characters += row.text.length;
      // Rows that are set aside here wait for the request, to be written in the order of the file.
      const isFull = pending.length + setAside.waiting >= REQUEST_ROWS || characters >= REQUEST_CHARACTERS;
      if (isFull && !options.strict) await send();
    }
  }
  await send();
  const activated = [...versions].map(([model, version]) => ({ model, version }));
  if (options.activate) {
    for (const { model, version } of activated) {
      // A version that is in force already says since when: before the last rows.
      const done = await server.activateModelVersion(model, version);
      batchNo = Math.max(batchNo, done.batchNo);
    }
  }
  const { accepted = 0, erased = 0, moved = 0, ...lists } = total;
  return {
    rows,
    accepted,
    ...(erased > 0 ? { erased } : {}),
    ...(moved > 0 ? { moved } : {}),
    ...lists,
    ...(await setAside.report()),
    warnings,
    ...(batchNo > 0 ? { batchNo } : {}),
    ...(options.activate ? { activated } : {}),
    seconds: (performance.now() - began) / 1000,
  };
}

/** Makes the rows of a file the whole of a list, in one request. */
export async function sendList(
  server: Pick<RemoteServer, 'replaceListLines'>,
  from: FactFile,
  options: SendOptions & { readonly list: string },
): Promise<SendReport> {
  const { list, strict } = options;
  const began = performance.now();
  let [rows, sent] = [0, 0];
  /** What is wrong with the file, which the request does not say. */
  let failure: unknown;
  async function* lines() {
    try {
      for await (const block of factRows(from)) {
        for (const row of block) {
          rows++;
          if (rows % REQUEST_ROWS === 0) options.onRows(rows);
          if ('json' in row) {
            sent++;
            yield row.json;
          } else if (strict) throw rowRejected(from.file, row.line, row.reason);
        }
      }
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  const answer = await server
    .replaceListLines(list, lines(), { strict, rejects: LIST_REJECTS_MAX })
    .catch(async (error) => {
      if (failure !== undefined) throw failure;
      if (error instanceof CoterieError && (error.code === 'IMPORT_NOTHING_USABLE' || sent === 0)) {
        return nothingUsed(error, { file: from.file, list, rows });
      }
      throw await inFileAgain(error, from);
    });
  const setAside = new SetAside(options.rejects);
  const isAnyRejected = rows > sent || answer.rejected > 0;
  if (isAnyRejected) await findRejects(from, answer, setAside);
  const { list: _, rejected: __, reasons: ___, rejects: ____, ...rest } = answer;
  return {
    rows,
    ...rest,
    ...(await setAside.report()),
    warnings: answer.warnings ?? {},
    seconds: (performance.now() - began) / 1000,
  };
}

/** An upload without a usable row, which is refused, as one that took nothing; a file without rows is an error. */
function nothingUsed(
  error: CoterieError,
  { file, list, rows }: { readonly file: string; readonly list: string; readonly rows: number },
): Omit<ListUploadAnswer, 'batchNo'> {
  if (rows === 0) {
    throw new CoterieError(
      error.code === 'REQUEST_INVALID' ? 'IMPORT_NOTHING_USABLE' : error.code,
      error.code === 'REQUEST_INVALID'
        ? `${file} has no rows; the list ${JSON.stringify(list)} is as it was`
        : error.message,
      { ...error.details, file },
      { cause: error },
    );
  }
  const { rejected = 0, reasons = {}, rejects = [] } = error.details as Partial<ListUploadAnswer>;
  return { list, accepted: 0, rejected, unchanged: 0, unknown: 0, delisted: 0, reasons, rejects };
}

/** Reads the file once more for the rows that an answer sets aside: they are too many to be kept meanwhile. */
async function findRejects(
  from: FactFile,
  answer: Pick<ListUploadAnswer, 'rejected' | 'reasons' | 'rejects'>,
  setAside: SetAside,
): Promise<void> {
  const reasons = new Map(answer.rejects.map(({ index, reason }) => [index, reason]));
  let index = 0;
  for await (const block of factRows(from)) {
    for (const row of block) {
      const reason = 'reason' in row ? row.reason : reasons.get(index++);
      if (reason !== undefined) setAside.add(row, reason);
    }
    await setAside.flush();
  }
  setAside.addUnlisted(answer);
}

async function inFileAgain(error: unknown, from: FactFile): Promise<unknown> {
  const lines: number[] = [];
  const isRejected = error instanceof CoterieError && error.code === 'IMPORT_ROW_REJECTED';
  if (!isRejected) return error;
  for await (const block of factRows(from)) {
    for (const row of block) if ('json' in row) lines.push(row.line);
  }
  return inFile(error, from.file, (index) => lines[index]);
}

/** A row that the server refused, as a line of the file. */
function inFile(error: unknown, file: string, lineOf: (index: number) => number | undefined): unknown {
  if (!(error instanceof CoterieError) || error.code !== 'IMPORT_ROW_REJECTED') return error;
  const [first] = (error.details.rejects ?? []) as FactsAnswer['rejects'];
  const line = first && lineOf(first.index);
  return line === undefined ? error : rowRejected(file, line, first!.reason);
}

function addCounts(to: Counts, counts: Readonly<Counts>): void {
  for (const [text, rows] of Object.entries(counts)) to[text] = (to[text] ?? 0) + rows;
}
