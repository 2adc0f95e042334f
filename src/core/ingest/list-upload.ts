/**
 * A list as a whole upload: replaces it, adds to it or removes from it, in one batch, so that a request that
 * breaks off has changed nothing. What is short is put as it is; what is long goes to a file first, which
 * the engine reads, so that memory does not grow with it.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CoterieError } from '../../model/error.ts';
import { FACT_REASON } from '../../model/fact-reason.ts';
import type { Engine } from '../engine/engine.ts';
import { makeFolder } from '../make-folder.ts';
import { countRowsOf, emptyChunk, type FactChunk } from './fact-chunk.ts';
import { CHUNK_BYTES_MAX, type Ingest } from './ingest.ts';
import { blocksOf, type Rows, RowTally, UnreadableRow } from './row-tally.ts';

export interface ListUpload {
  readonly list: string;
  /** `remove`: the rows are of customers who are on the list no longer. */
  readonly action: 'replace' | 'add' | 'remove';
  /** Ids of customers, or rows `{customer_id, listed?}`. */
  readonly rows: Rows;
  /** Whether one bad row refuses all. */
  readonly strict: boolean;
  /** Most rows set aside that are listed; default 100. */
  readonly rejectsListed?: number;
}

export interface ListReport {
  /** Rows taken and durable. */
  readonly accepted: number;
  readonly rejected: number;
  /** Of those accepted, what changed nothing: who is on the list already (or is not), and repeats. */
  readonly unchanged: number;
  /** Customers never heard of before; they are known from now on. */
  readonly unknown: number;
  /** Of a replacement: customers who were on the list and are not in the upload. */
  readonly delisted?: number;
  /** What is worth a look in rows that were accepted: text → rows; absent: nothing. */
  readonly warnings?: Readonly<Record<string, number>>;
  /** Rows about customers who were erased, which are dropped; absent: none. */
  readonly erased?: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly rejects: readonly { readonly index: number; readonly reason: string }[];
  readonly batchNo: number;
}

export interface ListUploadParts {
  readonly ingest: Pick<Ingest, 'reading' | 'batchRowsMax' | 'putAlone' | 'count'>;
  readonly engine: Pick<Engine, 'importFile'>;
  /** Where long uploads wait; made when needed. */
  readonly folder: string;
}

/**
 * Takes an upload, whole. More rows than the engine takes in one batch, or some MiB of them, are long.
 *
 * @throws {CoterieError} `REQUEST_INVALID` without a row, since a list is not emptied by accident;
 *   `IMPORT_NOTHING_USABLE` if every row is bad; `IMPORT_ROW_REJECTED` when strict; `INGEST_OVERLOADED`,
 *   `DISK_FULL`; what the rows and the engine throw. Then nothing has changed.
 */
export function uploadList(parts: ListUploadParts, upload: ListUpload): Promise<ListReport> {
  return parts.ingest.reading(() => takeUpload(parts, upload));
}

async function takeUpload(parts: ListUploadParts, upload: ListUpload): Promise<ListReport> {
  const rowsMax = parts.ingest.batchRowsMax;
  const tally = new RowTally(upload.rejectsListed);
  const chunk = emptyChunk();
  let file: UploadFile | undefined;
  try {
    for await (const block of blocksOf(upload.rows)) {
      for (const row of block) tally.read(chunk, 'lists', entryRow(row, upload));
      if (file === undefined && chunk.rows <= rowsMax && chunk.bytes <= CHUNK_BYTES_MAX) continue;
      file ??= await UploadFile.make(parts.folder);
      await file.add(chunk);
    }
    if (upload.strict) tally.refuseRejects();
    tally.addWarnings(chunk);
    if (file !== undefined) return await importEntries(parts, upload, { file, tally });
    refuseNothing(chunk.rows, tally, upload);
    return await putEntries(parts, upload, { chunk, tally });
  } finally {
    await file?.remove();
  }
}

/** A row as the reader of list entries takes it. */
function entryRow(row: unknown, { list, action }: ListUpload): unknown {
  const listed = action === 'remove' ? { listed: false } : {};
  if (typeof row === 'string' || typeof row === 'number') return { customer_id: row, list, ...listed };
  if (row instanceof UnreadableRow || typeof row !== 'object' || row === null || Array.isArray(row)) {
    return row;
  }
  const named = (row as { readonly list?: unknown }).list;
  const isOther = named !== undefined && named !== null && named !== '' && String(named) !== list;
  return isOther ? new UnreadableRow(FACT_REASON.otherList) : { ...row, list, ...listed };
}

