/**
 * The places of a simulated marketplace, as SQL: cities of differing sizes, stores that open and close over
 * time, and brands with a heavy-tailed number of stores. Everything is drawn by hashing whole numbers, never
 * by `random()` or floating point, so that a seed gives the same rows on any machine with any number of
 * threads.
 *
 * Session variables read here and in the other `simulate-*.ts` files: `sim_seed` (UBIGINT), `sim_customers`,
 * `sim_orders`, `sim_stores`, `sim_cities`, `sim_brand_stores_max`, `sim_from`, `sim_to`, `sim_first_day`,
 * `sim_last_day` (BIGINT; seconds and days since 1970).
 */

/** Code, country, currency, hours ahead of UTC, price level in thousandths of a euro's. Largest city first. */
const CITIES: readonly (readonly [string, string, string, number, number])[] = [
  ['MAD', 'ES', 'EUR', 1, 1050],
  ['BCN', 'ES', 'EUR', 1, 1100],
  ['WAW', 'PL', 'PLN', 1, 3200],
  ['ROM', 'IT', 'EUR', 1, 1100],
  ['MIL', 'IT', 'EUR', 1, 1200],
  ['OTP', 'RO', 'RON', 2, 3600],
  ['LIS', 'PT', 'EUR', 0, 950],
  ['KRK', 'PL', 'PLN', 1, 3000],
  ['VLC', 'ES', 'EUR', 1, 950],
  ['NAP', 'IT', 'EUR', 1, 950],
  ['SVQ', 'ES', 'EUR', 1, 900],
  ['OPO', 'PT', 'EUR', 0, 900],
  ['WRO', 'PL', 'PLN', 1, 2950],
  ['TRN', 'IT', 'EUR', 1, 1050],
  ['CLJ', 'RO', 'RON', 2, 3500],
  ['ZAZ', 'ES', 'EUR', 1, 900],
  ['GDN', 'PL', 'PLN', 1, 3000],
  ['AGP', 'ES', 'EUR', 1, 950],
  ['BLQ', 'IT', 'EUR', 1, 1100],
  ['POZ', 'PL', 'PLN', 1, 2900],
  ['BIO', 'ES', 'EUR', 1, 1050],
  ['FLR', 'IT', 'EUR', 1, 1100],
  ['TSR', 'RO', 'RON', 2, 3400],
  ['ALC', 'ES', 'EUR', 1, 900],
  ['PMO', 'IT', 'EUR', 1, 900],
  ['IAS', 'RO', 'RON', 2, 3200],
  ['PMI', 'ES', 'EUR', 1, 1050],
  ['LCJ', 'PL', 'PLN', 1, 2800],
  ['CTA', 'IT', 'EUR', 1, 900],
  ['BRA', 'PT', 'EUR', 0, 850],
  ['GOA', 'IT', 'EUR', 1, 1000],
  ['MJV', 'ES', 'EUR', 1, 850],
  ['KTW', 'PL', 'PLN', 1, 2800],
  ['BRI', 'IT', 'EUR', 1, 900],
  ['VLL', 'ES', 'EUR', 1, 900],
  ['CND', 'RO', 'RON', 2, 3300],
  ['COI', 'PT', 'EUR', 0, 850],
  ['GRX', 'ES', 'EUR', 1, 850],
  ['VRN', 'IT', 'EUR', 1, 1050],
  ['LUZ', 'PL', 'PLN', 1, 2700],
  ['VGO', 'ES', 'EUR', 1, 900],
  ['PDV', 'IT', 'EUR', 1, 1050],
  ['SBZ', 'RO', 'RON', 2, 3300],
  ['OVD', 'ES', 'EUR', 1, 900],
  ['BZG', 'PL', 'PLN', 1, 2700],
  ['TRS', 'IT', 'EUR', 1, 1000],
  ['FAO', 'PT', 'EUR', 0, 950],
  ['SDR', 'ES', 'EUR', 1, 950],
  ['CAG', 'IT', 'EUR', 1, 950],
  ['SZZ', 'PL', 'PLN', 1, 2800],
  ['ODB', 'ES', 'EUR', 1, 850],
  ['CRV', 'RO', 'RON', 2, 3100],
  ['PSR', 'IT', 'EUR', 1, 900],
  ['LPA', 'ES', 'EUR', 0, 900],
  ['RZE', 'PL', 'PLN', 1, 2700],
  ['PEG', 'IT', 'EUR', 1, 950],
  ['FNC', 'PT', 'EUR', 0, 950],
  ['TFN', 'ES', 'EUR', 0, 900],
  ['BCM', 'RO', 'RON', 2, 3000],
  ['LCG', 'ES', 'EUR', 1, 900],
];

export const CITIES_MAX = CITIES.length;

/** Currency number 0 is left for facts that have none. */
const CURRENCY_NO = `CASE currency WHEN 'EUR' THEN 1 WHEN 'PLN' THEN 2 ELSE 3 END`;

