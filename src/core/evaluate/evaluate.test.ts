import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventFact, OrderFact, OrderStatus } from '../../model/fact.ts';
import type {
  EventCondition,
  OrdersCondition,
  Rule,
  SequenceCondition,
  SequenceStep,
} from '../../model/rule.ts';
import { compile } from '../compile/compile.ts';
import type { Engine } from '../engine/engine.ts';
import { MemoryEngine } from '../engine/memory/memory-engine.ts';
import { Evaluator } from './evaluate.ts';
import { evaluateNaive, storeLookup } from './naive.ts';

const DAY_S = 86_400;
const NOW = Date.UTC(2026, 5, 15, 12) / 1000;
const at = (iso: string): number => Date.parse(iso) / 1000;

type Facts = Parameters<Engine['put']>[0];
let orderCount = 0;

function order(customerId: string, orderedAt: number, more: Partial<OrderFact> = {}): OrderFact {
  const orderId = `o${orderCount++}`;
  const fact = { customerId, orderId, orderedAt, totalE4: 100_000, discountE4: 0, currency: 'EUR' };
  return { ...fact, status: 'completed', ...more };
}

function event(customerId: string, name: string, occurredAt: number, properties = {}): EventFact {
  return { customerId, eventId: `e${orderCount++}`, name, occurredAt, properties };
}

function orders(more: Partial<OrdersCondition> = {}): OrdersCondition {
  return { kind: 'orders', stores: { kind: 'all' }, measure: 'count', ...more };
}

function events(name: string, more: Partial<EventCondition> = {}): EventCondition {
  return { kind: 'event', name, where: [], measure: 'count', atLeast: 1, ...more };
}

/**
 * Who is in each rule's segment, by a plan of all of them over a scan in small batches: customers' ids, run
 * together. Each answer is held to the naive evaluator.
 */
async function members(facts: Facts, rules: readonly Rule[], moment = NOW): Promise<string[]> {
  const engine = new MemoryEngine();
  await engine.put(facts);
  const stores = await engine.storeTable();
  const segments = rules.map((rule, segmentNo) => ({
    segmentNo,
    key: `rule-${segmentNo}`,
    definition: { key: `rule-${segmentNo}`, type: 'rule' },
    rule,
  }));
  const plan = await compile({ segments, stores, dictionary: await engine.dictionary() });
  const evaluator = new Evaluator(plan, moment);
  const exceptions = new Map<number, number[]>();
  let last = -1;
  for await (const batch of engine.scan({ columns: plan.columns, batchOrders: 2 })) {
    evaluator.evaluate(batch, (customerNo, found, count) => {
      assert.ok(customerNo > last, 'customers ascend, each once');
      last = customerNo;
      exceptions.set(customerNo, [...found.subarray(0, count)]);
    });
  }
  const found = rules.map(() => '');
  for await (const { ids, customerNos } of engine.customers()) {
    for (const [i, customerId] of ids.entries()) {
      const known = await engine.customerFacts(customerId);
      for (const [place, rule] of rules.entries()) {
        const isException = exceptions.get(customerNos[i]!)?.includes(place) ?? false;
        const isMember = isException !== (plan.defaults[place] === 1);
        assert.equal(isMember, evaluateNaive(rule, known, moment, storeLookup(stores)), JSON.stringify(rule));
        if (isMember) found[place] += customerId;
      }
    }
  }
  await engine.close();
  return found;
}

