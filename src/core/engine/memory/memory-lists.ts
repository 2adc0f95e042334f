/** The oracle's lists: every entry of each, and who is on which after which batch. */
import type { ListEntryFact } from '../../../model/fact.ts';
import { compareBytes } from '../../../model/utf8.ts';
import { latest, type Received } from './received.ts';

const LAST_BATCH = 0xffff_ffff;

export class MemoryLists {
  readonly #nextNameNo: () => number;
  /** Name → number. */
  readonly numbers = new Map<string, number>();
  #entries: Received<ListEntryFact>[] = [];

  /** @param nextNameNo - Gives the next number of a name. */
  constructor(nextNameNo: () => number) {
    this.#nextNameNo = nextNameNo;
  }

  /** Every entry that changed something, in the order of their arrival. */
  get entries(): readonly Received<ListEntryFact>[] {
    return this.#entries;
  }

  /**
   * Empties lists and takes entries in.
   *
   * @returns How many entries changed nothing, and of emptied lists how many customers went off.
   */
  put(
    entries: readonly ListEntryFact[],
    emptied: readonly string[],
    batchNo: number,
  ): { readonly unchanged: number; readonly delisted: number } {
    const before = this.listed(LAST_BATCH);
    const wasOn = new Set(before.map(entryKey));
    for (const list of [...entries.map((entry) => entry.list), ...emptied]) {
      if (!this.numbers.has(list)) this.numbers.set(list, this.#nextNameNo());
    }
    const final = new Map(entries.map((entry, i) => [entryKey(entry), i]));
    let unchanged = 0;
    for (const [i, entry] of entries.entries()) {
      const last = final.get(entryKey(entry))!;
      if (last !== i) unchanged += entries[last]!.isListed === entry.isListed ? 1 : 0;
      else if (entry.isListed === wasOn.has(entryKey(entry))) unchanged++;
      else this.#entries.push({ fact: entry, batchNo });
    }
    const gone = before.filter((entry) => emptied.includes(entry.list) && !final.has(entryKey(entry)));
    for (const entry of gone) this.#entries.push({ fact: { ...entry, isListed: false }, batchNo });
    return { unchanged, delisted: gone.length };
  }

  /** Entries of those who are on a list after a batch. */
  listed(knownAt: number): ListEntryFact[] {
    return latest(this.#entries, entryKey, knownAt).filter((entry) => entry.isListed);
  }

  /** Lists with how many customers are on each, ascending by name. */
  states(): { readonly list: string; readonly customers: number }[] {
    const listed = this.listed(LAST_BATCH);
    return [...this.numbers.keys()]
      .sort(compareBytes)
      .map((list) => ({ list, customers: listed.filter((entry) => entry.list === list).length }));
  }

  /** Takes a customer out of all there ever was. */
  forget(customerId: string): void {
    this.#entries = this.#entries.filter(({ fact }) => fact.customerId !== customerId);
  }
}

const entryKey = (entry: ListEntryFact) => JSON.stringify([entry.customerId, entry.list]);
