/**
 * The Store on one machine: LMDB files, memory-mapped, read by any number of processes and loaded by one
 * at a time. What lies where: lmdb-layout.ts. Invariant: a view is one generation, whole; the store only
 * ever changes from one view to the next.
 */

import { CoterieError } from '../../model/error.ts';
import type { MembershipLoad } from '../../model/membership.ts';
import type { Store, StoreView } from '../store.ts';
import { prepareFolder, readCurrent } from './generation-folder.ts';
import { isMissing, toStoreError } from './lmdb-error.ts';
import { beginLmdbLoad } from './lmdb-load.ts';
import { type LmdbView, openLmdbView } from './lmdb-view.ts';

export interface LmdbStoreOptions {
  readonly folder: string;
  /** Never writes, and does not ask for the folder to exist. Default false. */
  readonly readOnly?: boolean;
  /** How long a view that was superseded still answers requests that hold it. Default 30,000. */
  readonly viewGraceMs?: number;
}

const VIEW_GRACE_MS = 30_000;
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
  readonly #superseded = new Map<LmdbView, NodeJS.Timeout>();
  #view: LmdbView | undefined;
  /** The refresh under way, or the last one: they follow one another. */
  #refreshed: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: LmdbStoreOptions) {
    this.#folder = options.folder;
    this.#readOnly = options.readOnly ?? false;
    this.#viewGraceMs = options.viewGraceMs ?? VIEW_GRACE_MS;
  }

  view(): StoreView | undefined {
    return this.#view;
  }

  refresh(): Promise<boolean> {
    const refreshed = this.#refreshed.then(() => this.#lookForNewer());
    this.#refreshed = refreshed.catch(() => undefined);
    return refreshed;
  }

  async beginLoad(): Promise<MembershipLoad> {
    if (this.#closed) throw new Error('the store is closed');
    if (this.#readOnly) {
      throw new CoterieError(
        'DATA_FOLDER_UNWRITABLE',
        `the store in ${this.#folder} is open for reading only: a load needs one that is open for writing`,
        { folder: this.#folder },
      );
    }
    return beginLmdbLoad(this.#folder, async () => {
      await this.refresh();
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#refreshed;
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
        const current = await readCurrent(this.#folder);
        if (!current || current.generation === this.#view?.generation) return false;
        try {
          this.#switchTo(await openLmdbView(this.#folder, current));
          return true;
        } catch (error) {
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

  /** Requests under way may hold the old view over a wait: it is closed when they must be done. */
  #switchTo(view: LmdbView): void {
    const old = this.#view;
    this.#view = view;
    if (!old) return;
    const timer = setTimeout(() => {
      this.#superseded.delete(old);
      void old.close();
    }, this.#viewGraceMs);
    timer.unref();
    this.#superseded.set(old, timer);
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
