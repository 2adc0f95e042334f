/**
 * One state of one generation. Its look-ups share one read transaction that lasts as long as the view, so
 * everything a view answers comes from one load and tick, and no look-up begins a transaction.
 */
import { ID_BYTES_MAX } from '../../model/fact.ts';
import type { AsOf } from '../../model/membership.ts';
import type { SegmentDirectory, StoreView } from '../store.ts';
import { type ReadDirectory, readChanges, readDirectory } from './lmdb-directory.ts';
import type { LmdbGeneration, Snapshot } from './lmdb-generation.ts';
import type { GenerationMeta } from './lmdb-layout.ts';
import { RowSlab } from './row-slab.ts';

/**
 * Opens the first view of a generation, which closes the generation if it fails.
 *
 * @throws {CoterieError} `DATA_FOLDER_CORRUPT`, `DATA_FOLDER_NEWER`.
 */
export async function firstView(generation: LmdbGeneration): Promise<LmdbView> {
  generation.use();
  try {
    const snapshot = generation.snapshot();
    const meta = generation.readMeta(snapshot);
    return new LmdbView(generation, snapshot, meta, await readDirectory(generation, meta, snapshot));
  } catch (error) {
    await generation.release();
    throw error;
  }
}

/**
 * The view after this one, if there was a tick since.
 *
 * @param known - The directory as a tick of this process left it, to save reading it.
 */
export async function nextView(view: LmdbView, known?: ReadDirectory): Promise<LmdbView | undefined> {
  const { generation } = view;
  const snapshot = generation.snapshot();
  try {
    const meta = generation.readMeta(snapshot);
    if ((meta.tickNo ?? 0) === (view.meta.tickNo ?? 0)) {
      snapshot.transaction.done();
      return undefined;
    }
    const directory = await readChanges(generation, known ?? view.read, meta.changeNo ?? 0, snapshot);
    generation.use();
    return new LmdbView(generation, snapshot, meta, directory);
  } catch (error) {
    snapshot.transaction.done();
    throw error;
  }
}

export class LmdbView implements StoreView {
  readonly asOf: AsOf;
  readonly directory: SegmentDirectory;
  readonly customers: number;
  readonly generation: LmdbGeneration;
  readonly meta: GenerationMeta;
  readonly read: ReadDirectory;
  readonly #snapshot: Snapshot;
  readonly #slab = new RowSlab();
  #closed = false;

  constructor(generation: LmdbGeneration, snapshot: Snapshot, meta: GenerationMeta, read: ReadDirectory) {
    this.generation = generation;
    this.meta = meta;
    this.asOf = meta.asOf;
    this.customers = meta.customers;
    this.read = read;
    this.directory = read.directory;
    this.#snapshot = snapshot;
  }

  row(customerId: string): Uint8Array | undefined {
    const customerNo = this.customerNo(customerId);
    return customerNo === undefined ? undefined : this.rowOf(customerNo);
  }

  isKnown(customerId: string): boolean {
    return this.customerNo(customerId) !== undefined;
  }

  rowOf(customerNo: number): Uint8Array | undefined {
    this.#checkOpen();
    const bytes = this.generation.databases.row.getBinaryFast(customerNo, this.#snapshot);
    return bytes && this.#slab.copy(bytes, bytes.length);
  }

  customerNo(customerId: string): number | undefined {
    this.#checkOpen();
    // An id that is longer than any that was let in is not known, and would not fit the key buffer.
    if (customerId.length === 0 || customerId.length > ID_BYTES_MAX) return undefined;
    const bytes = this.generation.databases.customer.getBinaryFast(customerId, this.#snapshot);
    return bytes && (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#snapshot.transaction.done();
    await this.generation.release();
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error('this view was closed: ask the store for its view at each request');
  }
}