describe('conditions on orders', () => {
  it('look at other statuses only if they say so', async () => {
    const of = (customerId: string, ...statuses: OrderStatus[]) =>
      statuses.map((status) => order(customerId, NOW - DAY_S, { status }));
    const facts = {
      orders: [...of('a', 'refunded'), ...of('b', 'completed', 'cancelled'), ...of('c', 'completed')],
    };
    const found = await members(facts, [
      orders({ atLeast: 1 }),
      orders({ atLeast: 1, statuses: ['refunded'] }),
      orders({ atLeast: 2, statuses: ['completed', 'cancelled'] }),
      orders({ atMost: 0, statuses: ['cancelled', 'refunded'] }),
      orders({ measure: 'sum', currency: 'EUR', atLeast: 1, statuses: ['refunded'] }),
    ]);
    assert.deepEqual(found, ['bc', 'a', 'b', 'c', 'a']);
  });

  it('count a store once, whatever the statuses of its orders, and no store as none', async () => {
    const facts = {
      orders: [
        order('a', NOW - 3, { storeId: 's1' }),
        order('a', NOW - 2, { storeId: 's1', status: 'refunded' }),
        order('a', NOW - 2, { storeId: 's2', status: 'refunded' }),
        order('a', NOW - 1, { storeId: 's3' }),
        order('a', NOW),
        order('b', NOW),
      ],
    };
    const found = await members(facts, [
      orders({ measure: 'stores', atLeast: 2, atMost: 2 }),
      orders({ measure: 'stores', atLeast: 3, atMost: 3, statuses: ['completed', 'refunded'] }),
      orders({ measure: 'stores', atMost: 0 }),
      orders({ measure: 'stores', atLeast: 1, stores: { kind: 'ids', ids: ['s2'] }, statuses: ['refunded'] }),
    ]);
    assert.deepEqual(found, ['a', 'a', 'b', 'a']);
  });

  it('know weekdays and hours in a zone, where clocks change too', async () => {
    // In Madrid the clock goes from 02:00 to 03:00 on 2026-03-29, a Sunday, at 01:00 UTC.
    const facts = {
      orders: [
        order('a', at('2026-03-28T22:59:59Z')),
        order('b', at('2026-03-28T23:00:00Z')),
        order('c', at('2026-03-29T00:59:59Z')),
        order('d', at('2026-03-29T01:00:00Z')),
      ],
    };
    const timeZone = 'Europe/Madrid';
    const found = await members(facts, [
      orders({ atLeast: 1, weekdays: [6], timeZone }),
      orders({ atLeast: 1, weekdays: [7], timeZone }),
      orders({ atLeast: 1, hours: { from: 2, to: 3 }, timeZone }),
      orders({ atLeast: 1, hours: { from: 3, to: 4 }, timeZone }),
      orders({ atLeast: 1, hours: { from: 23, to: 2 }, timeZone }),
      orders({ atLeast: 1, hours: { from: 23, to: 2 } }),
    ]);
    assert.deepEqual(found, ['a', 'bcd', '', 'd', 'abc', 'bcd']);
  });

  it('count local dates once', async () => {
    const facts = {
      orders: [
        order('a', at('2026-06-01T21:00:00Z'), { storeId: 's1' }),
        order('a', at('2026-06-01T22:30:00Z')),
        order('a', at('2026-06-02T10:00:00Z'), { storeId: 's2' }),
      ],
    };
    const found = await members(facts, [
      orders({ measure: 'days', atLeast: 2, atMost: 2 }),
      orders({ measure: 'days', atLeast: 2, atMost: 2, timeZone: 'Europe/Madrid' }),
      orders({ measure: 'days', atLeast: 2, timeZone: 'America/New_York' }),
      orders({ measure: 'days', atMost: 1, timeZone: 'Europe/Madrid' }),
      orders({ measure: 'days', atLeast: 3 }),
    ]);
    assert.deepEqual(found, ['a', 'a', 'a', '', '']);
  });

  it('reckon the first and the last to the second', async () => {
    const facts = { orders: [order('a', NOW - 100), order('a', NOW - 10), order('b', NOW + 1)] };
    const found = await members(facts, [
      orders({ measure: 'lastAge', atMost: 10 }),
      orders({ measure: 'lastAge', atMost: 9 }),
      orders({ measure: 'lastAge', atLeast: 10 }),
      orders({ measure: 'lastAge', atLeast: 11 }),
      orders({ measure: 'lastAge', atLeast: 5, withinS: 11 }),
      orders({ measure: 'lastAge', atLeast: 5, withinS: 10 }),
      orders({ measure: 'firstAge', atLeast: 100, atMost: 100 }),
      orders({ measure: 'firstAge', atLeast: 101 }),
      orders({ measure: 'firstAge', atLeast: 10, withinS: 100, atMost: 10 }),
      orders({ measure: 'lastAge', atMost: 10, currency: 'EUR' }),
      orders({ measure: 'lastAge', atLeast: 0 }),
    ]);
    assert.deepEqual(found, ['a', '', 'a', '', 'a', '', 'a', '', 'a', 'a', 'a']);
  });
});

