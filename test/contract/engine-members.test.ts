import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { readMembers } from '../../src/core/engine/duckdb/members.ts';
import type { MembersRequest } from '../../src/core/engine/engine.ts';
import type { OrdersCondition, Rule } from '../../src/model/rule.ts';
import { order } from './engine-contract.ts';

const BOUGHT: OrdersCondition = {
  kind: 'orders',
  stores: { kind: 'all' },
  measure: 'count',
  atLeast: 1,
};
const NEVER: Rule = { kind: 'not', rule: BOUGHT };

/** An engine, and what it answers, as ids. */
async function withEngine(
  body: (
    engine: DuckDbEngine,
    ask: (rule: Rule, rest?: Partial<MembersRequest>) => Promise<string[]>,
  ) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-members-'));
  const database = await openDatabase({ folder, threads: 1 });
  const engine = new DuckDbEngine(database);
  try {
    await body(engine, async (rule, rest = {}) => {
      const { size, customerNos } = await readMembers(database, { rule, moment: 2_000, ...rest });
      assert.equal(customerNos.length, Math.min(size, rest.sample ?? size));
      return engine.customerIds(customerNos);
    });
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

it('members are of orders as they were known, in the base, the tail and the archive', () =>
  withEngine(async (engine, ask) => {
    await engine.put({ orders: [order('a', '1'), order('b', '1')], customers: ['e'] });
    await engine.put({ orders: [order('c', '1')] });
    await engine.put({ orders: [order('a', '1', { status: 'cancelled' }), order('d', '1')] });
    await engine.put({ orders: [order('a', '1'), order('c', '1', { status: 'refunded' })] });
    const history = async () => [
      await ask(BOUGHT, { knownAt: 1 }),
      await ask(BOUGHT, { knownAt: 2 }),
      await ask(BOUGHT, { knownAt: 3 }),
      await ask(BOUGHT),
      await ask(NEVER, { knownAt: 1 }),
      await ask(NEVER),
    ];
    const expected = [['a', 'b'], ['a', 'b', 'c'], ['b', 'c', 'd'], ['a', 'b', 'd'], ['e'], ['c', 'e']];
    const sorted = async () => (await history()).map((ids) => ids.sort());
    assert.deepEqual(await sorted(), expected, 'in the tail');
    await engine.compact();
    assert.deepEqual(await sorted(), expected, 'compacted');
    await engine.put({ orders: [order('b', '1', { status: 'refunded' })] });
    assert.deepEqual((await ask(BOUGHT)).sort(), ['a', 'd']);
    assert.deepEqual((await ask(BOUGHT, { knownAt: 4 })).sort(), expected[3]);
    await engine.eraseCustomer('a');
    assert.deepEqual(await ask(BOUGHT, { knownAt: 1 }), ['b'], 'of those who were erased nothing is left');
  }));

it('an order that was moved to another customer is theirs alone', () =>
  withEngine(async (engine, ask) => {
    await engine.put({ orders: [order('a', '1')] });
    await engine.put({ orders: [order('b', '1', { previousCustomerId: 'a' })] });
    assert.deepEqual(await ask(BOUGHT), ['b']);
    assert.deepEqual(await ask(BOUGHT, { knownAt: 1 }), ['a']);
    assert.deepEqual(await ask(NEVER), ['a']);
  }));

it('members of other facts are of the latest version, and of scores of the version in force', () =>
  withEngine(async (engine, ask) => {
    const city: Rule = { kind: 'trait', name: 'city', test: { kind: 'in', values: ['BCN'] } };
    const churn: Rule = { kind: 'score', model: 'churn', atLeast: 0.5 };
    const vip: Rule = { kind: 'listed', list: 'vip' };
    const score = (customerId: string, version: string, value: number) => {
      return { customerId, model: 'churn', version, value };
    };
    await engine.put({
      traits: [
        { customerId: 'a', name: 'city', value: 'BCN' },
        { customerId: 'b', name: 'city', value: 'MAD' },
      ],
      scores: [score('a', '1', 0.9), score('b', '1', 0.1)],
      listEntries: [{ customerId: 'a', list: 'vip', isListed: true }],
    });
    await engine.put({
      traits: [
        { customerId: 'b', name: 'city', value: 'BCN' },
        { customerId: 'a', name: 'city', value: 'MAD' },
      ],
      scores: [score('b', '2', 0.8)],
      listEntries: [
        { customerId: 'a', list: 'vip', isListed: false },
        { customerId: 'b', list: 'vip', isListed: true },
      ],
    });
    await engine.activateModelVersion('churn', '2');
    assert.deepEqual([await ask(city), await ask(churn), await ask(vip)], [['b'], ['b'], ['b']]);
    const then = { knownAt: 1 };
    assert.deepEqual(
      [await ask(city, then), await ask(churn, then), await ask(vip, then)],
      [['a'], ['a'], ['a']],
    );
    assert.deepEqual(await ask(churn, { knownAt: 2 }), ['a'], 'staged scores are not in force');
  }));

it('a sample is of members, always the same, and the size is of all', () =>
  withEngine(async (engine, ask) => {
    await engine.put({ orders: Array.from({ length: 500 }, (_, i) => order(`c${i}`, '1')) });
    const sample = await ask(BOUGHT, { sample: 20 });
    assert.equal(new Set(sample).size, 20);
    assert.deepEqual(await ask(BOUGHT, { sample: 20 }), sample);
    assert(
      sample.some((id) => Number(id.slice(1)) > 250),
      'it is drawn from all of them',
    );
    assert.deepEqual(await ask(NEVER, { sample: 20 }), []);
  }));

it('what a scan does better is left to it', () =>
  withEngine(async (engine) => {
    const step = { kind: 'orders', filter: { stores: { kind: 'all' } } } as const;
    const ask = (rule: Rule) => engine.members({ rule, moment: 2_000 });
    assert.equal(
      await ask({ kind: 'sequence', first: step, second: step, withinS: 60, isWithout: false }),
      undefined,
    );
    const city: Rule = { kind: 'trait', name: 'city', test: { kind: 'exists' } };
    const passes: Rule[] = Array.from({ length: 6 }, () => ({ kind: 'all', rules: [BOUGHT, city] }));
    assert.equal(await ask({ kind: 'any', rules: passes }), undefined);
    assert.deepEqual(await ask({ kind: 'any', rules: passes.slice(0, 3) }), {
      size: 0,
      customerNos: new Uint32Array(0),
    });
  }));
