/**
 * One generation, open: its environment, databases and snapshots. Views of it share the environment,
 * which closes with the last of them.
 *
 * A process that may write opens every generation for writing, since LMDB has one environment per file
 * and process, and whoever opens it first settles how.
 */
import { open as openFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type DatabaseOptions, open, type RootDatabase, type Transaction } from 'lmdb';
import { CoterieError } from '../../model/error.ts';
import { type CurrentGeneration, dataFile } from './generation-folder.ts';
import {
  type BinaryDatabase,
  CHANGE_DATABASE,
  CUSTOMER_DATABASE,
  CUSTOMER_KEY_ENCODER,
  FORMAT_VERSION,
  type GenerationMeta,
  META_DATABASE,
  META_KEY,
  PAGE_DATABASES,
  READERS_MAX,
  ROW_DATABASE,
} from './lmdb-layout.ts';

/** The magic number of an LMDB meta page, little-endian, behind the page's header. */
const META_MAGIC = 0xbeefc0de;
const META_MAGIC_AT = 24;
const PAGE_BYTES_AT = 48;

/** EACCES, EPERM, EROFS. */
const UNWRITABLE_CODES: ReadonlySet<unknown> = new Set([13, 1, 30]);

/**
 * Data files that this process has open for reading only, and how often: the library would hand the same
 * environment to who asks for writing, and fail at the first transaction.
 */
const openForReading = new Map<string, number>();

function countReading(path: string, more: number): void {
  const count = (openForReading.get(path) ?? 0) + more;
  if (count > 0) openForReading.set(path, count);
  else openForReading.delete(path);
}

/** One state of the environment: given to look-ups, which then all answer from it. */
export interface Snapshot {
  readonly transaction: Transaction;
}

export interface GenerationDatabases {
  readonly customer: BinaryDatabase<string>;
  readonly row: BinaryDatabase<number>;
  readonly pages: ReadonlyMap<string, BinaryDatabase<number>>;
  /** Absent in a generation of format 1 that is open for reading only: it has no changes. */
  readonly change: BinaryDatabase<number> | undefined;
  readonly meta: BinaryDatabase<number>;
}

export class LmdbGeneration {
  readonly number: number;
  readonly folder: string;
  readonly path: string;
  readonly environment: RootDatabase<Uint8Array, number>;
  readonly databases: GenerationDatabases;
  /** Whether ticks can be applied to it through this environment. */
  readonly isWritable: boolean;
  #users = 0;

  constructor(
    folder: string,
    number: number,
    environment: RootDatabase<Uint8Array, number>,
    isWritable: boolean,
  ) {
    this.isWritable = isWritable;
    this.folder = folder;
    this.number = number;
    this.path = dataFile(folder, number);
    this.environment = environment;
    this.databases = openDatabases(this.path, environment);
  }

  /** The newest state; the caller calls its transaction's `done`. */
  snapshot(): Snapshot {
    this.environment.resetReadTxn();
    return { transaction: this.environment.useReadTransaction() };
  }

  /** @throws {CoterieError} `DATA_FOLDER_CORRUPT`, `DATA_FOLDER_NEWER`. */
  readMeta(snapshot: Snapshot): GenerationMeta {
    const bytes = this.databases.meta.get(META_KEY, snapshot);
    if (!bytes) throw corrupt(this.path, 'the load it holds was not finished');
    const meta = parseJson<GenerationMeta>(this.path, bytes);
    if (meta.format > FORMAT_VERSION) {
      throw new CoterieError(
        'DATA_FOLDER_NEWER',
        `${this.path} has format ${meta.format}; this version reads formats up to ${FORMAT_VERSION}`,
        { file: this.path, expected: FORMAT_VERSION, found: meta.format },
      );
    }
    return meta;
  }

  use(): void {
    this.#users++;
  }

