import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CustomerFacts, EventFact, OrderFact } from '../../../model/fact.ts';
import type { Condition, OrdersCondition, SequenceCondition } from '../../../model/rule.ts';
import { parseMoment } from '../../../model/time.ts';
import { evaluateConditionNaive, NO_FACTS } from '../naive.ts';

const order = (orderId: string, at: string, more: Partial<OrderFact> = {}): OrderFact => ({
  customerId: 'c',
  orderId,
  orderedAt: parseMoment(at),
  totalE4: 100_000,
  discountE4: 0,
  currency: 'EUR',
  status: 'completed',
  ...more,
});
const event = (eventId: string, name: string, at: string, properties = {}): EventFact => ({
  customerId: 'c',
  eventId,
  name,
  occurredAt: parseMoment(at),
  properties,
});

const facts: CustomerFacts = {
  ...NO_FACTS,
  orders: [
    // 23:30 on Saturday in Madrid, where clocks change in the night to come.
    order('saturday', '2026-03-28T22:30:00Z', { storeId: 's1' }),
    // 03:30 on Sunday there, an hour and a half of UTC later than 01:00.
    order('sunday', '2026-03-29T01:30:00Z', { storeId: 's2' }),
    order('refunded', '2026-03-30T10:00:00Z', { status: 'refunded' }),
  ],
  traits: new Map([['signed_up', '2026-03-30']]),
  events: [
    event('e1', 'basket', '2026-03-30T09:00:00Z', { items: '3' }),
    event('e2', 'basket', '2026-03-30T12:00:00Z'),
  ],
  scores: new Map([
    [
      'churn',
      { customerId: 'c', model: 'churn', value: 0.7, version: '2', validUntil: parseMoment('2026-04-01') },
    ],
  ]),
  lists: new Set(['vip']),
};

const NOW = parseMoment('2026-03-31T00:00:00Z');
const evaluated = (condition: Condition, moment = NOW) =>
  evaluateConditionNaive(condition, facts, moment, new Map());
const orders = (more: Partial<OrdersCondition>) =>
  evaluated({ kind: 'orders', stores: { kind: 'all' }, measure: 'count', atLeast: 1, ...more });

describe('the naive evaluator of every kind of condition', () => {
  it('reads weekdays, hours and days in the zone that is named', () => {
    const ids = (more: Partial<OrdersCondition>) => orders(more).orders.map(({ orderId }) => orderId);
    assert.deepEqual(ids({ weekdays: [7], timeZone: 'Europe/Madrid' }), ['sunday']);
    assert.deepEqual(ids({ hours: { from: 3, to: 4 }, timeZone: 'Europe/Madrid' }), ['sunday']);
    assert.deepEqual(ids({ hours: { from: 23, to: 2 } }), ['sunday'], 'through midnight, UTC');
    assert.equal(orders({ measure: 'days', timeZone: 'Europe/Madrid' }).value, 2);
    assert.equal(orders({ measure: 'days', timeZone: 'Pacific/Honolulu' }).value, 1);
  });

  it('looks at completed orders alone, unless statuses are named', () => {
    assert.equal(orders({}).value, 2);
    assert.equal(orders({ statuses: ['refunded'] }).value, 1);
    assert.equal(orders({ statuses: ['completed', 'refunded'], measure: 'stores' }).value, 2);
  });

  it('measures ages to the second, and none over nothing', () => {
    assert.equal(orders({ measure: 'lastAge', atLeast: 0 }).value, NOW - parseMoment('2026-03-29T01:30:00Z'));
    const { holds, value } = orders({ measure: 'firstAge', atLeast: 0, currency: 'USD' });
    assert.deepEqual({ holds, value }, { holds: false, value: null });
  });

  it('looks at events whose properties pass, and shows them', () => {
    const where = [{ property: 'items', test: { kind: 'range', atLeast: 3 } }] as const;
    const outcome = evaluated({ kind: 'event', name: 'basket', where, measure: 'count', atLeast: 1 });
    assert.deepEqual(
      outcome.events.map(({ eventId }) => eventId),
      ['e1'],
    );
    const inherited = [{ property: 'constructor', test: { kind: 'exists' } }] as const;
    const none = evaluated({
      kind: 'event',
      name: 'basket',
      where: inherited,
      measure: 'count',
      atLeast: 1,
    });
    assert.equal(none.holds, false);
  });

  it('a score counts before its end, not at it; it is shown either way', () => {
    const score: Condition = { kind: 'score', model: 'churn', atLeast: 0.7 };
    const end = parseMoment('2026-04-01');
    assert.equal(evaluated(score, end - 1).holds, true);
    assert.deepEqual({ ...evaluated(score, end), score: undefined }.value, null);
    assert.equal(evaluated(score, end).score?.version, '2');
  });

  it('the age of a date is negative before it', () => {
    const signedUp: Condition = { kind: 'trait', name: 'signed_up', test: { kind: 'age', atMost: -1 } };
    assert.equal(evaluated(signedUp, parseMoment('2026-03-30') - 1).holds, true);
    assert.equal(evaluated(signedUp, parseMoment('2026-03-30')).value, 0);
  });

  it('a sequence holds from the second on, or once the wait without one is over', () => {
    const then: SequenceCondition = {
      kind: 'sequence',
      first: { kind: 'event', filter: { name: 'basket', where: [] } },
      second: { kind: 'orders', filter: { stores: { kind: 'all' }, statuses: ['refunded'] } },
      withinS: 3_600,
      isWithout: false,
    };
    const refundedAt = parseMoment('2026-03-30T10:00:00Z');
    assert.equal(evaluated(then, refundedAt - 1).holds, false);
    assert.equal(evaluated(then, refundedAt).holds, true, 'exactly an hour later');
    assert.equal(evaluated({ ...then, withinS: 3_599 }).holds, false);
    const without = { ...then, isWithout: true };
    const over = parseMoment('2026-03-30T13:00:00Z');
    assert.equal(evaluated(without, over - 1).holds, false);
    assert.equal(evaluated(without, over).holds, true);
    assert.equal(evaluated({ ...without, lookbackS: 3_600 }, over).holds, false, 'too long ago by then');
  });

  it('knows who is on a list', () => {
    assert.equal(evaluated({ kind: 'listed', list: 'vip' }).list, 'vip');
    assert.equal(evaluated({ kind: 'listed', list: 'other' }).holds, false);
  });
});
