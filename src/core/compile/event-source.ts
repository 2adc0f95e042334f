/**
 * What conditions look at in events, and the plan's index of it: from a name and the value of a property
 * to filters, and from those to tallies. A filter is found by one of its tests for certain values, where
 * it has one; the tests that are left are made for each event, once a filter.
 */
import type { EventFilter, ValueTest } from '../../model/rule.ts';
import { type EventColumns, FIRST_VALUE_NO } from '../engine/fact-batch.ts';
import {
  arrange,
  type CsrOrder,
  csrOrder,
  shareFloat64,
  shareInt32,
  shareUint8,
  shareUint32,
} from './csr.ts';
import { type EventIndex, TEST } from './plan.ts';
import { boundsOf, type Keep, type TallyTable } from './tally-table.ts';
import { rankWindows } from './windows.ts';

/** The property of a branch that every event of the name takes. */
const EVERY_EVENT = -1;

type Where = EventFilter['where'][number];

/** One test on a property, by the numbers of the scan's columns. */
interface PropertyTest {
  readonly property: number;
  readonly kind: ValueTest['kind'];
  readonly low: number;
  readonly high: number;
  /** As in a batch, ascending. */
  readonly valueNos: readonly number[];
}

interface Filter {
  readonly nameNo: number;
  /** Finds the filter; its tests are the others. */
  readonly anchor: PropertyTest | undefined;
  readonly tests: readonly PropertyTest[];
}

interface EventTally {
  readonly filter: number;
  readonly windowS: number;
  readonly tally: number;
}

/** A property of a name's events that leads to filters, or every event of it. */
interface Branch {
  readonly nameNo: number;
  readonly property: number;
  readonly values: number;
  readonly base: number;
}

export class EventSource {
  readonly #tallyTable: TallyTable;
  readonly #filters: Filter[] = [];
  readonly #filterNumbers = new Map<string, number>();
  readonly #tallies: EventTally[] = [];
  readonly #tallyNumbers = new Map<string, number>();
  /** Property → its place, and text → its place among the values that tests name. */
  readonly #properties = new Map<string, { readonly place: number; readonly values: Map<string, number> }>();

  /** Names that are looked at other than by filters. */
  readonly #otherNames = new Set<number>();

  constructor(tallies: TallyTable) {
    this.#tallyTable = tallies;
  }

  /**
   * The tally over events of a name that pass all tests.
   *
   * @returns Undefined where no event can pass.
   */
  tally(nameNo: number, where: EventFilter['where'], windowS: number, keep: Keep): number | undefined {
    if (where.some(({ test }) => isImpossible(test))) return undefined;
    const filter = this.#filter(nameNo, where);
    const key = `${filter}/${windowS}/${keep.keep}/${keep.zone}`;
    let tally = this.#tallyNumbers.get(key);
    if (tally === undefined) {
      tally = this.#tallyTable.add(keep);
      this.#tallyNumbers.set(key, tally);
      this.#tallies.push({ filter, windowS, tally });
    }
    return tally;
  }

  /** What a scan must bring. */
  get columns(): { readonly events?: EventColumns } {
    const looked = new Set([...this.#otherNames, ...this.#filters.map(({ nameNo }) => nameNo)]);
    if (looked.size === 0) return {};
    const names = [...looked].sort((a, b) => a - b);
    const properties = [...this.#properties].map(([name, { values }]) => ({
      name,
      values: [...values.keys()],
    }));
    return { events: { names, properties } };
  }

  /** Makes a scan bring events of a name. */
  addName(nameNo: number): void {
    this.#otherNames.add(nameNo);
  }

  /** Makes a scan bring a property, and say which of some texts it is: the property's place, and their numbers. */
  addProperty(
    property: string,
    values: readonly string[],
  ): { readonly column: number; readonly valueNos: readonly number[] } {
    const { place, values: known } = this.#column(property);
    return { column: place, valueNos: values.map((value) => numberOf(known, value)) };
  }

  #column(property: string) {
    let column = this.#properties.get(property);
    if (column === undefined) {
      column = { place: this.#properties.size, values: new Map() };
      this.#properties.set(property, column);
    }
    return column;
  }

  /** The number of a name's tests; the same ones in any order are one. */
  #filter(nameNo: number, where: EventFilter['where']): number {
    const distinct = new Map(where.map((one) => [keyOf(one), one]));
    const keys = [...distinct.keys()].sort();
    const key = JSON.stringify([nameNo, ...keys]);
    let filter = this.#filterNumbers.get(key);
    if (filter === undefined) {
      const tests = keys.map((one) => this.#test(distinct.get(one)!));
      const anchor = tests
        .filter(({ kind }) => kind === 'in')
        .sort((a, b) => a.valueNos.length - b.valueNos.length)[0];
      filter = this.#filters.push({ nameNo, anchor, tests: tests.filter((test) => test !== anchor) }) - 1;
      this.#filterNumbers.set(key, filter);
    }
    return filter;
  }

