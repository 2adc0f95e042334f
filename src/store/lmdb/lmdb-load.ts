/**
 * A full load into a generation of its own, beside the one in force. Written without a sync until the
 * end, then made durable once and switched in. Invariant: whatever fails, the folder, the lock and the
 * disk space of an unfinished generation are given back, and the old generation stays in force.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { open, type RootDatabase } from 'lmdb';
import { CoterieError } from '../../model/error.ts';
import { ID_BYTES_MAX } from '../../model/fact.ts';
import type { AsOf, CustomerBatch, MembershipLoad, RowBatch, SegmentEntry } from '../../model/membership.ts';
import {
  dataFile,
  generationFolder,
  prepareFolder,
  readCurrent,
  removeOthers,
  switchCurrent,
} from './generation-folder.ts';
import { checkSpace, toStoreError } from './lmdb-error.ts';
import {
  type BinaryDatabase,
  CHANGE_DATABASE,
  CUSTOMER_DATABASE,
  CUSTOMER_KEY_ENCODER,
  FORMAT_VERSION,
  type GenerationMeta,
  LOCK_FILE_BYTES,
  META_DATABASE,
  META_KEY,
  type PAGE_DATABASES,
  READERS_MAX,
  ROW_DATABASE,
} from './lmdb-layout.ts';
import { type LoadLock, takeLoadLock } from './load-lock.ts';
import { writePages } from './segment-pages.ts';

/**
 * Puts in one transaction. At 274 bytes a row, 1 M rows: 1.3 to 1.6 M rows/s from 200 to 4,000 puts,
 * 0.9 M/s at 20,000, when the dirty pages no longer fit the processor's caches.
 */
const TRANSACTION_PUTS = 4_000;
/** Keys arrive in order, so pages are filled to the brim: 7 % less file than without, and no slower. */
const IN_ORDER = { append: true } as const;

/** Key, number and LMDB's header of an entry, at the most. */
const CUSTOMER_BYTES_MAX = ID_BYTES_MAX + 16;

interface Databases {
  readonly environment: RootDatabase<Buffer, number>;
  readonly customer: BinaryDatabase<string>;
  readonly row: BinaryDatabase<number>;
  readonly pages: Readonly<Record<(typeof PAGE_DATABASES)[number], BinaryDatabase<number>>>;
  /** Left empty: for ticks. */
  readonly change: BinaryDatabase<number>;
  readonly meta: BinaryDatabase<number>;
}

/**
 * Starts a load, after clearing away what earlier ones left.
 *
 * @param switching - Runs the switch to the new generation, so that it falls into no tick of this process.
 * @param switched - Called once the new generation is in force.
 * @throws {CoterieError} `CALCULATION_RUNNING`, `DATA_FOLDER_UNWRITABLE`, `DATA_FOLDER_NEWER`,
 *   `DATA_FOLDER_CORRUPT`, `DISK_FULL`.
 */
export async function beginLmdbLoad(
  folder: string,
  switching: (work: () => Promise<void>) => Promise<void>,
  switched: () => Promise<void>,
): Promise<MembershipLoad> {
  await prepareFolder(folder);
  const lock = await takeLoadLock(folder);
  let generation = 0;
  try {
    const current = (await readCurrent(folder))?.generation;
    await removeOthers(folder, current === undefined ? [] : [current], lock.token);
    generation = (current ?? 0) + 1;
    await mkdir(generationFolder(folder, generation));
    // Written in full: LMDB would make it sparse and map it, and its first touch on a full disk is a SIGBUS.
    await writeFile(`${dataFile(folder, generation)}-lock`, Buffer.alloc(LOCK_FILE_BYTES));
    checkSpace(folder, 0);
    const databases = createDatabases(folder, generation);
    return new LmdbLoad(folder, generation, current, lock, databases, switching, switched);
  } catch (error) {
    if (generation > 0) await rm(generationFolder(folder, generation), { recursive: true, force: true });
    await lock.release();
    throw toStoreError(error, folder, 'begin a load');
  }
}