  async release(): Promise<void> {
    this.#users--;
    if (this.#users > 0) return;
    await this.environment.close();
    if (!this.isWritable) countReading(resolve(this.path), -1);
  }
}

/**
 * Opens a generation that nobody uses yet.
 *
 * Written ticks: LMDB writes a transaction's pages and makes them durable, then writes the page that
 * points to them, which the next transaction makes durable with its own (`noMetaSync`). So after a power
 * cut the file stands at the last tick or at the one before it, whole. Without any sync, the pointer could
 * reach the disk before the pages, or pages of the state it points to could be written over. The sync
 * runs in a thread of LMDB's own and holds up no request.
 *
 * @throws {CoterieError} `DATA_FOLDER_CORRUPT`.
 * @throws a "missing" error of the system if the generation was removed meanwhile.
 */
export async function openGeneration(
  folder: string,
  current: CurrentGeneration,
  readOnly: boolean,
): Promise<LmdbGeneration> {
  await checkDataFile(dataFile(folder, current.generation), current.bytes);
  const isSettled = openForReading.has(resolve(dataFile(folder, current.generation)));
  if (readOnly || isSettled) return openAs(folder, current.generation, false);
  try {
    return await openAs(folder, current.generation, true);
  } catch (error) {
    // Another user's file can still be read.
    if (!UNWRITABLE_CODES.has((error as { code?: unknown }).code)) throw error;
    return openAs(folder, current.generation, false);
  }
}

async function openAs(folder: string, number: number, isWritable: boolean): Promise<LmdbGeneration> {
  const environment = open<Uint8Array, number>({
    path: dataFile(folder, number),
    noSubdir: true,
    encoding: 'binary',
    maxDbs: 8,
    maxReaders: READERS_MAX,
    ...(isWritable ? { noMetaSync: true, overlappingSync: false, noMemInit: true } : { readOnly: true }),
  });
  try {
    const generation = new LmdbGeneration(folder, number, environment, isWritable);
    if (!isWritable) countReading(resolve(generation.path), 1);
    return generation;
  } catch (error) {
    await environment.close();
    throw error;
  }
}

function openDatabases(path: string, environment: RootDatabase<Uint8Array, number>): GenerationDatabases {
  const numbered = { encoding: 'binary', keyEncoding: 'uint32', create: false } as const;
  const byCustomer = { encoding: 'binary', keyEncoder: CUSTOMER_KEY_ENCODER, create: false } as const;
  const customer = openDatabase<string>(environment, CUSTOMER_DATABASE, byCustomer);
  const row = openDatabase<number>(environment, ROW_DATABASE, numbered);
  const pages = new Map<string, BinaryDatabase<number>>();
  for (const kind of PAGE_DATABASES) {
    const database = openDatabase<number>(environment, kind, numbered);
    if (database) pages.set(kind, database);
  }
  const meta = openDatabase<number>(environment, META_DATABASE, numbered);
  if (!customer || !row || !meta || pages.size < PAGE_DATABASES.length) {
    throw corrupt(path, 'a database is missing');
  }
  const change = openDatabase<number>(environment, CHANGE_DATABASE, { ...numbered, create: true });
  return { customer, row, pages, change, meta };
}

/** Undefined if there is none. */
function openDatabase<K extends string | number>(
  environment: RootDatabase<Uint8Array, number>,
  name: string,
  options: DatabaseOptions & { readonly create: boolean },
): BinaryDatabase<K> | undefined {
  try {
    return environment.openDB(name, options) as unknown as BinaryDatabase<K> | undefined;
  } catch (error) {
    if (error instanceof Error && /not found/i.test(error.message)) return undefined;
    throw error;
  }
}

/**
 * LMDB maps whatever it is given: a file that is cut off or is no LMDB file at all would end the process
 * by a signal. So length and magic number are looked at first.
 */
async function checkDataFile(path: string, bytes: number): Promise<void> {
  const { size } = await stat(path);
  if (size < bytes) throw corrupt(path, `expected ${bytes} bytes, found ${size}`);
  const file = await openFile(path, 'r');
  try {
    const wordAt = async (at: number) => (await file.read(Buffer.alloc(4), 0, 4, at)).buffer.readUInt32LE(0);
    // Two meta pages, written in turn; the first tells the size of a page.
    const pageBytes = await wordAt(PAGE_BYTES_AT);
    for (const at of [0, pageBytes]) {
      if ((await wordAt(at + META_MAGIC_AT)) !== META_MAGIC)
        throw corrupt(path, 'it is not an LMDB data file');
    }
  } finally {
    await file.close();
  }
}

/** @throws {CoterieError} `DATA_FOLDER_CORRUPT`. */
export function parseJson<T>(path: string, bytes: Uint8Array): T {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    throw corrupt(path, 'what should be JSON is not', error);
  }
}

export function corrupt(path: string, found: string, cause?: unknown): CoterieError {
  return new CoterieError(
    'DATA_FOLDER_CORRUPT',
    `${path} cannot be read: ${found}`,
    { file: path },
    { cause },
  );
}
