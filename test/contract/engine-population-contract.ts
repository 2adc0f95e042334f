/** What every engine promises about the values of a population at ranks. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Engine, PopulationRequest } from '../../src/core/engine/engine.ts';
import { engineTest, type OpenEngine, order } from './engine-contract.ts';
import { score } from './engine-score-contract.ts';

const COUNT = { kind: 'orders', measure: 'count' } as const;
const everyRank = (customers: number) => Array.from({ length: customers }, (_, i) => i + 1);

/** All values, ascending. */
async function valuesOf(
  engine: Engine,
  measure: PopulationRequest['measure'],
  rest: Partial<PopulationRequest> = {},
): Promise<readonly number[]> {
  const request = { measure, moment: 2_000, ranksOf: everyRank, ...rest };
  const { customers, values } = await engine.populationValues(request);
  assert.equal(customers, values.length);
  return values;
}

/** Defines the suite for one driver. */
export function enginePopulationContract(name: string, open: OpenEngine): void {
  const test = engineTest(open);

  describe(`populations in the ${name} engine`, () => {
    test('over nobody have no values, and no ranks are asked for', async (engine) => {
      const ranksOf = () => assert.fail('there is nobody to rank');
      const request = { measure: COUNT, moment: 2_000, ranksOf };
      assert.deepEqual(await engine.populationValues(request), { customers: 0, values: [] });
      await engine.put({ customers: ['c'], orders: [order('a', '1', { orderedAt: 3_000 })] });
      assert.deepEqual(await engine.populationValues(request), { customers: 0, values: [] });
      const stores = Uint32Array.of();
      assert.deepEqual(await engine.populationValues({ ...request, moment: 4_000, stores }), {
        customers: 0,
        values: [],
      });
    });

    test('are the customers with an order that is looked at, at the ranks asked for', async (engine) => {
      await engine.put({
        orders: ['a', 'b', 'b', 'c', 'c', 'c', 'd'].map((id, i) => order(id, `${i}`)),
        customers: ['e'],
      });
      const request = { measure: COUNT, moment: 2_000, ranksOf: (n: number) => [n, 1, 3, 3] };
      assert.deepEqual(await engine.populationValues(request), { customers: 4, values: [3, 1, 2, 2] });
    });

    test('look at latest versions as they were known, whether compacted or not', async (engine) => {
      const put = (totalE4: number, rest = {}) =>
        engine.put({ orders: [order('a', '1', { totalE4, currency: 'EUR', ...rest })] });
      await put(10_000);
      await engine.put({ orders: [order('b', '1', { totalE4: 5_000, currency: 'EUR' })] });
      await put(30_000);
      await put(40_000, { status: 'refunded' });
      const sum = { kind: 'orders', measure: 'sum', currency: 'EUR' } as const;
      const all = async () => [
        await valuesOf(engine, sum),
        await valuesOf(engine, sum, { knownAt: 3 }),
        await valuesOf(engine, sum, { knownAt: 2 }),
        await valuesOf(engine, sum, { knownAt: 1 }),
        await valuesOf(engine, { ...sum, statuses: ['refunded'] }),
      ];
      const expected = [[5_000], [5_000, 30_000], [5_000, 10_000], [10_000], [40_000]];
      assert.deepEqual(await all(), expected);
      if ('compact' in engine) await (engine as { compact(): Promise<void> }).compact();
      assert.deepEqual(await all(), expected);
      await engine.eraseCustomer('b');
      assert.deepEqual(await valuesOf(engine, sum, { knownAt: 2 }), [10_000], 'nothing is left of them');
    });

    test('measure what conditions on orders measure', async (engine) => {
      await engine.put({
        orders: [
          order('a', '1', { storeId: 's1', orderedAt: 100, totalE4: -7, currency: 'EUR' }),
          order('a', '2', { storeId: 's2', orderedAt: 200, totalE4: 4, currency: 'EUR', discountE4: 1 }),
          order('b', '1', { orderedAt: 86_500, totalE4: 5, currency: 'EUR' }),
          order('b', '2', { storeId: 's2', orderedAt: 99, totalE4: 2, currency: 'EUR' }),
          order('c', '1', { orderedAt: 50, totalE4: 1, currency: 'USD' }),
        ],
      });
      const moment = 90_000;
      const euros = { kind: 'orders', currency: 'EUR' } as const;
      const of = (measure: 'sum' | 'average' | 'minimum' | 'maximum') =>
        valuesOf(engine, { ...euros, measure }, { moment });
      assert.deepEqual(await of('sum'), [-3, 7]);
      assert.deepEqual(await of('average'), [-2, 3], 'rounded down, below 0 too');
      assert.deepEqual(await of('minimum'), [-7, 2]);
      assert.deepEqual(await of('maximum'), [4, 5]);
      const count = (measure: 'days' | 'stores' | 'firstAge' | 'lastAge') =>
        valuesOf(engine, { kind: 'orders', measure }, { moment });
      assert.deepEqual(await count('days'), [1, 1, 2]);
      assert.deepEqual(await count('stores'), [0, 1, 2]);
      assert.deepEqual(await count('firstAge'), [50, 99, 100]);
      assert.deepEqual(await count('lastAge'), [50, 200, 86_500]);
      const filtered = (rest: object) => valuesOf(engine, { ...COUNT, ...rest }, { moment });
      assert.deepEqual(await filtered({ withinS: 89_900 }), [1, 1], 'of the two, one is on the edge');
      assert.deepEqual(await filtered({ discounted: true }), [1]);
      assert.deepEqual(await filtered({ currency: 'EUR', minimumTotalE4: 5 }), [1]);
      assert.deepEqual(await filtered({ currency: 'GBP' }), []);
      assert.deepEqual(await filtered({ weekdays: [5] }), [1], 'the second day of 1970 was a Friday');
      assert.deepEqual(await filtered({ hours: { from: 5, to: 6 }, timeZone: 'Asia/Kolkata' }), [1, 2, 2]);
      assert.deepEqual(await valuesOf(engine, COUNT, { moment, stores: Uint32Array.of(2) }), [1, 1]);
    });

    test('of scores are those of the version in force that count', async (engine) => {
      await engine.put({
        scores: [
          score('a', 0.5),
          score('b', 0.1 + 0.2, { validUntil: 2_001 }),
          score('c', 9, { validUntil: 2_000 }),
        ],
      });
      await engine.put({ scores: [score('a', -1, { version: 'v2' }), score('b', 0.25)] });
      const churn = { kind: 'score', model: 'churn' } as const;
      assert.deepEqual(await valuesOf(engine, churn, { knownAt: 1 }), [0.1 + 0.2, 0.5]);
      assert.deepEqual(await valuesOf(engine, churn), [0.25, 0.5], 'a later score counts for ever');
      await engine.activateModelVersion('churn', 'v2');
      assert.deepEqual(await valuesOf(engine, churn), [-1]);
      assert.deepEqual(await valuesOf(engine, { kind: 'score', model: 'unheard-of' }), []);
    });
  });
}
