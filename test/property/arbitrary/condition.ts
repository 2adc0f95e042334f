/**
 * Random conditions in the form that is compiled. The vocabulary is small, so that conditions are often
 * shared, often sit exactly on a fact's edge, and often hold for some customers and not for others.
 */
import fc from 'fast-check';
import type {
  Condition,
  EventCondition,
  EventFilter,
  ListedCondition,
  OrderFilter,
  OrdersCondition,
  ScoreCondition,
  SequenceCondition,
  SequenceStep,
  StoreSet,
  TraitCondition,
  ValueTest,
} from '../../../src/model/rule.ts';
import {
  AMOUNTS_E4,
  ATTRIBUTES,
  EVENTS,
  LISTS,
  MODELS,
  SCORES,
  SEQUENCE_WINDOWS_S,
  STORE_IDS,
  TIME_ZONES,
  TRAITS,
  WINDOWS_S,
} from './vocabulary.ts';

const some = <T>(values: readonly T[], maxLength = 3): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength });

const oneAttribute: fc.Arbitrary<StoreSet> = fc
  .constantFrom(...(Object.keys(ATTRIBUTES) as (keyof typeof ATTRIBUTES)[]))
  .chain((name) => some(ATTRIBUTES[name], 2).map((values) => ({ [name]: values })))
  .map((attributes) => ({ kind: 'attributes', attributes }));

/** Up to four attributes; none at all means every store. */
const severalAttributes: fc.Arbitrary<StoreSet> = fc
  .record(
    {
      brand: some(ATTRIBUTES.brand, 2),
      city: some(ATTRIBUTES.city, 2),
      category: some(ATTRIBUTES.category, 2),
      tag: some(ATTRIBUTES.tag, 2),
    },
    { requiredKeys: [] },
  )
  .map((attributes) => ({ kind: 'attributes', attributes }));

export const arbitraryStoreSet: fc.Arbitrary<StoreSet> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<StoreSet>({ kind: 'all' }) },
  {
    weight: 4,
    arbitrary: some([...STORE_IDS, 'never-heard-of']).map((ids): StoreSet => ({ kind: 'ids', ids })),
  },
  { weight: 3, arbitrary: oneAttribute },
  { weight: 1, arbitrary: severalAttributes },
);

/** Bounds of which at least one is present; they may contradict each other. */
function bounds(value: fc.Arbitrary<number>): fc.Arbitrary<{ atLeast?: number; atMost?: number }> {
  return fc.oneof(
    { weight: 3, arbitrary: value.map((atLeast) => ({ atLeast })) },
    { weight: 3, arbitrary: value.map((atMost) => ({ atMost })) },
    { weight: 1, arbitrary: value.map((equals) => ({ atLeast: equals, atMost: equals })) },
    { weight: 1, arbitrary: fc.tuple(value, value).map(([atLeast, atMost]) => ({ atLeast, atMost })) },
  );
}

const smallCount = fc.integer({ min: 0, max: 4 });
const amountBound = fc.oneof(
  fc.constantFrom(...AMOUNTS_E4),
  fc.constantFrom(...AMOUNTS_E4).map((amount) => Math.trunc(amount / 3)),
  fc.integer({ min: -30_000, max: 600_000 }),
);
const window = fc.constantFrom(...WINDOWS_S);
/** Facts lie on the edges of windows, so ages lie on these, and a second beside them. */
const ageBound = fc
  .tuple(fc.constantFrom(0, ...WINDOWS_S), fc.constantFrom(-1, 0, 1))
  .map(([windowS, shiftS]) => Math.max(0, windowS + shiftS));

const status = some(['completed', 'cancelled', 'refunded'] as const).map((statuses) => {
  const order = ['completed', 'cancelled', 'refunded'];
  return statuses.sort((a, b) => order.indexOf(a) - order.indexOf(b));
});
const hours = fc.record({
  from: fc.constantFrom(0, 2, 9, 12, 22, 23),
  to: fc.constantFrom(1, 2, 9, 14, 23, 24),
});
const local = fc.record({
  timeZone: fc.constantFrom(undefined, ...TIME_ZONES),
  weekdays: fc.option(
    some([1, 2, 3, 4, 5, 6, 7], 5).map((days) => days.sort()),
    { nil: undefined, freq: 2 },
  ),
  hours: fc.option(hours, { nil: undefined, freq: 2 }),
});

