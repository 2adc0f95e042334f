/**
 * Numbers each distinct condition once, over all segments: same store set, same window, same filter and
 * same bounds are the same condition, however written. The indexes of the plan are built from it.
 */
import type { Condition, OrdersCondition, TraitCondition } from '../../model/rule.ts';
import type { FactDictionary } from '../engine/engine.ts';
import { type Expression, FALSE, TRUE } from './expression.ts';
import { MEASURE_CODE, THRESHOLD_MAX } from './plan.ts';
import type { StoreSets } from './store-sets.ts';

/** What a condition on orders looks at. */
export interface Look {
  readonly storeSet: number;
  /** Seconds; Infinity is ever. */
  readonly windowS: number;
}

/** Conditions that hold from so many orders on. */
export interface Counter extends Look {
  readonly threshold: number;
  readonly condition: number;
}

export interface Tally extends Look {
  readonly currencyNo: number;
  readonly minimumE4: number;
  readonly discounted: number;
}

/** A test on a tally. */
export interface TallyTest {
  readonly tally: number;
  readonly measure: number;
  readonly low: number;
  readonly high: number;
  readonly outside: boolean;
  readonly condition: number;
}

interface TraitTest {
  readonly nameNo: number;
  readonly test: TraitCondition['test'];
  readonly condition: number;
}

const ANY = -1;

export class ConditionTable {
  readonly #stores: StoreSets;
  readonly #dictionary: FactDictionary;
  readonly #numbers = new Map<string, number>();
  #count = 0;

  readonly counters: Counter[] = [];
  readonly tallies: Tally[] = [];
  readonly tallyTests: TallyTest[] = [];
  readonly traitTests: TraitTest[] = [];

  constructor(stores: StoreSets, dictionary: FactDictionary) {
    this.#stores = stores;
    this.#dictionary = dictionary;
  }

  /** Conditions so far; they are numbered from 0. */
  get size(): number {
    return this.#count;
  }

  /** A condition as an expression over positive, numbered conditions. */
  express(condition: Condition): Expression {
    return condition.kind === 'orders' ? this.#orders(condition) : this.#trait(condition);
  }

  #orders(condition: OrdersCondition): Expression {
    const low = condition.atLeast ?? Number.NEGATIVE_INFINITY;
    const high = condition.atMost ?? Number.POSITIVE_INFINITY;
    if (low > high) return FALSE;
    if (isCounted(condition, low, high)) return this.#counted(condition, low, high);
    // Over no orders a count and a sum are 0: where 0 passes, what orders can do is to leave the bounds.
    const isZeroWithout = condition.measure === 'count' || condition.measure === 'sum';
    if (isZeroWithout && low <= 0 && high >= 0) {
      if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return TRUE;
      return not(this.#tallyTest(condition, low, high, true));
    }
    return this.#tallyTest(condition, low, high, false);
  }

  /** Counts are thresholds only: between 2 and 5 is at least 2 and not at least 6. */
  #counted(condition: OrdersCondition, low: number, high: number): Expression {
    const from = low >= 1 ? this.#threshold(condition, Math.ceil(low)) : TRUE;
    if (high === Number.POSITIVE_INFINITY) return from;
    if (high < 0) return FALSE;
    const notAbove = not(this.#threshold(condition, Math.floor(high) + 1));
    return from === TRUE ? notAbove : { op: 'all', of: [from, notAbove] };
  }

  #threshold(condition: OrdersCondition, threshold: number): Expression {
    const storeSet = this.#stores.numberOf(condition.stores);
    const windowS = condition.withinS ?? Number.POSITIVE_INFINITY;
    return this.#condition(`count/${storeSet}/${windowS}/${threshold}`, (number) => {
      this.counters.push({ storeSet, windowS, threshold, condition: number });
    });
  }

  #tallyTest(condition: OrdersCondition, low: number, high: number, outside: boolean): Expression {
    const currencyNo = this.#currencyNo(condition.currency);
    // Nothing can be counted in a currency that no fact has.
    if (currencyNo === undefined) return FALSE;
    const storeSet = this.#stores.numberOf(condition.stores);
    const windowS = condition.withinS ?? Number.POSITIVE_INFINITY;
    const minimumE4 = condition.minimumTotalE4 ?? Number.NEGATIVE_INFINITY;
    const discounted = condition.discounted === undefined ? ANY : Number(condition.discounted);
    const key = `tally/${storeSet}/${windowS}/${currencyNo}/${minimumE4}/${discounted}`;
    let tally = this.#numbers.get(key);
    if (tally === undefined) {
      tally = this.tallies.push({ storeSet, windowS, currencyNo, minimumE4, discounted }) - 1;
      this.#numbers.set(key, tally);
    }
    const test = { tally, measure: MEASURE_CODE[condition.measure], low, high, outside };
    return this.#condition(`test/${tally}/${test.measure}/${low}/${high}/${outside}`, (number) => {
      this.tallyTests.push({ ...test, condition: number });
    });
  }

  #currencyNo(code: string | undefined): number | undefined {
    return code === undefined ? ANY : this.#dictionary.currencies.get(code);
  }

  #trait(condition: TraitCondition): Expression {
    const nameNo = this.#dictionary.traitNames.get(condition.name);
    if (nameNo === undefined) return FALSE;
    return this.#condition(`trait/${nameNo}/${JSON.stringify(condition.test)}`, (number) => {
      this.traitTests.push({ nameNo, test: condition.test, condition: number });
    });
  }

  /** The condition with this key; `add` is called with its number when it is a new one. */
  #condition(key: string, add: (number: number) => void): Expression {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#count++;
      this.#numbers.set(key, number);
      add(number);
    }
    return { op: 'condition', condition: number };
  }
}

/** Whether counters will do: no filter, and bounds that a counter can reach. Tallies take the rest. */
function isCounted(condition: OrdersCondition, low: number, high: number): boolean {
  return (
    condition.measure === 'count' &&
    condition.currency === undefined &&
    condition.minimumTotalE4 === undefined &&
    condition.discounted === undefined &&
    low <= THRESHOLD_MAX &&
    (high < THRESHOLD_MAX || high === Number.POSITIVE_INFINITY)
  );
}

function not(of: Expression): Expression {
  return { op: 'not', of };
}