function createDatabases(folder: string, generation: number): Databases {
  // Without a map size the map grows as it must. The databases' key encodings must not be set on the
  // environment itself: its own keys are names.
  const environment = open<Buffer, number>({
    path: dataFile(folder, generation),
    noSubdir: true,
    encoding: 'binary',
    maxDbs: 8,
    maxReaders: READERS_MAX,
    noSync: true,
    noMetaSync: true,
    noMemInit: true,
  });
  const numbered = { encoding: 'binary', keyEncoding: 'uint32' } as const;
  const open32 = (name: string) => environment.openDB(name, numbered) as unknown as BinaryDatabase<number>;
  const byCustomer = { encoding: 'binary', keyEncoder: CUSTOMER_KEY_ENCODER } as const;
  return {
    environment,
    customer: environment.openDB(CUSTOMER_DATABASE, byCustomer) as unknown as BinaryDatabase<string>,
    row: open32(ROW_DATABASE),
    pages: { segment: open32('segment'), segmentStore: open32('segmentStore'), storeId: open32('storeId') },
    change: open32(CHANGE_DATABASE),
    meta: open32(META_DATABASE),
  };
}

class LmdbLoad implements MembershipLoad {
  readonly #folder: string;
  readonly #generation: number;
  /** The generation in force when this load began. */
  readonly #previous: number | undefined;
  readonly #lock: LoadLock;
  readonly #databases: Databases;
  readonly #switching: (work: () => Promise<void>) => Promise<void>;
  readonly #switched: () => Promise<void>;
  #state: 'loading' | 'committed' | 'aborted' = 'loading';
  #databasesClosed = false;
  #lastCustomerNo = -1;
  /** Rows of a slice, copied: LMDB reads them by address, and cannot take that of shared memory. */
  #slice = Buffer.allocUnsafeSlow(1 << 20);
  readonly #customerNo = Buffer.alloc(4);

  constructor(
    folder: string,
    generation: number,
    previous: number | undefined,
    lock: LoadLock,
    databases: Databases,
    switching: (work: () => Promise<void>) => Promise<void>,
    switched: () => Promise<void>,
  ) {
    this.#folder = folder;
    this.#generation = generation;
    this.#previous = previous;
    this.#lock = lock;
    this.#databases = databases;
    this.#switching = switching;
    this.#switched = switched;
  }

  async putCustomers({ ids, customerNos }: CustomerBatch): Promise<void> {
    const { customer } = this.#databases;
    await this.#inSlices(
      ids.length,
      (from, to) => (to - from) * CUSTOMER_BYTES_MAX,
      (from, to) => {
        for (let i = from; i < to; i++) {
          const id = ids[i]!;
          this.#customerNo.writeUInt32LE(customerNos[i]!, 0);
          if (!customer.putSync(id, this.#customerNo, IN_ORDER))
            throw refused(`customer ${JSON.stringify(id)}`);
        }
      },
    );
  }

  async putRows({ count, customerNos, offsets, rows }: RowBatch): Promise<void> {
    const { row } = this.#databases;
    await this.#inSlices(
      count,
      (from, to) => offsets[to]! - offsets[from]!,
      (from, to) => {
        const start = offsets[from]!;
        const slice = this.#copySlice(rows, start, offsets[to]!);
        for (let i = from; i < to; i++) {
          const customerNo = customerNos[i]!;
          if (customerNo <= this.#lastCustomerNo) {
            throw new Error(`customers do not ascend: ${customerNo} comes after ${this.#lastCustomerNo}`);
          }
          this.#lastCustomerNo = customerNo;
          const bytes = slice.subarray(offsets[i]! - start, offsets[i + 1]! - start);
          if (bytes.length > 0 && !row.putSync(customerNo, bytes, IN_ORDER))
            throw refused(`row ${customerNo}`);
        }
      },
    );
  }

