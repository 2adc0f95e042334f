import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoterieError } from '../../model/error.ts';
import type { Definition } from '../../model/segment.ts';
import { SEGMENT_TYPES } from '../../model/segment-type.ts';
import { checkDefinition } from './check-definition.ts';
import { readRule } from './read-rule.ts';

const DAY_S = 86_400;
const ALL = { kind: 'all' } as const;

function read(definition: Omit<Definition, 'key'>, instance?: string) {
  return readRule({ key: 'k', ...definition }, SEGMENT_TYPES, instance);
}

function messageOf(definition: unknown): string {
  try {
    checkDefinition(definition, SEGMENT_TYPES);
  } catch (error) {
    assert.ok(error instanceof CoterieError, String(error));
    return `${error.code} ${error.message}`;
  }
  return 'no error';
}

describe('reading a rule', () => {
  it('new is no order ever in the stores', () => {
    const expected = {
      kind: 'not',
      rule: { kind: 'orders', stores: ALL, measure: 'count', atLeast: 1 },
    };
    assert.deepEqual(read({ type: 'new' }), expected);
    assert.deepEqual(read({ type: 'new', params: { stores: 'all' } }), expected);
  });

  it('recurrent counts orders in the window', () => {
    assert.deepEqual(
      read({ type: 'recurrent', params: { stores: ['a', 'b', 'a'], atLeast: 3, within: '4w' } }),
      {
        kind: 'orders',
        stores: { kind: 'ids', ids: ['a', 'b'] },
        withinS: 28 * DAY_S,
        measure: 'count',
        atLeast: 3,
      },
    );
  });

  it('inactive is an order before and none within the window', () => {
    const stores = { kind: 'attributes', attributes: { brand: ['x'], tag: ['t', 'u'] } } as const;
    assert.deepEqual(
      read({ type: 'inactive', params: { stores: { brand: 'x', tag: ['t', 'u'] }, within: '30d' } }),
      {
        kind: 'all',
        rules: [
          { kind: 'orders', stores, measure: 'count', atLeast: 1 },
          {
            kind: 'not',
            rule: { kind: 'orders', stores, withinS: 30 * DAY_S, measure: 'count', atLeast: 1 },
          },
        ],
      },
    );
  });

  it('amounts become ten-thousandths, whether written as numbers or as text', () => {
    const params = {
      orders: {
        sum: { atLeast: '19.95', atMost: 200, currency: 'EUR' },
        minimumTotal: { amount: 0.5, currency: 'EUR' },
        discounted: false,
      },
    };
    assert.deepEqual(read({ type: 'rule', params }), {
      kind: 'orders',
      stores: ALL,
      measure: 'sum',
      atLeast: 199_500,
      atMost: 2_000_000,
      currency: 'EUR',
      minimumTotalE4: 5_000,
      discounted: false,
    });
  });

  it('an exact count has both bounds, and a trait value stands for its shortest text', () => {
    assert.deepEqual(
      read({
        type: 'rule',
        params: {
          any: [
            { orders: { count: { equals: 2 } } },
            { trait: { name: 'n', in: [3, '3', true, 2.5] } },
            { trait: { name: 'n', exists: false } },
            { trait: { name: 'n', atLeast: 1, atMost: 1 } },
            { segment: 'family@s 1' },
          ],
        },
      }),
      {
        kind: 'any',
        rules: [
          { kind: 'orders', stores: ALL, measure: 'count', atLeast: 2, atMost: 2 },
          { kind: 'trait', name: 'n', test: { kind: 'in', values: ['3', 'true', '2.5'] } },
          { kind: 'not', rule: { kind: 'trait', name: 'n', test: { kind: 'exists' } } },
          { kind: 'trait', name: 'n', test: { kind: 'range', atLeast: 1, atMost: 1 } },
          { kind: 'segment', key: 'family@s 1' },
        ],
      },
    );
  });

  it('an instance of a family looks at its own store or attribute', () => {
    const params = { stores: { each: true } };
    assert.deepEqual(read({ type: 'new', forEach: 'store', params }, 's1'), {
      kind: 'not',
      rule: { kind: 'orders', stores: { kind: 'ids', ids: ['s1'] }, measure: 'count', atLeast: 1 },
    });
    assert.deepEqual(read({ type: 'new', forEach: 'city', params }, 'BCN'), {
      kind: 'not',
      rule: {
        kind: 'orders',
        stores: { kind: 'attributes', attributes: { city: ['BCN'] } },
        measure: 'count',
        atLeast: 1,
      },
    });
    assert.throws(() => read({ type: 'new', forEach: 'city', params }), { code: 'DEFINITION_INVALID' });
    assert.throws(() => read({ type: 'new' }, 's1'), { code: 'DEFINITION_INVALID' });
  });
});

