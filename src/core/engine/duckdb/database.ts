/**
 * The DuckDB file of a data folder, opened once per process and shared by the engine, the catalog and the
 * simulation. Reads run on pooled sessions; writes go through `exclusive`, one transaction at a time.
 * Foreign errors leave here as the catalogue's.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api';
import { CoterieError } from '../../../model/error.ts';
import { translateError } from './duckdb-error.ts';
import { migrateSchema } from './migrate-schema.ts';
import { CREATE_TABLES, SCHEMA_VERSION } from './schema.ts';
import { type Cell, DuckDbSession, type Param } from './session.ts';

export interface DatabaseOptions {
  /** Made if it does not exist. */
  readonly folder: string;
  /** What DuckDB may hold of its own; the rest spills to the folder. Default 1024. */
  readonly memoryMiB?: number;
  /** Default: the machine's cores. */
  readonly threads?: number;
}

/** The file's name in the data folder. */
export const DATABASE_FILE = 'coterie.duckdb';
/** Holds what does not fit into memory, and copies of files on their way in. Emptied when the file is opened. */
export const SPILL_FOLDER = 'spill';
const MEMORY_MIB_DEFAULT = 1024;
/** A log of this size is folded in after a transaction; it replays in about a second after a crash. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;
/** What DuckDB says when nothing more can be done with an open file. */
const FATAL = /FATAL Error|has been invalidated/;
/** Sessions kept for reuse; more are opened while more are needed at once. */
const IDLE_SESSIONS_MAX = 4;

/**
 * Opens the data folder's DuckDB file, or returns the one that this process has open already: close each
 * once.
 *
 * @throws {CoterieError} `DATA_FOLDER_LOCKED`, `DATA_FOLDER_NEWER`, `DATA_FOLDER_UNWRITABLE`,
 *   `DATA_FOLDER_CORRUPT`, `DISK_FULL`.
 */
export async function openDatabase(options: DatabaseOptions): Promise<DuckDbDatabase> {
  let folder = options.folder;
  try {
    await mkdir(folder, { recursive: true });
    folder = await realpath(folder);
  } catch (error) {
    throw translateError(error, folder);
  }
  // The file's lock does not hold within a process, so that a second instance would damage the file.
  let opening = OPEN.get(folder);
  if (opening === undefined) {
    opening = openFile(folder, options);
    OPEN.set(folder, opening);
    opening.catch(() => OPEN.delete(folder));
  }
  const database = await opening;
  return database.share();
}

const OPEN = new Map<string, Promise<DuckDbDatabase>>();
const CLOSING = new Map<string, Promise<void>>();

async function openFile(folder: string, options: DatabaseOptions): Promise<DuckDbDatabase> {
  await CLOSING.get(folder);
  let database: DuckDbDatabase | undefined;
  try {
    database = new DuckDbDatabase(await openInstance(folder, options), folder, options);
    // Nobody else has the file open, so what lies there is left from a process that was killed.
    await rm(join(folder, SPILL_FOLDER), { recursive: true, force: true });
    await database.withSession((session) => prepareSchema(session, folder));
    return database;
  } catch (error) {
    await database?.close();
    throw translateError(error, folder);
  }
}

async function openInstance(folder: string, options: DatabaseOptions): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(join(folder, DATABASE_FILE), {
    threads: String(options.threads ?? availableParallelism()),
    memory_limit: `${options.memoryMiB ?? MEMORY_MIB_DEFAULT}MiB`,
    temp_directory: join(folder, SPILL_FOLDER),
    // Nothing is downloaded behind the operator's back; all that is needed is linked in.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // Never by itself: a checkpoint that fails inside a commit would leave in doubt whether it was one.
    checkpoint_threshold: '1TiB',
  });
  const connection = await instance.connect();
  await connection.run(`SET GLOBAL TimeZone = 'UTC'`);
  connection.disconnectSync();
  return instance;
}

