/** Watches customers over HTTP for the moment when a membership begins, and when it ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CoterieClient } from '../../src/client/client.ts';
import type { Acknowledged } from './sender.ts';

/** How often all that are waited for are asked about: the resolution of what is measured. */
const LOOK_MS = 50;
/** Most customers of one question. */
const BATCH_MAX = 1000;

export interface Watched {
  /** From acknowledgement to the first check that says so, one for each order. */
  readonly visibleMs: number[];
  /** From the moment when the window ends to the first check that says so. */
  readonly expiredMs: number[];
}

export class Watch {
  readonly #client: CoterieClient;
  readonly #keys: { readonly entered: string; readonly short: string; readonly windowS: number };
  readonly #entering = new Map<string, number>();
  readonly #leaving = new Map<string, number>();
  readonly found: Watched = { visibleMs: [], expiredMs: [] };

  constructor(
    client: CoterieClient,
    keys: { readonly entered: string; readonly short: string; readonly windowS: number },
  ) {
    this.#client = client;
    this.#keys = keys;
  }

  add({ customer, orderedAt, acknowledgedMs }: Acknowledged): void {
    if (customer === undefined) return;
    this.#entering.set(customer, acknowledgedMs);
    this.#leaving.set(customer, (orderedAt + this.#keys.windowS) * 1000);
  }

  /** Those not seen yet. */
  get waiting(): number {
    return this.#entering.size + this.#leaving.size;
  }

  /** Looks until it is told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const began = Date.now();
      await this.#look(this.#entering, this.#keys.entered, true, this.found.visibleMs);
      await this.#look(this.#leaving, this.#keys.short, false, this.found.expiredMs);
      await sleep(Math.max(0, began + LOOK_MS - Date.now()));
    }
  }

  async #look(since: Map<string, number>, key: string, wanted: boolean, into: number[]): Promise<void> {
    const due = [...since].filter(([, ms]) => ms <= Date.now()).map(([customer]) => customer);
    for (let from = 0; from < due.length; from += BATCH_MAX) {
      const answers = await this.#client.checkBatch(due.slice(from, from + BATCH_MAX), [key]);
      const now = Date.now();
      for (const { customer, memberships } of answers) {
        if (memberships[key] !== wanted) continue;
        into.push(now - since.get(customer)!);
        since.delete(customer);
      }
    }
  }
}
