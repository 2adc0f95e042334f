import assert from 'node:assert/strict';
import { it } from 'node:test';
import { boundedRule, boundKey, boundLimits, type RankedCondition, ranksOf } from './population-bound.ts';

const ORDERS = { kind: 'orders', stores: { kind: 'all' } } as const;
const quintile = (atLeast: number, atMost = atLeast) => ({ kind: 'quintile', atLeast, atMost }) as const;
const top = (percent: number) => ({ kind: 'top', percent }) as const;
const taken = (values: readonly number[]) => ({
  key: '',
  calculationNo: 1,
  moment: 1_000,
  batchNo: 1,
  customers: 10,
  values,
});

it('a top is so many percent as they are written, rounded up to whole customers', () => {
  for (const [percent, customers, count] of [
    [10, 10, 1],
    [10, 11, 2],
    [7, 100, 7],
    [2.5, 1_000, 25],
    [2.5, 1_001, 26],
    [0.1, 3_000, 3],
    [1e-7, 2_000_000, 1],
    [100, 7, 7],
    [33.3, 3, 1],
    [33.4, 3, 2],
  ] as const) {
    assert.deepEqual(ranksOf(top(percent), customers), [customers - count + 1], `${percent} of ${customers}`);
  }
});

it('quintiles are cut at every fifth, rounded up', () => {
  assert.deepEqual(ranksOf(quintile(1), 10), [2, 4, 6, 8]);
  assert.deepEqual(ranksOf(quintile(1), 11), [3, 5, 7, 9]);
  assert.deepEqual(ranksOf(quintile(1), 1), [1, 1, 1, 1]);
});

it('a quintile is above the cut below it, up to the cut above it', () => {
  const sum = { ...ORDERS, measure: 'sum', currency: 'EUR' } as const;
  const rule = (population: RankedCondition['population'], values = [10, 20, 30, 40]) =>
    boundedRule({ ...sum, population }, taken(values));
  assert.deepEqual(rule(quintile(3)), { ...sum, atLeast: 21, atMost: 30 });
  assert.deepEqual(rule(quintile(5)), { ...sum, atLeast: 41 });
  assert.deepEqual(rule(top(10), [40]), { ...sum, atLeast: 40 });
  const anyOrder = { ...sum, measure: 'count', atLeast: 1 };
  assert.deepEqual(rule(quintile(1)), { kind: 'all', rules: [anyOrder, { ...sum, atMost: 10 }] });
  assert.deepEqual(rule(quintile(1, 5)), anyOrder, 'everybody with an order');
  assert.deepEqual(rule(quintile(2), []), { ...sum, atLeast: 1, atMost: 0 }, 'nobody');
});

it('moments become ages at the moment that they were taken', () => {
  const last = { ...ORDERS, measure: 'lastAge' } as const;
  const bound = taken([100, 200, 300, 400]);
  assert.deepEqual(boundedRule({ ...last, population: quintile(5) }, bound), { ...last, atMost: 599 });
  assert.deepEqual(boundedRule({ ...last, population: quintile(2) }, bound), {
    ...last,
    atLeast: 800,
    atMost: 899,
  });
  assert.deepEqual(boundLimits({ ...last, population: quintile(1) }, bound), { atLeast: 900 });
});

it('above a score is the next double', () => {
  const score = { kind: 'score', model: 'm' } as const;
  const above = (value: number) => {
    const rule = boundedRule({ ...score, population: quintile(2, 5) }, taken([value, 9, 9, 9]));
    return rule.kind === 'score' ? rule.atLeast : undefined;
  };
  assert.equal(above(1), 1 + Number.EPSILON);
  assert.equal(above(0), Number.MIN_VALUE);
  assert.equal(above(-0), Number.MIN_VALUE);
  assert.equal(above(-Number.MIN_VALUE), -0);
  assert.equal(above(-1), -1 + Number.EPSILON / 2);
});

const NONE: ReadonlyMap<string, number> = new Map();

it('the same text stands for the same bounds, whatever the order of fields and which quintile is asked for', () => {
  const one = boundKey({ ...ORDERS, measure: 'count', withinS: 60, population: quintile(5) }, NONE);
  const same = boundKey({ population: quintile(1, 2), withinS: 60, measure: 'count', ...ORDERS }, NONE);
  assert.equal(one, same);
  const others = [
    boundKey({ ...ORDERS, measure: 'count', withinS: 61, population: quintile(5) }, NONE),
    boundKey({ ...ORDERS, measure: 'count', withinS: 60, population: top(5) }, NONE),
    boundKey({ ...ORDERS, measure: 'count', withinS: 60, population: top(6) }, NONE),
  ];
  assert.equal(new Set([one, ...others]).size, 4);
});

it('scores of another version of a model have bounds of their own', () => {
  const key = (version: number) =>
    boundKey({ kind: 'score', model: 'm', population: top(5) }, new Map([['m', version]]));
  assert.equal(key(1), key(1));
  assert.notEqual(key(1), key(2));
});
