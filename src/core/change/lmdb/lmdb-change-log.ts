/**
 * The change log on one machine: an LMDB file, `change.mdb` in the folder given. Blocks of changes by
 * position (change-block.ts), and an index by customer (change-keys.ts).
 *
 * Invariant: `position` in `meta` is the last of the last whole tick. A long tick is written in several
 * transactions and counts from the one that raises `position`; what lies beyond it, after a crash, is of
 * no tick, and goes before anything else is written. Every transaction is on disk, its pointer too, when
 * it resolves: the log must not fall behind a Store that has heard of a tick.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Database, open, type RootDatabase } from 'lmdb';
import { CoterieError } from '../../../model/error.ts';
import type { ChangeLog, LoggedChange, TickChanges } from '../change-log.ts';
import { type BlockTick, blocksOf, decodeBlock, decodeTick, encodeBlock } from './change-block.ts';
import {
  CUSTOMER_KEY_ENCODER,
  type CustomerKey,
  POSITION_KEY_ENCODER,
  STRETCH_POSITIONS,
} from './change-keys.ts';
import { checkRoom, toChangeLogError } from './change-log-error.ts';

/** Raised whenever the file changes shape; one with a higher number is refused. */
const FORMAT_VERSION = 1;
const META_KEY = 0;
/** Changes in one transaction: some 20 ms of handing over, with the index. */
const TRANSACTION_CHANGES = 20_480;
/** Blocks made between two pauses: a few milliseconds of work. */
const BLOCKS_PER_SLICE = 10;
/** Blocks removed in one transaction. */
const TRANSACTION_BLOCKS = 40;
/** Of the index, whose pages a tick's changes share; the reserve covers what small ticks take beyond it. */
const BYTES_PER_CHANGE = 300;
const NOTHING = Buffer.from([0]);

interface Meta {
  readonly format: number;
  readonly position: number;
}

interface Block {
  readonly position: number;
  readonly bytes: Buffer;
}

export interface LmdbChangeLogOptions {
  /** Made if it is missing. */
  readonly folder: string;
}

/**
 * Opens the log, of which one process at a time is the writer.
 *
 * @throws {CoterieError} `DATA_FOLDER_UNWRITABLE`, `DATA_FOLDER_NEWER`, `DATA_FOLDER_CORRUPT`, `DISK_FULL`.
 */
export async function openLmdbChangeLog({ folder }: LmdbChangeLogOptions): Promise<ChangeLog> {
  let log: LmdbChangeLog | undefined;
  try {
    await mkdir(folder, { recursive: true });
    checkRoom(folder, 0);
    log = new LmdbChangeLog(folder);
    await log.removeBeyond(log.position);
    return log;
  } catch (error) {
    await log?.close();
    throw toChangeLogError(error, folder, 'open the log of changes');
  }
}

class LmdbChangeLog implements ChangeLog {
  readonly #folder: string;
  readonly #environment: RootDatabase<Buffer, number>;
  readonly #block: Database<Buffer, number>;
  readonly #customer: Database<Buffer, CustomerKey & never>;
  readonly #meta: Database<Buffer, number>;
  #position: number;
  /** Whether a tick was begun and not ended: its remains are to go. */
  #hasRemains = false;

