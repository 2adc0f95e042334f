import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CustomerFacts, OrderFact } from '../../model/fact.ts';
import type { OrdersCondition, TraitCondition } from '../../model/rule.ts';
import { evaluateConditionNaive, evaluateNaive, NO_FACTS, storeLookup } from './naive.ts';

const order = (
  orderId: string,
  orderedAt: number,
  totalE4: number,
  more: Partial<OrderFact> = {},
): OrderFact => ({
  customerId: 'c',
  orderId,
  orderedAt,
  totalE4,
  discountE4: 0,
  currency: 'EUR',
  status: 'completed',
  ...more,
});

const facts: CustomerFacts = {
  orders: [
    order('first', 100, 100_000, { storeId: 's1' }),
    order('second', 200, 100_001),
    order('cancelled', 250, 1, { status: 'cancelled' }),
    order('third', 300, -5, { storeId: 's2', currency: 'USD' }),
  ],
  traits: new Map([['age', '41']]),
  events: [],
  scores: new Map(),
  lists: new Set(),
};
const stores = storeLookup({
  ids: ['s1', 's2'],
  brand: ['burger-house', undefined],
  city: [undefined, undefined],
  category: [undefined, undefined],
  tags: [['late'], undefined],
});

const count: OrdersCondition = { kind: 'orders', stores: { kind: 'all' }, measure: 'count', atLeast: 1 };
const measured = (more: Partial<OrdersCondition>, moment = 1_000) =>
  evaluateConditionNaive({ ...count, ...more }, facts, moment, stores);

// The edges of the semantics are in test/vectors; here is what explanations need beside them.
describe('the naive evaluator of a condition', () => {
  it('counts, and tells the orders it looked at, latest first', () => {
    const { value, orders } = measured({});
    assert.equal(value, 3);
    assert.deepEqual(
      orders.map((one) => one.orderId),
      ['third', 'second', 'first'],
    );
  });

  it('looks only at orders that the filters let through', () => {
    const ids = (more: Partial<OrdersCondition>, moment?: number) =>
      measured(more, moment).orders.map((one) => one.orderId);
    assert.deepEqual(ids({ stores: { kind: 'ids', ids: ['s2'] } }), ['third']);
    assert.deepEqual(ids({ stores: { kind: 'attributes', attributes: { tag: ['late', 'vip'] } } }), [
      'first',
    ]);
    assert.deepEqual(ids({ withinS: 100 }, 300), ['third']);
    assert.deepEqual(ids({}, 299), ['second', 'first']);
    assert.deepEqual(ids({ currency: 'EUR', minimumTotalE4: 100_001 }), ['second']);
  });

  it('writes amounts as decimal text, an average rounded to 4 places', () => {
    const euro = { currency: 'EUR', atLeast: 0 };
    assert.equal(measured({ ...euro, measure: 'sum' }).value, '20.0001');
    assert.equal(measured({ ...euro, measure: 'average' }).value, '10.0001');
    assert.equal(measured({ ...euro, measure: 'minimum' }).value, '10');
    assert.equal(measured({ measure: 'maximum', currency: 'USD' }).value, '-0.0005');
  });

  it('holds an average against its bound before it is rounded', () => {
    // (10 + 10.0001) / 2 lies below 10.0001, which it is rounded to.
    assert.equal(measured({ currency: 'EUR', measure: 'average', atLeast: 100_001 }).holds, false);
  });

  it('has no value, and fails, for an average, minimum or maximum over no orders', () => {
    for (const measure of ['average', 'minimum', 'maximum'] as const) {
      const { holds, value } = measured({ measure, currency: 'GBP', atLeast: -1 });
      assert.deepEqual({ holds, value }, { holds: false, value: null });
    }
    assert.equal(measured({ measure: 'sum', currency: 'GBP', atLeast: 0 }).value, '0');
  });

  it('tells the trait that it looked at, if there is one', () => {
    const age: TraitCondition = { kind: 'trait', name: 'age', test: { kind: 'range', atMost: 40 } };
    assert.deepEqual(evaluateConditionNaive(age, facts, 0, stores), {
      holds: false,
      value: '41',
      orders: [],
      events: [],
      trait: { name: 'age', value: '41' },
    });
    assert.deepEqual(evaluateConditionNaive(age, NO_FACTS, 0, stores), {
      holds: false,
      value: null,
      orders: [],
      events: [],
    });
  });

  it('refuses a reference to a segment that was not replaced', () => {
    assert.throws(() => evaluateNaive({ kind: 'segment', key: 'other' }, facts, 0, stores), /other/);
  });
});
