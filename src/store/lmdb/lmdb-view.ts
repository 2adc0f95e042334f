/**
 * One generation, open for reading. Its look-ups share one read transaction that lasts as long as the
 * view, so everything a view answers comes from one state, and no look-up begins a transaction.
 */
import { open as openFile, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type DatabaseOptions, open, type RootDatabase, type Transaction } from 'lmdb';
import { CoterieError } from '../../model/error.ts';
import { ID_BYTES_MAX } from '../../model/fact.ts';
import type { AsOf } from '../../model/membership.ts';
import type { SegmentDirectory, StoreView } from '../store.ts';
import { type CurrentGeneration, dataFile } from './generation-folder.ts';
import {
  type BinaryDatabase,
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
import { RowSlab } from './row-slab.ts';
import { readPages } from './segment-pages.ts';

/** The magic number of an LMDB meta page, little-endian, behind the page's header. */
const META_MAGIC = 0xbeefc0de;
const META_MAGIC_AT = 24;
const PAGE_BYTES_AT = 48;

interface Snapshot {
  readonly transaction: Transaction;
}

/**
 * Opens a generation and reads its directory, page by page, letting requests pass in between.
 *
 * @throws {CoterieError} `DATA_FOLDER_CORRUPT`, `DATA_FOLDER_NEWER`.
 * @throws a "missing" error of the system if the generation was removed meanwhile.
 */
export async function openLmdbView(folder: string, current: CurrentGeneration): Promise<LmdbView> {
  const path = dataFile(folder, current.generation);
  await checkDataFile(path, current.bytes);
  const environment = open<Uint8Array, number>({
    path,
    noSubdir: true,
    readOnly: true,
    encoding: 'binary',
    maxDbs: 8,
    maxReaders: READERS_MAX,
  });
  try {
    const numbered = { encoding: 'binary', keyEncoding: 'uint32' } as const;
    const byCustomer = { encoding: 'binary', keyEncoder: CUSTOMER_KEY_ENCODER } as const;
    const customer = openDatabase<string>(environment, CUSTOMER_DATABASE, byCustomer);
    const row = openDatabase<number>(environment, ROW_DATABASE, numbered);
    const pages = new Map<string, BinaryDatabase<number>>();
    for (const kind of PAGE_DATABASES) {
      const database = openDatabase<number>(environment, kind, numbered);
      if (database) pages.set(kind, database);
    }
    const metaDatabase = openDatabase<number>(environment, META_DATABASE, numbered);
    if (!customer || !row || !metaDatabase || pages.size < PAGE_DATABASES.length) {
      throw corrupt(path, 'a database is missing');
    }
    const snapshot = { transaction: environment.useReadTransaction() };
    const meta = readMeta(path, metaDatabase, snapshot);
    const directory = await readDirectory(path, pages, meta, snapshot);
    return new LmdbView({
      generation: current.generation,
      meta,
      directory,
      environment,
      customer,
      row,
      snapshot,
    });
  } catch (error) {
    await environment.close();
    throw error;
  }
}

function openDatabase<K extends string | number>(
  environment: RootDatabase<Uint8Array, number>,
  name: string,
  options: DatabaseOptions,
): BinaryDatabase<K> | undefined {
  return environment.openDB(name, options) as unknown as BinaryDatabase<K> | undefined;
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

function readMeta(path: string, database: BinaryDatabase<number>, snapshot: Snapshot): GenerationMeta {
  const bytes = database.get(META_KEY, snapshot);
  if (!bytes) throw corrupt(path, 'the load it holds was not finished');
  const meta = parseJson<GenerationMeta>(path, bytes);
  if (meta.format > FORMAT_VERSION) {
    throw new CoterieError(
      'DATA_FOLDER_NEWER',
      `${path} has format ${meta.format}; this version reads formats up to ${FORMAT_VERSION}`,
      { file: path, expected: FORMAT_VERSION, found: meta.format },
    );
  }
  return meta;
}

async function readDirectory(
  path: string,
  databases: ReadonlyMap<string, BinaryDatabase<number>>,
  meta: GenerationMeta,
  snapshot: Snapshot,
): Promise<SegmentDirectory> {
  const page = (kind: string, number: number): Uint8Array => {
    const bytes = databases.get(kind)!.get(number, snapshot);
    if (!bytes) throw corrupt(path, `page ${number} of ${kind} is missing`);
    return bytes;
  };
  try {
    return await readPages(meta, page, nextTurn);
  } catch (error) {
    if (error instanceof CoterieError) throw error;
    throw corrupt(path, 'its directory of segments is not as it was written', error);
  }
}

function parseJson<T>(path: string, bytes: Uint8Array): T {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    throw corrupt(path, 'what should be JSON is not', error);
  }
}

function corrupt(path: string, found: string, cause?: unknown): CoterieError {
  return new CoterieError(
    'DATA_FOLDER_CORRUPT',
    `${path} cannot be read: ${found}`,
    { file: path },
    { cause },
  );
}

export class LmdbView implements StoreView {
  readonly asOf: AsOf;
  readonly directory: SegmentDirectory;
  readonly customers: number;
  readonly generation: number;
  readonly #environment: RootDatabase<Uint8Array, number>;
  readonly #customer: BinaryDatabase<string>;
  readonly #row: BinaryDatabase<number>;
  readonly #snapshot: Snapshot;
  readonly #slab = new RowSlab();
  #closed = false;

  constructor(opened: {
    readonly generation: number;
    readonly meta: GenerationMeta;
    readonly directory: SegmentDirectory;
    readonly environment: RootDatabase<Uint8Array, number>;
    readonly customer: BinaryDatabase<string>;
    readonly row: BinaryDatabase<number>;
    readonly snapshot: Snapshot;
  }) {
    this.generation = opened.generation;
    this.asOf = opened.meta.asOf;
    this.customers = opened.meta.customers;
    this.directory = opened.directory;
    this.#environment = opened.environment;
    this.#customer = opened.customer;
    this.#row = opened.row;
    this.#snapshot = opened.snapshot;
  }

  row(customerId: string): Uint8Array | undefined {
    const customerNo = this.#customerNo(customerId);
    if (customerNo === undefined) return undefined;
    const bytes = this.#row.getBinaryFast(customerNo, this.#snapshot);
    return bytes && this.#slab.copy(bytes, bytes.length);
  }

  isKnown(customerId: string): boolean {
    return this.#customerNo(customerId) !== undefined;
  }

  #customerNo(customerId: string): number | undefined {
    if (this.#closed) throw new Error('this view was closed: ask the store for its view at each request');
    // An id that is longer than any that was let in is not known, and would not fit the key buffer.
    if (customerId.length === 0 || customerId.length > ID_BYTES_MAX) return undefined;
    const bytes = this.#customer.getBinaryFast(customerId, this.#snapshot);
    return bytes && (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#snapshot.transaction.done();
    await this.#environment.close();
  }
}
