import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoterieError } from '../../../model/error.ts';
import type { WrittenRule } from '../../../model/rule-schema.ts';
import { SEGMENT_TYPES } from '../../../model/segment-type.ts';
import { checkDefinition } from '../check-definition.ts';
import { readRule } from '../read-rule.ts';

const DAY_S = 86_400;
const ALL = { kind: 'all' } as const;
const orders = { kind: 'orders', stores: ALL } as const;

function read(params: WrittenRule) {
  return readRule({ key: 'k', type: 'rule', params }, SEGMENT_TYPES);
}

/** The message about a rule, without what all of them begin with. */
function problemWith(params: unknown): string {
  try {
    checkDefinition({ key: 'a', type: 'rule', params }, SEGMENT_TYPES);
  } catch (error) {
    assert.ok(error instanceof CoterieError, String(error));
    return error.message.replace('a: params.', '');
  }
  return 'no error';
}

describe('orders in full', () => {
  it('measures days, distinct stores, and the first and the last order', () => {
    assert.deepEqual(read({ orders: { days: { atLeast: 3 }, timeZone: 'Europe/Madrid' } }), {
      ...orders,
      timeZone: 'Europe/Madrid',
      measure: 'days',
      atLeast: 3,
    });
    assert.deepEqual(read({ orders: { distinctStores: { equals: 2 }, within: '7d' } }), {
      ...orders,
      withinS: 7 * DAY_S,
      measure: 'stores',
      atLeast: 2,
      atMost: 2,
    });
    // Less than 30 d ago is an age of at most 30 d less a second; at least 30 d ago is an age of 30 d or more.
    assert.deepEqual(read({ orders: { first: { within: '30d' } } }), {
      ...orders,
      measure: 'firstAge',
      atMost: 30 * DAY_S - 1,
    });
    assert.deepEqual(read({ orders: { last: { before: '30d', within: '90d' } } }), {
      ...orders,
      measure: 'lastAge',
      atLeast: 30 * DAY_S,
      atMost: 90 * DAY_S - 1,
    });
  });

  it('takes 0 and 24 as the midnight that ends the hours', () => {
    const hours = (from: number, to: number) => read({ orders: { hours: { from, to } } });
    assert.deepEqual(hours(20, 0), { ...orders, hours: { from: 20, to: 24 }, measure: 'count', atLeast: 1 });
    assert.deepEqual(hours(20, 0), hours(20, 24));
    assert.match(
      problemWith({ orders: { hours: { from: 0, to: 0 } } }),
      /^orders\.hours\.to: expected another hour than from, 0, found 0$/,
    );
  });

  it('takes a currency in capitals or not, as facts do', () => {
    const usd = { ...orders, currency: 'USD' };
    assert.deepEqual(read({ orders: { currency: 'usd' } }), { ...usd, measure: 'count', atLeast: 1 });
    const written = {
      sum: { atLeast: 1, currency: 'usd' },
      currency: 'Usd',
      minimumTotal: { amount: 2, currency: 'USD' },
    };
    assert.deepEqual(read({ orders: written }), {
      ...usd,
      minimumTotalE4: 20_000,
      measure: 'sum',
      atLeast: 10_000,
    });
  });

  it('filters by status, weekday, hours and currency, in one order and each once', () => {
    assert.deepEqual(
      read({
        orders: {
          status: ['refunded', 'completed', 'refunded'],
          weekday: ['sun', 'sat', 'sun'],
          hours: { from: 22, to: 2 },
          timeZone: 'Europe/Madrid',
          currency: 'USD',
        },
      }),
      {
        ...orders,
        currency: 'USD',
        statuses: ['completed', 'refunded'],
        weekdays: [6, 7],
        hours: { from: 22, to: 2 },
        timeZone: 'Europe/Madrid',
        measure: 'count',
        atLeast: 1,
      },
    );
  });

  it('a filter that takes everything is no filter', () => {
    const everything = {
      status: 'completed',
      weekday: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
      hours: { from: 0, to: 24 },
      timeZone: 'Europe/Madrid',
    } as const;
    assert.deepEqual(read({ orders: everything }), read({ orders: {} }));
  });

  it('ranks by the top so many percent or by quintiles', () => {
    assert.deepEqual(read({ orders: { sum: { topPercent: 10, currency: 'EUR' }, within: '365d' } }), {
      ...orders,
      currency: 'EUR',
      withinS: 365 * DAY_S,
      measure: 'sum',
      population: { kind: 'top', percent: 10 },
    });
    assert.deepEqual(read({ orders: { count: { quintile: { atLeast: 4 } } } }), {
      ...orders,
      measure: 'count',
      population: { kind: 'quintile', atLeast: 4, atMost: 5 },
    });
    assert.deepEqual(read({ orders: { last: { quintile: 5 } } }), {
      ...orders,
      measure: 'lastAge',
      population: { kind: 'quintile', atLeast: 5, atMost: 5 },
    });
  });

  it('zones are spelt in one way, and UTC is no zone', () => {
    const zoneOf = (timeZone: string) => {
      const rule = read({ orders: { weekday: 'mon', timeZone } });
      return rule.kind === 'orders' ? rule.timeZone : assert.fail();
    };
    assert.equal(zoneOf('europe/madrid'), 'Europe/Madrid');
    assert.equal(zoneOf('US/Eastern'), zoneOf('America/New_York'));
    assert.equal(zoneOf('UTC'), undefined);
    assert.equal(zoneOf('Etc/GMT'), undefined);
  });

  const refused: readonly [string, object, string | RegExp][] = [
    [
      'a time zone with a typing error',
      { weekday: 'mon', timeZone: 'Europe/Madird' },
      'orders.timeZone: expected the IANA name of a time zone such as "Europe/Madrid", found "Europe/Madird"; did you mean "Europe/Madrid"?',
    ],
    [
      'a time zone that is a city',
      { weekday: 'mon', timeZone: 'new york' },
      /did you mean "America\/New_York"\?/,
    ],
    ['a time zone without any like it', { weekday: 'mon', timeZone: 'Moon/Tycho' }, /found "Moon\/Tycho"$/],
    ['an offset for a time zone', { weekday: 'mon', timeZone: '+01:00' }, /found "\+01:00"$/],
    [
      'a time zone that nothing is read in',
      { timeZone: 'Europe/Madrid' },
      'orders.timeZone: expected weekday, hours or days beside it, which are read in the time zone, found none of them',
    ],
    [
      'an unknown weekday',
      { weekday: ['mon', 'tues'] },
      'orders.weekday[1]: expected one of mon, tue, wed, thu, fri, sat, sun, found "tues"; did you mean "tue"?',
    ],
    ['a weekday that is a number', { weekday: 1 }, /expected a day of the week or list of them.*found 1$/],
    ['no weekdays', { weekday: [] }, 'orders.weekday: expected a list of at least 1, found an empty list'],
    ['an unknown status', { status: 'canceled' }, /found "canceled"; did you mean "cancelled"\?$/],
    ['an hour of 24', { hours: { from: 24, to: 2 } }, /hours\.from: expected a number of at most 23/],
    ['half an hour', { hours: { from: 1.5, to: 2 } }, /hours\.from: expected a full hour/],
    ['hours without an end', { hours: { from: 3 } }, /hours\.to: expected a full hour such as 23/],
    [
      'hours of nothing',
      { hours: { from: 3, to: 3 } },
      'orders.hours.to: expected another hour than from, 3, found 3',
    ],
    [
      'an age that nothing has',
      { last: { within: '30d', before: '30d' } },
      'orders.last.within: expected a window longer than before, 30d, found "30d"',
    ],
    ['an age without bounds', { first: {} }, /orders\.first: expected within, before or both/],
    ['an age that is a window', { first: '30d' }, /orders\.first: expected a test on how long ago such as/],
    ['quintiles of the first order', { first: { quintile: 5 } }, /first\.quintile: .*unknown field/],
    ['the top percent of ages', { last: { topPercent: 5 } }, /last\.topPercent: .*unknown field/],
    [
      'a quintile of 0',
      { last: { quintile: 0 } },
      /last\.quintile: expected a number of at least 1, found 0/,
    ],
    [
      'quintiles that cross',
      { sum: { quintile: { atLeast: 4, atMost: 2 }, currency: 'EUR' } },
      'orders.sum.quintile.atMost: expected a number that is not below atLeast, 4, found 2',
    ],
    [
      'the top 0 percent',
      { count: { topPercent: 0 } },
      /topPercent: expected a number of percent such as 10, found 0/,
    ],
    [
      'the top 101 percent',
      { count: { topPercent: 101 } },
      /topPercent: expected a number of at most 100, found 101/,
    ],
    [
      'a rank and a bound',
      { count: { topPercent: 5, atLeast: 2 } },
      /count: expected either equals, or atLeast, atMost or both, or topPercent, or quintile/,
    ],
    ['a rank without a currency', { sum: { topPercent: 5 } }, /sum\.currency: expected a currency/],
    [
      'a filter by another currency than the measure',
      { currency: 'USD', sum: { atLeast: 1, currency: 'EUR' } },
      'orders.currency: expected the currency of sum, "EUR", found "USD"',
    ],
    [
      'a filter by another currency than the smallest total',
      { currency: 'USD', minimumTotal: { amount: 1, currency: 'EUR' } },
      'orders.minimumTotal.currency: expected the currency of the orders, "USD", found "EUR"',
    ],
    ['two measures', { days: { atLeast: 1 }, first: { within: '1d' } }, /at most one of count, .*, last/],
  ];
  for (const [what, written, expected] of refused) {
    it(`${what} is refused`, () => {
      const found = problemWith({ orders: written });
      if (typeof expected === 'string') assert.equal(found, expected);
      else assert.match(found, expected);
    });
  }
});