  constructor(folder: string) {
    this.#folder = folder;
    this.#environment = open<Buffer, number>({
      path: join(folder, 'change.mdb'),
      noSubdir: true,
      encoding: 'binary',
      maxDbs: 4,
      overlappingSync: false,
    });
    const openDatabase = (name: string, options: object) =>
      this.#environment.openDB(name, { encoding: 'binary', ...options }) as unknown;
    this.#block = openDatabase('block', { keyEncoder: POSITION_KEY_ENCODER }) as Database<Buffer, number>;
    this.#customer = openDatabase('customer', { keyEncoder: CUSTOMER_KEY_ENCODER }) as Database<
      Buffer,
      CustomerKey & never
    >;
    this.#meta = openDatabase('meta', { keyEncoding: 'uint32' }) as Database<Buffer, number>;
    this.#position = this.#readMeta();
  }

  get position(): number {
    return this.#position;
  }

  async append(tick: TickChanges): Promise<void> {
    const { changes } = tick;
    if (changes.length === 0) return;
    if (this.#hasRemains) await this.removeBeyond(this.#position);
    const first = this.#position + 1;
    this.#hasRemains = true;
    for (let from = 0; from < changes.length; from += TRANSACTION_CHANGES) {
      const to = Math.min(from + TRANSACTION_CHANGES, changes.length);
      const blocks: Block[] = [];
      for (const block of blocksOf(tick, from, to, first)) {
        if (blocks.push(block) % BLOCKS_PER_SLICE === 0) await nextTurn();
      }
      const position = to === changes.length ? this.#position + to : undefined;
      const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, (to - from) * BYTES_PER_CHANGE);
      await this.#write(bytes, () => {
        for (const block of blocks) void this.#block.put(block.position, block.bytes);
        for (let i = from; i < to; i++) this.#putIndex(changes[i]!.customerNo, first + i);
        if (position !== undefined) this.#putMeta(position);
      });
    }
    this.#position += changes.length;
    this.#hasRemains = false;
  }

  async truncate(reflected: { moment: number; batchNo: number; catalogNo: number }): Promise<void> {
    const isBeyond = ({ at, batchNo, catalogNo }: BlockTick) =>
      at > reflected.moment || batchNo > reflected.batchNo || catalogNo > reflected.catalogNo;
    await this.#removeWhile(true, (block) => isBeyond(decodeTick(block.bytes)));
  }

  async retain(since: number): Promise<void> {
    await this.#removeWhile(false, (block) => decodeTick(block.bytes).at < since);
  }

  async read(after: number, limit: number): Promise<readonly LoggedChange[]> {
    const changes: LoggedChange[] = [];
    if (limit < 1 || after >= this.#position) return changes;
    const start = this.#blockWith(after + 1)?.position ?? Math.max(0, after);
    for (const { key, value } of this.#block.getRange({ start })) {
      if (key > this.#position) break;
      for (const change of decodeBlock(key, value)) {
        if (change.position <= after) continue;
        changes.push(change);
        if (changes.length === limit) return changes;
      }
    }
    return changes;
  }

  async ofCustomer(customerNo: number): Promise<readonly LoggedChange[]> {
    const changes: LoggedChange[] = [];
    for (const position of await this.#positionsOf(customerNo)) {
      const block = this.#blockWith(position);
      const change =
        block && decodeBlock(block.position, block.bytes).find((one) => one.position === position);
      if (change) changes.push(change);
    }
    return changes;
  }

  async oldestPosition(): Promise<number> {
    for (const key of this.#block.getKeys({ limit: 1 })) return Math.min(key, this.#position + 1);
    return this.#position + 1;
  }

  async forget(customerNo: number): Promise<void> {
    const positions = await this.#positionsOf(customerNo);
    const blocks = new Map<number, Buffer>();
    for (const position of positions) {
      const block = this.#blockWith(position);
      if (block) blocks.set(block.position, block.bytes);
    }
    for (const [position, bytes] of blocks) {
      const kept = decodeBlock(position, bytes).filter((change) => change.customerNo !== customerNo);
      const placed = kept.map((change) => ({ place: change.position - position, change }));
      blocks.set(position, encodeBlock(decodeTick(bytes), placed));
    }
    await this.#write(positions.length * BYTES_PER_CHANGE, () => {
      for (const [position, bytes] of blocks) void this.#block.put(position, bytes);
      for (const position of positions) this.#removeIndex(customerNo, position);
    });
  }

  async close(): Promise<void> {
    await this.#environment.close();
  }

  /** Removes what lies beyond a position. */
  async removeBeyond(position: number): Promise<void> {
    await this.#removeWhile(true, (block) => block.position > position);
    this.#hasRemains = false;
  }

  /** Removes whole blocks from one end for as long as they are to go. */
  async #removeWhile(fromNewest: boolean, isToGo: (block: Block) => boolean): Promise<void> {
    for (let isDone = false; !isDone; await nextTurn()) {
      const blocks: Block[] = [];
      const range = { reverse: fromNewest, limit: TRANSACTION_BLOCKS };
      for (const { key, value } of this.#block.getRange(range)) {
        const block = { position: key, bytes: value };
        isDone = !isToGo(block);
        if (isDone) break;
        blocks.push(block);
      }
      isDone ||= blocks.length < TRANSACTION_BLOCKS;
      if (blocks.length === 0) return;
      await this.#write(0, () => {
        for (const { position, bytes } of blocks) {
          void this.#block.remove(position);
          for (const change of decodeBlock(position, bytes))
            this.#removeIndex(change.customerNo, change.position);
        }
      });
    }
  }

  /** Positions of a customer's changes, ascending. */
  async #positionsOf(customerNo: number): Promise<number[]> {
    const positions: number[] = [];
    const last = Math.floor(this.#position / STRETCH_POSITIONS);
    const first = Math.floor((await this.oldestPosition()) / STRETCH_POSITIONS);
    for (let stretch = first; stretch <= last; stretch++) {
      const from = stretch * STRETCH_POSITIONS;
      const start = { customerNo, position: from } as CustomerKey & never;
      const end = { customerNo, position: from + STRETCH_POSITIONS - 1 } as CustomerKey & never;
      for (const key of this.#customer.getKeys({ start, end, inclusiveEnd: true }))
        positions.push((key as CustomerKey).position);
      if (stretch % 256 === 255) await nextTurn();
    }
    return positions.filter((position) => position <= this.#position);
  }

  /** The block that would hold a position. */
  #blockWith(position: number): Block | undefined {
    for (const { key, value } of this.#block.getRange({ start: position, reverse: true, limit: 1 })) {
      return { position: key, bytes: value };
    }
    return undefined;
  }

  #putIndex(customerNo: number, position: number): void {
    void this.#customer.put({ customerNo, position } as CustomerKey & never, NOTHING);
  }

  #removeIndex(customerNo: number, position: number): void {
    void this.#customer.remove({ customerNo, position } as CustomerKey & never);
  }

  #putMeta(position: number): void {
    const meta: Meta = { format: FORMAT_VERSION, position };
    void this.#meta.put(META_KEY, Buffer.from(JSON.stringify(meta)));
  }

  #readMeta(): number {
    const bytes = this.#meta.get(META_KEY);
    if (!bytes) return 0;
    const { format, position }: Meta = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (format <= FORMAT_VERSION) return position;
    throw new CoterieError(
      'DATA_FOLDER_NEWER',
      `${this.#folder} has a log of changes of format ${format}; this version reads formats up to ${FORMAT_VERSION}`,
      { folder: this.#folder, expected: FORMAT_VERSION, found: format },
    );
  }

  /** Runs `put` as one transaction, which LMDB carries out in a thread of its own. */
  async #write(bytes: number, put: () => void): Promise<void> {
    try {
      checkRoom(this.#folder, bytes);
      await this.#environment.batch(put);
    } catch (error) {
      // What went wrong comes after the failure itself.
      const cause = await (error as { commitError?: Promise<never> }).commitError?.catch((reason) => reason);
      throw toChangeLogError(cause ?? error, this.#folder, 'write the log of changes');
    }
  }
}
