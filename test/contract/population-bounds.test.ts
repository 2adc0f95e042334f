/** What a Core promises about segments whose bounds the population sets. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { MemoryCatalog } from '../../src/core/catalog/memory/memory-catalog.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import type { Core, ExplainedCondition } from '../../src/core/core.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { MemoryBoundLog } from '../../src/core/history/memory/memory-bound-log.ts';
import { MemoryCalculationLog } from '../../src/core/history/memory/memory-calculation-log.ts';
import { openCore } from '../../src/core/open-core.ts';
import type { Definition } from '../../src/model/segment.ts';
import { formatMoment } from '../../src/model/time.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { until } from '../until.ts';
import { order } from './engine-contract.ts';

const T = 1_700_000_000;
const NOTE = { author: 'test', at: T };
const TOP: Definition = {
  key: 'top',
  type: 'rule',
  params: { orders: { sum: { topPercent: 20, currency: 'EUR' } } },
};

describe('segments whose bounds the population sets', () => {
  let clock = T;
  let engine: MemoryEngine;
  let core: Core;
  let bounds: MemoryBoundLog;
  beforeEach(() => {
    clock = T;
    engine = new MemoryEngine(() => clock);
    bounds = new MemoryBoundLog();
    core = openCore({
      engine,
      bounds,
      catalog: new MemoryCatalog(),
      calculations: new MemoryCalculationLog(),
      changes: openMemoryChangeLog(),
      target: openMemoryStore(),
      threads: 1,
      now: () => clock,
    });
  });
  afterEach(() => core.close());

  /** One order of each amount, by customers c1, c2, …. */
  const spend = (amounts: readonly number[], orderId = '1') =>
    engine.put({
      orders: amounts.map((amount, i) =>
        order(`c${i + 1}`, orderId, { orderedAt: T - 10, totalE4: amount * 10_000, currency: 'EUR' }),
      ),
    });
  const members = async (key: string) => {
    const found: string[] = [];
    for await (const ids of core.members(key)) found.push(...ids);
    return found.sort();
  };
  const conditionOf = async (customer: string, moment?: number, knowledge?: 'then' | 'now') => {
    const report = await core.explain(customer, 'top', moment, knowledge);
    return { member: report.member, ...(report.rule.condition as ExplainedCondition) };
  };

  it('hold for whoever ties with the last of the top, and stay put until the next full pass', async () => {
    await spend([10, 20, 30, 40, 50, 50, 50, 20, 20, 20]);
    await core.apply([TOP], NOTE);
    await core.calculate({});
    assert.deepEqual(await members('top'), ['c5', 'c6', 'c7']);
    assert.equal((await core.size('top')).size, 3);
    assert.equal((await core.overlap(['top', 'top'])).all, 3);
    assert.equal((await core.preview(TOP)).size, 3);
    // Everybody spends more: by the bound of before all but one would be in.
    clock = T + 100;
    await spend([45, 45, 45, 45, 45, 45, 45, 45, 45, 0], '2');
    assert.deepEqual(await members('top'), ['c5', 'c6', 'c7'], 'what is served is as it was');
    assert.deepEqual((await bounds.last())?.count, 1, 'questions keep no bounds');
    await core.calculate({});
    assert.deepEqual(await members('top'), ['c5', 'c6', 'c7']);
    assert.deepEqual((await bounds.last())?.count, 2);
  });

  it('say so where their bounds were taken over nobody, until the next full pass', async () => {
    await core.apply([TOP], NOTE);
    await core.calculate({});
    assert.equal((await core.size('top')).warnings, undefined, 'there was nobody');
    await core.startLive({ periodMs: 5 });
    await spend([10, 50]);
    await until('a tick has the facts', async () => (await core.factsBacklog()) === 0);
    const { size, warnings = [] } = await core.size('top');
    assert.equal(size, 0);
    assert.match(
      warnings.join(),
      /^"sum of orders ever is in the top 20 %" goes by a population of nobody, as of .*: ranks are taken anew/,
    );
    assert.deepEqual((await core.preview(TOP)).warnings, warnings);
    await core.calculate({});
    const after = await core.size('top');
    assert.deepEqual([after.size, after.warnings], [1, undefined]);
  });

  it('tell the age of the last order with its unit', async () => {
    await spend([10]);
    await core.apply([{ ...TOP, params: { orders: { last: { quintile: 1 } } } }], NOTE);
    await core.calculate({});
    const { value, unit, bound } = await conditionOf('c1');
    assert.deepEqual([value, unit, bound?.atLeast], [10, 'seconds', 10]);
  });

  it('are explained by the bound in force, when it was taken and over how many', async () => {
    await spend([10, 20, 30, 40, 50]);
    await core.apply([TOP], NOTE);
    const { phases } = await core.calculate({});
    assert.ok(phases.bounds !== undefined);
    const { facts, condition, ...rest } = await conditionOf('c4');
    assert.deepEqual(rest, {
      member: false,
      text: 'sum of orders ever is in the top 20 %',
      holds: false,
      value: '40',
      bound: { atLeast: '50', takenAt: formatMoment(T), customers: 5 },
    });
    assert.equal(facts.length, 1);
    assert.ok('population' in condition);
    clock = T + 100;
    await spend([100, 0, 0, 100, 0], '2');
    await core.calculate({});
    const bound = (atLeast: string, takenAt: number) => ({
      atLeast,
      takenAt: formatMoment(takenAt),
      customers: 5,
    });
    assert.deepEqual((await conditionOf('c4')).bound, bound('140', T + 100));
    const then = await conditionOf('c4', T + 99, 'then');
    assert.deepEqual([then.member, then.value, then.bound], [false, '40', bound('50', T)]);
    const inHindsight = await conditionOf('c4', T + 99, 'now');
    assert.deepEqual([inHindsight.member, inHindsight.bound], [true, bound('50', T)]);
    assert.deepEqual(
      (await core.membershipsAt('c5', T + 99)).segments.map(({ key }) => key),
      ['top'],
    );
    assert.deepEqual((await core.membershipsAt('c5', T + 100)).segments, []);
    const earlier = await conditionOf('c4', T - 1, 'now');
    assert.deepEqual(earlier.bound, bound('140', T - 1), 'before the first: as they would have been');
  });

  it('hold for nobody while the population is empty', async () => {
    await engine.put({ customers: ['c1'] });
    await core.apply([TOP], NOTE);
    await core.calculate({});
    assert.deepEqual(await members('top'), []);
    const { bound, member } = await conditionOf('c1');
    assert.deepEqual([member, bound], [false, { takenAt: formatMoment(T), customers: 0 }]);
  });

  it('of scores are taken when another version is put in force', async () => {
    const put = (version: string, values: readonly number[]) =>
      engine.put({
        scores: values.map((value, i) => ({ customerId: `c${i + 1}`, model: 'ltv', value, version })),
      });
    await put('v1', [1, 2, 3, 4]);
    await core.apply(
      [{ key: 'top', type: 'rule', params: { score: { model: 'ltv', topPercent: 50 } } }],
      NOTE,
    );
    await core.calculate({});
    assert.deepEqual((await conditionOf('c1')).bound, {
      atLeast: 3,
      takenAt: formatMoment(T),
      customers: 4,
    });
    await put('v2', [0.4, 0.3]);
    clock = T + 100;
    await engine.activateModelVersion('ltv', 'v2');
    const { member, bound } = await conditionOf('c1', T + 100, 'then');
    assert.deepEqual([member, bound?.atLeast, bound?.customers], [true, 0.4, 2]);
  });

  it('may be paused, and cost nothing then', async () => {
    await spend([10, 20]);
    await core.apply([{ ...TOP, status: 'paused' }], NOTE);
    const { phases } = await core.calculate({});
    assert.equal(phases.bounds, undefined);
    assert.equal(await bounds.last(), undefined);
    assert.equal((await conditionOf('c2')).member, false);
    assert.deepEqual(await members('top'), []);
  });

  it('are refused beyond 1,000 populations, before they are applied', async () => {
    const stores = Array.from({ length: 1_001 }, (_, i) => ({ storeId: `s${i}` }));
    await engine.put({ stores: stores.slice(0, 1_000) });
    const family: Definition = {
      key: 'top-at',
      type: 'rule',
      forEach: 'store',
      params: { orders: { stores: { each: true }, count: { topPercent: 10 } } },
    };
    await core.apply([family], NOTE);
    await assert.rejects(core.apply([TOP], NOTE), { code: 'POPULATIONS_TOO_MANY' });
    assert.equal(await core.segment('top'), undefined);
    await core.apply([{ ...TOP, status: 'paused' }], NOTE);
    await engine.put({ stores });
    await assert.rejects(core.calculate({}), { code: 'POPULATIONS_TOO_MANY' });
    await core.apply([{ ...family, status: 'archived' }, TOP], NOTE);
    await core.calculate({});
  });
});
