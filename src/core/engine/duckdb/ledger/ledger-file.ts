/**
 * The ledger on disk: one LMDB environment in `<data>/ledger/`, derived from the DuckDB file and disposable.
 *
 *     value   customer number → facts, see customer-value.ts
 *     mark    0 → JSON of `LedgerMark`, written in the same transaction as the values that it stands for
 *     STATE   JSON of `LedgerState`: whether what lies there can be trusted
 *
 * Nothing is synced while it is in use, since a sync costs more than a tick and the DuckDB file holds all
 * facts durably. What a killed process wrote is in the system's page cache, in order, so LMDB finds the
 * last commit whole. After a power cut pages may be lost in any order: so the ledger is trusted only if
 * it was closed (and synced then), or if the machine has not been started anew since it was opened.
 */
import { strict as assert } from 'node:assert';
import { mkdir, open as openFile, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb';
import { CoterieError } from '../../../../model/error.ts';
import { translateError } from '../duckdb-error.ts';
import { VALUE_FORMAT } from './customer-value.ts';

export const LEDGER_FOLDER = 'ledger';
const DATA_FILE = 'data.mdb';
const STATE_FILE = 'STATE';
/** Raised whenever anything but the value changes shape. */
const LEDGER_FORMAT = 1;
/** LMDB's lock file for as many readers as it takes by default: 126 slots of 64 bytes and a header. */
const LOCK_FILE_BYTES = 16_384;
/** The magic number of an LMDB meta page, little-endian, behind the page's header. */
const META_MAGIC = 0xbeef_c0de;
const META_MAGIC_AT = 24;
const PAGE_BYTES_AT = 48;
/** What a write leaves free: LMDB must not meet a full disk, where it ends the process by a signal. */
const SPACE_RESERVE_BYTES = 16 << 20;

/** What the values reflect. */
export interface LedgerMark {
  /** Facts of this batch and before are in. */
  readonly batchNo: number;
  /** Tells that batch from another one of the same number, of a file that was restored or made anew. */
  readonly fingerprint: string;
  /** Values may hold facts up to this batch: more than `batchNo` while a large advance is under way. */
  readonly reachesBatchNo: number;
}

interface LedgerState {
  readonly format: string;
  /** Synced and closed: trusted after a power cut too. */
  readonly closed: boolean;
  /** Names the start of the machine since which it is open; absent where the system does not tell. */
  readonly bootId?: string;
  /** Tells the data file from a copy of it, which may have been made in the middle of a write. */
  readonly file?: string;
  /** Length of the data file when closed. */
  readonly bytes?: number;
}

/** A database as it is used here: two methods do more than the library's own types say. */
type BinaryDatabase = Omit<Database<Buffer, number>, 'putSync' | 'getBinaryFast'> & {
  /** False where LMDB refused the value, such as one out of order. */
  putSync(key: number, value: Buffer, options?: { readonly append: boolean }): boolean;
  /** The bytes are overwritten by the next look-up in this process. */
  getBinaryFast(key: number, options?: { readonly transaction: Transaction }): Buffer | undefined;
};

/** One state of the ledger, whatever is written meanwhile. */
export interface LedgerReader {
  /** The value of a customer; its bytes are overwritten by the next look-up. */
  value(customerNo: number): Buffer | undefined;
  close(): void;
}

/** Folders open in this process. */
const OPEN = new Set<string>();

/**
 * Opens the ledger of a data folder, empty if there is none that can be trusted. The process must hold
 * the folder's DuckDB file, which keeps other processes out.
 *
 * @param valueStamp - What values depend on besides their format, such as the hash function's version.
 * @throws {CoterieError} `DISK_FULL`, `DATA_FOLDER_UNWRITABLE`.
 */
export async function openLedgerFile(dataFolder: string, valueStamp: string): Promise<LedgerFile> {
  const folder = join(dataFolder, LEDGER_FOLDER);
  assert(!OPEN.has(folder), `the ledger of ${dataFolder} is open in this process already`);
  OPEN.add(folder);
  try {
    await mkdir(folder, { recursive: true });
    const format = `${LEDGER_FORMAT}.${VALUE_FORMAT} ${valueStamp}`;
    const bootId = await readBootId();
    if (!(await isTrusted(folder, format, bootId))) await removeData(folder);
    await checkSpace(folder, 0);
    // Written in full: LMDB would make it sparse and map it. Nobody else reads, so no reader is lost.
    await writeFile(join(folder, `${DATA_FILE}-lock`), Buffer.alloc(LOCK_FILE_BYTES));
    const environment = open<Buffer, number>({
      path: join(folder, DATA_FILE),
      noSubdir: true,
      encoding: 'binary',
      maxDbs: 4,
      noSync: true,
      noMetaSync: true,
      noMemInit: true,
    });
    const ledger = new LedgerFile(folder, format, environment);
    try {
      await writeState(folder, {
        format,
        closed: false,
        ...(bootId === undefined ? {} : { bootId }),
        file: await identityOf(join(folder, DATA_FILE)),
      });
    } catch (error) {
      await environment.close();
      throw error;
    }
    return ledger;
  } catch (error) {
    OPEN.delete(folder);
    throw translateError(error, folder);
  }
}

export class LedgerFile {
  readonly #folder: string;
  readonly #format: string;
  readonly #environment: RootDatabase<Buffer, number>;
  readonly #values: BinaryDatabase;
  readonly #mark: BinaryDatabase;
  #closed = false;

  constructor(folder: string, format: string, environment: RootDatabase<Buffer, number>) {
    this.#folder = folder;
    this.#format = format;
    this.#environment = environment;
    const numbered = { encoding: 'binary', keyEncoding: 'uint32' } as const;
    this.#values = environment.openDB('value', numbered) as unknown as BinaryDatabase;
    this.#mark = environment.openDB('mark', numbered) as unknown as BinaryDatabase;
  }

  /** What the values reflect; undefined when the ledger must be built. */
  mark(): LedgerMark | undefined {
    const bytes = this.#environment.transactionSync(() => this.#mark.getBinaryFast(0));
    return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as LedgerMark);
  }

  /** A state to read from, to be closed soon: pages that it sees are not used again until then. */
  reader(): LedgerReader {
    const transaction = this.#environment.useReadTransaction();
    const options = { transaction };
    return {
      value: (customerNo) => this.#values.getBinaryFast(customerNo, options),
      close: () => transaction.done(),
    };
  }

  /**
   * Makes several changes in one transaction: all of them or none.
   *
   * @param bytesMax - Of the values that `work` puts, at the most.
   * @throws {CoterieError} `DISK_FULL`.
   */
  async write(bytesMax: number, work: (change: LedgerChange) => void): Promise<void> {
    await checkSpace(this.#folder, bytesMax);
    try {
      this.#environment.transactionSync(() => work(this.#change));
    } catch (error) {
      throw translateError(error, this.#folder);
    }
  }

  readonly #change: LedgerChange = {
    value: (customerNo) => this.#values.getBinaryFast(customerNo),
    put: (customerNo, value) => taken(this.#values.putSync(customerNo, value), customerNo),
    append: (customerNo, value) =>
      taken(this.#values.putSync(customerNo, value, { append: true }), customerNo),
    remove: (customerNo) => void this.#values.removeSync(customerNo),
    clear: () => {
      this.#mark.clearSync();
      this.#values.clearSync();
    },
    setMark: (mark) => taken(this.#mark.putSync(0, Buffer.from(JSON.stringify(mark))), 0),
  };

  /** Syncs and closes; the ledger is trusted from then on, whatever happens to the machine. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#environment.close();
      const path = join(this.#folder, DATA_FILE);
      const file = await openFile(path, 'r+');
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
      const { size } = await stat(path);
      await writeState(this.#folder, { format: this.#format, closed: true, bytes: size });
    } catch (error) {
      throw translateError(error, this.#folder);
    } finally {
      OPEN.delete(this.#folder);
    }
  }
}

/** What can be done within a transaction. */
export interface LedgerChange {
  /** The value of a customer; its bytes are overwritten by the next look-up. */
  value(customerNo: number): Buffer | undefined;
  /** The value is copied. */
  put(customerNo: number, value: Buffer): void;
  /** Faster, for a customer above all others. */
  append(customerNo: number, value: Buffer): void;
  remove(customerNo: number): void;
  /** Removes all values, and the mark. */
  clear(): void;
  setMark(mark: LedgerMark): void;
}

function taken(isTaken: boolean, customerNo: number): void {
  if (!isTaken) throw new Error(`the ledger did not take the value of customer ${customerNo}`);
}

async function isTrusted(folder: string, format: string, bootId: string | undefined): Promise<boolean> {
  try {
    const state = JSON.parse(await readFile(join(folder, STATE_FILE), 'utf8')) as LedgerState;
    const path = join(folder, DATA_FILE);
    if (state.format !== format || !(await hasMetaPages(path))) return false;
    if (state.closed) return (await stat(path)).size === state.bytes;
    return bootId !== undefined && state.bootId === bootId && state.file === (await identityOf(path));
  } catch {
    // Missing or unreadable: either way there is nothing to trust.
    return false;
  }
}

/** LMDB maps whatever it is given: a file of another kind would end the process by a signal. */
async function hasMetaPages(path: string): Promise<boolean> {
  const file = await openFile(path, 'r');
  try {
    const wordAt = async (at: number) => (await file.read(Buffer.alloc(4), 0, 4, at)).buffer.readUInt32LE(0);
    // Two of them, written in turn; the first tells the size of a page.
    const pageBytes = await wordAt(PAGE_BYTES_AT);
    return (
      (await wordAt(META_MAGIC_AT)) === META_MAGIC && (await wordAt(pageBytes + META_MAGIC_AT)) === META_MAGIC
    );
  } finally {
    await file.close();
  }
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}

async function removeData(folder: string): Promise<void> {
  for (const name of [STATE_FILE, DATA_FILE, `${DATA_FILE}-lock`]) {
    await rm(join(folder, name), { force: true });
  }
}

/** Durable when it returns: "open" must not be lost by the power cut that it warns of. */
async function writeState(folder: string, state: LedgerState): Promise<void> {
  const path = join(folder, STATE_FILE);
  const file = await openFile(`${path}.new`, 'w');
  try {
    await file.writeFile(JSON.stringify(state));
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const directory = await openFile(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function readBootId(): Promise<string | undefined> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return undefined;
  }
}

async function checkSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  // Values longer than half a page take whole pages, so twice their bytes at the most.
  const needed = 2 * bytes + SPACE_RESERVE_BYTES;
  if (bavail * bsize >= needed) return;
  const mebibytes = (count: number) => `${(count / 1_048_576).toFixed(1)} MiB`;
  throw new CoterieError(
    'DISK_FULL',
    `${mebibytes(bavail * bsize)} are free in ${folder}, and the ledger needs ${mebibytes(needed)} to go on`,
    { folder, freeBytes: bavail * bsize, neededBytes: needed },
  );
}