/** Without the fields that are undefined. */
function present<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Filters by amounts and discounts; those by amount need a currency. */
const amountFilter = fc.record(
  {
    discounted: fc.boolean(),
    minimumTotalE4: fc.constantFrom(99_999, 100_000, 0, 1, -50_000),
  },
  { requiredKeys: [] },
);
/** Filters by status, weekday and hour. A zone stands only beside what is read in it. */
const timeFilter = fc
  .tuple(local, fc.option(status, { nil: undefined, freq: 2 }))
  .map(([{ timeZone, weekdays, hours }, statuses]) =>
    present({
      weekdays,
      hours,
      statuses,
      timeZone: weekdays === undefined && hours === undefined ? undefined : timeZone,
    }),
  );
type Filter = Omit<OrderFilter, 'stores' | 'currency'>;
/** Most conditions have a window at most: the others would all but never be shared. */
const filter: fc.Arbitrary<Filter> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: status.map((statuses) => ({ statuses })) },
  { weight: 2, arbitrary: amountFilter },
  { weight: 2, arbitrary: timeFilter },
  { weight: 1, arbitrary: fc.tuple(amountFilter, timeFilter).map(([a, b]) => ({ ...a, ...b })) },
);
const windowOrEver = fc.oneof(
  fc.constant({}),
  window.map((withinS) => ({ withinS })),
);
const currency = fc.constantFrom('EUR', 'EUR', 'EUR', 'EUR', 'USD', 'GBP');

const counts: fc.Arbitrary<OrdersCondition> = fc
  .record({
    stores: arbitraryStoreSet,
    filters: filter,
    within: windowOrEver,
    measure: fc.constantFrom('count', 'count', 'count', 'days', 'stores'),
    range: bounds(smallCount),
    code: currency,
    hasCurrency: fc.nat({ max: 3 }),
    timeZone: fc.constantFrom(...TIME_ZONES),
  })
  .map(({ stores, filters, within, measure, range, code, hasCurrency, timeZone }) => ({
    kind: 'orders',
    stores,
    measure,
    ...range,
    ...within,
    ...(measure === 'days' ? { timeZone } : {}),
    ...filters,
    ...('minimumTotalE4' in filters || hasCurrency === 0 ? { currency: code } : {}),
  }));

const ages: fc.Arbitrary<OrdersCondition> = fc
  .record({
    stores: arbitraryStoreSet,
    filters: filter,
    within: windowOrEver,
    measure: fc.constantFrom('firstAge', 'lastAge'),
    range: bounds(ageBound),
    code: currency,
  })
  .map(({ stores, filters, within, measure, range, code }) => ({
    kind: 'orders',
    stores,
    measure,
    ...range,
    ...within,
    ...filters,
    ...('minimumTotalE4' in filters ? { currency: code } : {}),
  }));

const amounts: fc.Arbitrary<OrdersCondition> = fc
  .record({
    stores: arbitraryStoreSet,
    filters: filter,
    within: windowOrEver,
    measure: fc.constantFrom('sum', 'average', 'minimum', 'maximum'),
    range: bounds(amountBound),
    code: currency,
  })
  .map(({ stores, filters, within, measure, range, code }) => ({
    kind: 'orders',
    stores,
    measure,
    ...range,
    ...within,
    ...filters,
    currency: code,
  }));

/** A condition on orders of any measure. */
export const arbitraryOrders: fc.Arbitrary<OrdersCondition> = fc.oneof(
  { weight: 5, arbitrary: counts },
  { weight: 4, arbitrary: amounts },
  { weight: 2, arbitrary: ages },
);

const numbers = fc.constantFrom(-3.5, 0, 0.1, 5, 10, 10.0001, 999_999_999_999_999.5);

function valueTest(values: readonly string[]): fc.Arbitrary<ValueTest> {
  return fc.oneof(
    fc.constant<ValueTest>({ kind: 'exists' }),
    some([...values, 'never-heard-of']).map((texts): ValueTest => ({ kind: 'in', values: texts })),
    bounds(numbers).map((range): ValueTest => ({ kind: 'range', ...range })),
  );
}

const dateAge = bounds(
  fc.tuple(ageBound, fc.constantFrom(1, 1, -1)).map(([ageS, sign]) => ageS * sign + 0),
).map((range): TraitCondition => ({ kind: 'trait', name: 'signed_up', test: { kind: 'age', ...range } }));