describe('conditions on traits, scores and lists', () => {
  it('reckon the age of a trait that reads as a moment, ahead too', async () => {
    const trait = (customerId: string, value: string) => ({ customerId, name: 'renews', value });
    const facts = {
      traits: [
        trait('a', '2026-06-15T11:59:50Z'),
        trait('b', '2026-06-16'),
        trait('c', 'soon'),
        trait('d', '5'),
      ],
    };
    const age = (test: { atLeast?: number; atMost?: number }): Rule => ({
      kind: 'trait',
      name: 'renews',
      test: { kind: 'age', ...test },
    });
    const found = await members(facts, [
      age({ atLeast: 10, atMost: 10 }),
      age({ atLeast: 11 }),
      age({ atMost: -1 }),
      age({ atLeast: -DAY_S / 2, atMost: 0 }),
      age({}),
    ]);
    assert.deepEqual(found, ['a', '', 'b', 'b', 'ab']);
  });

  it('count a score before the end of its validity, and not at it', async () => {
    const score = (customerId: string, value: number, validUntil?: number) => ({
      customerId,
      model: 'churn',
      version: '1',
      value,
      ...(validUntil === undefined ? {} : { validUntil }),
    });
    const facts = {
      scores: [score('a', 0.7), score('b', 0.7, NOW + 1), score('c', 0.9, NOW), score('d', -1)],
    };
    const found = await members(facts, [
      { kind: 'score', model: 'churn', atLeast: 0.7 },
      { kind: 'score', model: 'churn', atMost: 0.69 },
      { kind: 'score', model: 'churn' },
      { kind: 'not', rule: { kind: 'score', model: 'churn' } },
    ]);
    assert.deepEqual(found, ['ab', 'd', 'abd', 'c']);
  });

  it('know who is on a list, and who is not any more', async () => {
    const entry = (customerId: string, isListed: boolean) => ({ customerId, list: 'vip', isListed });
    const facts = {
      customers: ['b', 'c'],
      listEntries: [entry('a', true), entry('b', true), entry('b', false)],
    };
    const listed: Rule = { kind: 'listed', list: 'vip' };
    assert.deepEqual(await members(facts, [listed, { kind: 'not', rule: listed }]), ['a', 'bc']);
  });
});

describe('conditions on events', () => {
  const facts = {
    events: [
      event('a', 'checkout', NOW - 100, { city: 'BCN', amount: '12' }),
      event('a', 'checkout', NOW - 10, { city: 'MAD', amount: 'many' }),
      event('b', 'checkout', NOW, { city: 'BCN' }),
      event('b', 'checkout', NOW + 1, { city: 'MAD' }),
      event('c', 'visit', NOW - DAY_S, { city: 'BCN' }),
      event('c', 'visit', NOW - 1),
    ],
  };

  it('count those of a name in a window, up to the moment', async () => {
    const found = await members(facts, [
      events('checkout'),
      events('checkout', { withinS: 10 }),
      events('checkout', { withinS: 11, atMost: 1 }),
      events('checkout', { atLeast: 2 }),
      events('visit', { measure: 'days', atLeast: 2 }),
      events('visit', { measure: 'lastAge', atLeast: 1, atMost: 1 }),
      events('checkout', { measure: 'firstAge', atLeast: 100 }),
    ]);
    assert.deepEqual(found, ['ab', 'b', 'ab', 'a', 'c', 'c', 'a']);
  });

  it('test properties as texts and as numbers; one that is absent fails', async () => {
    const where = (property: string, test: EventCondition['where'][number]['test']) => ({ property, test });
    const inCity = (...values: string[]) => where('city', { kind: 'in', values });
    const found = await members(facts, [
      events('checkout', { where: [inCity('BCN')] }),
      events('checkout', { where: [inCity('MAD')] }),
      events('checkout', { where: [inCity('MAD', 'BCN')], atLeast: 2 }),
      events('checkout', { where: [where('amount', { kind: 'exists' })], atLeast: 2 }),
      events('checkout', { where: [where('amount', { kind: 'range', atLeast: 12 })] }),
      events('checkout', {
        where: [inCity('MAD', 'BCN'), inCity('MAD'), where('amount', { kind: 'exists' })],
      }),
      events('checkout', { where: [inCity('MAD'), where('amount', { kind: 'range', atMost: 99 })] }),
      events('visit', { where: [inCity('BCN')], withinS: DAY_S + 1 }),
      events('visit', { where: [where('never-heard-of', { kind: 'exists' })] }),
      { kind: 'not', rule: events('visit', { where: [inCity()] }) },
    ]);
    assert.deepEqual(found, ['ab', 'a', 'a', 'a', 'a', 'a', '', 'c', '', 'abc']);
  });
});

