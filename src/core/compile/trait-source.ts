/**
 * What conditions look at in the stream of traits, scores and entries of lists, and the plan's index of
 * it: from a name and a value to what they cause.
 */
import type { FactDictionary } from '../engine/engine.ts';
import type { ConditionNumbers } from './condition-numbers.ts';
import { arrange, arrangeFloat64, csrOrder, sharedUint8, sharedUint32, Uint32List } from './csr.ts';
import type { Expression } from './expression.ts';
import type { TraitIndex } from './plan.ts';
import { type Bounds, withActions } from './tally-table.ts';
import type { ActionOf } from './uses.ts';

interface NameTest {
  readonly nameNo: number;
  readonly condition: number;
}

export class TraitSource {
  readonly #conditions: ConditionNumbers;
  readonly #dictionary: FactDictionary;
  readonly #exists: NameTest[] = [];
  readonly #values: (NameTest & { readonly values: readonly string[] })[] = [];
  readonly #ranges: (NameTest & Bounds)[] = [];
  readonly #ages: (NameTest & Bounds)[] = [];
  readonly #expiring = new Set<number>();
  readonly #names = new Set<number>();

  constructor(conditions: ConditionNumbers, dictionary: FactDictionary) {
    this.#conditions = conditions;
    this.#dictionary = dictionary;
  }

  /** Something of this name. */
  exists(nameNo: number): Expression {
    return this.#of(nameNo, 'exists', (test) => this.#exists.push(test));
  }

  /** One of these values. */
  in(nameNo: number, values: readonly string[]): Expression {
    const distinct = [...new Set(values)].sort();
    return this.#of(nameNo, `in/${JSON.stringify(distinct)}`, (test) => {
      this.#values.push({ ...test, values: distinct });
    });
  }

  /** A value that reads as a number within bounds. */
  range(nameNo: number, { low, high }: Bounds): Expression {
    return this.#of(nameNo, `range/${low}/${high}`, (test) => this.#ranges.push({ ...test, low, high }));
  }

  /** A value that reads as a moment, so many seconds ago; negative ahead. */
  age(nameNo: number, { low, high }: Bounds): Expression {
    return this.#of(nameNo, `age/${low}/${high}`, (test) => this.#ages.push({ ...test, low, high }));
  }

  /** Says of a name that what it holds is absent from its moment on. */
  expires(nameNo: number): void {
    this.#expiring.add(nameNo);
  }

  /** What a scan must bring. */
  get columns(): { readonly traits: boolean; readonly traitNames?: readonly number[] } {
    if (this.#names.size === 0) return { traits: false };
    return { traits: true, traitNames: [...this.#names].sort((a, b) => a - b) };
  }

  #of(nameNo: number, test: string, add: (test: NameTest) => void): Expression {
    return this.#conditions.of(`trait/${nameNo}/${test}`, (condition) => {
      this.#names.add(nameNo);
      add({ nameNo, condition });
    });
  }

  build(actionOf: ActionOf): TraitIndex {
    const nameLimit = (this.columns.traitNames?.at(-1) ?? -1) + 1;
    const exists = withActions(this.#exists, actionOf);
    const existsOrder = byName(exists, nameLimit);
    const ranges = withActions(this.#ranges, actionOf);
    const rangeOrder = byName(ranges, nameLimit);
    const ages = withActions(this.#ages, actionOf);
    const ageOrder = byName(ages, nameLimit);
    const expires = sharedUint8(nameLimit);
    for (const nameNo of this.#expiring) expires[nameNo] = 1;
    return {
      nameLimit,
      ...this.#valueLists(nameLimit, actionOf),
      existsStart: existsOrder.start,
      existsAction: arrange(
        existsOrder,
        exists.map(({ action }) => action),
      ),
      rangeStart: rangeOrder.start,
      rangeLow: arrangeFloat64(
        rangeOrder,
        ranges.map(({ low }) => low),
      ),
      rangeHigh: arrangeFloat64(
        rangeOrder,
        ranges.map(({ high }) => high),
      ),
      rangeAction: arrange(
        rangeOrder,
        ranges.map(({ action }) => action),
      ),
      ageStart: ageOrder.start,
      ageLow: arrangeFloat64(
        ageOrder,
        ages.map(({ low }) => low),
      ),
      ageHigh: arrangeFloat64(
        ageOrder,
        ages.map(({ high }) => high),
      ),
      ageAction: arrange(
        ageOrder,
        ages.map(({ action }) => action),
      ),
      expires,
    };
  }

  #valueLists(nameLimit: number, actionOf: ActionOf) {
    const tests = withActions(this.#values, actionOf).flatMap(({ nameNo, values, action }) =>
      values.flatMap((value) => {
        const valueNo = this.#dictionary.traitValues.get(nameNo)?.get(value);
        return valueNo === undefined ? [] : [{ nameNo, valueNo, action }];
      }),
    );
    // Each name has room for the value numbers that its tests name: most names need few or none.
    const valueBase = sharedUint32(nameLimit);
    const valueLimit = sharedUint32(nameLimit);
    for (const { nameNo, valueNo } of tests) valueLimit[nameNo] = Math.max(valueLimit[nameNo]!, valueNo + 1);
    let slots = 0;
    for (let nameNo = 0; nameNo < nameLimit; nameNo++) {
      valueBase[nameNo] = slots;
      slots += valueLimit[nameNo]!;
    }
    const slot = new Uint32List();
    for (const { nameNo, valueNo } of tests) slot.push(valueBase[nameNo]! + valueNo);
    const order = csrOrder(slot.view(), slots);
    return {
      valueBase,
      valueLimit,
      valueStart: order.start,
      valueAction: arrange(
        order,
        tests.map(({ action }) => action),
      ),
    };
  }
}

function byName(tests: readonly NameTest[], nameLimit: number) {
  return csrOrder(
    Uint32Array.from(tests, ({ nameNo }) => nameNo),
    nameLimit,
  );
}