const trait: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 2, arbitrary: dateAge },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(...Object.keys(TRAITS), 'never-heard-of')
      .chain((name) =>
        valueTest(TRAITS[name] ?? []).map((test): Condition => ({ kind: 'trait', name, test })),
      ),
  },
);

const eventFilter: fc.Arbitrary<EventFilter> = fc
  .constantFrom(...Object.keys(EVENTS), 'never-heard-of')
  .chain((name) => {
    const properties = EVENTS[name] ?? {};
    const test = fc
      .constantFrom(...Object.keys(properties), 'never-heard-of')
      .chain((property) =>
        valueTest(properties[property] ?? []).map((tested) => ({ property, test: tested })),
      );
    return fc
      .oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 3, arbitrary: fc.array(test, { minLength: 1, maxLength: 2 }) },
      )
      .map((where): EventFilter => ({ name, where }));
  });

const event: fc.Arbitrary<EventCondition> = fc
  .tuple(
    eventFilter,
    windowOrEver,
    fc.oneof(
      bounds(smallCount).map((range) => ({ measure: 'count' as const, ...range })),
      bounds(smallCount).map((range) => ({ measure: 'days' as const, ...range })),
      fc
        .tuple(bounds(ageBound), fc.constantFrom('firstAge' as const, 'lastAge' as const))
        .map(([range, measure]) => ({ measure, ...range })),
    ),
  )
  .map(([what, within, test]) => ({ kind: 'event', ...what, ...within, ...test }));

const score: fc.Arbitrary<ScoreCondition> = fc
  .tuple(
    fc.constantFrom('churn', 'churn', 'churn', ...Object.keys(MODELS), 'never-heard-of'),
    fc.oneof(
      { weight: 1, arbitrary: fc.constant({}) },
      { weight: 4, arbitrary: bounds(fc.constantFrom(...SCORES, 0.3, -1e300)) },
    ),
  )
  .map(([model, range]) => ({ kind: 'score', model, ...range }));

const listed: fc.Arbitrary<ListedCondition> = fc
  .constantFrom(...LISTS, 'never-heard-of')
  .map((list) => ({ kind: 'listed', list }));

/** Most steps filter little: two of them have to meet. */
const step: fc.Arbitrary<SequenceStep> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .constantFrom('checkout', 'checkout', 'visit', "o'clock")
      .map((name): SequenceStep => ({ kind: 'event', filter: { name, where: [] } })),
  },
  {
    weight: 3,
    arbitrary: fc
      .oneof(fc.constant<StoreSet>({ kind: 'all' }), arbitraryStoreSet)
      .map((stores): SequenceStep => ({ kind: 'orders', filter: { stores } })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(arbitraryStoreSet, filter, currency).map(
      ([stores, filters, code]): SequenceStep => ({
        kind: 'orders',
        filter: { stores, ...filters, ...('minimumTotalE4' in filters ? { currency: code } : {}) },
      }),
    ),
  },
  { weight: 2, arbitrary: eventFilter.map((what): SequenceStep => ({ kind: 'event', filter: what })) },
);

const sequence: fc.Arbitrary<SequenceCondition> = fc
  .tuple(
    step,
    step,
    fc.oneof(window, fc.constantFrom(...SEQUENCE_WINDOWS_S), fc.constantFrom(...SEQUENCE_WINDOWS_S)),
    fc.boolean(),
    fc.option(window, { nil: undefined, freq: 2 }),
  )
  .map(([first, second, withinS, isWithout, lookbackS]) => ({
    kind: 'sequence',
    first,
    second,
    withinS,
    isWithout,
    ...(lookbackS === undefined ? {} : { lookbackS }),
  }));

/** Conditions of one kind, for cases in which nothing else happens. */
export const arbitraryConditionOf = {
  orders: arbitraryOrders,
  event,
  trait,
  age: dateAge,
  score,
  listed,
  sequence,
} as const satisfies Readonly<Record<string, fc.Arbitrary<Condition>>>;

/** A condition of any kind. */
export const arbitraryCondition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 8, arbitrary: arbitraryOrders },
  { weight: 3, arbitrary: trait },
  { weight: 3, arbitrary: event },
  { weight: 3, arbitrary: score },
  { weight: 1, arbitrary: listed },
  { weight: 3, arbitrary: sequence },
);
