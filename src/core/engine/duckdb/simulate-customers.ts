/**
 * The customers of a simulated marketplace, as SQL: when each joined, how long they stayed, when they
 * lapsed, how many orders they placed, and their traits. Variables and macros: see `simulate-market.ts`.
 */

import { valueMoment, valueNumber } from './value-sql.ts';

/** One row per customer, each from hashes of its own number alone. Narrow columns: there may be millions. */
const CREATE_PEOPLE = `
CREATE OR REPLACE TEMP TABLE sim_person AS
WITH hashed AS (
  SELECT customer_no, hash(xor(hash(xor(getvariable('sim_seed'), 1::UBIGINT)), customer_no::UBIGINT)) AS h
  FROM range(1, getvariable('sim_customers') + 1) AS customer(customer_no)
), homed AS (
  -- A home city for each: as many customers as a city has stores.
  SELECT customer_no, h, hash(h) AS h2, hash(hash(h)) AS h3, city_no
  FROM hashed JOIN (SELECT place, city_no FROM sim_place) AS home ON home.place = (h % getvariable('sim_stores')::UBIGINT)::BIGINT
), joined AS (
  SELECT *,
    -- Three in eight were customers before the time simulated; the others join throughout.
    draw8(h2, 0) >= 96 AS joins,
    CASE WHEN draw8(h2, 0) < 96 THEN getvariable('sim_first_day')
      ELSE getvariable('sim_first_day') + draw(h2, 8, getvariable('sim_last_day') - getvariable('sim_first_day')) END AS joined_day
  FROM homed
), stayed AS (
  -- Three in eight leave for good, at any moment of what is left.
  SELECT *, CASE WHEN draw8(h2, 24) < 96
    THEN joined_day + 1 + draw(h2, 32, getvariable('sim_last_day') - joined_day) ELSE getvariable('sim_last_day') END
    - joined_day + 1 AS stayed_days
  FROM joined
), lapsed AS (
  -- Half lapse once and return, for up to 60 % of their stay.
  SELECT *, CASE WHEN draw8(h2, 48) < 128 THEN (stayed_days * draw8(h2, 56) * 3) // 1280 ELSE 0 END AS lapse_days
  FROM stayed
)
SELECT customer_no::UINTEGER AS customer_no, h AS key, h3, city_no::UTINYINT AS city_no, joins,
  joined_day::USMALLINT AS joined_day, (stayed_days - lapse_days)::USMALLINT AS active_days,
  (((stayed_days - lapse_days) * draw8(h3, 40)) >> 8)::USMALLINT AS lapse_after, lapse_days::USMALLINT AS lapse_days,
  (customer_no = 1 OR draw8(h3, 0) >= 8)::UTINYINT AS buys,
  -- Three in ten buyers order once. The others' weights are about log-normal (sigma 0.9), times their days.
  CASE WHEN draw8(h3, 0) < 84 THEN 0 ELSE
    (12 + draw8(h3, 8) // 4) * (12 + draw8(h3, 16) // 4) * (12 + draw8(h3, 24) // 4) * (12 + draw8(h3, 32) // 4)
    * (stayed_days - lapse_days + 20) END AS weight
FROM lapsed ORDER BY customer_no;
SET VARIABLE sim_buyers = (SELECT sum(buys)::BIGINT FROM sim_person);
-- When nobody weighs anything, all buyers weigh the same.
SET VARIABLE sim_weighs = (SELECT sum(weight) > 0 FROM sim_person);
SET VARIABLE sim_weight = (SELECT greatest(sum(weight), CASE WHEN sum(weight) > 0 THEN 0 ELSE sum(buys) END)::HUGEINT FROM sim_person);
`;

/**
 * Orders, adding up to `sim_orders` exactly: every buyer has one, the rest is dealt out by weight, as
 * floor(rest × weight so far / all weight) less the same before this customer. That product takes 83 bits,
 * and DuckDB divides 128-bit numbers at a microsecond each: so the quotient is guessed in floating point,
 * which is off by one at the most, and set right by its remainder. Running sums without ORDER BY go in the
 * order of the table, which is by customer.
 */
