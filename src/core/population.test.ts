import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { OrdersCondition, Rule, SequenceStep } from '../model/rule.ts';
import { storesLookedAt } from './population.ts';

const ids = ['s1', 's2', 's3'];
const none = ids.map(() => undefined);
const STORES = { ids, brand: none, city: none, category: none, tags: none };

const inStores = (...stores: string[]): OrdersCondition => {
  return { kind: 'orders', stores: { kind: 'ids', ids: stores }, measure: 'count', atLeast: 1 };
};
const stepIn = (...stores: string[]): SequenceStep => {
  return { kind: 'orders', filter: { stores: { kind: 'ids', ids: stores } } };
};
const anywhere: SequenceStep = { kind: 'orders', filter: { stores: { kind: 'all' } } };
const visit: SequenceStep = { kind: 'event', filter: { name: 'visit', where: [] } };
const sequence = (first: SequenceStep, second: SequenceStep): Rule => {
  return { kind: 'sequence', first, second, withinS: 60, isWithout: true };
};
const looked = (...rules: Rule[]): number[] | undefined => {
  const segments = rules.map((rule, segmentNo) => {
    const key = `rule-${segmentNo}`;
    return { segmentNo, key, definition: { key, type: 'rule' }, rule };
  });
  const stores = storesLookedAt(segments, STORES);
  return stores && [...stores];
};

it('rules are bound to stores where every condition needs an order there, of any status', () => {
  assert.deepEqual(looked(inStores('s3'), { kind: 'not', rule: inStores('s1') }), [1, 3]);
  assert.deepEqual(looked({ ...inStores('s2'), statuses: ['refunded'], measure: 'lastAge' }), [2]);
  assert.deepEqual(looked(sequence(stepIn('s1'), stepIn('s2'))), [1, 2]);
  assert.deepEqual(looked(sequence(stepIn('s1'), visit)), [1], 'events come with the customer');
});

it('rules are not bound to stores where other facts can make them hold, or not hold', () => {
  assert.equal(looked(inStores('s1'), { ...inStores(), stores: { kind: 'all' } }), undefined);
  assert.equal(looked(sequence(visit, stepIn('s1'))), undefined);
  assert.equal(looked(sequence(stepIn('s1'), anywhere)), undefined);
  const event: Rule = { kind: 'event', name: 'visit', where: [], measure: 'count', atLeast: 1 };
  const others: Rule[] = [event, { kind: 'listed', list: 'vip' }, { kind: 'score', model: 'churn' }];
  for (const rule of others) assert.equal(looked({ kind: 'all', rules: [inStores('s1'), rule] }), undefined);
});