  #test({ property, test }: Where): PropertyTest {
    const { place, values } = this.#column(property);
    const valueNos =
      test.kind === 'in' ? [...new Set(test.values)].map((value) => numberOf(values, value)) : [];
    const { low, high } = boundsOf(test.kind === 'range' ? test : {});
    return { property: place, kind: test.kind, low, high, valueNos: valueNos.sort((a, b) => a - b) };
  }

  build(): EventIndex {
    const { windowS, rankOf } = rankWindows(this.#tallies);
    const nameLimit = this.#filters.reduce((limit, { nameNo }) => Math.max(limit, nameNo + 1), 0);
    const nameWindow = new Uint32Array(nameLimit).fill(windowS.length - 1);
    for (const { filter, windowS: window } of this.#tallies) {
      const { nameNo } = this.#filters[filter]!;
      nameWindow[nameNo] = Math.min(nameWindow[nameNo]!, rankOf.get(window)!);
    }
    const tallies = this.#tallies
      .map((tally) => ({ ...tally, rank: rankOf.get(tally.windowS)! }))
      .sort((a, b) => a.rank - b.rank);
    const tallyOrder = csrOrder(
      Uint32Array.from(tallies, ({ filter }) => filter),
      this.#filters.length,
    );
    return {
      nameLimit,
      windowS: shareFloat64(windowS),
      nameWindow: shareUint32(nameWindow),
      ...branchColumns(this.#filters, nameLimit),
      ...testColumns(this.#filters),
      tallyStart: tallyOrder.start,
      tallyWindow: arrange(
        tallyOrder,
        tallies.map(({ rank }) => rank),
      ),
      tally: arrange(
        tallyOrder,
        tallies.map(({ tally }) => tally),
      ),
    };
  }
}

function isImpossible(test: ValueTest): boolean {
  if (test.kind === 'in') return test.values.length === 0;
  const { low, high } = boundsOf(test.kind === 'range' ? test : {});
  return low > high;
}

function keyOf({ property, test }: Where): string {
  if (test.kind === 'in') return JSON.stringify([property, 'in', ...[...new Set(test.values)].sort()]);
  if (test.kind === 'exists') return JSON.stringify([property, 'exists']);
  return JSON.stringify([property, 'range', test.atLeast ?? null, test.atMost ?? null]);
}

/** A value's number in batches. */
function numberOf(values: Map<string, number>, value: string): number {
  const place = values.get(value) ?? values.size;
  values.set(value, place);
  return place + FIRST_VALUE_NO;
}

function branchColumns(filters: readonly Filter[], nameLimit: number) {
  const branches = branchesOf(filters);
  const order = csrOrder(
    Uint32Array.from(branches.values(), ({ nameNo }) => nameNo),
    nameLimit,
  );
  const listed = filters.flatMap((filter, number) => {
    const { base } = branches.get(branchKey(filter))!;
    const places = filter.anchor?.valueNos.map((valueNo) => valueNo - FIRST_VALUE_NO) ?? [0];
    return places.map((place) => ({ slot: base + place, number }));
  });
  const slots = [...branches.values()].reduce((end, { base, values }) => Math.max(end, base + values), 0);
  const filterOrder = csrOrder(
    Uint32Array.from(listed, ({ slot }) => slot),
    slots,
  );
  const column = (read: (branch: Branch) => number): number[] =>
    placed(order, [...branches.values()].map(read));
  return {
    branchStart: order.start,
    branchProperty: shareInt32(column(({ property }) => property)),
    branchBase: shareUint32(column(({ base }) => base)),
    branchValues: shareUint32(column(({ values }) => values)),
    filterStart: filterOrder.start,
    filter: arrange(
      filterOrder,
      listed.map(({ number }) => number),
    ),
  };
}

function placed(order: CsrOrder, values: readonly number[]): number[] {
  const arranged = new Array<number>(values.length);
  values.forEach((value, i) => {
    arranged[order.position[i]!] = value;
  });
  return arranged;
}

function branchKey({ nameNo, anchor }: Filter): string {
  return `${nameNo}/${anchor?.property ?? EVERY_EVENT}`;
}

/** Each with room for the values that filters are found by. */
function branchesOf(filters: readonly Filter[]): Map<string, Branch> {
  const widths = new Map<string, number>();
  for (const filter of filters) {
    const width = (filter.anchor?.valueNos.at(-1) ?? FIRST_VALUE_NO) - FIRST_VALUE_NO + 1;
    const key = branchKey(filter);
    widths.set(key, Math.max(widths.get(key) ?? 0, width));
  }
  const branches = new Map<string, Branch>();
  let base = 0;
  for (const filter of filters) {
    const key = branchKey(filter);
    if (branches.has(key)) continue;
    const values = widths.get(key)!;
    branches.set(key, {
      nameNo: filter.nameNo,
      property: filter.anchor?.property ?? EVERY_EVENT,
      values,
      base,
    });
    base += values;
  }
  return branches;
}

function testColumns(filters: readonly Filter[]) {
  const tests = filters.flatMap((filter) => filter.tests);
  const testStart = [0];
  for (const filter of filters) testStart.push(testStart.at(-1)! + filter.tests.length);
  const valueStart = [0];
  for (const { valueNos } of tests) valueStart.push(valueStart.at(-1)! + valueNos.length);
  return {
    testStart: shareUint32(testStart),
    testKind: shareUint8(tests.map(({ kind }) => TEST[kind])),
    testProperty: shareUint32(tests.map(({ property }) => property)),
    testLow: shareFloat64(tests.map(({ low }) => low)),
    testHigh: shareFloat64(tests.map(({ high }) => high)),
    testValueStart: shareUint32(valueStart),
    testValue: shareUint32(tests.flatMap(({ valueNos }) => valueNos)),
  };
}
