/** Random rules in the form that is compiled: conditions, and trees of them. */
import fc from 'fast-check';
import type { Rule } from '../../../src/model/rule.ts';
import { arbitraryCondition, arbitraryOrders, arbitraryStoreSet } from './condition.ts';
import { WINDOWS_S } from './vocabulary.ts';

/** Several conditions on orders in the same stores, which the oracle in SQL takes together. */
const sameStores: fc.Arbitrary<Rule> = fc
  .tuple(
    arbitraryStoreSet,
    fc.array(fc.tuple(arbitraryOrders, fc.boolean()), { minLength: 2, maxLength: 4 }),
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
    arbitraryStoreSet,
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