async function prepareSchema(session: DuckDbSession, folder: string): Promise<void> {
  // Asked for before any table is made: a newer version's tables may look different.
  const known = await session.row(`SELECT 1 AS known FROM duckdb_tables() WHERE table_name = 'meta'`);
  const meta =
    known === undefined
      ? undefined
      : await session.row<{ value: string }>(`SELECT value FROM meta WHERE key = 'schema_version'`);
  const found = Number(meta?.value ?? SCHEMA_VERSION);
  if (found > SCHEMA_VERSION) {
    throw new CoterieError(
      'DATA_FOLDER_NEWER',
      `${folder} has tables of version ${found}; this version of Coterie reads up to ${SCHEMA_VERSION}`,
      { folder, expected: SCHEMA_VERSION, found },
    );
  }
  await session.run('BEGIN');
  await migrateSchema(session, found);
  await session.run(CREATE_TABLES);
  await session.run(
    `INSERT INTO meta SELECT 'schema_version', $1 WHERE NOT EXISTS (FROM meta WHERE key = 'schema_version')`,
    [String(SCHEMA_VERSION)],
  );
  // Orders without a currency carry number 0, whoever writes them.
  await session.run(
    `INSERT INTO currency SELECT 0, '' WHERE NOT EXISTS (FROM currency WHERE currency_no = 0)`,
  );
  await session.run('COMMIT');
}

export class DuckDbDatabase {
  readonly folder: string;
  #options: DatabaseOptions;
  #instance: DuckDBInstance;
  /** DuckDB has given up on the instance: it is opened anew for the next statement. */
  #failed = false;
  #reopening: Promise<void> | undefined;
  #checkpointDue = false;
  readonly #idle: DuckDbSession[] = [];
  /** Every session open: one left open would keep the file locked after the close. */
  readonly #sessions = new Set<DuckDbSession>();
  readonly #inTransaction = new AsyncLocalStorage<boolean>();
  #lastWrite: Promise<unknown> = Promise.resolve();
  #users = 0;

  constructor(instance: DuckDBInstance, folder: string, options: DatabaseOptions) {
    this.#instance = instance;
    this.folder = folder;
    this.#options = options;
  }

  /** Counts one more user; called by `openDatabase`. */
  share(): this {
    this.#users++;
    return this;
  }

