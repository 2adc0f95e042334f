/**
 * Rules over every kind of fact on a grocery chain's real history: demographics as traits, campaigns and
 * redemptions as events, a score made from the baskets, a campaign's customers as a list. The compiled plan,
 * the naive evaluator and one SQL query per segment find the same members, and so does a query that was
 * written by hand over the files themselves. Left out, loudly, where the files are not on this machine.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readRule } from '../../src/core/catalog/read-rule.ts';
import type { ListEntryFact, OrderFact, ScoreFact } from '../../src/model/fact.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { parseMoment } from '../../src/model/time.ts';
import { knowledgeAfter, type World } from './arbitrary/world.ts';
import { agreedMembers, memberKey } from './implementation.ts';
import { historyFile, readCampaignEvents, readDemographics, readOrders, skip } from './real-facts.ts';
import { receiveFacts } from './received-facts.ts';

if (skip) console.error(`SKIPPED: ${skip}`);

const DAY_S = 86_400;
const NOW = parseMoment('2018-02-05T00:00:00Z');
/** The campaign whose customers are on the list. */
const CAMPAIGN = '25';

/** Definitions as people write them, and who is in them, by hand over the files (see `FILES`). */
const SEGMENTS: readonly { readonly name: string; readonly params: unknown; readonly byHand: string }[] = [
  {
    name: 'home owners with children',
    params: {
      all: [
        { trait: { name: 'homeowner', equals: 'Homeowner' } },
        { trait: { name: 'kid_category', in: ['1', '2', '3+'] } },
      ],
    },
    byHand:
      "SELECT customer_id FROM household WHERE homeowner = 'Homeowner' AND kid_category IN ('1', '2', '3+')",
  },
  {
    name: 'redeemed three coupons or more within half a year',
    params: { event: { name: 'redeemed', count: { atLeast: 3 }, within: '180d' } },
    byHand: `SELECT customer_id FROM redeemed WHERE t > ${NOW - 180 * DAY_S} AND t <= ${NOW} GROUP BY 1 HAVING count(*) >= 3`,
  },
  {
    name: 'redeemed on two days something of campaigns 18 to 20',
    params: {
      event: { name: 'redeemed', where: { campaign: { atLeast: 18, atMost: 20 } }, days: { atLeast: 2 } },
    },
    byHand: `SELECT customer_id FROM redeemed WHERE campaign BETWEEN 18 AND 20 AND t <= ${NOW}
      GROUP BY 1 HAVING count(DISTINCT t // 86400) >= 2`,
  },
  {
    name: 'last redeemed something 60 days ago or longer',
    params: { event: { name: 'redeemed', last: { before: '60d' } } },
    byHand: `SELECT customer_id FROM redeemed WHERE t <= ${NOW} GROUP BY 1 HAVING max(t) <= ${NOW - 60 * DAY_S}`,
  },
  {
    name: 'targeted, and redeemed nothing for 45 days',
    params: {
      sequence: {
        first: { event: { name: 'targeted', where: { type: 'TypeA' } } },
        without: { event: { name: 'redeemed' } },
        within: '45d',
      },
    },
    byHand: `SELECT DISTINCT customer_id FROM targeted AS a WHERE type = 'TypeA' AND t <= ${NOW - 45 * DAY_S} AND NOT EXISTS
      (SELECT 1 FROM redeemed AS b WHERE b.customer_id = a.customer_id AND b.t > a.t AND b.t <= a.t + ${45 * DAY_S})`,
  },
  {
    name: 'redeemed something, and came back within a week',
    params: {
      sequence: {
        first: { event: { name: 'redeemed' } },
        then: { orders: {} },
        within: '1w',
        lookback: '21d',
      },
    },
    byHand: `SELECT DISTINCT a.customer_id FROM redeemed AS a JOIN basket AS b ON b.customer_id = a.customer_id
      WHERE a.t > ${NOW - 21 * DAY_S} AND a.t <= ${NOW} AND b.t > a.t AND b.t <= a.t + ${7 * DAY_S} AND b.t <= ${NOW}`,
  },
  {
    name: 'two baskets on evenings of the weekend, where the shops are',
    params: {
      orders: {
        weekday: ['sat', 'sun'],
        hours: { from: 18, to: 22 },
        timeZone: 'America/New_York',
        count: { atLeast: 2 },
        within: '21d',
      },
    },
    // The text of each order is of its own local time.
    byHand: `SELECT customer_id FROM basket WHERE t > ${NOW - 21 * DAY_S} AND t <= ${NOW} AND isodow(here) >= 6
      AND hour(here) BETWEEN 18 AND 21 GROUP BY 1 HAVING count(*) >= 2`,
  },
  {
    name: 'baskets on ten days, in three shops',
    params: {
      all: [
        { orders: { days: { atLeast: 10 }, timeZone: 'America/New_York', within: '21d' } },
        { orders: { distinctStores: { atLeast: 3 }, within: '21d' } },
      ],
    },
    byHand: `SELECT customer_id FROM basket WHERE t > ${NOW - 21 * DAY_S} AND t <= ${NOW}
      GROUP BY 1 HAVING count(DISTINCT here::DATE) >= 10 AND count(DISTINCT store_id) >= 3`,
  },
  {
    name: 'frequent by the model, or the model knows nothing',
    params: { score: { model: 'frequency', atLeast: 0.5, whenMissing: true } },
    byHand: `SELECT customer_id FROM customer EXCEPT
      SELECT customer_id FROM three_weeks GROUP BY 1 HAVING count(*) / 20 < 0.5 AND max(customer_id::INTEGER) % 10 > 0`,
  },
  {
    name: `on the list of campaign ${CAMPAIGN}, without a basket for ten days`,
    params: { all: [{ listed: { list: `campaign-${CAMPAIGN}` } }, { orders: { last: { before: '10d' } } }] },
    byHand: `SELECT customer_id FROM basket WHERE t <= ${NOW} AND customer_id IN
      (SELECT customer_id FROM targeted WHERE campaign = ${CAMPAIGN}) GROUP BY 1 HAVING max(t) <= ${NOW - 10 * DAY_S}`,
  },
];

