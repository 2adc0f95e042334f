/**
 * Imports a file of facts as one batch. Text files are checked row by row first and copied (see
 * `checked-copy.ts`); then one transaction reads, checks and takes in everything. So a kill at any moment
 * leaves all of the batch or nothing.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CoterieError } from '../../../model/error.ts';
import { FACT_WARNING, UNKNOWN_FIELDS_TOLD_MAX } from '../../../model/fact-reason.ts';
import { fileUnreadable, rowRejected } from '../../ingest/record-reader.ts';
import type { FactSource, ImportReport, ImportRequest, Progress } from '../engine.ts';
import { nextBatchNo, recordBatch } from './batch.ts';
import { type CheckedCopy, makeCheckedCopy } from './checked-copy.ts';
import { compact, wantsCompaction } from './compact.ts';
import { type DuckDbDatabase, SPILL_FOLDER } from './database.ts';
import { type ColumnPlan, columnsSought, planColumns } from './import-columns.ts';
import { earlierReport, rejectedBefore } from './import-earlier.ts';
import { type CheckedFields, checkFields, fieldsSql, type Relation } from './import-fields.ts';
import { ingest, stageEmptied } from './import-ingest.ts';
import { copyRelation, ndjsonRelation, parquetRelation } from './import-relation.ts';
import { hashSource, type ImportSource, openSource } from './import-source.ts';
import { literal } from './quote-sql.ts';
import { writeRejects } from './rejects-file.ts';
import type { DuckDbSession } from './session.ts';
import {
  STAGED_CUSTOMER,
  STAGED_EVENT,
  STAGED_LIST_ENTRY,
  STAGED_ORDER,
  STAGED_SCORE,
  STAGED_STORE,
  STAGED_TRAIT,
  stage,
} from './stage.ts';

/** Rows that are set aside, while an import runs. */
const REJECTED = 'rejected_row';

/**
 * See `Engine.importFile`. A file that was imported before with the same meaning changes nothing, whatever
 * was imported since; the report then has the number of the last batch. One that has an origin is always new.
 *
 * @throws {CoterieError} `IMPORT_FILE_UNREADABLE`, `IMPORT_COLUMNS_MISSING`, `IMPORT_ROW_REJECTED`,
 *   `DISK_FULL`: nothing was imported then.
 */
export async function importFile(
  database: DuckDbDatabase,
  request: ImportRequest,
  progress: Progress,
): Promise<ImportReport> {
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  const source = await openSource(request);
  const contentHash = request.origin === undefined ? await hashSource(source, request) : undefined;
  const earlier =
    contentHash === undefined ? undefined : await earlierReport(database, request.source, contentHash);
  if (earlier !== undefined) {
    if (request.strict && earlier.report.rejected > 0) throw rejectedBefore(source.file, earlier);
    return { ...earlier.report, seconds: seconds() };
  }
  const spill = join(database.folder, SPILL_FOLDER);
  await mkdir(spill, { recursive: true });
  const path = join(spill, `import-${randomUUID()}`);
  try {
    const copy =
      source.format === 'parquet'
        ? undefined
        : await makeCheckedCopy(source, {
            path,
            folder: database.folder,
            strict: request.strict,
            checkHeader: (header) => void planColumns(request, header, source.delimiter),
            progress,
          });
    const report = await database.exclusive((session) =>
      takeIn(session, { source, request, copy, contentHash, progress, folder: database.folder, seconds }),
    );
    const warning = request.source === 'orders' ? await foldTail(database, progress) : undefined;
    const warnings = warning === undefined ? report.warnings : { ...report.warnings, [warning]: report.rows };
    return { ...report, warnings, seconds: seconds() };
  } finally {
    await rm(`${path}.rows`, { force: true });
    await rm(`${path}.rejects`, { force: true });
  }
}

