import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OrdersCondition, Rule } from '../../model/rule.ts';
import { segmentSql } from './segment-sql.ts';

const ever: OrdersCondition = {
  kind: 'orders',
  stores: { kind: 'ids', ids: ['s1'] },
  measure: 'count',
  atLeast: 1,
};
const at = { moment: 1_000, dialect: 'duckdb' } as const;

// That the queries find the right members is the matter of test/property and test/vectors.
describe('the SQL oracle', () => {
  it('never writes text of a rule into the query', () => {
    const hostile = "'); DROP TABLE customer; --";
    const rules: Rule[] = [
      { ...ever, stores: { kind: 'ids', ids: [hostile] }, currency: hostile },
      { ...ever, stores: { kind: 'attributes', attributes: { city: [hostile], tag: [hostile] } } },
      { kind: 'trait', name: hostile, test: { kind: 'in', values: [hostile] } },
    ];
    for (const rule of rules) {
      const { sql, params } = segmentSql(rule, at);
      assert(!sql.includes('DROP'), sql);
      assert.deepEqual(params, [hostile, hostile]);
    }
  });

  it('never writes names of events, properties, models, lists or zones into the query', () => {
    const hostile = "'); DROP TABLE customer; --";
    const filter = {
      name: hostile,
      where: [{ property: hostile, test: { kind: 'in' as const, values: [hostile] } }],
    };
    const step = { kind: 'event' as const, filter };
    const rules: Rule[] = [
      { ...ever, stores: { kind: 'all' }, weekdays: [1], timeZone: hostile },
      { kind: 'event', ...filter, measure: 'count', atLeast: 1 },
      { kind: 'score', model: hostile },
      { kind: 'listed', list: hostile },
      { kind: 'sequence', first: step, second: step, withinS: 60, isWithout: true },
    ];
    for (const dialect of ['duckdb', 'postgres'] as const) {
      for (const rule of rules) {
        const { sql, params } = segmentSql(rule, { ...at, dialect });
        assert(!sql.includes('DROP'), sql);
        assert(params.length > 0 && params.every((text) => text.endsWith(hostile)));
      }
    }
  });

  it('reads the table of customers only when customers without facts are in the segment', () => {
    assert.doesNotMatch(segmentSql(ever, at).sql, /FROM customer\b/);
    assert.match(segmentSql({ kind: 'not', rule: ever }, at).sql, /FROM customer\b/);
  });

  it('measures conditions on the same stores in one pass over the orders', () => {
    const inactive: Rule = { kind: 'all', rules: [ever, { kind: 'not', rule: { ...ever, withinS: 60 } }] };
    const passes = segmentSql(inactive, at).sql.match(/FROM known_order/g);
    assert.equal(passes?.length, 1);
  });

  it('reads nothing but the base when all is compacted, and the archive only to look back', () => {
    const tables = (options: object): string[] => {
      const { sql } = segmentSql(ever, { ...at, ...options });
      return ['order_base', 'order_tail', 'order_archive'].filter((table) => sql.includes(table));
    };
    assert.deepEqual(tables({ assumeCompacted: true }), ['order_base']);
    assert.deepEqual(tables({}), ['order_base', 'order_tail']);
    assert.deepEqual(tables({ knownAt: 3 }), ['order_base', 'order_tail', 'order_archive']);
  });
});
