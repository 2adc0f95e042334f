/**
 * The events of a simulated marketplace, as SQL: what customers looked at, searched for, put into baskets
 * and opened, a range of customers at a time, sorted by customer, name and time. Who orders much is seen
 * much. Variables and macros: see `simulate-market.ts`; also `sim_events` (BIGINT).
 */
import { EVENT_KEY } from './ingest-events.ts';

/** The commonest first: a name is the product of two draws. */
const NAMES = ['store_viewed', 'push_opened', 'basket_filled', 'search_made', 'checkout_started'] as const;

const DEVICE = `(['android', 'ios', 'web'])[1 + draw(h2, 0, 3)]`;
const CATEGORY = `(['pizza', 'burger', 'sushi', 'grocery', 'kebab', 'healthy', 'dessert', 'pharmacy'])[1 + draw(h2, 16, 8)]`;
const CAMPAIGN = `(['spring', 'free-delivery', 'comeback', 'weekend'])[1 + draw(h2, 16, 4)]`;
const BASKET = `'","items":"' || 1 + draw(h2, 16, 8) || '","total":"' || 5 + draw(h2, 32, 80) || '"}'`;

/** By name; keys ascend. */
const PROPERTIES: Readonly<Record<(typeof NAMES)[number], string>> = {
  store_viewed: `'{"category":"' || ${CATEGORY} || '","device":"' || ${DEVICE} || '"}'`,
  push_opened: `'{"campaign":"' || ${CAMPAIGN} || '","device":"' || ${DEVICE} || '"}'`,
  basket_filled: `'{"device":"' || ${DEVICE} || ${BASKET}`,
  search_made: `'{"device":"' || ${DEVICE} || '","text":"' || ${CATEGORY} || '"}'`,
  checkout_started: `'{"device":"' || ${DEVICE} || ${BASKET}`,
};

/** Dealt out by orders, adding up to `sim_events` exactly. In the order of customers, as running sums need it. */
const DEAL_EVENTS = `
SET VARIABLE sim_seen = (SELECT sum(orders + 3)::HUGEINT FROM sim_customer);
CREATE OR REPLACE TEMP TABLE sim_visitor AS
SELECT *, (sum(events) OVER (ROWS UNBOUNDED PRECEDING) - events)::BIGINT AS first_event
FROM (
  SELECT customer_no, key, hours_ahead, joined_day, active_days, lapse_after, lapse_days,
    share_out(getvariable('sim_events'), seen_by - (orders + 3), orders + 3, getvariable('sim_seen')) AS events
  FROM (SELECT *, sum(orders + 3) OVER (ROWS UNBOUNDED PRECEDING) AS seen_by FROM sim_customer)
);
`;

const INSERT_NAMES = `
INSERT INTO event_name VALUES ${NAMES.map((name, i) => `(${i + 1}, '${name}')`).join(', ')};
`;

/** In this order, after those of the customers. */
export const EVENT_STATEMENTS: readonly string[] = [INSERT_NAMES, DEAL_EVENTS];

/** Ranges of customers with about `$1` events each, in order. */
export const EVENT_RANGES = `
SELECT min(customer_no) AS first, max(customer_no) AS last, sum(events)::BIGINT AS rows
FROM sim_visitor WHERE events > 0 GROUP BY first_event // $1 ORDER BY 1;
`;

/** Inserts the events of customers `$1` to `$2`: on days when they were active, from 7 to 23 h local time. */
export const INSERT_EVENTS = `
INSERT INTO event
WITH numbered AS (
  SELECT *, unnest(range(events)) AS k FROM sim_visitor WHERE customer_no BETWEEN $1 AND $2
), hashed AS (
  -- h1: 0..15 the day, 16..31 the time, 32..47 the name, 48..63 which day instead of one after the end.
  SELECT customer_no, first_event + k AS event_no, hours_ahead, joined_day, active_days, lapse_after, lapse_days, h1,
    hash(h1) AS h2, draw(h1, 0, active_days) AS active_day
  FROM (SELECT *, hash(xor(key, (3298534883328 + k)::UBIGINT)) AS h1 FROM numbered)
), dated AS (
  SELECT *, joined_day + active_day + CASE WHEN active_day >= lapse_after THEN lapse_days ELSE 0 END AS day FROM hashed
), planned AS (
  SELECT *, day * 86400 - hours_ahead * 3600 + 25200 + draw(h1, 16, 57600) AS planned_at FROM dated
), timed AS (
  SELECT customer_no, event_no, h2, 1 + ((draw8(h1, 32) * draw8(h1, 40) * ${NAMES.length}) >> 16) AS name_no,
    CASE WHEN planned_at <= getvariable('sim_to') THEN planned_at
      ELSE planned_at - 86400 * (1 + draw(h1, 48, least(28, day - joined_day))) END AS occurred_at
  FROM planned
), named AS (
  SELECT customer_no, name_no::UINTEGER AS name_no, occurred_at::UINTEGER AS occurred_at, event_no,
    to_base(event_no::BIGINT, 36) AS event_id,
    CASE name_no ${NAMES.map((name, i) => `WHEN ${i + 1} THEN ${PROPERTIES[name]}`).join('\n      ')} END AS properties
  FROM timed
)
SELECT customer_no, name_no, occurred_at, 1, ${EVENT_KEY}, event_id, properties
FROM named ORDER BY customer_no, name_no, occurred_at, event_no;
`;