/** Compacts if the tail is large. The import stands without it, so that a full disk is only worth a warning. */
async function foldTail(database: DuckDbDatabase, progress: Progress): Promise<string | undefined> {
  try {
    if (!(await wantsCompaction(database))) return undefined;
    progress({ phase: 'compacting', done: 0 });
    await compact(database);
    return undefined;
  } catch (error) {
    if (!(error instanceof CoterieError) || error.code !== 'DISK_FULL') throw error;
    return 'imported, but not compacted: the disk is full, and scans are slower until it is not';
  }
}

interface TakeIn {
  readonly source: ImportSource;
  readonly request: ImportRequest;
  readonly copy: CheckedCopy | undefined;
  /** Absent: the file is not to be recognized. */
  readonly contentHash: string | undefined;
  readonly progress: Progress;
  readonly folder: string;
  readonly seconds: () => number;
}

async function takeIn(session: DuckDbSession, work: TakeIn): Promise<ImportReport> {
  const { source, request, copy } = work;
  const step = (phase: string) => work.progress({ phase, done: 0 });
  step('checking');
  await session.run(`CREATE OR REPLACE TEMP TABLE ${REJECTED} (line UBIGINT, reason VARCHAR, text VARCHAR)`);
  if (copy !== undefined && copy.rejected > 0) await readStructuralRejects(session, copy);
  const relation = await openRelation(session, source, copy);
  // Where no row can be read, that is what is wrong, and not that they have no columns.
  const columns = relation.isEmpty ? columnsSought(request) : relation.columns;
  const plan = planColumns(request, columns, source.delimiter);
  const warnings = await stageRows(session, work, relation, plan);
  const batchNo = await nextBatchNo(session);
  if (request.source === 'lists') await stageEmptied(session, request, plan, REJECTED);
  const { counts, unmoved = 0, ...found } = await ingest(session, request, batchNo, step);
  if (unmoved > 0) warnings[FACT_WARNING.unmoved] = unmoved;
  const reasons = await countReasons(session);
  const rejected = Object.values(reasons).reduce((sum, count) => sum + count, 0);
  const rows = counts.added + counts.replaced + counts.unchanged + (counts.erased ?? 0) + rejected;
  // Whatever a reader does: a row that is neither taken in nor set aside must not go unnoticed.
  if (copy !== undefined)
    assert.equal(rows, copy.rows + copy.rejected, 'every row of the file is accounted for');
  const rejectsFile =
    request.rejectsFile ??
    join(work.folder, 'rejects', `batch-${batchNo}-${basename(source.file).replace(/\.csv$/i, '')}.csv`);
  const firstReject = await firstRejected(session);
  if (rejected > 0) {
    step('writing rejects');
    await writeRejects(rejectsFile, rejectedRows(session));
  }
  const report: ImportReport = {
    batchNo,
    rows,
    ...counts,
    rejected,
    ...found,
    reasons,
    ...(rejected > 0 ? { rejectsFile } : {}),
    ...(firstReject === undefined ? {} : { firstReject }),
    warnings,
    seconds: work.seconds(),
  };
  await recordBatch(session, {
    batchNo,
    source: request.source,
    origin: request.origin ?? source.file,
    ...(work.contentHash === undefined ? {} : { contentHash: work.contentHash }),
    rows,
    counts,
    rejected,
    report,
  });
  await session.run(`DROP TABLE temp.${REJECTED}`);
  step('committing');
  return report;
}

async function openRelation(
  session: DuckDbSession,
  source: ImportSource,
  copy: CheckedCopy | undefined,
): Promise<Relation> {
  if (copy === undefined) {
    try {
      return await parquetRelation(session, source.file);
    } catch (error) {
      throw asUnreadable(source.file, error);
    }
  }
  return source.format === 'csv'
    ? copyRelation(copy, source.delimiter)
    : ndjsonRelation(session, copy, REJECTED);
}

