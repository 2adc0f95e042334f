/** What conditions look at in orders, and the plan's index of it: from stores to counters and tallies. */
import { STATUS_CODE } from '../engine/fact-batch.ts';
import { ANY_TIME, type Clocks } from './clocks.ts';
import type { ConditionNumbers } from './condition-numbers.ts';
import {
  arrange,
  csrOrder,
  shareFloat64,
  shareInt8,
  shareInt32,
  shareUint8,
  shareUint32,
  Uint32List,
} from './csr.ts';
import type { Expression } from './expression.ts';
import { buildLookLists, type Counter, type Look } from './look-list.ts';
import { KEEP, type OrderIndex, USES, type WindowedList } from './plan.ts';
import { ALL_STORES, type StoreSets } from './store-sets.ts';
import type { Keep, TallyTable } from './tally-table.ts';
import type { ActionOf } from './uses.ts';
import { rankWindows } from './windows.ts';

/** Any currency; with a discount or without. */
export const ANY = -1;
/** Set of statuses that a condition without `statuses` looks at. */
export const COUNTED = 1 << STATUS_CODE.completed;

/** Orders that a tally is over, by the numbers of the plan; see `OrderIndex`. */
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
  readonly #tallyNumbers = new Map<string, number>();
  /** Tally → measures and filters that it reads amounts and stores for, and what it keeps; see `USES`. */
  readonly #uses = new Map<number, number>();

  constructor(conditions: ConditionNumbers, tallies: TallyTable) {
    this.#conditions = conditions;
    this.#tallyTable = tallies;
  }

  /** At least `threshold` orders that count. */
  atLeast(threshold: number, { storeSet, windowS }: Look): Expression {
    return this.#conditions.of(`orders/${storeSet}/${windowS}/${threshold}`, (condition) => {
      this.#counters.push({ storeSet, windowS, threshold, condition });
    });
  }

  /**
   * The tally over these orders.
   *
   * @param uses - What the measure needs beside counts and times; see `USES`.
   */
  tally(look: OrderLook, keep: Keep, uses: number): number {
    const { storeSet, windowS, currencyNo, minimumE4, discounted, statuses, clock } = look;
    const filter = `${currencyNo}/${minimumE4}/${discounted}/${statuses}/${clock}`;
    const key = `${storeSet}/${windowS}/${filter}/${keep.keep}/${keep.zone}`;
    let tally = this.#tallyNumbers.get(key);
    if (tally === undefined) {
      tally = this.#tallyTable.add(keep);
      this.#tallyNumbers.set(key, tally);
      this.#tallies.push({ ...look, tally });
    }
    const isFiltered = currencyNo !== ANY || minimumE4 !== Number.NEGATIVE_INFINITY || discounted !== ANY;
    const own =
      (isFiltered ? USES.amounts : 0) |
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
      ...this.#tallyColumns(),
      ...clocks.build(),
    };
  }

  /** By tally; those of events are of no interest here. */
  #tallyColumns() {
    const tallies = (this.#tallies.at(-1)?.tally ?? -1) + 1;
    const column = (read: (tally: OrderTally) => number): number[] => {
      const values = new Array<number>(tallies).fill(0);
      for (const tally of this.#tallies) values[tally.tally] = read(tally);
      return values;
    };
    return {
      tallyCurrency: shareInt32(column(({ currencyNo }) => currencyNo)),
      tallyMinimumE4: shareFloat64(column(({ minimumE4 }) => minimumE4)),
      tallyDiscounted: shareInt8(column(({ discounted }) => discounted)),
      tallyUses: shareUint8(column(({ tally, statuses }) => this.#uses.get(tally)! | statuses)),
      tallyClock: shareInt32(column(({ clock }) => clock)),
    };
  }
}

function tallyList(
  tallies: readonly OrderTally[],
  rankOf: ReadonlyMap<number, number>,
  stores: StoreSets,
  storeLimit: number,
): WindowedList {
  // Longest window first; the counting sort below keeps this order within each store.
  const byRank = tallies
    .map(({ tally, storeSet, windowS }) => ({ tally, storeSet, rank: rankOf.get(windowS)! }))
    .sort((a, b) => a.rank - b.rank || a.tally - b.tally);
  const store = new Uint32List();
  const item = new Uint32List();
  const window = new Uint32List();
  const ofAll = byRank.filter(({ storeSet }) => storeSet === ALL_STORES);
  for (const { tally, storeSet, rank } of byRank) {
    if (storeSet === ALL_STORES) continue;
    for (const storeNo of stores.stores(storeSet)) {
      store.push(storeNo);
      item.push(tally);
      window.push(rank);
    }
  }
  const order = csrOrder(store.view(), storeLimit);
  return {
    start: order.start,
    window: arrange(order, window.view()),
    item: arrange(order, item.view()),
    allWindow: shareUint32(ofAll.map(({ rank }) => rank)),
    allItem: shareUint32(ofAll.map(({ tally }) => tally)),
  };
}
