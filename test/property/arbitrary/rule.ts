/**
 * Random rules in the form that is compiled. The vocabulary is small, so that conditions are often shared,
 * often sit exactly on a fact's edge, and often hold for some customers and not for others.
 */
import fc from 'fast-check';
import type { Condition, OrdersCondition, Rule, StoreSet } from '../../../src/model/rule.ts';
import { AMOUNTS_E4, ATTRIBUTES, STORE_IDS, TRAITS, WINDOWS_S } from './vocabulary.ts';

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

const storeSet: fc.Arbitrary<StoreSet> = fc.oneof(
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

const amountBound = fc.oneof(
  fc.constantFrom(...AMOUNTS_E4),
  fc.constantFrom(...AMOUNTS_E4).map((amount) => Math.trunc(amount / 3)),
  fc.integer({ min: -30_000, max: 600_000 }),
);

const orderFilter = fc.record(
  {
    withinS: fc.constantFrom(...WINDOWS_S),
    discounted: fc.boolean(),
    minimumTotalE4: fc.constantFrom(99_999, 100_000, 0, 1, -50_000),
  },
  { requiredKeys: [] },
);
/** Most conditions have a window at most: the others would all but never be shared. */
const filter = fc.oneof(fc.constant({}), fc.record({ withinS: fc.constantFrom(...WINDOWS_S) }), orderFilter);
const currency = fc.constantFrom('EUR', 'EUR', 'EUR', 'EUR', 'USD', 'GBP');

const counts: fc.Arbitrary<OrdersCondition> = fc
  .tuple(storeSet, filter, bounds(fc.integer({ min: 0, max: 4 })), currency, fc.integer({ min: 0, max: 3 }))
  .map(([stores, filters, range, code, die]) => ({
    kind: 'orders',
    stores,
    measure: 'count',
    ...range,
    ...filters,
    ...('minimumTotalE4' in filters || die === 0 ? { currency: code } : {}),
  }));

const amounts: fc.Arbitrary<OrdersCondition> = fc
  .tuple(
    storeSet,
    filter,
    bounds(amountBound),
    currency,
    fc.constantFrom('sum', 'average', 'minimum', 'maximum'),
  )
  .map(([stores, filters, range, code, measure]) => ({
    kind: 'orders',
    stores,
    measure,
    ...range,
    ...filters,
    currency: code,
  }));

const trait: fc.Arbitrary<Condition> = fc
  .constantFrom(...Object.keys(TRAITS), 'never-heard-of')
  .chain((name) =>
    fc.oneof(
      fc.constant<Condition>({ kind: 'trait', name, test: { kind: 'exists' } }),
      some([...(TRAITS[name] ?? []), 'never-heard-of']).map(
        (values): Condition => ({ kind: 'trait', name, test: { kind: 'in', values } }),
      ),
      bounds(fc.constantFrom(-3.5, 0, 0.1, 10, 10.0001, 999_999_999_999_999.5)).map(
        (range): Condition => ({ kind: 'trait', name, test: { kind: 'range', ...range } }),
      ),
    ),
  );

/** A condition of any kind. */
export const arbitraryCondition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 5, arbitrary: counts },
  { weight: 4, arbitrary: amounts },
  { weight: 2, arbitrary: trait },
);

/** Several conditions on orders in the same stores, which the oracle in SQL takes together. */
const sameStores: fc.Arbitrary<Rule> = fc
  .tuple(
    storeSet,
    fc.array(fc.tuple(fc.oneof(counts, amounts), fc.boolean()), { minLength: 2, maxLength: 4 }),
    fc.constantFrom<('all' | 'any')[]>('all', 'any'),
  )
  .map(
    ([stores, parts, kind]): Rule => ({
      kind,
      rules: parts.map(([condition, negative]): Rule => {
        const rule: Rule = { ...condition, stores };
        return negative ? { kind: 'not', rule } : rule;
      }),
    }),
  );

/** What the types `new`, `recurrent` and `inactive` become. */
const typical: fc.Arbitrary<Rule> = fc
  .tuple(
    storeSet,
    fc.constantFrom(...WINDOWS_S),
    fc.integer({ min: 1, max: 4 }),
    fc.constantFrom('new', 'recurrent', 'inactive'),
  )
  .map(([stores, withinS, atLeast, type]): Rule => {
    const ever: Rule = { kind: 'orders', stores, measure: 'count', atLeast: 1 };
    if (type === 'new') return { kind: 'not', rule: ever };
    if (type === 'recurrent') return { ...ever, atLeast, withinS };
    return { kind: 'all', rules: [ever, { kind: 'not', rule: { ...ever, withinS } }] };
  });

/** Beyond what a truth table of 64 bits holds: 7 to 12 conditions, most of them distinct. */
const wide: fc.Arbitrary<Rule> = fc
  .tuple(
    fc.array(fc.tuple(arbitraryCondition, fc.boolean()), { minLength: 7, maxLength: 12 }),
    fc.constantFrom<('all' | 'any')[]>('all', 'any'),
    fc.integer({ min: 2, max: 5 }),
  )
  .map(([parts, kind, at]): Rule => {
    const rules = parts.map(([rule, negative]): Rule => (negative ? { kind: 'not', rule } : rule));
    const other = kind === 'all' ? 'any' : 'all';
    return { kind, rules: [{ kind: other, rules: rules.slice(0, at) }, ...rules.slice(at)] };
  });

const { tree } = fc.letrec<{ tree: Rule }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 3, arbitrary: arbitraryCondition },
    { weight: 2, arbitrary: tie('tree').map((rule): Rule => ({ kind: 'not', rule })) },
    {
      weight: 2,
      arbitrary: fc
        .array(tie('tree'), { minLength: 1, maxLength: 3 })
        .map((rules): Rule => ({ kind: 'all', rules })),
    },
    {
      weight: 2,
      arbitrary: fc
        .array(tie('tree'), { minLength: 1, maxLength: 3 })
        .map((rules): Rule => ({ kind: 'any', rules })),
    },
  ),
}));

/** A rule of any shape: the first three types, trees, and rules of more than 6 conditions. */
export const arbitraryRule: fc.Arbitrary<Rule> = fc.oneof(
  { weight: 3, arbitrary: typical },
  { weight: 4, arbitrary: tree },
  { weight: 2, arbitrary: sameStores },
  { weight: 2, arbitrary: wide },
);
