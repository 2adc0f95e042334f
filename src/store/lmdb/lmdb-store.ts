/**
 * The Store on one machine: LMDB files, memory-mapped, read by any number of processes and loaded by one
 * at a time. What lies where: lmdb-layout.ts. Invariant: a view is one load and tick, whole; the store
 * only ever changes from one view to the next.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { CoterieError } from '../../model/error.ts';
import type { AsOf, MembershipChanges, MembershipLoad } from '../../model/membership.ts';
import type { Store, StoreView } from '../store.ts';
import { currentStamp, prepareFolder, readCurrent } from './generation-folder.ts';
import { applyTick } from './lmdb-apply.ts';
import { isMissing, toStoreError } from './lmdb-error.ts';
import { openGeneration } from './lmdb-generation.ts';
import { beginLmdbLoad } from './lmdb-load.ts';
import { firstView, type LmdbView, nextView } from './lmdb-view.ts';

export interface LmdbStoreOptions {
  readonly folder: string;
  /** Never writes, and does not ask for the folder to exist. Default false. */
  readonly readOnly?: boolean;
  /** How long a view that was superseded still answers requests that hold it. Default 30,000. */
  readonly viewGraceMs?: number;
}

const VIEW_GRACE_MS = 30_000;
/**
 * The same for a view that a tick superseded, and how many of them there may be: each holds back pages
 * that the next ticks could use again, and a slot for readers. Requests take their rows at once.
 */
const TICK_VIEW_GRACE_MS = 5_000;
const TICK_VIEWS_MAX = 16;
/** Rows read between two pauses: a few milliseconds of work. */
const ROWS_PER_SLICE = 2_000;
/** Each attempt means that a load was switched in, and the one before removed, since the last. */
const OPEN_ATTEMPTS_MAX = 100;

/**
 * Opens a store. Its view is that of the last load, or undefined if there was none.
 *
 * Every process that reads needs write access to the generations' lock files, as LMDB has it.
 *
 * @throws {CoterieError} `DATA_FOLDER_UNWRITABLE`, `DATA_FOLDER_NEWER`, `DATA_FOLDER_CORRUPT`.
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<Store> {
  if (!options.readOnly) await prepareFolder(options.folder);
  const store = new LmdbStore(options);
  await store.refresh();
  return store;
}

class LmdbStore implements Store {
  readonly #folder: string;
  readonly #readOnly: boolean;
  readonly #viewGraceMs: number;
  /** Oldest first. */
  readonly #superseded = new Map<LmdbView, NodeJS.Timeout>();
  #view: LmdbView | undefined;
  /** Of the CURRENT that named the view's generation. */
  #stamp: string | undefined;
  /** Refreshes, ticks and switches follow one another; this is the last of them. */
  #lastTurn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: LmdbStoreOptions) {
    this.#folder = options.folder;
    this.#readOnly = options.readOnly ?? false;
    this.#viewGraceMs = options.viewGraceMs ?? VIEW_GRACE_MS;
  }

  view(): StoreView | undefined {
    return this.#view;
  }

  customers(): number {
    return this.view()?.customers ?? 0;
  }

  asOf(): AsOf | undefined {
    return this.#view?.asOf;
  }

  refresh(): Promise<boolean> {
    return this.#inTurn(() => this.#lookForNewer());
  }

  async beginLoad(): Promise<MembershipLoad> {
    this.#checkWritable('a load');
    return beginLmdbLoad(
      this.#folder,
      (work) => this.#inTurn(work),
      async () => {
        await this.refresh();
      },
    );
  }

  async apply(changes: MembershipChanges): Promise<void> {
    this.#checkWritable('a tick');
    await this.#inTurn(async () => {
      await this.#lookForNewer();
      const view = this.#view;
      if (!view) {
        throw new CoterieError('NOT_CALCULATED', 'nothing is loaded yet: a tick goes on top of a load');
      }
      const next = await nextView(view, await applyTick(view, changes));
      if (next) this.#switchTo(next);
    });
  }

  async rows(customerNos: Uint32Array): Promise<readonly (Uint8Array | undefined)[]> {
    const view = this.#view;
    const rows: (Uint8Array | undefined)[] = [];
    for (let i = 0; i < customerNos.length; i++) {
      if (i % ROWS_PER_SLICE === ROWS_PER_SLICE - 1) await nextTurn();
      rows.push(view?.rowOf(customerNos[i]!));
    }
    return rows;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#lastTurn;
    const views = [...this.#superseded.keys(), ...(this.#view ? [this.#view] : [])];
    for (const timer of this.#superseded.values()) clearTimeout(timer);
    this.#superseded.clear();
    this.#view = undefined;
    for (const view of views) await view.close();
  }

  async #lookForNewer(): Promise<boolean> {
    if (this.#closed) return false;
    try {
      for (let attempt = 1; ; attempt++) {
        const stamp = currentStamp(this.#folder);
        if (this.#view && stamp === this.#stamp) return await this.#lookForTick(this.#view);
        const current = await readCurrent(this.#folder);
        if (!current) return false;
        this.#stamp = stamp;
        if (current.generation === this.#view?.generation.number) return await this.#lookForTick(this.#view);
        try {
          this.#switchTo(await firstView(await openGeneration(this.#folder, current, this.#readOnly)));
          return true;
        } catch (error) {
          this.#stamp = undefined;
          // Removed since CURRENT was read, because a newer one is in force.
          if (!isMissing(error) || attempt === OPEN_ATTEMPTS_MAX) throw error;
          const again = await readCurrent(this.#folder);
          if (again?.generation === current.generation)
            throw missingGeneration(this.#folder, current.generation, error);
        }
      }
    } catch (error) {
      throw toStoreError(error, this.#folder, 'read the store');
    }
  }

  async #lookForTick(view: LmdbView): Promise<boolean> {
    const next = await nextView(view);
    if (next) this.#switchTo(next);
    return next !== undefined;
  }

  /** Requests under way may hold the old view over a wait: it is closed when they must be done. */
  #switchTo(view: LmdbView): void {
    const old = this.#view;
    this.#view = view;
    if (!old) return;
    const byTick = old.generation === view.generation;
    const timer = setTimeout(
      () => this.#drop(old),
      byTick ? Math.min(this.#viewGraceMs, TICK_VIEW_GRACE_MS) : this.#viewGraceMs,
    );
    timer.unref();
    this.#superseded.set(old, timer);
    if (!byTick) return;
    const ofTicks = [...this.#superseded.keys()].filter(({ generation }) => generation === view.generation);
    for (const oldest of ofTicks.slice(0, -TICK_VIEWS_MAX)) this.#drop(oldest);
  }

  #drop(view: LmdbView): void {
    clearTimeout(this.#superseded.get(view));
    this.#superseded.delete(view);
    void view.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  #checkWritable(what: string): void {
    if (this.#closed) throw new Error('the store is closed');
    if (!this.#readOnly) return;
    throw new CoterieError(
      'DATA_FOLDER_UNWRITABLE',
      `the store in ${this.#folder} is open for reading only: ${what} needs one that is open for writing`,
      { folder: this.#folder },
    );
  }
}

function missingGeneration(folder: string, generation: number, cause: unknown): CoterieError {
  return new CoterieError(
    'DATA_FOLDER_CORRUPT',
    `CURRENT in ${folder} names generation ${generation}, whose files are missing`,
    { folder, generation },
    { cause },
  );
}
