/**
 * The customers of a simulated marketplace, as SQL: when each joined, how long they stayed, when they
 * lapsed, how many orders they placed, and their traits. Variables and macros: see `simulate-market.ts`.
 */

/**
 * One row per customer. `orders` adds up to `sim_orders` exactly: every buyer has one, the rest is dealt
 * out by weight. Weights are products of whole numbers, which makes them about log-normal (sigma 1.1),
 * times the days that the customer stayed.
 */
const CREATE_CUSTOMERS = `
CREATE OR REPLACE TEMP TABLE sim_customer AS
WITH hashed AS (
  SELECT customer_no, hash(xor(hash(xor(getvariable('sim_seed'), 1::UBIGINT)), customer_no::UBIGINT)) AS h
  FROM range(1, getvariable('sim_customers') + 1) AS customer(customer_no)
), homed AS (
  -- A home city for each: as many customers as a city has stores.
  SELECT customer_no, h, hash(h) AS h2, city_no, first_place, places, hours_ahead
  FROM (SELECT *, (h % getvariable('sim_stores')::UBIGINT)::BIGINT AS door FROM hashed)
  ASOF JOIN sim_city ON door >= first_place
), joined AS (
  SELECT *,
    -- Three in eight were customers before the time simulated; the others join throughout.
    draw8(h2, 0) >= 96 AS joins,
    CASE WHEN draw8(h2, 0) < 96 THEN getvariable('sim_first_day')
      ELSE getvariable('sim_first_day') + draw(h2, 8, getvariable('sim_last_day') - getvariable('sim_first_day')) END AS joined_day
  FROM homed
), left_ AS (
  -- Three in eight leave for good, at any moment of what is left.
  SELECT *, CASE WHEN draw8(h2, 24) < 96
    THEN joined_day + 1 + draw(h2, 32, getvariable('sim_last_day') - joined_day) ELSE getvariable('sim_last_day') END
    - joined_day + 1 AS stayed_days
  FROM joined
), lapsed AS (
  -- Half lapse once and return, for up to 60 % of their stay.
  SELECT *, CASE WHEN draw8(h2, 48) < 128 THEN (stayed_days * draw8(h2, 56) * 3) // 1280 ELSE 0 END AS lapse_days, hash(h2) AS h3
  FROM left_
), weighed AS (
  SELECT *,
    customer_no = 1 OR draw8(h3, 0) >= 8 AS buys,
    CASE WHEN draw8(h3, 0) < 84 THEN 0 ELSE
      (12 + draw8(h3, 8) // 4) * (12 + draw8(h3, 16) // 4) * (12 + draw8(h3, 24) // 4) * (12 + draw8(h3, 32) // 4)
      * (stayed_days - lapse_days + 20) END AS weight
  FROM lapsed
), guarded AS (
  -- When nobody weighs anything, all buyers weigh the same.
  SELECT * REPLACE (CASE WHEN sum(weight) OVER () = 0 THEN buys::BIGINT ELSE weight END AS weight),
    sum(buys::BIGINT) OVER ()::BIGINT AS buyers
  FROM weighed
), dealt AS (
  SELECT *,
    share_out(least(getvariable('sim_orders'), buyers), sum(buys::BIGINT) OVER so_far - buys::BIGINT, buys::BIGINT, buyers)
    + share_out(greatest(0, getvariable('sim_orders') - buyers), sum(weight) OVER so_far - weight, weight, sum(weight) OVER ()) AS orders
  FROM guarded
  WINDOW so_far AS (ORDER BY customer_no ROWS UNBOUNDED PRECEDING)
)
SELECT customer_no::UINTEGER AS customer_no, h AS key, city_no::UTINYINT AS city_no,
  first_place::UINTEGER AS first_place, places::UINTEGER AS places, hours_ahead::UTINYINT AS hours_ahead,
  joins, joined_day::USMALLINT AS joined_day, (stayed_days - lapse_days)::USMALLINT AS active_days,
  (((stayed_days - lapse_days) * draw8(h3, 40)) >> 8)::USMALLINT AS lapse_after, lapse_days::USMALLINT AS lapse_days,
  orders::UINTEGER AS orders,
  (sum(orders) OVER (ORDER BY customer_no ROWS UNBOUNDED PRECEDING) - orders)::BIGINT AS first_order,
  -- Stores that the customer may turn to: loyal ones have two or three, explorers grow theirs with their orders.
  (2 + ((draw8(h3, 48) * draw8(h3, 48) * (10 + 4 * length(to_base(orders, 2)))) >> 16))::UINTEGER AS favourites,
  -- Of 256 orders so many have a discount.
  ((draw8(h3, 56) * draw8(h3, 40)) // 256 + 38)::USMALLINT AS discounted
FROM dealt ORDER BY customer_no;
`;

