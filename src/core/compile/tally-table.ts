/**
 * Tallies and what is tested on them once a customer's facts are gathered. Orders and events lead to
 * tallies of one range of numbers, so that tests on them, and sequences over both, are one thing.
 */
import { CoterieError } from '../../model/error.ts';
import type { ConditionNumbers } from './condition-numbers.ts';
import { arrange, arrangeFloat64, arrangeUint8, csrOrder, sharedFloat64, sharedUint32 } from './csr.ts';
import { type Expression, FALSE, not, TRUE } from './expression.ts';
import { KEEP, MEASURE_CODE, TALLIES_MAX, TALLY, type TallyIndex, TEST_OUTSIDE, TEST_WORDS } from './plan.ts';
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
    const count = this.#keeps.length;
    const words = sharedUint32(count * TALLY.words);
    const index = {
      count,
      words,
      numbers: new Float64Array(words.buffer),
      ...this.#sequenceColumns(actionOf),
    };
    for (const [tally, { keep, zone }] of this.#keeps.entries()) {
      words[tally * TALLY.words + TALLY.keep] = keep;
      words[tally * TALLY.words + TALLY.zone] = zone;
    }
    return { ...index, ...this.#writeTests(index, actionOf) };
  }

  /** Writes tests into the records of their tallies; those beyond the first into lists. */
  #writeTests(
    { count, words, numbers }: Pick<TallyIndex, 'count' | 'words' | 'numbers'>,
    actionOf: ActionOf,
  ) {
    const tests = withActions(this.#tests, actionOf);
    const { start, position } = csrOrder(
      Uint32Array.from(tests, ({ tally }) => tally),
      count,
    );
    // The first of each tally lies in its record.
    const firsts = (tally: number): number => Math.min(1, start[tally + 1]! - start[tally]!);
    const moreStart = new Uint32Array(count + 1);
    for (let tally = 0; tally < count; tally++) {
      const more = start[tally + 1]! - start[tally]! - firsts(tally);
      moreStart[tally + 1] = moreStart[tally]! + more;
      words[tally * TALLY.words + TALLY.moreStart] = moreStart[tally]!;
      words[tally * TALLY.words + TALLY.moreEnd] = moreStart[tally + 1]!;
    }
    const moreTests = sharedUint32(moreStart[count]! * TEST_WORDS);
    const moreBounds = sharedFloat64(moreStart[count]! * 2);
    for (const [i, { tally, measure, low, high, outside, action }] of tests.entries()) {
      const place = position[i]! - start[tally]!;
      const isFirst = place === 0;
      const word = isFirst ? tally * TALLY.words + TALLY.test : (moreStart[tally]! + place - 1) * TEST_WORDS;
      const bound = isFirst ? tally * TALLY.numbers + TALLY.low : (moreStart[tally]! + place - 1) * 2;
      const intoWords = isFirst ? words : moreTests;
      intoWords[word] = measure | (outside ? TEST_OUTSIDE : 0);
      intoWords[word + 1] = action;
      const intoBounds = isFirst ? numbers : moreBounds;
      intoBounds[bound] = low;
      intoBounds[bound + 1] = high;
    }
    return { moreTests, moreBounds };
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
