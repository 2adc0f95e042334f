/** Queries over facts reconciled once find whom the plain form finds, for every kind of condition. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { EventFilter, OrdersCondition, Rule } from '../../../model/rule.ts';
import { segmentSql } from '../../verify/segment-sql.ts';
import { type DuckDbDatabase, openDatabase } from './database.ts';
import { DuckDbEngine } from './duckdb-engine.ts';
import { openFactsInForce } from './facts-in-force.ts';

const MOMENT = 10_000;
const order = (customerId: string, orderId: string, orderedAt: number) =>
  ({ customerId, orderId, storeId: 's1', orderedAt, totalE4: 1, discountE4: 0, currency: '' }) as const;
const event = (customerId: string, name: string, occurredAt: number, properties = {}) => ({
  customerId,
  eventId: `${name} ${occurredAt}`,
  name,
  occurredAt,
  properties,
});

const bought: OrdersCondition = { kind: 'orders', stores: { kind: 'all' }, measure: 'count', atLeast: 1 };
const basket: EventFilter = {
  name: 'basket',
  where: [{ property: 'items', test: { kind: 'range', atLeast: 2 } }],
};
const abandoned = {
  kind: 'sequence',
  first: { kind: 'event', filter: basket },
  second: { kind: 'orders', filter: { stores: { kind: 'all' } } },
  withinS: 100,
  isWithout: true,
} as const;
/** Each with its members after the first batches and after all. */
const CASES: readonly (readonly [string, Rule, first: string, all: string])[] = [
  ['orders', bought, 'a b', 'a d'],
  ['orders of a status', { ...bought, statuses: ['refunded'] }, '', 'b'],
  ['traits', { kind: 'trait', name: 'tier', test: { kind: 'in', values: ['gold'] } }, 'a', 'b'],
  ['events', { kind: 'event', ...basket, measure: 'count', atLeast: 1 }, 'a b', 'a b c'],
  ['scores of the version in force', { kind: 'score', model: 'churn', atLeast: 0.5 }, 'a', 'b'],
  ['lists', { kind: 'listed', list: 'vip' }, 'a b', 'b c'],
  ['sequences', abandoned, 'b', 'b c'],
  ['their absence', { kind: 'not', rule: { kind: 'listed', list: 'vip' } }, 'c', 'a d'],
];

let folder: string;
let database: DuckDbDatabase;
let engine: DuckDbEngine;
/** Batches that were put first, and all. */
const knownAt: number[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coterie-facts-in-force-'));
  database = await openDatabase({ folder: join(folder, 'data') });
  engine = new DuckDbEngine(database);
  const score = (customerId: string, version: string, value: number) => ({
    customerId,
    model: 'churn',
    version,
    value,
  });
  const first = await engine.put({
    customers: ['c'],
    orders: [
      { ...order('a', 'o1', 1_050), status: 'completed' },
      { ...order('b', 'o2', 5_000), status: 'completed' },
    ],
    traits: [{ customerId: 'a', name: 'tier', value: 'gold' }],
    events: [event('a', 'basket', 1_000, { items: '3' }), event('b', 'basket', 1_000, { items: '2' })],
    scores: [score('a', '1', 0.9), score('b', '1', 0.1)],
    listEntries: ['a', 'b'].map((customerId) => ({ customerId, list: 'vip', isListed: true })),
  });
  await engine.put({
    orders: [
      { ...order('b', 'o2', 5_000), status: 'refunded' },
      { ...order('d', 'o3', 6_000), status: 'completed' },
    ],
    traits: [
      { customerId: 'a', name: 'tier', value: 'none' },
      { customerId: 'b', name: 'tier', value: 'gold' },
    ],
    events: [event('c', 'basket', 2_000, { items: '2' }), event('d', 'basket', 2_000, { items: '1' })],
    scores: [score('a', '2', 0.1), score('b', '2', 0.9)],
    listEntries: [
      { customerId: 'a', list: 'vip', isListed: false },
      { customerId: 'c', list: 'vip', isListed: true },
    ],
  });
  const activated = await engine.activateModelVersion('churn', '2');
  knownAt.push(first.batchNo, activated.batchNo);
});
after(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

async function idsAt(batchNo: number): Promise<Map<number, string>> {
  const ids = new Map<number, string>();
  for await (const batch of engine.customers(batchNo)) {
    batch.ids.forEach((id, i) => {
      ids.set(batch.customerNos[i]!, id);
    });
  }
  return ids;
}

async function plain(rule: Rule, batchNo: number): Promise<string> {
  const ids = await idsAt(batchNo);
  const { sql, params } = segmentSql(rule, { moment: MOMENT, knownAt: batchNo, dialect: 'duckdb' });
  const rows = await database.rows<{ customer_no: number }>(sql, params);
  return rows
    .map((row) => ids.get(row.customer_no))
    .sort()
    .join(' ');
}

/** @param asked - Ids of the only customers asked about; absent: all. */
async function reconciled(rule: Rule, batchNo: number, asked?: readonly string[]): Promise<string> {
  const ids = new Map([...(await idsAt(batchNo))].filter(([, id]) => asked?.includes(id) ?? true));
  const asOf = { moment: MOMENT, batchNo, catalogNo: 0, calculationNo: 0 };
  const customers = asked && Uint32Array.from(ids.keys());
  const oracle = await openFactsInForce(database, { asOf, ...(customers ? { customers } : {}) });
  try {
    const { customerNos, isComplement } = await oracle.members(rule);
    return [...ids]
      .filter(([no]) => customerNos.includes(no) !== isComplement)
      .map(([, id]) => id)
      .sort()
      .join(' ');
  } finally {
    await oracle.close();
  }
}

describe('queries over facts in force', () => {
  for (const [name, rule, ...members] of CASES) {
    it(`find by ${name} whom the plain form finds, now and as of an earlier batch`, async () => {
      for (const [i, batchNo] of knownAt.entries()) {
        assert.equal(await plain(rule, batchNo), members[i]);
        assert.equal(await reconciled(rule, batchNo), members[i]);
        const some = ['a', 'c'];
        const expected = members[i]!.split(' ').filter((id) => some.includes(id));
        assert.equal(await reconciled(rule, batchNo, some), expected.join(' '));
      }
    });
  }
});