const INSERT_CUSTOMERS = `
INSERT INTO customer
SELECT customer_no, 'c' || lpad(customer_no::VARCHAR, greatest(7, length(getvariable('sim_customers')::VARCHAR))::INTEGER, '0'), 1
FROM sim_customer ORDER BY customer_no;
`;

const quoted = (values: readonly string[]) => `[${values.map((value) => `'${value}'`).join(', ')}]`;
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

/** Trait, its values as SQL, how many of 256 customers have it, and how evenly its values are drawn. */
const TRAITS: readonly (readonly [string, string, number, 'home' | 'even' | 'first'])[] = [
  [
    'app_version',
    quoted(['7.4.0', '7.3.2', '7.3.1', '7.2.0', '7.1.4', '7.0.0', '6.9.3', '6.5.0']),
    180,
    'first',
  ],
  ['birth_year', quoted(numbers(1950, 2007)), 110, 'even'],
  ['city', '(SELECT list(city ORDER BY city_no) FROM sim_city)', 236, 'home'],
  ['language', quoted(['es', 'it', 'pl', 'en', 'ro', 'pt', 'ca', 'uk']), 150, 'first'],
  ['newsletter', quoted(['false', 'true']), 90, 'first'],
  ['plan', quoted(['free', 'plus', 'family']), 200, 'first'],
  [
    'signup_channel',
    quoted(['organic', 'paid-social', 'referral', 'paid-search', 'store-flyer', 'partner']),
    210,
    'first',
  ],
];

const INSERT_TRAIT_NAMES = `
CREATE OR REPLACE TEMP TABLE sim_trait AS
SELECT name_no, name, "values", held_by, pattern FROM (VALUES
  ${TRAITS.map(([name, values, heldBy, pattern], i) => `(${i + 1}, '${name}', ${values}, ${heldBy}, '${pattern}')`).join(',\n  ')}
) AS trait(name_no, name, "values", held_by, pattern);
INSERT INTO trait_name SELECT name_no, name FROM sim_trait ORDER BY name_no;
INSERT INTO trait_value
SELECT name_no, value_no, value,
  CASE WHEN regexp_full_match(value, '-?[0-9]{1,15}([.][0-9]{1,15})?') THEN value::DOUBLE END
FROM (SELECT name_no, unnest("values") AS value, generate_subscripts("values", 1) AS value_no FROM sim_trait)
ORDER BY name_no, value_no;
`;

/** A customer without orders always has the city, so that every customer has a fact. */
const INSERT_TRAITS = `
INSERT INTO trait
WITH crossed AS (
  SELECT customer_no, city_no, orders, key, unnest(range(1, ${TRAITS.length + 1})) AS name_no FROM sim_customer
), hashed AS (
  SELECT *, hash(xor(key, (name_no << 44)::UBIGINT)) AS h FROM crossed
)
SELECT customer_no, name_no,
  CASE ${quoted(TRAITS.map((trait) => trait[3]))}[name_no]
    WHEN 'home' THEN city_no
    WHEN 'even' THEN 1 + draw(h, 8, [${lengths()}][name_no])
    -- The product of two draws: the first values are the commonest.
    ELSE 1 + ((draw(h, 8, 256) * draw(h, 24, 256) * [${lengths()}][name_no]) >> 16)
  END, 1
FROM hashed
WHERE draw8(h, 0) < [${TRAITS.map((trait) => trait[2]).join(', ')}][name_no] OR (orders = 0 AND name_no = ${cityTraitNo()})
`;

function lengths(): string {
  // The city's number of values is never used: it is not drawn.
  return TRAITS.map((trait) => trait[1].split(',').length).join(', ');
}

function cityTraitNo(): number {
  return TRAITS.findIndex((trait) => trait[0] === 'city') + 1;
}

/** In this order, after those of the market. */
export const CUSTOMER_STATEMENTS: readonly string[] = [CREATE_CUSTOMERS, INSERT_CUSTOMERS];
export const TRAIT_STATEMENTS: readonly string[] = [INSERT_TRAIT_NAMES, INSERT_TRAITS];
