import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoterieError } from '../../model/error.ts';
import type { WrittenRule } from '../../model/rule-schema.ts';
import { SEGMENT_TYPES } from '../../model/segment-type.ts';
import { canonicalJson } from './canonical-json.ts';
import { checkDefinition } from './check-definition.ts';
import { readRule } from './read-rule.ts';

const DAY_S = 86_400;
const ALL = { kind: 'all' } as const;

function read(params: WrittenRule) {
  return readRule({ key: 'k', type: 'rule', params }, SEGMENT_TYPES);
}

function messageOf(definition: object): string {
  try {
    checkDefinition({ key: 'a', ...definition }, SEGMENT_TYPES);
  } catch (error) {
    assert.ok(error instanceof CoterieError, String(error));
    return `${error.code} ${error.message}`;
  }
  return 'no error';
}

/** The message about a rule, without what all of them begin with. */
function problemWith(params: unknown): string {
  return messageOf({ type: 'rule', params }).replace('DEFINITION_INVALID a: params.', '');
}

describe('traits by date', () => {
  it('past, long past and ahead are ages in seconds', () => {
    const testOf = (written: { within?: string; before?: string; ahead?: string }) => {
      const rule = read({ trait: { name: 'd', ...written } });
      return rule.kind === 'trait' ? rule.test : assert.fail();
    };
    const day = (days: number) => days * DAY_S;
    assert.deepEqual(testOf({ within: '14d' }), { kind: 'age', atLeast: 0, atMost: day(14) - 1 });
    assert.deepEqual(testOf({ before: '14d' }), { kind: 'age', atLeast: day(14) });
    assert.deepEqual(testOf({ before: '3d', within: '14d' }), {
      kind: 'age',
      atLeast: day(3),
      atMost: day(14) - 1,
    });
    assert.deepEqual(testOf({ ahead: '7d' }), { kind: 'age', atLeast: -day(7), atMost: -1 });
  });

  it('one test at a time', () => {
    assert.match(
      problemWith({ trait: { name: 'd', within: '14d', ahead: '7d' } }),
      /^trait: expected one test:/,
    );
    assert.match(
      problemWith({ trait: { name: 'd', within: '14d', equals: 'x' } }),
      /^trait: expected one test:/,
    );
    assert.match(problemWith({ trait: { name: 'd', ahead: '0d' } }), /^trait\.ahead: expected a window/);
  });
});