/** Fills the staging tables with the good rows and sets the bad ones aside. Returns the warnings. */
async function stageRows(
  session: DuckDbSession,
  work: TakeIn,
  relation: Relation,
  plan: ColumnPlan,
): Promise<Record<string, number>> {
  const { request, source, copy } = work;
  const checks = checkFields(request.source, plan);
  const fields = fieldsSql(request.source, plan, relation);
  const derived = Object.entries(checks.derived).map(([name, expression]) => `, ${expression} AS ${name}`);
  const good = `SELECT *, ${checks.reason} AS reason FROM (SELECT *${derived.join('')} FROM ${fields})`;
  let staged: number;
  try {
    staged = await stageGood(session, request.source, good, checks, plan);
    const total =
      copy?.rows ?? (await session.row<{ n: number }>(`SELECT count(*) AS n FROM ${relation.from}`))!.n;
    if (staged < total) await setAside(session, relation, good, source.delimiter);
  } catch (error) {
    throw source.format === 'parquet' ? asUnreadable(source.file, error) : error;
  }
  if (request.strict) {
    const first = await firstRejected(session);
    if (first !== undefined) throw rowRejected(source.file, first.line, first.reason);
  }
  const warnings = request.source === 'orders' ? await countWarnings(session, good) : {};
  return { ...warnings, ...(await countUnread(session, relation, plan, staged)) };
}

const STAGED: Readonly<Record<FactSource, string>> = {
  orders: STAGED_ORDER,
  stores: STAGED_STORE,
  customers: STAGED_CUSTOMER,
  events: STAGED_EVENT,
  scores: STAGED_SCORE,
  lists: STAGED_LIST_ENTRY,
};

async function stageGood(
  session: DuckDbSession,
  source: FactSource,
  checked: string,
  checks: CheckedFields,
  plan: ColumnPlan,
): Promise<number> {
  const columns = Object.keys(checks.values).join(', ');
  const values = Object.values(checks.values).join(', ');
  const table = STAGED[source];
  await stage(session, table);
  const insert = (from: string) =>
    `INSERT INTO ${table} (row_no, ${columns}) SELECT line, ${values} FROM ${from} WHERE reason IS NULL`;
  if (source !== 'customers') return session.run(insert(`(${checked})`));
  // Wide rows of traits are read once and unfolded from a table of their own.
  await session.run(`CREATE OR REPLACE TEMP TABLE wide_customer AS FROM (${checked}) WHERE reason IS NULL`);
  const staged = await session.run(insert('wide_customer'));
  await stage(session, STAGED_TRAIT);
  for (const [i, name] of [...plan.named.keys()].entries()) {
    await session.run(
      `INSERT INTO ${STAGED_TRAIT} SELECT line, customer_id, ${literal(name)}, named_${i}
       FROM wide_customer WHERE named_${i} IS NOT NULL`,
    );
  }
  await session.run(`DROP TABLE temp.wide_customer`);
  return staged;
}

/** Keeps what bad rows say: their fields as CSV again. */
async function setAside(
  session: DuckDbSession,
  relation: Relation,
  checked: string,
  delimiter: string,
): Promise<void> {
  const field = (name: string) => {
    const text = `coalesce(${relation.column(name)}, '')`;
    const special = `[${delimiter === '\t' ? '\\t' : `\\${delimiter}`}"\\r\\n]`;
    return `CASE WHEN regexp_matches(${text}, ${literal(special)})
      THEN '"' || replace(${text}, '"', '""') || '"' ELSE ${text} END`;
  };
  const row = relation.text ?? relation.columns.map(field).join(` || ${literal(delimiter)} || `);
  await session.run(
    `INSERT INTO ${REJECTED}
     SELECT bad.line, bad.reason, whole.text FROM (${checked}) AS bad
     JOIN (SELECT ${relation.line} AS line, ${row} AS text FROM ${relation.from}) AS whole USING (line)
     WHERE bad.reason IS NOT NULL`,
  );
}

