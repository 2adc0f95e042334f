/** Builds the plan's index of conditions on orders: from stores to what looks at them. */
import type { ConditionTable, Look } from './condition-table.ts';
import {
  arrange,
  csrOrder,
  sharedFloat64,
  sharedUint8,
  shareFloat64,
  shareUint32,
  Uint32List,
} from './csr.ts';
import type { OrderIndex, WindowedList } from './plan.ts';
import { ALL_STORES, type StoreSets } from './store-sets.ts';

/** Condition → action; undefined for one that no segment's membership depends on. */
export type ActionOf = (condition: number) => number | undefined;

/** What a look leads to. */
interface Item extends Look {
  readonly item: number;
}

/** @param storeLimit - One more than the highest store number. */
export function buildOrderIndex(
  table: ConditionTable,
  stores: StoreSets,
  storeLimit: number,
  actionOf: ActionOf,
): OrderIndex {
  const ever: Item[] = [];
  const touch: Item[] = [];
  const count: Item[] = [];
  const threshold: number[] = [];
  const counterAction: number[] = [];
  for (const { storeSet, windowS, threshold: orders, condition } of table.counters) {
    const action = actionOf(condition);
    if (action === undefined) continue;
    if (orders > 1) {
      threshold.push(orders);
      count.push({ storeSet, windowS, item: counterAction.push(action) - 1 });
    } else (windowS === Number.POSITIVE_INFINITY ? ever : touch).push({ storeSet, windowS, item: action });
  }
  const tally = table.tallies.map((look, item) => ({ storeSet: look.storeSet, windowS: look.windowS, item }));
  const windowS = distinctWindows([...touch, ...count, ...tally]);
  const rankOf = new Map(windowS.map((window, rank) => [window, rank]));
  const list = (items: readonly Item[]): WindowedList => windowedList(items, rankOf, stores, storeLimit);
  const everList = list(ever);
  return {
    storeLimit,
    everStart: everList.start,
    everAction: everList.item,
    everAllAction: everList.allItem,
    windowS: shareFloat64(windowS),
    touch: list(touch),
    count: list(count),
    counterThreshold: shareUint32(threshold),
    counterAction: shareUint32(counterAction),
    tally: list(tally),
    ...tallyColumns(table, actionOf),
  };
}

/** Longest first; Infinity always leads. */
function distinctWindows(looks: readonly Look[]): number[] {
  const windows = new Set([Number.POSITIVE_INFINITY]);
  for (const look of looks) windows.add(look.windowS);
  return [...windows].sort((a, b) => (a === b ? 0 : b - a));
}

function windowedList(
  items: readonly Item[],
  rankOf: ReadonlyMap<number, number>,
  stores: StoreSets,
  storeLimit: number,
): WindowedList {
  const ranks = Uint32Array.from(items, (item) => rankOf.get(item.windowS)!);
  // Longest window first; the counting sort below keeps this order within each store.
  const byRank = Uint32Array.from(items, (_, index) => index).sort((a, b) => ranks[a]! - ranks[b]! || a - b);
  const store = new Uint32List();
  const item = new Uint32List();
  const window = new Uint32List();
  const allItem = new Uint32List();
  const allWindow = new Uint32List();
  for (const index of byRank) {
    const { storeSet, item: number } = items[index]!;
    if (storeSet === ALL_STORES) {
      allItem.push(number);
      allWindow.push(ranks[index]!);
      continue;
    }
    for (const storeNo of stores.stores(storeSet)) {
      store.push(storeNo);
      item.push(number);
      window.push(ranks[index]!);
    }
  }
  const order = csrOrder(store.view(), storeLimit);
  return {
    start: order.start,
    window: arrange(order, window.view()),
    item: arrange(order, item.view()),
    allWindow: shareUint32(allWindow.view()),
    allItem: shareUint32(allItem.view()),
  };
}

function tallyColumns(table: ConditionTable, actionOf: ActionOf) {
  const tallyDiscounted = new Int8Array(new SharedArrayBuffer(table.tallies.length));
  tallyDiscounted.set(table.tallies.map((tally) => tally.discounted));
  const tallyCurrency = new Int32Array(new SharedArrayBuffer(table.tallies.length * 4));
  tallyCurrency.set(table.tallies.map((tally) => tally.currencyNo));
  const tests = table.tallyTests.flatMap((test) => {
    const action = actionOf(test.condition);
    return action === undefined ? [] : [{ ...test, action }];
  });
  const order = csrOrder(
    Uint32Array.from(tests, (test) => test.tally),
    table.tallies.length,
  );
  const testLow = sharedFloat64(tests.length);
  const testHigh = sharedFloat64(tests.length);
  const testOutside = sharedUint8(tests.length);
  const testMeasure = sharedUint8(tests.length);
  tests.forEach((test, i) => {
    const at = order.position[i]!;
    testLow[at] = test.low;
    testHigh[at] = test.high;
    testOutside[at] = Number(test.outside);
    testMeasure[at] = test.measure;
  });
  return {
    tallyCurrency,
    tallyMinimumE4: shareFloat64(table.tallies.map((tally) => tally.minimumE4)),
    tallyDiscounted,
    testStart: order.start,
    testMeasure,
    testLow,
    testHigh,
    testOutside,
    testAction: arrange(
      order,
      tests.map((test) => test.action),
    ),
  };
}
