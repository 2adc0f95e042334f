/**
 * RFM on a CD shop's real orders of 1997 and 1998: quintiles and groups against ones reckoned by SQL that was
 * written by hand over the file itself, by every implementation. Left out, loudly, where the file is not on
 * this machine.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BoundSource } from '../../src/core/bound-source.ts';
import { readRule } from '../../src/core/catalog/read-rule.ts';
import { MemoryBoundLog } from '../../src/core/history/memory/memory-bound-log.ts';
import { RFM_GROUPS } from '../../src/model/rfm.ts';
import type { Definition } from '../../src/model/segment.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { parseMoment } from '../../src/model/time.ts';
import { knowledgeAfter, type World } from './arbitrary/world.ts';
import { IMPLEMENTATIONS, memberKey } from './implementation.ts';
import { historyFile, readOrders, skip } from './real-facts.ts';
import { receiveFacts } from './received-facts.ts';

if (skip) console.error(`SKIPPED: ${skip}`);

const NOW = parseMoment('1998-06-30T00:00:00Z');

/** One row a customer with an order in the year before: quintiles of the last day, the number, the sum. */
const BY_HAND = `
WITH measured AS (
  SELECT customer_id, max(ordered_at)::TIMESTAMP AS last, count(*) AS orders, sum(total::DECIMAL(18, 4)) AS total
  FROM read_csv('${historyFile('cdnow_orders')}', all_varchar = true)
  WHERE ordered_at::TIMESTAMP > TIMESTAMP '1998-06-30' - INTERVAL 365 DAY AND ordered_at::TIMESTAMP <= TIMESTAMP '1998-06-30'
  GROUP BY customer_id),
ranked AS (
  SELECT count(*) OVER () AS n, row_number() OVER (ORDER BY last) AS r, row_number() OVER (ORDER BY orders) AS f,
    row_number() OVER (ORDER BY total) AS m, * FROM measured),
cut AS (
  SELECT list(last) FILTER (r IN (ceil(n / 5), ceil(2 * n / 5), ceil(3 * n / 5), ceil(4 * n / 5))) AS last_cuts,
    list(orders) FILTER (f IN (ceil(n / 5), ceil(2 * n / 5), ceil(3 * n / 5), ceil(4 * n / 5))) AS order_cuts,
    list(total) FILTER (m IN (ceil(n / 5), ceil(2 * n / 5), ceil(3 * n / 5), ceil(4 * n / 5))) AS total_cuts FROM ranked)
SELECT customer_id AS id, 1 + len(list_filter(last_cuts, lambda c: c < last)) AS recency,
  1 + len(list_filter(order_cuts, lambda c: c < orders)) AS frequency,
  1 + len(list_filter(total_cuts, lambda c: c < total)) AS monetary FROM measured, cut`;

interface Customer {
  readonly id: string;
  readonly recency: number;
  readonly frequency: number;
  readonly monetary: number;
}

const rfm = (key: string, params: object): Definition => ({
  key,
  type: 'rfm',
  params: { currency: 'USD', ...params },
});

/** Definitions, and who is in them by the quintiles. */
const SEGMENTS: readonly { readonly definition: Definition; readonly isIn: (of: Customer) => boolean }[] = [
  ...[1, 2, 3, 4, 5].flatMap((quintile) =>
    (['recency', 'frequency', 'monetary'] as const).map((name) => ({
      definition: rfm(`${name}-${quintile}`, { [name]: quintile }),
      isIn: (of: Customer) => of[name] === quintile,
    })),
  ),
  {
    definition: rfm('champions', { group: 'champions' }),
    isIn: ({ recency, frequency, monetary }) => recency === 5 && frequency >= 4 && monetary >= 4,
  },
  {
    definition: rfm('at-risk', { group: 'at-risk' }),
    isIn: ({ recency, frequency, monetary }) =>
      recency <= 2 && (frequency === 3 || frequency === 4 || (frequency === 5 && monetary <= 3)),
  },
];

it('CDNOW: quintiles and groups are those of a query by hand, and everybody who ordered is in one group', {
  skip,
}, async (t) => {
  const world: World = {
    received: [{ orders: readOrders('cdnow_orders'), stores: [], traits: [] }],
    moments: [],
  };
  const received = await receiveFacts(world, 1);
  try {
    const knowledge = knowledgeAfter(world);
    const byHand = await received.database.rows<Customer & Record<string, never>>(BY_HAND);
    const groups = Object.keys(RFM_GROUPS).map((group) => rfm(group, { group }));
    const definitions = [...SEGMENTS.map(({ definition }) => definition), ...groups];
    const source = new BoundSource({ engine: received.engine, log: new MemoryBoundLog() });
    const { segments, fresh } = await source.bound(
      definitions.map((definition, i) => ({
        segmentNo: i,
        key: definition.key,
        definition,
        rule: readRule(definition, SEGMENT_TYPES),
      })),
      {
        stores: await received.engine.storeTable(),
        asOf: { moment: NOW, batchNo: 1, catalogNo: 0, calculationNo: 1 },
        reuse: 'none',
      },
    );
    assert.deepEqual(
      fresh.map(({ customers }) => customers),
      [byHand.length, byHand.length, byHand.length],
      'three bounds, taken over all who ordered',
    );
    const rules = segments.map(({ rule }) => rule);
    const question = { ...received, knowledge, assumeCompacted: true, rules, moment: NOW };
    for (const implementation of IMPLEMENTATIONS) {
      const found = await implementation.members(question);
      for (const [i, { definition, isIn }] of SEGMENTS.entries()) {
        for (const of of byHand) {
          const where = `${implementation.name}: ${definition.key}, ${JSON.stringify(of)}`;
          assert.equal(found.has(memberKey(i, of.id)), isIn(of), where);
        }
        const members = [...knowledge.customers.keys()].filter((id) => found.has(memberKey(i, id)));
        assert.equal(members.length, byHand.filter(isIn).length, 'nobody else is in');
      }
      for (const { id } of byHand) {
        const own = groups.filter((_, i) => found.has(memberKey(SEGMENTS.length + i, id)));
        assert.equal(own.length, 1, `${implementation.name}: ${id} is in ${own.map(({ key }) => key)}`);
      }
    }
    const champions = SEGMENTS.find(({ definition }) => definition.key === 'champions')!;
    t.diagnostic(`${byHand.length} customers, ${byHand.filter(champions.isIn).length} of them champions`);
  } finally {
    await received.close();
  }
});