async function readStructuralRejects(session: DuckDbSession, copy: CheckedCopy): Promise<void> {
  await session.run(
    `INSERT INTO ${REJECTED} FROM read_csv(${literal(copy.rejectsPath)}, auto_detect = false, header = false,
      delim = ',', quote = '"', escape = '"', parallel = false, max_line_size = 8388608,
      columns = {'line': 'UBIGINT', 'reason': 'VARCHAR', 'text': 'VARCHAR'})`,
  );
}

async function firstRejected(session: DuckDbSession) {
  return session.row<{ line: number; reason: string }>(
    `SELECT line, reason FROM ${REJECTED} ORDER BY line LIMIT 1`,
  );
}

async function countReasons(session: DuckDbSession): Promise<Record<string, number>> {
  const rows = await session.rows<{ reason: string; n: number }>(
    `SELECT reason, count(*) AS n FROM ${REJECTED} GROUP BY reason ORDER BY n DESC, reason`,
  );
  return Object.fromEntries(rows.map(({ reason, n }) => [reason, n]));
}

/** Rows that are taken in, but that someone may want to look at. */
async function countWarnings(session: DuckDbSession, good: string): Promise<Record<string, number>> {
  const staged = await session.row<{ negative: number; zero: number }>(
    `SELECT count(*) FILTER (total_e4 < 0) AS negative, count(*) FILTER (total_e4 = 0) AS zero FROM ${STAGED_ORDER}`,
  );
  const warnings: Record<string, number> = {};
  if (staged!.negative > 0) warnings[FACT_WARNING.negativeTotal] = staged!.negative;
  if (staged!.zero > 0) {
    const without = await session.row<{ n: number }>(
      `SELECT count(*) AS n FROM (${good}) WHERE reason IS NULL AND total IS NULL`,
    );
    if (without!.n > 0) warnings[FACT_WARNING.missingTotal] = without!.n;
  }
  return warnings;
}

/** Rows that are taken in, and have columns that nothing is read from, by column. */
async function countUnread(
  session: DuckDbSession,
  { from, line, json }: Relation,
  { unread }: ColumnPlan,
  staged: number,
): Promise<Record<string, number>> {
  if (unread.length === 0 || staged === 0) return {};
  const told = unread.slice(0, UNKNOWN_FIELDS_TOLD_MAX);
  const further = unread.slice(UNKNOWN_FIELDS_TOLD_MAX);
  const texts = [
    ...told.map(FACT_WARNING.unknownField),
    ...(further.length > 0 ? [FACT_WARNING.furtherFields] : []),
  ];
  // Only rows of JSON differ in what they have.
  if (json === undefined) return Object.fromEntries(texts.map((text) => [text, staged]));
  const tests = [...told.map(json.has), further.map(json.has).join(' OR ')].slice(0, texts.length);
  const counts = tests.map((test, i) => `count(*) FILTER (${test}) AS n${i}`).join(', ');
  const found = await session.row<Record<string, number>>(
    `SELECT ${counts} FROM ${from} WHERE ${line} NOT IN (SELECT line FROM ${REJECTED})`,
  );
  return Object.fromEntries(
    texts.map((text, i) => [text, found![`n${i}`]!] as const).filter(([, rows]) => rows > 0),
  );
}

async function* rejectedRows(session: DuckDbSession): AsyncGenerator<readonly [number, string, string]> {
  const sql = `SELECT line::DOUBLE, reason, coalesce(text, '') FROM ${REJECTED} ORDER BY line`;
  for await (const chunk of session.stream(sql)) {
    for (const [line, reason, text] of chunk.getRows()) {
      yield [line as number, reason as string, text as string];
    }
  }
}

function asUnreadable(file: string, error: unknown): unknown {
  if (!(error instanceof CoterieError) || error.code !== 'ENGINE_FAILED') return error;
  return fileUnreadable(file, `cannot be read as Parquet: ${error.message.split(' (in: ', 1)[0]}`, error);
}
