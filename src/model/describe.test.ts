import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describeCondition, describeRule } from './describe.ts';
import type { Condition, Rule } from './rule.ts';

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

it('measures, filters and ranks of orders are said', () => {
  const orders = { kind: 'orders', stores: ALL } as const;
  const said: readonly [Condition, string][] = [
    [
      { ...orders, measure: 'days', atLeast: 3, timeZone: 'Europe/Madrid' },
      'at least 3 days in Europe/Madrid with orders ever',
    ],
    [{ ...orders, measure: 'stores', atLeast: 1, atMost: 1 }, 'exactly 1 store with orders ever'],
    [{ ...orders, measure: 'firstAge', atMost: 86_399 }, 'first of orders ever was less than 1d ago'],
    [
      { ...orders, measure: 'lastAge', atLeast: 3_600, atMost: 86_399 },
      'last of orders ever was at least 1h ago and less than 1d ago',
    ],
    [
      {
        ...orders,
        statuses: ['completed', 'refunded'],
        weekdays: [6, 7],
        hours: { from: 22, to: 2 },
        timeZone: 'Europe/Madrid',
        measure: 'count',
        atLeast: 2,
      },
      'at least 2 completed or refunded orders on sat, sun from 22:00 to 02:00 Europe/Madrid ever',
    ],
    [
      { ...orders, hours: { from: 0, to: 6 }, measure: 'count', atLeast: 1 },
      'at least 1 order from 00:00 to 06:00 UTC ever',
    ],
    [{ ...orders, currency: '', measure: 'count', atLeast: 1 }, 'at least 1 order without a currency ever'],
    [
      { ...orders, currency: 'EUR', measure: 'sum', population: { kind: 'top', percent: 2.5 } },
      'sum of orders ever is in the top 2.5 %',
    ],
    [
      { ...orders, measure: 'count', population: { kind: 'quintile', atLeast: 4, atMost: 5 } },
      'number of orders ever is in quintiles 4 to 5',
    ],
    [
      { ...orders, measure: 'lastAge', population: { kind: 'quintile', atLeast: 5, atMost: 5 } },
      'last of orders ever is in quintile 5',
    ],
  ];
  for (const [condition, words] of said) assert.equal(describeCondition(condition), words);
});

it('events, traits by date, scores, lists and sequences are said', () => {
  const event = { kind: 'event', name: 'visit', where: [] } as const;
  const where = [
    { property: 'page', test: { kind: 'in', values: ['a', 'b'] } },
    { property: 'ms', test: { kind: 'range', atLeast: 5 } },
    { property: 'user', test: { kind: 'exists' } },
  ] as const;
  const trait = (atLeast?: number, atMost?: number): Condition => ({
    kind: 'trait',
    name: 'd',
    test: {
      kind: 'age',
      ...(atLeast === undefined ? {} : { atLeast }),
      ...(atMost === undefined ? {} : { atMost }),
    },
  });
  const said: readonly [Condition, string][] = [
    [{ ...event, measure: 'count', atLeast: 1 }, 'at least 1 event visit ever'],
    [
      { ...event, where, measure: 'count', atMost: 2, withinS: 60 },
      'at most 2 events visit where page is a or b and ms is at least 5 and user is known within 1m',
    ],
    [{ ...event, measure: 'days', atLeast: 2 }, 'at least 2 days with events visit ever'],
    [{ ...event, measure: 'firstAge', atLeast: 60 }, 'first of events visit ever was at least 1m ago'],
    [{ ...event, measure: 'lastAge', atMost: 59 }, 'last of events visit ever was less than 1m ago'],
    [trait(0, 86_399), 'trait d is a date past, less than 1d ago'],
    [trait(86_400), 'trait d is a date at least 1d ago'],
    [trait(-86_400, -1), 'trait d is a date ahead, at most 1d'],
    [{ kind: 'score', model: 'churn', atLeast: 0.7 }, 'score of churn is at least 0.7'],
    [
      { kind: 'score', model: 'churn', population: { kind: 'top', percent: 1 } },
      'score of churn is in the top 1 %',
    ],
    [{ kind: 'score', model: 'churn' }, 'score of churn is known'],
    [{ kind: 'listed', list: 'vip' }, 'on the list vip'],
    [
      {
        kind: 'sequence',
        first: { kind: 'event', filter: { name: 'basket_filled', where: [] } },
        second: { kind: 'orders', filter: { stores: { kind: 'ids', ids: ['s1'] }, discounted: true } },
        withinS: 3_600,
        isWithout: true,
        lookbackS: 86_400,
      },
      'event basket_filled within 1d and then no discounted order in s1 within 1h after it',
    ],
    [
      {
        kind: 'sequence',
        first: { kind: 'orders', filter: { stores: ALL } },
        second: { kind: 'event', filter: { name: 'rated', where: [] } },
        withinS: 3_600,
        isWithout: false,
      },
      'order ever and then event rated within 1h after it',
    ],
  ];
  for (const [condition, words] of said) assert.equal(describeCondition(condition), words);
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
