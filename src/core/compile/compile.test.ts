import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OrdersCondition, Rule } from '../../model/rule.ts';
import type { Segment } from '../../model/segment.ts';
import type { FactDictionary, StoreTable } from '../engine/engine.ts';
import { compile } from './compile.ts';
import { ACTION, ACTION_BITS, type Plan, TEST_WORDS } from './plan.ts';

const ids = ['s1', 's2', 's3'];
const none = ids.map(() => undefined);
const STORES: StoreTable = { ids, brand: ['b', 'b', 'other'], city: none, category: none, tags: none };
const DICTIONARY: FactDictionary = {
  traitNames: new Map([['city', 0]]),
  traitValues: new Map([[0, new Map([['BCN', 0]])]]),
  currencies: new Map([['EUR', 1]]),
  models: new Map([['churn', 1]]),
  lists: new Map([['vip', 2]]),
  eventNames: new Map([['visit', 0]]),
};

function orders(more: Partial<OrdersCondition> = {}): OrdersCondition {
  return { kind: 'orders', stores: { kind: 'ids', ids: ['s1'] }, measure: 'count', atLeast: 1, ...more };
}

function plan(...rules: Rule[]): Promise<Plan> {
  const segments: Segment[] = rules.map((rule, i) => ({
    segmentNo: i * 10,
    key: `k${i}`,
    definition: { key: `k${i}`, type: 'rule' },
    rule,
  }));
  return compile({ segments, stores: STORES, dictionary: DICTIONARY });
}

const listOf = ({ orders: index }: Plan, storeNo: number): number[] => [
  ...index.look.subarray(index.lookStart[storeNo], index.lookStart[storeNo + 1]),
];

const not = (rule: Rule): Rule => ({ kind: 'not', rule });