describe('events', () => {
  it('are counted by name, or tested by days, the first and the last', () => {
    const event = { kind: 'event', name: 'visit', where: [] } as const;
    assert.deepEqual(read({ event: { name: 'visit' } }), { ...event, measure: 'count', atLeast: 1 });
    assert.deepEqual(read({ event: { name: 'visit', count: { equals: 0 }, within: '1h' } }), {
      ...event,
      withinS: 3_600,
      measure: 'count',
      atLeast: 0,
      atMost: 0,
    });
    assert.deepEqual(read({ event: { name: 'visit', days: { atLeast: 2, atMost: 3 } } }), {
      ...event,
      measure: 'days',
      atLeast: 2,
      atMost: 3,
    });
    assert.deepEqual(read({ event: { name: 'visit', first: { before: '1d' } } }), {
      ...event,
      measure: 'firstAge',
      atLeast: DAY_S,
    });
    assert.deepEqual(read({ event: { name: 'visit', last: { within: '1d' } } }), {
      ...event,
      measure: 'lastAge',
      atMost: DAY_S - 1,
    });
  });

  it('properties are tested as text, by name in one order', () => {
    const written: WrittenRule = {
      event: {
        name: 'v',
        where: {
          z: 3,
          b: true,
          a: { in: ['1', 1, 2] },
          c: { exists: true },
          d: { atLeast: 2, atMost: 5 },
          'two words': 'x',
        },
      },
    };
    const rule = read(written);
    assert.deepEqual(rule.kind === 'event' && rule.where, [
      { property: 'a', test: { kind: 'in', values: ['1', '2'] } },
      { property: 'b', test: { kind: 'in', values: ['true'] } },
      { property: 'c', test: { kind: 'exists' } },
      { property: 'd', test: { kind: 'range', atLeast: 2, atMost: 5 } },
      { property: 'two words', test: { kind: 'in', values: ['x'] } },
      { property: 'z', test: { kind: 'in', values: ['3'] } },
    ]);
  });

  it('a property may have any name', () => {
    const where = JSON.parse('{"__proto__":"x","constructor":1}') as Record<string, string>;
    const rule = read({ event: { name: 'v', where } });
    assert.deepEqual(rule.kind === 'event' && rule.where.map((test) => test.property), [
      '__proto__',
      'constructor',
    ]);
    assert.equal(canonicalJson({ where }), '{"where":{"__proto__":"x","constructor":1}}');
  });

  const refused: readonly [string, unknown, RegExp][] = [
    ['no name', { where: { a: 1 } }, /^event\.name: expected a name of an event such as "checkout_started"/],
    ['a name of 513 characters', { name: 'x'.repeat(513) }, /^event\.name: expected at most 512 characters/],
    ['text for an event', 'visit', /^event: expected a condition on events such as /],
    ['an empty filter', { name: 'v', where: {} }, /^event\.where: expected at least one field, found 0$/],
    [
      '21 tests',
      { name: 'v', where: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`p${i}`, 1])) },
      /^event\.where: expected at most 20 fields, found 21$/,
    ],
    [
      'a property without a name',
      { name: 'v', where: { '': 1 } },
      /^event\.where\[""\]: expected a name of a property, found empty text$/,
    ],
    [
      'a property whose name has a line break',
      { name: 'v', where: { 'a\n': 1 } },
      /^event\.where\["a\\n"\]: expected a name of a property, .*which has control characters$/,
    ],
    [
      'a property with a name of 600 characters',
      { name: 'v', where: { ['x'.repeat(600)]: 1 } },
      /^event\.where\["x{56}…\]: expected at most 512 characters, found 600$/,
    ],
    [
      'a property that is not there',
      { name: 'v', where: { a: { exists: false } } },
      /^event\.where\.a\.exists: expected the word true, found false$/,
    ],
    [
      'two tests of a property',
      { name: 'v', where: { a: { equals: 1, in: [2] } } },
      /^event\.where\.a: expected one test: equals, in, exists: true, or atLeast, atMost or both/,
    ],
    [
      'a range of texts',
      { name: 'v', where: { a: { atLeast: '5' } } },
      /^event\.where\.a\.atLeast: expected a number such as 18, found "5"$/,
    ],
    [
      'a range that crosses',
      { name: 'v', where: { a: { atLeast: 5, atMost: 4 } } },
      /^event\.where\.a\.atMost: expected a number that is not below atLeast, 5, found 4$/,
    ],
    ['a sum', { name: 'v', sum: { atLeast: 1 } }, /^event\.sum: .*an unknown field/],
    [
      'more than 10,000 values',
      { name: 'v', where: { a: { in: Array(10_001).fill('x') } } },
      /^event\.where\.a\.in: expected a list of at most 10000, found a list of 10001$/,
    ],
  ];
  for (const [what, written, expected] of refused) {
    it(`${what} is refused`, () => assert.match(problemWith({ event: written }), expected));
  }
});

describe('scores and lists', () => {
  it('a score that is missing fails, unless it is said to hold', () => {
    const score = { kind: 'score', model: 'churn' } as const;
    assert.deepEqual(read({ score: { model: 'churn', atLeast: 0.7, atMost: 1 } }), {
      ...score,
      atLeast: 0.7,
      atMost: 1,
    });
    const otherwise = {
      kind: 'any',
      rules: [
        { ...score, atMost: 0.2 },
        { kind: 'not', rule: score },
      ],
    };
    assert.deepEqual(read({ score: { model: 'churn', atMost: 0.2, whenMissing: true } }), otherwise);
    assert.deepEqual(read({ score: { model: 'churn', atMost: 0.2, whenMissing: false } }), {
      ...score,
      atMost: 0.2,
    });
    assert.deepEqual(read({ score: { model: 'churn', topPercent: 2.5 } }), {
      ...score,
      population: { kind: 'top', percent: 2.5 },
    });
    assert.deepEqual(read({ score: { model: 'churn', exists: true } }), score);
    assert.deepEqual(read({ score: { model: 'churn', exists: false } }), { kind: 'not', rule: score });
    assert.deepEqual(read({ listed: { list: 'vip' } }), { kind: 'listed', list: 'vip' });
  });

  it('what is neither is refused', () => {
    assert.match(
      problemWith({ score: { model: 'c' } }),
      /^score: expected one test: atLeast, atMost or both/,
    );
    assert.match(
      problemWith({ score: { model: 'c', atLeast: Number.NaN } }),
      /^score\.atLeast: .*found NaN$/,
    );
    assert.match(problemWith({ score: { model: 'c', atLeast: 1, atMost: 0 } }), /^score\.atMost: .*found 0$/);
    assert.match(
      problemWith({ score: { model: 'c', exists: true, whenMissing: true } }),
      /^score: expected either exists or whenMissing/,
    );
    assert.match(problemWith({ score: { atLeast: 1 } }), /^score\.model: expected a name of a model/);
    assert.match(problemWith({ listed: 'vip' }), /^listed: expected a condition on a list such as/);
    assert.match(problemWith({ listed: { list: '' } }), /^listed\.list: .*found empty text$/);
  });
});