describe('checking a definition', () => {
  it('an unknown type lists the known ones and the near miss', () => {
    assert.equal(
      messageOf({ key: 'a', type: 'nwe' }),
      'SEGMENT_TYPE_UNKNOWN a: type: expected one of new, recurrent, inactive, rfm, rule, found "nwe"; did you mean "new"?',
    );
  });

  it('an unknown field is refused, with the near miss', () => {
    assert.match(
      messageOf({ key: 'a', type: 'new', params: { store: ['x'] } }),
      /^DEFINITION_INVALID a: params\.store: .* found an unknown field; did you mean "stores"\?$/,
    );
  });

  it('every problem is reported, each once', () => {
    const message = messageOf({
      key: 'a',
      type: 'rule',
      params: {
        all: [{ orders: { within: '0d' } }, { trait: { name: 'x' } }, { orders: { stores: ['a', 1] } }],
      },
    });
    assert.deepEqual(message.split('\n'), [
      'DEFINITION_INVALID a: params.all[0].orders.within: expected a window such as "30d", found "0d"',
      'a: params.all[1].trait: expected one test: equals, in, exists, or atLeast, atMost or both, or within, before or both, or ahead, found the fields name',
      'a: params.all[2].orders.stores[1]: expected a store id such as "s-104", found 1',
    ]);
  });

  const refused: readonly [string, unknown, RegExp][] = [
    ['a window of 0 d', { type: 'inactive', params: { within: '0d' } }, /params\.within: .*found "0d"/],
    ['a window of -1 d', { type: 'inactive', params: { within: '-1d' } }, /params\.within: .*found "-1d"/],
    ['a window that is a number', { type: 'inactive', params: { within: 30 } }, /within: .*found 30/],
    ['a window of more than 100 years', { type: 'inactive', params: { within: '40000d' } }, /at most 36525d/],
    [
      'a count of 0 in recurrent',
      { type: 'recurrent', params: { atLeast: 0 } },
      /number of at least 1, found 0/,
    ],
    ['a missing parameter', { type: 'inactive', params: {} }, /params\.within: expected a window/],
    ['missing parameters', { type: 'inactive' }, /params: expected parameters of inactive/],
    ['two kinds of rule at once', { type: 'rule', params: { all: [], not: {} } }, /exactly one of all, any/],
    ['an empty rule', { type: 'rule', params: {} }, /at least one of all, any/],
    ['an empty list of rules', { type: 'rule', params: { any: [] } }, /a list of at least 1/],
    [
      'two measures',
      { type: 'rule', params: { orders: { count: { atLeast: 1 }, sum: { atLeast: 1, currency: 'EUR' } } } },
      /at most one of count, sum/,
    ],
    [
      'an amount without a currency',
      { type: 'rule', params: { orders: { sum: { atLeast: 1 } } } },
      /sum\.currency: expected a currency/,
    ],
    [
      'currencies that disagree',
      {
        type: 'rule',
        params: {
          orders: { sum: { atLeast: 1, currency: 'EUR' }, minimumTotal: { amount: 1, currency: 'USD' } },
        },
      },
      /the currency of sum, "EUR", found "USD"/,
    ],
    [
      'a currency and none',
      {
        type: 'rule',
        params: {
          orders: { sum: { atLeast: 1, currency: 'EUR' }, minimumTotal: { amount: 1, currency: '' } },
        },
      },
      /the currency of sum, "EUR", found ""/,
    ],
    [
      'an amount with 5 places',
      { type: 'rule', params: { orders: { sum: { atLeast: 1.00001, currency: 'EUR' } } } },
      /at most 4 places/,
    ],
    [
      'bounds that cross',
      { type: 'rule', params: { orders: { count: { atLeast: 3, atMost: 2 } } } },
      /not below atLeast, 3, found 2/,
    ],
    [
      'an infinite bound',
      { type: 'rule', params: { trait: { name: 'x', atLeast: Number.POSITIVE_INFINITY } } },
      /a number such as 18, found Infinity/,
    ],
    [
      'ids and attributes together',
      { type: 'new', params: { stores: { ids: ['a'], city: 'x' } } },
      /either ids, or each/,
    ],
    [
      'each outside a family',
      { type: 'new', params: { stores: { each: true } } },
      /each: .*outside a family/,
    ],
    ['a family without each', { type: 'new', forEach: 'store' }, /forEach: expected stores: \{each: true\}/],
    [
      'a store id of 10 kB',
      { type: 'new', params: { stores: ['x'.repeat(10_000)] } },
      /at most 512 characters, found 10000/,
    ],
  ];
  for (const [what, definition, expected] of refused) {
    it(`${what} is refused`, () => {
      const message = messageOf({ key: 'a', ...(definition as object) });
      assert.match(message, /^DEFINITION_INVALID /);
      assert.match(message, expected);
    });
  }

  it('keys that are too long or hold control characters are refused', () => {
    assert.match(messageOf({ key: 'a\u0007', type: 'new' }), /which has control characters/);
    assert.match(messageOf({ key: 'a\n', type: 'new' }), /which has control characters/);
    assert.match(messageOf({ key: 'x'.repeat(201), type: 'new' }), /at most 200 characters, found 201/);
    assert.match(messageOf({ key: 'a@b', type: 'new' }), /expected a key of letters, digits/);
    assert.equal(messageOf({ key: 'x'.repeat(200), type: 'new' }), 'no error');
  });

  it('depth is bounded without recursion, and exactly', () => {
    const nested = (levels: number) => {
      let rule: unknown = { orders: {} };
      for (let i = 1; i < levels; i++) rule = { not: rule };
      return { key: 'a', type: 'rule', params: rule };
    };
    assert.equal(messageOf(nested(64)), 'no error');
    assert.match(messageOf(nested(65)), /^DEFINITION_TOO_LARGE .*64 levels, found 65/);
    assert.match(messageOf(nested(1_000_000)), /^DEFINITION_TOO_LARGE /);
    const self: Record<string, unknown> = {};
    self.not = self;
    assert.match(messageOf({ key: 'a', type: 'rule', params: self }), /^DEFINITION_TOO_LARGE /);
  });

  it('the number of conditions is bounded', () => {
    const wide = (n: number) => ({
      key: 'a',
      type: 'rule',
      params: { all: [{ any: Array(500).fill({ orders: {} }) }, { any: Array(n).fill({ orders: {} }) }] },
    });
    assert.equal(messageOf(wide(500)), 'no error');
    assert.match(messageOf(wide(501)), /^DEFINITION_TOO_LARGE .*1000 conditions, found 1001/);
  });
});
