/**
 * The orders of a simulated marketplace, as SQL: a range of customers at a time, sorted within the range,
 * so that memory stays small and the table comes out sorted by (customer, store, time) as a whole.
 * Variables and macros: see `simulate-market.ts`.
 *
 * Each order has three hashes of 64 bits, each made from the one before; the comments at the draws are a
 * map of which bits are taken.
 */

/** Ranges of customers with about `$1` orders each, in order. */
export const ORDER_RANGES = `
SELECT min(customer_no) AS first, max(customer_no) AS last, sum(orders)::BIGINT AS rows
FROM sim_customer GROUP BY first_order // $1 ORDER BY 1;
`;

/** DuckDB hands whole row groups to its threads, and a range is less than one: so it is cut for them here. */
const BRANCH_COUNT = 4;
const BRANCHES = Array.from(
  { length: BRANCH_COUNT },
  (_, i) => `SELECT * EXCLUDE (orders), orders::BIGINT AS orders, unnest(range(orders)) AS k FROM sim_customer
  WHERE customer_no >= $1 + (($2 + 1 - $1) * ${i}) // ${BRANCH_COUNT} AND customer_no < $1 + (($2 + 1 - $1) * ${i + 1}) // ${BRANCH_COUNT}`,
).join('\n  UNION ALL ');

/**
 * Inserts the orders of customers `$1` to `$2`.
 *
 * Times: a day drawn evenly from the days when the customer was active (one order in nine is near another
 * one of theirs), some moved to the weekend, and an hour by two peaks at lunch and dinner, local time. The
 * first order of a customer who joined is on the day of joining. Stores: one of the customer's favourites,
 * the product of three draws, so that the first take most; each favourite is a place of the home city, the
 * product of two draws, so that the top tenth take a third of the orders; 3 % are elsewhere.
 */
export const INSERT_ORDERS = `
INSERT INTO order_base
WITH numbered AS (
  ${BRANCHES}
), hashed AS (
  SELECT *, hash(xor(key, k::UBIGINT)) AS h1 FROM numbered
), rehashed AS (
  SELECT *, hash(h1) AS h2, hash(hash(h1)) AS h3,
    -- h1: 16..23 whether near another order, 24..53 favourite.
    draw8(h1, 16) < 28 AS follows,
    hash(xor(key, (1099511627776 + ((draw10(h1, 24) * draw10(h1, 34) * draw10(h1, 44) * favourites) >> 30))::UBIGINT)) AS hs
  FROM hashed
), placed AS (
  SELECT *,
    -- h3: 40..55 which other order; h1: 0..15 the day; h3: 56..63 days after the other.
    least(active_days - 1, CASE WHEN follows
      THEN draw(hash(xor(key, draw(h3, 40, orders)::UBIGINT)), 0, active_days) + (draw8(h3, 56) * draw8(h3, 24) * 8) // 65536
      ELSE draw(h1, 0, active_days) END) AS active_day,
    -- hs: 0..15 and 16..31 place in the home city; 56..63 whether elsewhere.
    CASE WHEN draw8(hs, 56) < 8 THEN (hs % getvariable('sim_stores')::UBIGINT)::BIGINT
      ELSE first_place + ((draw(hs, 0, 65536) * draw(hs, 16, 65536) * places) >> 32) END AS place
  FROM rehashed
), dated AS (
  SELECT *,
    CASE WHEN k = 0 AND joins THEN joined_day::BIGINT
      ELSE joined_day + active_day + CASE WHEN active_day >= lapse_after THEN lapse_days ELSE 0 END END AS day
  FROM placed
), weekly AS (
  -- Day 0 was a Thursday: (day + 3) % 7 is 0 on Mondays. h1: 54..63.
  SELECT *, least(getvariable('sim_last_day'), day
    + CASE WHEN (day + 3) % 7 < 5 AND draw10(h1, 54) < 80 THEN 5 - (day + 3) % 7 + ((h1 >> 54) & 1::UBIGINT)::BIGINT ELSE 0 END) AS moved_day
  FROM dated
), timed AS (
  -- h2: 0..23 time within the part of the day, 24..31 which part.
  SELECT *, moved_day * 86400 - hours_ahead * 3600 + CASE
    WHEN draw8(h2, 24) < 148 THEN 64800 + (((h2 & 4095::UBIGINT)::BIGINT + ((h2 >> 12) & 4095::UBIGINT)::BIGINT) * 10700 >> 12)
    WHEN draw8(h2, 24) < 220 THEN 41400 + (((h2 & 4095::UBIGINT)::BIGINT + ((h2 >> 12) & 4095::UBIGINT)::BIGINT) * 7200 >> 12)
    ELSE 25200 + (((h2 & 4095::UBIGINT)::BIGINT + ((h2 >> 12) & 4095::UBIGINT)::BIGINT) * 30500 >> 12) END AS planned_at
  FROM weekly
), ordered AS (
  -- What would lie after the end is moved to one of the 28 days before it.
  SELECT *, CASE WHEN planned_at <= getvariable('sim_to') THEN planned_at
    ELSE planned_at - 86400 * (1 + draw(h2, 48, least(28, moved_day - joined_day))) END AS ordered_at
  FROM timed
), priced AS (
  -- Three factors from 1 to 5 on the store's price. h2: 32..55. h3: 0..7 whether discounted, 8..23 by how much.
  SELECT customer_no, first_order + k AS order_no, ordered_at, currency_no, h3,
    CASE WHEN ordered_at >= opened_at AND ordered_at < closed_at THEN store_no ELSE anchor_no END AS store_no,
    (price * (64 + draw8(h2, 32)) * (64 + draw8(h2, 40)) * (64 + draw8(h2, 48))) >> 18 AS cents,
    CASE WHEN draw8(h3, 0) >= discounted THEN 0
      WHEN draw8(h3, 24) = 0 THEN 1000
      ELSE 40 + ((draw8(h3, 8) * draw8(h3, 16) * 520) >> 16) END AS discount_permille
  FROM ordered JOIN sim_stall USING (place)
), sorted AS (
  -- Narrow columns, because a sort costs what it carries. h3: 32..39: 2 % are cancelled, 0.8 % refunded.
  SELECT customer_no, store_no, ordered_at::UINTEGER AS ordered_at, order_no::UINTEGER AS order_no,
    cents::UINTEGER AS cents, ((cents * discount_permille) // 1000)::UINTEGER AS discount_cents, currency_no,
    (CASE WHEN draw8(h3, 32) < 5 THEN 1 WHEN draw8(h3, 32) < 7 THEN 2 ELSE 0 END)::UTINYINT AS status
  FROM priced ORDER BY customer_no, store_no, ordered_at, order_no
)
SELECT customer_no, store_no, ordered_at, (cents - discount_cents)::BIGINT * 100, discount_cents::BIGINT * 100,
  currency_no, status, 1, to_base(order_no::BIGINT, 36)
FROM sorted;
`;
