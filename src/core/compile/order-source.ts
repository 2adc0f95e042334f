/** What conditions look at in orders, and the plan's index of it: from stores to counters and tallies. */
import { STATUS_CODE } from '../engine/fact-batch.ts';
import { ANY_TIME, type Clocks } from './clocks.ts';
import type { ConditionNumbers } from './condition-numbers.ts';
import { sharedUint32, shareFloat64, shareUint32 } from './csr.ts';
import type { Expression } from './expression.ts';
import { buildLookLists, type Counter, type Look } from './look-list.ts';
import { PairNumbers } from './pair-numbers.ts';
import { KEEP, type OrderIndex, TALLY, type TallyIndex, USES, type WindowedList } from './plan.ts';
import { ALL_STORES, type StoreSets } from './store-sets.ts';
import type { Keep, TallyTable } from './tally-table.ts';
import type { ActionOf } from './uses.ts';
import { rankWindows } from './windows.ts';

/** Any currency; with a discount or without. */
export const ANY = -1;
/** Set of statuses that a condition without `statuses` looks at. */
export const COUNTED = 1 << STATUS_CODE.completed;

/** Orders that a tally is over, by the numbers of the plan; see `TALLY`. */
export interface OrderLook extends Look {
  readonly currencyNo: number;
  readonly minimumE4: number;
  readonly discounted: number;
  readonly statuses: number;
  readonly clock: number;
}

interface OrderTally extends OrderLook {
  readonly tally: number;
}

export class OrderSource {
  readonly #conditions: ConditionNumbers;
  readonly #tallyTable: TallyTable;
  readonly #counters: Counter[] = [];
  readonly #tallies: OrderTally[] = [];
  /** Chains of a window, filters and what is kept; or of a window and a threshold. */
  readonly #chains = new PairNumbers();
  /** Set of stores, chain → place in `#counters`; in `#tallies`. */
  readonly #counterPlaces = new PairNumbers();
  readonly #tallyPlaces = new PairNumbers();
  /** Tally → measures and filters that it reads amounts and stores for, and what it keeps; see `USES`. */
  readonly #uses = new Map<number, number>();

  constructor(conditions: ConditionNumbers, tallies: TallyTable) {
    this.#conditions = conditions;
    this.#tallyTable = tallies;
  }

  /** At least `threshold` orders that count. */
  atLeast(threshold: number, { storeSet, windowS }: Look): Expression {
    const place = this.#counterPlaces.of(storeSet, this.#chains.of(windowS, threshold));
    if (place === this.#counters.length) {
      this.#counters.push({ storeSet, windowS, threshold, condition: this.#conditions.add() });
    }
    return { op: 'condition', condition: this.#counters[place]!.condition };
  }

  /**
   * The tally over these orders.
   *
   * @param uses - What the measure needs beside counts and times; see `USES`.
   */
  tally(look: OrderLook, keep: Keep, uses: number): number {
    const { storeSet, windowS, currencyNo, minimumE4, discounted, statuses, clock } = look;
    let chain = this.#chains.of(windowS, currencyNo);
    for (const part of [minimumE4, discounted, statuses, clock, keep.keep, keep.zone]) {
      chain = this.#chains.of(chain, part);
    }
    const place = this.#tallyPlaces.of(storeSet, chain);
    if (place === this.#tallies.length) this.#tallies.push({ ...look, tally: this.#tallyTable.add(keep) });
    const { tally } = this.#tallies[place]!;
    const isPicked = minimumE4 !== Number.NEGATIVE_INFINITY || discounted !== ANY;
    const own =
      (isPicked || currencyNo !== ANY ? USES.amounts : 0) |
      (isPicked || clock !== ANY_TIME ? USES.filter : 0) |
      (clock === ANY_TIME ? 0 : USES.clock) |
      (keep.keep === KEEP.nothing ? 0 : USES.keep);
    this.#uses.set(tally, (this.#uses.get(tally) ?? 0) | uses | own);
    return tally;
  }

  /** What a scan must bring. */
  get columns(): { readonly orders: boolean; readonly amounts: boolean; readonly uncounted: boolean } {
    return {
      orders: this.#counters.length + this.#tallies.length > 0,
      amounts: [...this.#uses.values()].some((uses) => (uses & USES.amounts) !== 0),
      uncounted: this.#tallies.some(({ statuses }) => (statuses & ~COUNTED) !== 0),
    };
  }

  /** @param storeLimit - One more than the highest store number. */
  async build(
    stores: StoreSets,
    storeLimit: number,
    clocks: Clocks,
    actionOf: ActionOf,
  ): Promise<OrderIndex> {
    const { windowS, rankOf } = rankWindows([...this.#counters, ...this.#tallies]);
    const listOf = (tallies: readonly OrderTally[]) => tallyList(tallies, rankOf, stores, storeLimit);
    return {
      storeLimit,
      windowS: shareFloat64(windowS),
      ...(await buildLookLists(this.#counters, { rankOf, stores, storeLimit, actionOf })),
      tally: listOf(this.#tallies.filter(({ statuses }) => (statuses & COUNTED) !== 0)),
      uncounted: listOf(this.#tallies.filter(({ statuses }) => (statuses & ~COUNTED) !== 0)),
      ...clocks.build(),
    };
  }

  /** Writes what its tallies are over into their records. */
  writeFilters({ words, numbers }: TallyIndex): void {
    for (const { tally, currencyNo, minimumE4, discounted, statuses, clock } of this.#tallies) {
      const at = tally * TALLY.words;
      words[at + TALLY.uses] = this.#uses.get(tally)! | statuses;
      words[at + TALLY.currency] = currencyNo + 1;
      words[at + TALLY.discounted] = discounted + 1;
      words[at + TALLY.clock] = clock;
      numbers[tally * TALLY.numbers + TALLY.minimumE4] = minimumE4;
    }
  }
}

function tallyList(
  tallies: readonly OrderTally[],
  rankOf: ReadonlyMap<number, number>,
  stores: StoreSets,
  storeLimit: number,
): WindowedList {
  // Longest window first, in each store's list too.
  const byRank = tallies
    .map(({ tally, storeSet, windowS }) => ({ tally, storeSet, rank: rankOf.get(windowS)! }))
    .sort((a, b) => a.rank - b.rank || a.tally - b.tally);
  const ofStores = byRank.filter(({ storeSet }) => storeSet !== ALL_STORES);
  const start = sharedUint32(storeLimit + 1);
  for (const { storeSet } of ofStores) for (const storeNo of stores.stores(storeSet)) start[storeNo + 1]!++;
  for (let storeNo = 0; storeNo < storeLimit; storeNo++) start[storeNo + 1]! += start[storeNo]!;
  const pairs = sharedUint32(start[storeLimit]! * 2);
  const next = start.slice(0, storeLimit);
  for (const { tally, storeSet, rank } of ofStores) {
    for (const storeNo of stores.stores(storeSet)) {
      const at = next[storeNo]!++ * 2;
      pairs[at] = rank;
      pairs[at + 1] = tally;
    }
  }
  const ofAll = byRank.filter(({ storeSet }) => storeSet === ALL_STORES);
  return { start, pairs, allPairs: shareUint32(ofAll.flatMap(({ rank, tally }) => [rank, tally])) };
}