const DEAL_ORDERS = `
CREATE OR REPLACE TEMP TABLE sim_deal AS
WITH weighed AS (
  SELECT customer_no, buys::BIGINT AS buys, CASE WHEN getvariable('sim_weighs') THEN weight ELSE buys END::BIGINT AS weight,
    least(getvariable('sim_orders'), getvariable('sim_buyers')) AS firsts,
    greatest(0, getvariable('sim_orders') - getvariable('sim_buyers'))::HUGEINT AS rest
  FROM sim_person
), running AS (
  SELECT *, sum(buys) OVER so_far AS buyers_by, sum(weight) OVER so_far AS weight_by FROM weighed
  WINDOW so_far AS (ROWS UNBOUNDED PRECEDING)
), guessed AS (
  SELECT *, floor(weight_by::DOUBLE * rest / getvariable('sim_weight'))::HUGEINT AS dealt_by,
    floor((weight_by - weight)::DOUBLE * rest / getvariable('sim_weight'))::HUGEINT AS dealt_before
  FROM running
), remaining AS (
  SELECT *, weight_by * rest - dealt_by * getvariable('sim_weight')::HUGEINT AS over_by,
    (weight_by - weight) * rest - dealt_before * getvariable('sim_weight')::HUGEINT AS over_before
  FROM guessed
)
SELECT customer_no, (
  (buyers_by::BIGINT * firsts) // getvariable('sim_buyers') - ((buyers_by::BIGINT - buys) * firsts) // getvariable('sim_buyers')
  + dealt_by + (over_by >= getvariable('sim_weight'))::BIGINT - (over_by < 0)::BIGINT
  - dealt_before - (over_before >= getvariable('sim_weight'))::BIGINT + (over_before < 0)::BIGINT)::UINTEGER AS orders
FROM remaining;
CREATE OR REPLACE TEMP TABLE sim_customer AS
SELECT person.customer_no, key, city_no, first_place::UINTEGER AS first_place, places::UINTEGER AS places,
  hours_ahead::UTINYINT AS hours_ahead, joins, joined_day, active_days, lapse_after, lapse_days, orders, first_order,
  -- Stores that the customer may turn to: loyal ones have two or three, explorers grow theirs with their orders.
  (2 + ((draw8(h3, 48) * draw8(h3, 48) * (10 + 4 * length(to_base(orders, 2)))) >> 16))::UINTEGER AS favourites,
  -- Of 256 orders so many have a discount.
  ((draw8(h3, 56) * draw8(h3, 40)) // 256 + 38)::USMALLINT AS discounted
FROM sim_person AS person JOIN sim_city USING (city_no) JOIN (
  SELECT *, (sum(orders) OVER (ROWS UNBOUNDED PRECEDING) - orders)::BIGINT AS first_order FROM sim_deal
) USING (customer_no)
ORDER BY customer_no;
DROP TABLE sim_person;
DROP TABLE sim_deal;
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

/** Traits are named by the numbers from 1 to this. */
export const TRAIT_COUNT = TRAITS.length;

const INSERT_TRAIT_NAMES = `
CREATE OR REPLACE TEMP TABLE sim_trait AS
SELECT name_no, name, "values", held_by, pattern FROM (VALUES
  ${TRAITS.map(([name, values, heldBy, pattern], i) => `(${i + 1}, '${name}', ${values}, ${heldBy}, '${pattern}')`).join(',\n  ')}
) AS trait(name_no, name, "values", held_by, pattern);
INSERT INTO trait_name SELECT name_no, name FROM sim_trait ORDER BY name_no;
INSERT INTO trait_value
SELECT name_no, value_no, value,
  ${valueNumber('value')}, ${valueMoment('value')}
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
export const CUSTOMER_STATEMENTS: readonly string[] = [CREATE_PEOPLE, DEAL_ORDERS, INSERT_CUSTOMERS];
export const TRAIT_STATEMENTS: readonly string[] = [INSERT_TRAIT_NAMES, INSERT_TRAITS];
