/**
 * The DuckDB file of a data folder, opened once per process and shared by the engine, the catalog and the
 * simulation. Reads run on pooled sessions; writes go through `exclusive`, one transaction at a time.
 * Foreign errors leave here as the catalogue's.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api';
import { CoterieError } from '../../../model/error.ts';
import { translateError } from './duckdb-error.ts';
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
  let instance: DuckDBInstance | undefined;
  try {
    instance = await DuckDBInstance.create(join(folder, DATABASE_FILE), {
      threads: String(options.threads ?? availableParallelism()),
      memory_limit: `${options.memoryMiB ?? MEMORY_MIB_DEFAULT}MiB`,
      temp_directory: join(folder, SPILL_FOLDER),
      // Nothing is downloaded behind the operator's back; all that is needed is linked in.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // Small puts go to the log; 64 MiB of it replay in about a second after a crash.
      checkpoint_threshold: '64MiB',
    });
    // Nobody else has the file open, so what lies there is left from a process that was killed.
    await rm(join(folder, SPILL_FOLDER), { recursive: true, force: true });
    const write = new DuckDbSession(await instance.connect(), folder);
    await write.run(`SET GLOBAL TimeZone = 'UTC'`);
    await prepareSchema(write, folder);
    return new DuckDbDatabase(instance, folder, write);
  } catch (error) {
    instance?.closeSync();
    throw translateError(error, folder);
  }
}

async function prepareSchema(session: DuckDbSession, folder: string): Promise<void> {
  // Asked for before any table is made: a newer version's tables may look different.
  const known = await session.row(`SELECT 1 AS known FROM duckdb_tables() WHERE table_name = 'meta'`);
  if (known !== undefined) {
    const meta = await session.row<{ value: string }>(`SELECT value FROM meta WHERE key = 'schema_version'`);
    const found = Number(meta?.value ?? SCHEMA_VERSION);
    if (found > SCHEMA_VERSION) {
      throw new CoterieError(
        'DATA_FOLDER_NEWER',
        `${folder} has tables of version ${found}; this version of Coterie reads up to ${SCHEMA_VERSION}`,
        { folder, expected: SCHEMA_VERSION, found },
      );
    }
  }
  await session.run('BEGIN');
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
  readonly #instance: DuckDBInstance;
  readonly #write: DuckDbSession;
  readonly #idle: DuckDbSession[] = [];
  /** Every session open: one left open would keep the file locked after the close. */
  readonly #sessions = new Set<DuckDbSession>();
  readonly #inTransaction = new AsyncLocalStorage<boolean>();
  #lastWrite: Promise<unknown> = Promise.resolve();
  #users = 0;

  constructor(instance: DuckDBInstance, folder: string, write: DuckDbSession) {
    this.#instance = instance;
    this.folder = folder;
    this.#write = write;
  }

  /** Counts one more user; called by `openDatabase`. */
  share(): this {
    this.#users++;
    return this;
  }

  /** A session of the caller's own, to be closed by it: for temporary tables and several reads in one transaction. */
  async connect(): Promise<DuckDbSession> {
    try {
      const connection = await this.#instance.connect();
      const session: DuckDbSession = new DuckDbSession(connection, this.folder, () => {
        this.#sessions.delete(session);
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
    const session = this.#idle.pop() ?? (await this.connect());
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
    const session = this.#idle.pop() ?? (await this.connect());
    try {
      return await work(session);
    } finally {
      if (this.#users > 0 && this.#idle.length < IDLE_SESSIONS_MAX) this.#idle.push(session);
      else await session.close();
    }
  }

  /** Changes what DuckDB may hold in memory, from now on. */
  async setMemoryMiB(memoryMiB: number): Promise<void> {
    await this.withSession((session) =>
      session.run(`SET GLOBAL memory_limit = '${Math.floor(memoryMiB)}MiB'`),
    );
  }

  /** Folds the log into the file, after all writes that were asked for before. */
  checkpoint(): Promise<void> {
    const fold = async () => {
      await this.#write.run('CHECKPOINT');
    };
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
    await this.#write.close();
    this.#instance.closeSync();
  }

  async #transact<T>(work: (session: DuckDbSession) => Promise<T>): Promise<T> {
    await this.#write.run('BEGIN');
    let result: T;
    try {
      result = await work(this.#write);
      await this.#write.run('COMMIT');
    } catch (error) {
      // A failed COMMIT has rolled back already; then this fails too, and says nothing new.
      await this.#write.run('ROLLBACK').catch(() => {});
      throw error;
    }
    return result;
  }
}