/** What the queries by hand read. */
const FILES = `WITH three_weeks AS (SELECT * FROM read_csv('${historyFile('cj_orders_3weeks_complete')}', all_varchar = true)),
basket AS (SELECT customer_id, store_id, epoch(ordered_at::TIMESTAMPTZ)::BIGINT AS t, left(ordered_at, 19)::TIMESTAMP AS here
  FROM (SELECT customer_id, store_id, ordered_at FROM three_weeks UNION ALL SELECT customer_id, store_id, ordered_at
    FROM read_csv('${historyFile('cj_orders_2017_line_sample')}', all_varchar = true))),
household AS (SELECT * FROM read_csv('${historyFile('cj_demographics')}', all_varchar = true)),
targeted AS (SELECT customer_id, campaign_id::INTEGER AS campaign, campaign_type AS type, epoch(start_date::TIMESTAMP)::BIGINT AS t
  FROM read_csv('${historyFile('cj_campaign_customers')}', all_varchar = true) AS c
  JOIN (SELECT campaign_id, start_date FROM read_csv('${historyFile('cj_campaigns')}', all_varchar = true)) USING (campaign_id)),
redeemed AS (SELECT customer_id, campaign_id::INTEGER AS campaign, epoch(redeemed_on::TIMESTAMP)::BIGINT AS t
  FROM read_csv('${historyFile('cj_coupon_redemptions')}', all_varchar = true)),
customer AS (SELECT customer_id FROM basket UNION SELECT customer_id FROM household UNION
  SELECT customer_id FROM targeted UNION SELECT customer_id FROM redeemed)
`;

it('Complete Journey: rules of every kind find whom a query by hand finds', { skip }, async (t) => {
  const world = readWorld();
  const received = await receiveFacts(world, world.received.length);
  try {
    const knowledge = knowledgeAfter(world);
    const rules = SEGMENTS.map(({ params }) => readRule({ key: 's', type: 'rule', params }, SEGMENT_TYPES));
    // At this second a basket of ten days ago is exactly on the edge; at NOW the scores that end then.
    const edge = readOrders('cj_orders_3weeks_complete')[4_000]!.orderedAt + 10 * DAY_S;
    const question = { ...received, knowledge, rules };
    const found = await agreedMembers({ ...question, moment: NOW });
    for (const moment of [edge, NOW + 7 * DAY_S, parseMoment('2018-01-25T00:00:00Z')]) {
      await agreedMembers({ ...question, moment });
    }
    for (const [i, { name, byHand }] of SEGMENTS.entries()) {
      const rows = await received.database.rows<{ id: string }>(
        `${FILES} SELECT customer_id AS id FROM (${byHand}) ORDER BY id`,
      );
      const expected = rows.map(({ id }) => id);
      const members = [...knowledge.customers.keys()].filter((id) => found.has(memberKey(i, id)));
      t.diagnostic(`${name}: ${members.length}`);
      assert.ok(expected.length > 0 && expected.length < knowledge.customers.size, name);
      assert.deepEqual(members.sort(), expected.sort(), name);
    }
  } finally {
    await received.close();
  }
});

function readWorld(): World {
  const threeWeeks = readOrders('cj_orders_3weeks_complete');
  const events = readCampaignEvents();
  const listed = events.filter(
    ({ name, properties }) => name === 'targeted' && properties.campaign === CAMPAIGN,
  );
  const nothing = { orders: [], stores: [], traits: [] };
  return {
    received: [
      { ...nothing, orders: readOrders('cj_orders_2017_line_sample') },
      { ...nothing, orders: threeWeeks, scores: scoresOf(threeWeeks, 'old', () => 0) },
      { ...nothing, traits: readDemographics(), events },
      { ...nothing, scores: scoresOf(threeWeeks, 'new', (orders) => orders / 20) },
      { ...nothing, activates: { model: 'frequency', version: 'new' } },
      {
        ...nothing,
        listEntries: listed.map(
          ({ customerId }): ListEntryFact => ({ customerId, list: `campaign-${CAMPAIGN}`, isListed: true }),
        ),
      },
    ],
    moments: [],
  };
}

/** Orders over 20, for whoever has any; of every tenth customer it ends at the moment that is asked for. */
function scoresOf(
  orders: readonly OrderFact[],
  version: string,
  scoreOf: (orders: number) => number,
): ScoreFact[] {
  const counts = new Map<string, number>();
  for (const { customerId } of orders) counts.set(customerId, (counts.get(customerId) ?? 0) + 1);
  return [...counts].map(([customerId, count]) => ({
    customerId,
    model: 'frequency',
    value: scoreOf(count),
    version,
    ...(Number(customerId) % 10 === 0 ? { validUntil: NOW } : {}),
  }));
}