  /** A session of the caller's own, to be closed by it: for temporary tables and several reads in one transaction. */
  async connect(): Promise<DuckDbSession> {
    if (this.#failed) {
      this.#reopening ??= this.#reopen().finally(() => {
        this.#reopening = undefined;
      });
      await this.#reopening;
    }
    try {
      const session = new DuckDbSession(await this.#instance.connect(), this.folder, {
        onClose: (closed) => this.#sessions.delete(closed),
        onFailure: (error) => {
          if (FATAL.test(String(error))) this.#failed = true;
        },
      });
      this.#sessions.add(session);
      return session;
    } catch (error) {
      throw translateError(error, this.folder);
    }
  }

  /** Runs one query outside of any transaction and returns all its rows as objects. */
  rows<Row = Record<string, Cell>>(sql: string, params: readonly Param[] = []): Promise<Row[]> {
    return this.withSession((session) => session.rows<Row>(sql, params));
  }

  /** The first row of a query, or undefined. */
  async row<Row = Record<string, Cell>>(
    sql: string,
    params: readonly Param[] = [],
  ): Promise<Row | undefined> {
    return (await this.rows<Row>(sql, params))[0];
  }

  /** Rows of a query chunk by chunk, in order, as typed columns; never all at once in memory. */
  async *stream(sql: string, params: readonly Param[] = []): AsyncGenerator<DuckDBDataChunk> {
    const session = await this.#borrow();
    try {
      yield* session.stream(sql, params);
    } finally {
      // One that was left in the middle still holds its result: it is not used again.
      await session.close();
    }
  }

  /** Runs statements as one transaction of their own. Rows changed by the last. */
  run(sql: string, params: readonly Param[] = []): Promise<number> {
    return this.exclusive((session) => session.run(sql, params));
  }

  /**
   * Runs `work` as one transaction, after all that were asked for before: committed and durable when the
   * promise resolves, rolled back when `work` throws. `work` uses the session it is given for everything;
   * reads through the database see the state before.
   */
  exclusive<T>(work: (session: DuckDbSession) => Promise<T>): Promise<T> {
    if (this.#inTransaction.getStore()) {
      throw new Error('exclusive() inside exclusive() would wait for itself: use the session given');
    }
    const transaction = () => this.#inTransaction.run(true, () => this.#transact(work));
    const result = this.#lastWrite.then(transaction, transaction);
    this.#lastWrite = result.catch(() => {});
    return result;
  }

  /** Lends a pooled session for several reads. */
  async withSession<T>(work: (session: DuckDbSession) => Promise<T>): Promise<T> {
    const session = await this.#borrow();
    try {
      return await work(session);
    } finally {
      if (this.#failed || this.#idle.length >= IDLE_SESSIONS_MAX) session.disconnect();
      else this.#idle.push(session);
    }
  }

  /** Changes what DuckDB may hold in memory, from now on. */
  async setMemoryMiB(memoryMiB: number): Promise<void> {
    this.#options = { ...this.#options, memoryMiB };
    await this.withSession((session) =>
      session.run(`SET GLOBAL memory_limit = '${Math.floor(memoryMiB)}MiB'`),
    );
  }

  /** Folds the log into the file, after all writes asked for before; later, if a scan is under way. */
  checkpoint(): Promise<void> {
    const fold = () => this.#checkpoint();
    const result = this.#lastWrite.then(fold, fold);
    this.#lastWrite = result.catch(() => {});
    return result;
  }

  /** Waits for writes, and closes the file when its last user in this process has closed it. */
  async close(): Promise<void> {
    if (--this.#users > 0) return;
    const closing = this.#closeFile();
    OPEN.delete(this.folder);
    CLOSING.set(this.folder, closing);
    await closing.finally(() => CLOSING.delete(this.folder));
  }

  async #closeFile(): Promise<void> {
    await this.#lastWrite;
    await Promise.all([...this.#sessions].map((session) => session.close()));
    this.#instance.closeSync();
  }

  async #borrow(): Promise<DuckDbSession> {
    return (this.#failed ? undefined : this.#idle.pop()) ?? (await this.connect());
  }

  /**
   * Opens the file again after DuckDB has given up on it, as it does when a disk fills up under a
   * checkpoint. What was committed is in the log and comes back; streams under way fail.
   */
  async #reopen(): Promise<void> {
    for (const session of this.#sessions) session.disconnect();
    this.#idle.length = 0;
    this.#instance.closeSync();
    try {
      this.#instance = await openInstance(this.folder, this.#options);
    } catch (error) {
      throw translateError(error, this.folder);
    }
    this.#failed = false;
  }

  async #transact<T>(work: (session: DuckDbSession) => Promise<T>): Promise<T> {
    const result = await this.withSession(async (session) => {
      await session.run('BEGIN');
      try {
        const returned = await work(session);
        await session.run('COMMIT');
        return returned;
      } catch (error) {
        // A failed COMMIT has rolled back already; then this fails too, and says nothing new.
        await session.run('ROLLBACK').catch(() => {});
        throw error;
      }
    });
    // The transaction stands whether this succeeds or not; the next one tries again.
    if (this.#checkpointDue || (await this.#logBytes()) > LOG_BYTES_MAX)
      await this.#checkpoint().catch(() => {});
    return result;
  }

  async #checkpoint(): Promise<void> {
    this.#checkpointDue = true;
    try {
      await this.withSession((session) => session.run('CHECKPOINT'));
      this.#checkpointDue = false;
    } catch (error) {
      // A scan is under way: the log waits, and the next transaction tries again.
      if (!/Cannot CHECKPOINT/.test(String(error))) throw error;
    }
  }

  async #logBytes(): Promise<number> {
    const log = await stat(join(this.folder, `${DATABASE_FILE}.wal`)).catch(() => undefined);
    return log?.size ?? 0;
  }
}