/** Category, the word its brands are named with, and how many brands of 256 have it. */
const CATEGORIES: readonly (readonly [string, string, number])[] = [
  ['burger', 'burger', 34],
  ['pizza', 'pizza', 32],
  ['sushi', 'sushi', 22],
  ['kebab', 'kebab', 20],
  ['asian', 'wok', 20],
  ['mexican', 'taqueria', 14],
  ['indian', 'curry', 14],
  ['chicken', 'chicken', 14],
  ['healthy', 'bowl', 14],
  ['breakfast', 'bakery', 16],
  ['dessert', 'gelato', 14],
  ['grocery', 'market', 22],
  ['pharmacy', 'pharmacy', 8],
  ['flowers', 'flowers', 6],
  ['pets', 'pets', 6],
];

const BRAND_WORDS = [
  ['golden', 'little', 'royal', 'green', 'blue', 'old-town', 'urban', 'happy', 'crazy', 'green-leaf'],
  ['north', 'south', 'river', 'corner', 'grand', 'fresh', 'sunny', 'secret', 'lucky', 'mama'],
  ['papa', 'tio', 'casa', 'villa', 'bella', 'primo', 'maestro', 'nonna', 'abuela', 'don'],
  ['rapid', 'super', 'mega', 'mini', 'prime', 'first', 'true', 'wild', 'iron', 'copper'],
].flat();

const TAGS = [
  'vegan',
  'halal',
  'gluten-free',
  'late-night',
  'free-delivery',
  'family',
  'new-menu',
  'top-rated',
  'eco-packaging',
  'pickup',
];

const list = (values: readonly string[]) => `[${values.map((value) => `'${value}'`).join(', ')}]`;

/**
 * `draw(h, low_bit, n)`: a whole number from 0 to n − 1, from 16 bits of a hash. `draw8`, `draw10`: plain bits.
 * `share_out(total, before, weight, whole)`: this row's part of `total` when it is dealt out by weight, in
 * order; the parts add up to `total` exactly.
 */
export const CREATE_MACROS = `
CREATE OR REPLACE TEMP MACRO draw(h, low_bit, n) AS (((h >> low_bit) & 65535::UBIGINT)::BIGINT * (n)) >> 16;
CREATE OR REPLACE TEMP MACRO draw8(h, low_bit) AS ((h >> low_bit) & 255::UBIGINT)::BIGINT;
CREATE OR REPLACE TEMP MACRO draw10(h, low_bit) AS ((h >> low_bit) & 1023::UBIGINT)::BIGINT;
CREATE OR REPLACE TEMP MACRO share_out(total, before, weight, whole) AS
  (((before + weight)::HUGEINT * total) // whole - (before::HUGEINT * total) // whole)::BIGINT;
`;

/**
 * City sizes fall off as 1/(rank + 2). Each city has one store at least and a range of places, numbered
 * from `first_place`, most popular first.
 */
const CREATE_CITIES = `
CREATE OR REPLACE TEMP TABLE sim_city AS
WITH listed AS (
  SELECT city_no, city, country, ${CURRENCY_NO}::USMALLINT AS currency_no, currency, hours_ahead, price_level,
    1000000 // (city_no + 1) AS weight
  FROM (VALUES ${CITIES.map((city, i) => `(${i + 1}, '${city[0]}', '${city[1]}', '${city[2]}', ${city[3]}, ${city[4]})`).join(', ')})
    AS city(city_no, city, country, currency, hours_ahead, price_level)
  WHERE city_no <= getvariable('sim_cities')
), sized AS (
  SELECT *, 1 + share_out(getvariable('sim_stores') - getvariable('sim_cities'),
    sum(weight) OVER (ORDER BY city_no) - weight, weight, sum(weight) OVER ()) AS places
  FROM listed
)
SELECT *, (sum(places) OVER (ORDER BY city_no) - places)::BIGINT AS first_place FROM sized ORDER BY city_no;
`;

/**
 * One row per store, by place. Every fourth place is an *anchor*: open before the time simulated and never
 * closed; the three after it turn to it for orders from before they opened or after they closed.
 */
const CREATE_PLACES = `
CREATE OR REPLACE TEMP TABLE sim_place AS
WITH place AS (
  SELECT city_no, city, country, currency_no, hours_ahead, price_level, first_place, unnest(range(places)) AS rank
  FROM sim_city
), hashed AS (
  SELECT *, first_place + rank AS place, hash(xor(getvariable('sim_seed'), (first_place + rank)::UBIGINT)) AS h,
    rank % 4 = 0 AS anchor
  FROM place
), opened AS (
  SELECT *,
    CASE WHEN anchor OR draw8(h, 0) < 160
      THEN greatest(0, getvariable('sim_from') - 86400 * (1 + draw(h, 8, 1500)) + 60 * draw(h, 24, 1440))
      ELSE getvariable('sim_from') + (draw(h, 8, 65536) * (getvariable('sim_to') - getvariable('sim_from'))) // 65536
    END AS opened_at
  FROM hashed
)
SELECT *, hash(h) AS h2,
  CASE WHEN NOT anchor AND draw8(h, 40) < 24
    THEN greatest(opened_at, getvariable('sim_from'))
      + (draw(h, 48, 65536) * (getvariable('sim_to') - greatest(opened_at, getvariable('sim_from')))) // 65536
  END AS closed_at,
  row_number() OVER (ORDER BY opened_at, place) AS store_no
FROM opened ORDER BY place;
`;