describe('sequences', () => {
  const start: SequenceStep = { kind: 'event', filter: { name: 'start', where: [] } };
  const buy: SequenceStep = { kind: 'orders', filter: { stores: { kind: 'all' } } };
  const sequence = (more: Partial<SequenceCondition> = {}): SequenceCondition => {
    return { kind: 'sequence', first: start, second: buy, withinS: 10, isWithout: false, ...more };
  };

  it('hold where a second came after a first, in time', async () => {
    const facts = {
      events: [
        event('a', 'start', NOW - 30),
        event('b', 'start', NOW - 30),
        event('c', 'start', NOW - 30),
        event('d', 'start', NOW - 30),
        event('d', 'start', NOW - 5),
      ],
      orders: [order('a', NOW - 20), order('b', NOW - 19), order('c', NOW - 30), order('d', NOW)],
    };
    const found = await members(facts, [
      sequence(),
      sequence({ isWithout: true }),
      sequence({ lookbackS: 30 }),
      sequence({ lookbackS: 31 }),
      sequence({ withinS: 11 }),
      sequence({ first: buy, second: start, withinS: 100 }),
    ]);
    assert.deepEqual(found, ['ad', 'bcd', 'd', 'ad', 'abd', '']);
  });

  it('without a second, wait until its time is over', async () => {
    const facts = {
      events: [event('a', 'start', NOW - 10), event('b', 'start', NOW - 9), event('c', 'visit', NOW)],
    };
    const never: SequenceStep = { kind: 'event', filter: { name: 'never-heard-of', where: [] } };
    const found = await members(facts, [
      sequence({ isWithout: true }),
      sequence({ isWithout: true, second: never }),
      sequence({ second: never }),
      sequence({ first: never, isWithout: true }),
      { kind: 'not', rule: sequence({ isWithout: true }) },
    ]);
    assert.deepEqual(found, ['a', 'a', '', '', 'bc']);
  });

  it('may be of one kind of fact: another order after an order, not the same one', async () => {
    const facts = {
      orders: [order('a', NOW - 20), order('a', NOW - 10), order('b', NOW - 10), order('b', NOW - 10)],
    };
    const found = await members(facts, [
      sequence({ first: buy }),
      sequence({ first: buy, withinS: 9 }),
      sequence({ first: buy, isWithout: true }),
    ]);
    assert.deepEqual(found, ['a', '', 'ab']);
  });
});

describe('the evaluator', () => {
  it('meets every customer once, whichever facts they have', async () => {
    const facts = {
      events: [event('a', 'visit', NOW)],
      orders: [order('b', NOW, { status: 'refunded' }), order('d', NOW)],
      traits: [{ customerId: 'c', name: 'city', value: 'BCN' }],
      listEntries: [{ customerId: 'e', list: 'vip', isListed: true }],
    };
    const each: Rule[] = [
      events('visit'),
      orders({ atLeast: 1, statuses: ['refunded'] }),
      { kind: 'trait', name: 'city', test: { kind: 'in', values: ['BCN'] } },
      orders({ atLeast: 1 }),
      { kind: 'listed', list: 'vip' },
    ];
    const more = [1, 2, 3].map((withinS) => events('visit', { withinS }));
    const found = await members(facts, [
      { kind: 'any', rules: each },
      { kind: 'not', rule: { kind: 'any', rules: [...each, ...more] } },
      ...each,
    ]);
    assert.deepEqual(found, ['abcde', '', 'a', 'b', 'c', 'd', 'e']);
  });

  it('takes nothing over from one customer to the next', async () => {
    const facts = {
      events: [event('a', 'visit', NOW - 20), event('b', 'visit', NOW - 5)],
      orders: ['a', 'b', 'c'].map((customerId) => order(customerId, NOW, { storeId: 's1' })),
    };
    const found = await members(facts, [
      orders({ measure: 'stores', atLeast: 2 }),
      orders({ measure: 'days', atLeast: 2 }),
      orders({ measure: 'sum', currency: 'EUR', atLeast: 200_000 }),
      events('visit', { atLeast: 2 }),
      {
        kind: 'sequence',
        first: { kind: 'event', filter: { name: 'visit', where: [] } },
        second: { kind: 'orders', filter: { stores: { kind: 'all' } } },
        withinS: 5,
        isWithout: false,
      },
    ]);
    assert.deepEqual(found, ['', '', '', '', 'b']);
  });
});