describe('sequences', () => {
  const checkout = { event: { name: 'checkout_started' } };

  it('one thing after another, or without it', () => {
    assert.deepEqual(read({ sequence: { first: checkout, then: { orders: {} }, within: '1d' } }), {
      kind: 'sequence',
      first: { kind: 'event', filter: { name: 'checkout_started', where: [] } },
      second: { kind: 'orders', filter: { stores: ALL } },
      withinS: DAY_S,
      isWithout: false,
    });
    assert.deepEqual(
      read({
        sequence: {
          first: { orders: { stores: ['s1'], minimumTotal: { amount: 5, currency: 'EUR' } } },
          without: { event: { name: 'rated', where: { stars: { atLeast: 4 } } } },
          within: '1d',
          lookback: '1w',
        },
      }),
      {
        kind: 'sequence',
        first: {
          kind: 'orders',
          filter: { stores: { kind: 'ids', ids: ['s1'] }, currency: 'EUR', minimumTotalE4: 50_000 },
        },
        second: {
          kind: 'event',
          filter: { name: 'rated', where: [{ property: 'stars', test: { kind: 'range', atLeast: 4 } }] },
        },
        withinS: DAY_S,
        isWithout: true,
        lookbackS: 7 * DAY_S,
      },
    );
  });

  it('an instance of a family is put into its steps', () => {
    const params = {
      all: [
        {
          sequence: { first: checkout, without: { orders: { stores: { each: true } } }, within: '1d' },
        },
        { orders: { weekday: 'sat', stores: { each: true } } },
        { sequence: { first: checkout, then: { orders: {} }, within: '1d' } },
      ],
    };
    const family = { key: 'k', type: 'rule', forEach: 'brand', params } as const;
    const rule = readRule(family, SEGMENT_TYPES, 'x');
    const stores = { kind: 'attributes', attributes: { brand: ['x'] } };
    assert.ok(rule.kind === 'all');
    const [basket, saturday] = rule.rules;
    assert.deepEqual(basket?.kind === 'sequence' && basket.second, { kind: 'orders', filter: { stores } });
    assert.deepEqual(saturday?.kind === 'orders' && saturday.stores, stores);
    assert.deepEqual(saturday?.kind === 'orders' && saturday.weekdays, [6]);
    const sequence = { first: { orders: { stores: { each: true } } }, then: checkout, within: '1d' };
    assert.equal(messageOf({ type: 'rule', forEach: 'store', params: { sequence } }), 'no error');
    assert.match(
      messageOf({ type: 'rule', params: { sequence } }),
      /sequence\.first\.orders\.stores\.each: .*found each: true outside a family$/,
    );
  });

  it('a sequence that could never hold, or lacks a part, is refused', () => {
    const within = '1d';
    const problem = (written: object) => problemWith({ sequence: written });
    assert.match(problem({ first: checkout, within }), /^sequence: expected either then or without/);
    assert.match(
      problem({ first: checkout, then: { orders: {} }, without: { orders: {} }, within }),
      /^sequence: expected either then or without/,
    );
    assert.equal(
      problem({ first: checkout, without: { orders: {} }, within, lookback: '24h' }),
      'sequence.lookback: expected a window longer than within, 1d, since it holds only once that has passed, found "24h"',
    );
    assert.equal(
      problem({ first: {}, then: { orders: {} }, within }),
      'sequence.first: expected at least one of orders, event, found no fields',
    );
    assert.match(
      problem({ first: { orders: {}, ...checkout }, then: { orders: {} }, within }),
      /^sequence\.first: expected exactly one of orders, event/,
    );
    assert.match(
      problem({ first: checkout, then: { orders: { count: { atLeast: 2 } } }, within }),
      /^sequence\.then\.orders\.count: .*an unknown field/,
    );
    assert.match(problem({ first: checkout, then: { orders: {} } }), /^sequence\.within: expected a window/);
  });
});
