import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OrdersCondition, Rule } from '../../model/rule.ts';
import type { Segment } from '../../model/segment.ts';
import type { FactDictionary, StoreTable } from '../engine/engine.ts';
import { compile } from './compile.ts';
import { ACTION, ACTION_BITS, type Plan } from './plan.ts';

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
    assert.equal(compiled.sharedStart.length - 1, 1);
    assert.deepEqual(
      [...compiled.sharedAction],
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
    assert.equal(compiled.orders.tally.item.length, 0);
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
    assert.equal(compiled.programStart[1], 0);
    assert.ok(compiled.programStart[2]! > 0);
    assert.equal(compiled.exceptionHigh[0], 0xffff_ffff, 'any condition makes a difference');
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

  it('keeps everything on shared memory, so that threads read one copy', async () => {
    const visit = (value: unknown): void => {
      if (ArrayBuffer.isView(value)) assert.ok(value.buffer instanceof SharedArrayBuffer);
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
    };
    visit(await plan(orders(), orders({ measure: 'sum', currency: 'EUR', atLeast: 1, withinS: 5 })));
  });
});