  async commit(end: {
    readonly asOf: AsOf;
    readonly segments: Iterable<SegmentEntry>;
    readonly customers: number;
  }): Promise<void> {
    await this.#guard('finish a load', async () => {
      const pages = await writePages(end.segments, (...page) => this.#putPage(...page), nextTurn);
      const meta: GenerationMeta = {
        format: FORMAT_VERSION,
        asOf: end.asOf,
        customers: end.customers,
        ...pages,
      };
      this.#inTransaction(0, () => {
        if (!this.#databases.meta.putSync(META_KEY, Buffer.from(JSON.stringify(meta)), IN_ORDER))
          throw refused('meta');
      });
      await this.#closeDatabases();
      if (!(await this.#lock.isHeld())) {
        throw new CoterieError(
          'CALCULATION_RUNNING',
          `another process took over the load into ${this.#folder}`,
          {
            folder: this.#folder,
          },
        );
      }
      await this.#switching(() => switchCurrent(this.#folder, this.#generation, this.#lock.token));
    });
    this.#state = 'committed';
    // From here on the load is in force, whatever becomes of the tidying.
    const keep = this.#previous === undefined ? [this.#generation] : [this.#generation, this.#previous];
    await removeOthers(this.#folder, keep, this.#lock.token).catch(() => undefined);
    await this.#lock.release().catch(() => undefined);
    await this.#switched();
  }

  async abort(): Promise<void> {
    if (this.#state !== 'loading') return;
    this.#state = 'aborted';
    try {
      await this.#closeDatabases();
      // A commit that failed at its very last step has switched already.
      const current = await readCurrent(this.#folder);
      if (current?.generation !== this.#generation) {
        await rm(generationFolder(this.#folder, this.#generation), { recursive: true, force: true });
      }
    } finally {
      await this.#lock.release();
    }
  }

  async #closeDatabases(): Promise<void> {
    if (this.#databasesClosed) return;
    this.#databasesClosed = true;
    await this.#databases.environment.close();
  }

  #putPage(kind: (typeof PAGE_DATABASES)[number], page: number, bytes: Buffer): void {
    this.#inTransaction(bytes.length, () => {
      if (!this.#databases.pages[kind].putSync(page, bytes, IN_ORDER))
        throw refused(`page ${page} of ${kind}`);
    });
  }

  #copySlice(rows: Uint8Array, from: number, to: number): Buffer {
    if (to - from > this.#slice.length) this.#slice = Buffer.allocUnsafeSlow(2 * (to - from));
    this.#slice.set(rows.subarray(from, to));
    return this.#slice;
  }

  /** Runs `put` over [0, count) in transactions, and lets requests of this process pass in between. */
  async #inSlices(
    count: number,
    bytes: (from: number, to: number) => number,
    put: (from: number, to: number) => void,
  ): Promise<void> {
    await this.#guard('load memberships', async () => {
      for (let from = 0; from < count; from += TRANSACTION_PUTS) {
        if (this.#state !== 'loading') throw new Error('the load has ended');
        const to = Math.min(from + TRANSACTION_PUTS, count);
        this.#inTransaction(bytes(from, to), () => put(from, to));
        await nextTurn();
      }
    });
  }

  /** @param bytes - Of the values that `work` puts. */
  #inTransaction(bytes: number, work: () => void): void {
    checkSpace(this.#folder, bytes);
    this.#databases.environment.transactionSync(work);
  }

  /** Any failure ends the load: what a half-written transaction left is of no use. */
  async #guard(doing: string, work: () => Promise<void>): Promise<void> {
    if (this.#state !== 'loading') throw new Error('the load has ended');
    try {
      await work();
    } catch (error) {
      const failure = toStoreError(error, this.#folder, doing);
      await this.abort().catch(() => undefined);
      throw failure;
    }
  }
}

/** LMDB takes no key in order that is not above the last one, and tells no more than that it did not. */
function refused(what: string): Error {
  return new Error(`the store did not take ${what}: keys must ascend, without doubles`);
}