describe('compile', () => {
  it('gives segments that look at the same orders one shared condition, however the stores are written', async () => {
    const compiled = await plan(
      orders({ stores: { kind: 'ids', ids: ['s2', 's1', 's1'] } }),
      not(orders({ stores: { kind: 'attributes', attributes: { brand: ['b'] } } })),
    );
    assert.deepEqual([...compiled.sharedAction], [ACTION.list], 'the first list');
    assert.deepEqual(
      [...compiled.listAction],
      [0, 1].map((place) => (place << ACTION_BITS) | ACTION.raise),
    );
    assert.deepEqual(listOf(compiled, 1).slice(0, 3), [1, 0, 0]);
    assert.deepEqual(listOf(compiled, 1), listOf(compiled, 2));
  });

  it('knows the default membership: what holds for a customer without facts', async () => {
    const compiled = await plan(
      orders(),
      not(orders()),
      orders({ atLeast: 0 }),
      orders({ atLeast: 0, atMost: 2 }),
      orders({ measure: 'sum', currency: 'EUR', atLeast: -5, atMost: 5 }),
      orders({ measure: 'average', currency: 'EUR', atLeast: -5, atMost: 5 }),
      { kind: 'trait', name: 'city', test: { kind: 'exists' } },
      not({ kind: 'trait', name: 'unheard-of', test: { kind: 'exists' } }),
    );
    assert.deepEqual([...compiled.defaults], [0, 1, 1, 1, 1, 0, 0, 1]);
  });

  it('lists nothing for stores that nobody knows and currencies that no fact has', async () => {
    const compiled = await plan(
      orders({ stores: { kind: 'ids', ids: ['unheard-of'] } }),
      orders({ measure: 'sum', currency: 'XXX', atLeast: 1 }),
    );
    assert.equal(compiled.orders.look.length, 0);
    assert.equal(compiled.orders.tally.pairs.length, 0);
  });

  it('orders what looks at a store by window, longest first', async () => {
    const compiled = await plan(
      orders({ atLeast: 2, withinS: 60 }),
      orders({ atLeast: 2 }),
      orders({ atLeast: 2, withinS: 3600 }),
    );
    const [evers, touches, counts, ...words] = listOf(compiled, 1);
    assert.deepEqual([evers, touches, counts], [0, 0, 3]);
    const windows = words.filter((_, i) => i % 2 === 0).map((word) => word & 0xffff);
    assert.deepEqual(
      windows.map((rank) => compiled.orders.windowS[rank]),
      [Number.POSITIVE_INFINITY, 3600, 60],
    );
  });

  it('writes a program for a rule of more than six conditions, and a table for six', async () => {
    const windows = (n: number): Rule[] => Array.from({ length: n }, (_, i) => orders({ withinS: i + 1 }));
    const compiled = await plan({ kind: 'any', rules: windows(6) }, { kind: 'any', rules: windows(7) });
    assert.equal(compiled.programStart.length - 1, 1);
    assert.equal(compiled.program[0], 1, 'of the second segment');
    assert.equal(compiled.exceptionHigh[0], 0xffff_ffff, 'any condition makes a difference');
  });

  it('runs a rule only for those who can differ from its default, where many segments share a condition', async () => {
    const inCity: Rule = { kind: 'trait', name: 'city', test: { kind: 'exists' } };
    const compiled = await plan(
      ...Array.from(
        { length: 30 },
        (_, i): Rule => ({ kind: 'all', rules: [inCity, orders({ withinS: i + 1 })] }),
      ),
    );
    const city = compiled.traits.existsAction[0]!;
    assert.equal(city & ((1 << ACTION_BITS) - 1), ACTION.share);
    const shared = city >>> ACTION_BITS;
    assert.equal(compiled.sharedAction[shared], ACTION.nothing, 'the city causes nothing by itself');
    assert.equal(compiled.programStart.length - 1, 30);
  });

  it('leaves paused segments out', async () => {
    const definition = { key: 'p', type: 'rule', status: 'paused' } as const;
    const compiled = await compile({
      segments: [{ segmentNo: 7, key: 'p', definition, rule: orders() }],
      stores: STORES,
      dictionary: DICTIONARY,
    });
    assert.equal(compiled.segmentNos.length, 0);
  });

  it('asks a scan for what its conditions look at, and for no more', async () => {
    const visit: Rule = { kind: 'event', name: 'visit', where: [], measure: 'count', atLeast: 1 };
    const inCity = { property: 'city', test: { kind: 'in', values: ['BCN', 'MAD'] } } as const;
    const nothing = { orders: false, amounts: false, uncounted: false, traits: false };
    const columnsOf = async (...rules: Rule[]) => (await plan(...rules)).columns;
    assert.deepEqual(await columnsOf(), nothing);
    assert.deepEqual(await columnsOf(orders({ withinS: 60 })), { ...nothing, orders: true });
    assert.deepEqual(await columnsOf(orders({ measure: 'days' }), orders({ measure: 'lastAge' })), {
      ...nothing,
      orders: true,
    });
    assert.deepEqual(await columnsOf(orders({ discounted: true })), {
      ...nothing,
      orders: true,
      amounts: true,
    });
    assert.deepEqual(await columnsOf(orders({ statuses: ['refunded'] })), {
      ...nothing,
      orders: true,
      uncounted: true,
    });
    assert.deepEqual(await columnsOf(orders({ statuses: ['completed'] })), { ...nothing, orders: true });
    assert.deepEqual(await columnsOf({ kind: 'listed', list: 'vip' }), {
      ...nothing,
      traits: true,
      traitNames: [2],
    });
    assert.deepEqual(await columnsOf({ ...visit, where: [inCity] }, visit), {
      ...nothing,
      events: { names: [0], properties: [{ name: 'city', values: ['BCN', 'MAD'] }] },
    });
  });

  it('knows when time alone changes a membership', async () => {
    const offsetsOf = async (...rules: Rule[]) => (await plan(...rules)).timeOffsets;
    const nothing = { orders: [], events: [], traits: [], scores: [] };
    assert.deepEqual(await offsetsOf(), nothing);
    assert.deepEqual((await offsetsOf(orders(), orders({ withinS: 60 }))).orders, [0, 60]);
    const lastAge = orders({ measure: 'lastAge', atLeast: 30, atMost: 90, withinS: 3600 });
    assert.deepEqual((await offsetsOf(lastAge)).orders, [0, 30, 91, 3600]);
    const firstAge = orders({ measure: 'firstAge', atLeast: 30, atMost: 90 });
    assert.deepEqual((await offsetsOf(firstAge)).orders, [0, 30, 91]);
    const age = { kind: 'age', atLeast: -60, atMost: 5 } as const;
    assert.deepEqual(await offsetsOf({ kind: 'trait', name: 'city', test: age }), {
      ...nothing,
      traits: [-60, 6],
    });
    assert.deepEqual(await offsetsOf({ kind: 'score', model: 'churn', atLeast: 1 }), {
      ...nothing,
      scores: [0],
    });
    const first = { kind: 'event', filter: { name: 'visit', where: [] } } as const;
    const second = { kind: 'orders', filter: { stores: { kind: 'all' } } } as const;
    const sequence = { kind: 'sequence', first, second, withinS: 5, lookbackS: 60 } as const;
    assert.deepEqual(await offsetsOf({ ...sequence, isWithout: true }), {
      ...nothing,
      orders: [0],
      events: [0, 5, 60],
    });
    assert.deepEqual((await offsetsOf({ ...sequence, isWithout: false })).events, [0, 60]);
  });

  it('reads the time since the last order as orders within', async () => {
    const within = orders({ withinS: 61 });
    const compiled = await plan(within, { ...orders({ measure: 'lastAge', atMost: 60 }), atLeast: 0 });
    assert.equal(compiled.sharedAction.length, 1, 'one condition, shared');
    assert.equal(compiled.tallies.count, 0);
  });

  it('tallies each filter once, however many measures and bounds are on it', async () => {
    const compiled = await plan(
      orders({ measure: 'sum', currency: 'EUR', atLeast: 1 }),
      orders({ measure: 'average', currency: 'EUR', atMost: 5 }),
      orders({ measure: 'stores', currency: 'EUR', atLeast: 2, weekdays: [1, 2, 3, 4, 5, 6, 7] }),
    );
    assert.equal(compiled.tallies.count, 1);
    assert.equal(compiled.tallies.moreTests.length / TEST_WORDS, 2, 'beyond the first');
  });

  it('tests the same properties of an event once, in whatever order they are written', async () => {
    const a = { property: 'a', test: { kind: 'in', values: ['x', 'y'] } } as const;
    const b = { property: 'b', test: { kind: 'exists' } } as const;
    const visit = { kind: 'event', name: 'visit', measure: 'count' } as const;
    const compiled = await plan(
      { ...visit, where: [a, b], atLeast: 1 },
      {
        ...visit,
        where: [b, { ...a, test: { kind: 'in', values: ['y', 'x', 'y'] } }],
        atLeast: 2,
        withinS: 60,
      },
    );
    assert.equal(compiled.events.testStart.length - 1, 1, 'one filter');
    assert.equal(compiled.events.testKind.length, 1, 'one test is left beside the one that finds it');
    assert.deepEqual([...compiled.events.filter], [0, 0], 'both values lead to it');
    assert.equal(compiled.events.tally.length, 2);
  });

  it('refuses bounds that the population has yet to set', async () => {
    const population = { kind: 'top', percent: 10 } as const;
    await assert.rejects(plan({ ...orders({ measure: 'sum', currency: 'EUR' }), population }), /population/);
    await assert.rejects(plan({ kind: 'score', model: 'churn', population }), /population/);
  });

  it('keeps everything on shared memory, so that threads read one copy', async () => {
    const visit = (value: unknown): void => {
      if (ArrayBuffer.isView(value)) assert.ok(value.buffer instanceof SharedArrayBuffer);
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
    };
    visit(
      await plan(
        orders(),
        orders({ measure: 'sum', currency: 'EUR', atLeast: 1, withinS: 5, weekdays: [1] }),
        { kind: 'trait', name: 'city', test: { kind: 'in', values: ['BCN'] } },
        { kind: 'event', name: 'visit', where: [], measure: 'days', atLeast: 1 },
      ),
    );
  });
});