/**
 * Brand sizes follow 1/x: half the brands have one store, one in a hundred has a hundred. Brands of 20
 * stores and more are chains and spread over all cities; smaller ones stay together in a city.
 */
const CREATE_BRANDS = `
CREATE OR REPLACE TEMP TABLE sim_brand AS
WITH drawn AS (
  SELECT number, hash(xor(hash(getvariable('sim_seed')), number::UBIGINT)) AS h
  FROM range(getvariable('sim_stores')) AS brand(number)
), sized AS (
  SELECT number, h, least(getvariable('sim_brand_stores_max'), 65536 // (1 + draw(h, 0, 65536))) AS wanted FROM drawn
), running AS (
  SELECT *, sum(wanted) OVER (ORDER BY number)::BIGINT - wanted AS before FROM sized
), kept AS (
  SELECT number, h, least(wanted, getvariable('sim_stores') - before) AS stores FROM running
  WHERE before < getvariable('sim_stores')
), named AS (
  SELECT *, draw(h, 16, ${BRAND_WORDS.length}) AS word, (
    SELECT min(category_no) FROM (VALUES ${categoryBounds()}) AS category(category_no, up_to) WHERE draw8(h, 40) < up_to
  ) AS category_no FROM kept
)
SELECT
  ${list(BRAND_WORDS)}[word + 1] || '-' || ${list(CATEGORIES.map((row) => row[1]))}[category_no]
    || CASE WHEN copy > 1 THEN '-' || copy ELSE '' END AS brand,
  ${list(CATEGORIES.map((row) => row[0]))}[category_no] AS category,
  (sum(stores) OVER (ORDER BY stores >= 20 DESC, number) - stores)::BIGINT AS first_store, stores, h
FROM (SELECT *, row_number() OVER (PARTITION BY word, category_no ORDER BY number) AS copy FROM named)
ORDER BY first_store;
`;

function categoryBounds(): string {
  let upTo = 0;
  return CATEGORIES.map((row, i) => {
    upTo += row[2];
    return `(${i + 1}, ${upTo})`;
  }).join(', ');
}

/** `store_of`: place → what an order needs of its store, in few bytes. */
const CREATE_STORES = `
CREATE OR REPLACE TEMP TABLE sim_store AS
WITH chain AS (
  SELECT coalesce(sum(stores), 0)::BIGINT AS stores FROM sim_brand WHERE stores >= 20
), mixed AS (
  SELECT *, row_number() OVER (ORDER BY h2, place) - 1 AS mix FROM sim_place
), queued AS (
  SELECT mixed.*, row_number() OVER (ORDER BY mix >= chain.stores, CASE WHEN mix < chain.stores THEN 0 ELSE city_no END, mix) - 1 AS turn
  FROM mixed, chain
)
SELECT queued.*, brand, category,
  -- Cents: about 19 euros an order in the middle, brand by brand dearer or cheaper.
  ((55 + draw(sim_brand.h, 48, 70)) * price_level) // 1000 AS price
FROM queued JOIN (SELECT *, first_store + unnest(range(stores)) AS turn FROM sim_brand) AS sim_brand USING (turn)
ORDER BY place;
CREATE OR REPLACE TEMP TABLE sim_stall AS
SELECT store.place::UINTEGER AS place, store.store_no::UINTEGER AS store_no, anchor.store_no::UINTEGER AS anchor_no,
  store.opened_at::UINTEGER AS opened_at, coalesce(store.closed_at, 4294967295)::UINTEGER AS closed_at,
  store.price::UINTEGER AS price, store.currency_no
FROM sim_store AS store JOIN sim_store AS anchor ON anchor.place = store.place - store.rank % 4
ORDER BY store.place;
`;

const INSERT_STORES = `
INSERT INTO store
SELECT store_no, 's' || lpad(store_no::VARCHAR, greatest(5, length(getvariable('sim_stores')::VARCHAR))::INTEGER, '0'),
  brand, city, category,
  list_filter(${list(TAGS)}, lambda tag, i: draw8(hash(xor(h2, i::UBIGINT)), 0) < 28),
  opened_at, closed_at, 1
FROM sim_store ORDER BY store_no;
INSERT INTO currency SELECT DISTINCT currency_no, currency FROM sim_city ORDER BY 1;
`;

/** In this order, after `CREATE_MACROS`. */
export const MARKET_STATEMENTS: readonly string[] = [
  CREATE_CITIES,
  CREATE_PLACES,
  CREATE_BRANDS,
  CREATE_STORES,
  INSERT_STORES,
];