function refuseNothing(rows: number, tally: RowTally, { list, action }: ListUpload): void {
  if (rows > 0) return;
  const { rejected, reasons, rejects } = tally.report();
  if (rejected > 0) {
    throw new CoterieError(
      'IMPORT_NOTHING_USABLE',
      `no row can be used, the first: ${rejects[0]!.reason}; the list ${JSON.stringify(list)} is as it was`,
      { rejected, reasons, rejects },
    );
  }
  const remedy = action === 'replace' ? '; to empty the list, delete it' : '';
  throw new CoterieError('REQUEST_INVALID', `the body: expected ids of customers, found none${remedy}`, {
    in: 'body',
    expected: 'ids of customers',
    found: 'none',
  });
}

async function putEntries(
  { ingest }: ListUploadParts,
  { list, action }: ListUpload,
  { chunk, tally }: { readonly chunk: FactChunk; readonly tally: RowTally },
): Promise<ListReport> {
  if (action === 'replace') chunk.emptiedLists.push(list);
  const report = await ingest.putAlone(chunk, tally.rejected);
  const erased = report.erasedCustomers ? countRowsOf(chunk, new Set(report.erasedCustomers)) : 0;
  return {
    ...tally.report(),
    accepted: chunk.rows - erased,
    unchanged: report.unchangedListEntries ?? 0,
    unknown: report.newCustomers ?? 0,
    ...(report.delisted === undefined ? {} : { delisted: report.delisted }),
    ...(erased > 0 ? { erased } : {}),
    batchNo: report.batchNo,
  };
}

async function importEntries(
  { engine, ingest }: ListUploadParts,
  { list, action }: ListUpload,
  { file, tally }: { readonly file: UploadFile; readonly tally: RowTally },
): Promise<ListReport> {
  const found = await engine.importFile({
    source: 'lists',
    file: await file.close(),
    format: 'csv',
    map: {},
    defaults: { list },
    origin: list,
    // They were read once already, so none is bad.
    strict: true,
    replaceLists: action === 'replace',
  });
  const accepted = found.rows - (found.erased ?? 0);
  ingest.count({ accepted, rejected: tally.rejected });
  return {
    ...tally.report(),
    accepted,
    unchanged: found.unchanged,
    unknown: found.newCustomers ?? 0,
    ...(found.delisted === undefined ? {} : { delisted: found.delisted }),
    ...(found.erased ? { erased: found.erased } : {}),
    batchNo: found.batchNo,
  };
}

/** Checked entries as CSV. */
class UploadFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  /** Written with the first entries: by then somebody holds the file, and removes it if they cannot be written. */
  #header = 'customer_id,listed\n';

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async make(folder: string): Promise<UploadFile> {
    const path = join(folder, `list-${randomUUID()}.csv`);
    try {
      await makeFolder(folder);
      return new UploadFile(path, await open(path, 'wx'));
    } catch (error) {
      throw fullOr(error, folder);
    }
  }

  /** Takes the entries out of a chunk. */
  async add(chunk: FactChunk): Promise<void> {
    const lines = chunk.listEntries.map(
      ({ customerId, isListed }) => `${csvText(customerId)},${isListed ? 1 : 0}\n`,
    );
    chunk.listEntries.length = 0;
    chunk.rows = 0;
    chunk.bytes = 0;
    await this.#write(this.#header + lines.join(''));
    this.#header = '';
  }

  /** @returns Where it is. */
  async close(): Promise<string> {
    await this.#handle.close();
    return this.#path;
  }

  async remove(): Promise<void> {
    await this.#handle.close();
    await rm(this.#path, { force: true });
  }

  async #write(text: string): Promise<void> {
    try {
      await this.#handle.appendFile(text);
    } catch (error) {
      throw fullOr(error, this.#path);
    }
  }
}

/** Ids have no control characters, so an end of line is none of them. */
function csvText(id: string): string {
  return /[",]/.test(id) ? `"${id.replaceAll('"', '""')}"` : id;
}

function fullOr(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new CoterieError(
    'DISK_FULL',
    `${path} cannot be written: the disk is full`,
    { path },
    { cause: error },
  );
}
