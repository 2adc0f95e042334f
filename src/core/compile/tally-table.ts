/**
 * Tallies and what is tested on them once a customer's facts are gathered. Orders and events lead to
 * tallies of one range of numbers, so that tests on them, and sequences over both, are one thing.
 */
import { CoterieError } from '../../model/error.ts';
import type { ConditionNumbers } from './condition-numbers.ts';
import { arrange, arrangeFloat64, arrangeUint8, csrOrder, shareUint8, shareUint32 } from './csr.ts';
import { type Expression, FALSE, not, TRUE } from './expression.ts';
import { KEEP, MEASURE_CODE, TALLIES_MAX, type TallyIndex } from './plan.ts';
import { UTC } from './time-zones.ts';
import type { ActionOf } from './uses.ts';

export type Measure = keyof typeof MEASURE_CODE;

/** What a tally keeps of each fact; the zone is that of its dates. */
export interface Keep {
  readonly keep: (typeof KEEP)[keyof typeof KEEP];
  readonly zone: number;
}

export const KEEP_NOTHING: Keep = { keep: KEEP.nothing, zone: UTC };
export const KEEP_TIMES: Keep = { keep: KEEP.time, zone: UTC };

/** Inclusive; infinite where there is none. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

export function boundsOf(test: { readonly atLeast?: number; readonly atMost?: number }): Bounds {
  return { low: test.atLeast ?? Number.NEGATIVE_INFINITY, high: test.atMost ?? Number.POSITIVE_INFINITY };
}

/** Of no facts these are 0; the others do not exist. */
const ZERO_WITHOUT: ReadonlySet<Measure> = new Set(['count', 'sum', 'stores', 'days']);

interface Test extends Bounds {
  readonly tally: number;
  readonly measure: number;
  readonly outside: boolean;
  readonly condition: number;
}

interface Sequence {
  readonly first: number;
  readonly second: number;
  readonly withinS: number;
  readonly isWithout: boolean;
  readonly condition: number;
}

export class TallyTable {
  readonly #conditions: ConditionNumbers;
  readonly #keeps: Keep[] = [];
  readonly #tests: Test[] = [];
  readonly #sequences: Sequence[] = [];

  constructor(conditions: ConditionNumbers) {
    this.#conditions = conditions;
  }

  /**
   * Another tally; its number.
   *
   * @throws {CoterieError} `DEFINITION_TOO_LARGE` for more than `TALLIES_MAX`.
   */
  add(keep: Keep): number {
    if (this.#keeps.length === TALLIES_MAX) {
      throw new CoterieError(
        'DEFINITION_TOO_LARGE',
        `expected at most ${TALLIES_MAX} different filters and windows over all segments, found more`,
        { expected: TALLIES_MAX },
      );
    }
    return this.#keeps.push(keep) - 1;
  }

  /**
   * A test on a measure of a tally.
   *
   * @param tallyOf - Called only if the outcome depends on facts; undefined where no fact can count.
   */
  test(measure: Measure, { low, high }: Bounds, tallyOf: () => number | undefined): Expression {
    if (low > high) return FALSE;
    // Where the 0 of no facts passes, what facts can do is to leave the bounds.
    if (ZERO_WITHOUT.has(measure) && low <= 0 && high >= 0) {
      if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return TRUE;
      return not(this.#test(measure, { low, high }, tallyOf(), true));
    }
    return this.#test(measure, { low, high }, tallyOf(), false);
  }

  /** One fact after another, both kept by tallies with their times. */
  sequence(sequence: Omit<Sequence, 'condition'>): Expression {
    const { first, second, withinS, isWithout } = sequence;
    return this.#conditions.of(`sequence/${first}/${second}/${withinS}/${isWithout}`, (condition) => {
      this.#sequences.push({ ...sequence, condition });
    });
  }

  #test(measure: Measure, bounds: Bounds, tally: number | undefined, outside: boolean): Expression {
    if (tally === undefined) return FALSE;
    const { low, high } = bounds;
    return this.#conditions.of(`tally/${tally}/${measure}/${low}/${high}/${outside}`, (condition) => {
      this.#tests.push({ tally, measure: MEASURE_CODE[measure], low, high, outside, condition });
    });
  }

  build(actionOf: ActionOf): TallyIndex {
    return {
      keep: shareUint8(this.#keeps.map(({ keep }) => keep)),
      zone: shareUint32(this.#keeps.map(({ zone }) => zone)),
      ...this.#testColumns(actionOf),
      ...this.#sequenceColumns(actionOf),
    };
  }

  #testColumns(actionOf: ActionOf) {
    const tests = withActions(this.#tests, actionOf);
    const order = csrOrder(
      Uint32Array.from(tests, ({ tally }) => tally),
      this.#keeps.length,
    );
    return {
      testStart: order.start,
      testMeasure: arrangeUint8(
        order,
        tests.map(({ measure }) => measure),
      ),
      testLow: arrangeFloat64(
        order,
        tests.map(({ low }) => low),
      ),
      testHigh: arrangeFloat64(
        order,
        tests.map(({ high }) => high),
      ),
      testOutside: arrangeUint8(
        order,
        tests.map(({ outside }) => Number(outside)),
      ),
      testAction: arrange(
        order,
        tests.map(({ action }) => action),
      ),
    };
  }

  #sequenceColumns(actionOf: ActionOf) {
    const sequences = withActions(this.#sequences, actionOf);
    const order = csrOrder(
      Uint32Array.from(sequences, ({ first }) => first),
      this.#keeps.length,
    );
    return {
      sequenceStart: order.start,
      sequenceSecond: arrange(
        order,
        sequences.map(({ second }) => second),
      ),
      sequenceWithinS: arrangeFloat64(
        order,
        sequences.map(({ withinS }) => withinS),
      ),
      sequenceWithout: arrangeUint8(
        order,
        sequences.map(({ isWithout }) => Number(isWithout)),
      ),
      sequenceAction: arrange(
        order,
        sequences.map(({ action }) => action),
      ),
    };
  }
}

/** Only what some segment's membership depends on, with what it causes. */
export function withActions<T extends { readonly condition: number }>(
  tests: readonly T[],
  actionOf: ActionOf,
): (T & { readonly action: number })[] {
  return tests.flatMap((test) => {
    const action = actionOf(test.condition);
    return action === undefined ? [] : [{ ...test, action }];
  });
}
