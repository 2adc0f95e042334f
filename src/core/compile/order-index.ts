/** Builds the plan's index of conditions on orders: from stores to what looks at them. */
import { CoterieError } from '../../model/error.ts';
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
import { buildLookLists } from './look-list.ts';
import { type OrderIndex, WINDOWS_MAX, type WindowedList } from './plan.ts';
import { ALL_STORES, type StoreSets } from './store-sets.ts';
import type { ActionOf } from './uses.ts';

/**
 * @param storeLimit - One more than the highest store number.
 * @throws {CoterieError} `DEFINITION_TOO_LARGE` for more distinct windows than a list can name.
 */
export async function buildOrderIndex(
  table: ConditionTable,
  stores: StoreSets,
  storeLimit: number,
  actionOf: ActionOf,
): Promise<OrderIndex> {
  const windowS = distinctWindows([...table.counters, ...table.tallies]);
  const rankOf = new Map(windowS.map((window, rank) => [window, rank]));
  return {
    storeLimit,
    windowS: shareFloat64(windowS),
    ...(await buildLookLists(table.counters, { rankOf, stores, storeLimit, actionOf })),
    tally: tallyList(table.tallies, rankOf, stores, storeLimit),
    ...tallyColumns(table, actionOf),
  };
}

/** Longest first; Infinity always leads. */
function distinctWindows(looks: readonly Look[]): number[] {
  const windows = new Set([Number.POSITIVE_INFINITY]);
  for (const look of looks) windows.add(look.windowS);
  if (windows.size > WINDOWS_MAX) {
    throw new CoterieError(
      'DEFINITION_TOO_LARGE',
      `expected at most ${WINDOWS_MAX} different windows over all segments, found ${windows.size}`,
      { expected: WINDOWS_MAX, found: windows.size },
    );
  }
  return [...windows].sort((a, b) => (a === b ? 0 : b - a));
}

function tallyList(
  tallies: readonly Look[],
  rankOf: ReadonlyMap<number, number>,
  stores: StoreSets,
  storeLimit: number,
): WindowedList {
  const ranks = Uint32Array.from(tallies, (tally) => rankOf.get(tally.windowS)!);
  // Longest window first; the counting sort below keeps this order within each store.
  const byRank = Uint32Array.from(tallies, (_, index) => index).sort(
    (a, b) => ranks[a]! - ranks[b]! || a - b,
  );
  const store = new Uint32List();
  const item = new Uint32List();
  const allItem = new Uint32List();
  for (const tally of byRank) {
    const { storeSet } = tallies[tally]!;
    if (storeSet === ALL_STORES) {
      allItem.push(tally);
      continue;
    }
    for (const storeNo of stores.stores(storeSet)) {
      store.push(storeNo);
      item.push(tally);
    }
  }
  const order = csrOrder(store.view(), storeLimit);
  const arranged = arrange(order, item.view());
  return {
    start: order.start,
    window: shareUint32(arranged.map((tally) => ranks[tally]!)),
    item: arranged,
    allWindow: shareUint32(allItem.view().map((tally) => ranks[tally]!)),
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
