import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describeCondition, describeRule } from './describe.ts';
import type { Rule } from './rule.ts';

const ALL = { kind: 'all' } as const;

it('a condition on orders reads as a phrase about a customer', () => {
  assert.equal(
    describeCondition({ kind: 'orders', stores: ALL, measure: 'count', atLeast: 3, withinS: 2_592_000 }),
    'at least 3 orders within 30d',
  );
  assert.equal(
    describeCondition({
      kind: 'orders',
      stores: { kind: 'attributes', attributes: { brand: ['burger-house'], city: ['BCN', 'MAD'] } },
      measure: 'sum',
      atLeast: 199_500,
      currency: 'EUR',
      discounted: true,
      minimumTotalE4: 50_000,
    }),
    'sum of discounted orders of 5 EUR or more in stores with brand burger-house and city BCN or MAD ever is at least 19.95 EUR',
  );
  assert.equal(
    describeCondition({
      kind: 'orders',
      stores: { kind: 'ids', ids: ['1', '2', '3', '4', '5', '6', '7'] },
      measure: 'count',
      atLeast: 1,
    }),
    'at least 1 order in 1, 2, 3, 4, 5 and 2 more ever',
  );
});

it('a rule is bracketed where it nests', () => {
  const exists: Rule = { kind: 'trait', name: 'city', test: { kind: 'exists' } };
  const range: Rule = { kind: 'trait', name: 'age', test: { kind: 'range', atLeast: 18, atMost: 65 } };
  const rule: Rule = {
    kind: 'all',
    rules: [
      { kind: 'not', rule: { kind: 'any', rules: [exists, range] } },
      { kind: 'segment', key: 's' },
    ],
  };
  assert.equal(
    describeRule(rule),
    'not (trait city is known or trait age is between 18 and 65) and in segment s',
  );
});
