/**
 * Fills an empty data folder with a simulated marketplace: exactly the customers, orders and stores asked
 * for, generated inside DuckDB and written straight into the sorted base, in one transaction. The same
 * request gives the same rows, bit for bit, whatever the machine and the threads.
 */
import { CoterieError } from '../../../model/error.ts';
import { formatMoment, MOMENT_MAX_S, parseMoment } from '../../../model/time.ts';
import type { Progress } from '../engine.ts';
import type { DuckDbDatabase } from './database.ts';
import type { DuckDbSession } from './session.ts';
import { CUSTOMER_STATEMENTS, TRAIT_STATEMENTS } from './simulate-customers.ts';
import { EVENT_RANGES, EVENT_STATEMENTS, INSERT_EVENTS } from './simulate-events.ts';
import { CITIES_MAX, CREATE_MACROS, MARKET_STATEMENTS } from './simulate-market.ts';
import { INSERT_ORDERS, ORDER_RANGES } from './simulate-orders.ts';
import { LIST_STATEMENTS, SCORE_STATEMENTS } from './simulate-scores.ts';

export interface SimulationRequest {
  /** 1 to 100 million. */
  readonly customers: number;
  /** 0 to 2 billion, over all customers. */
  readonly orders: number;
  /** 1 to 1 million. */
  readonly stores: number;
  /** 0 to 2 billion, over all customers: views, searches, baskets and opened messages. Default 0. */
  readonly events?: number;
  /** Also scores of a model `churn`. Default false. */
  readonly scores?: boolean;
  /** Also the lists `do-not-contact` and `vip`. Default false. */
  readonly lists?: boolean;
  /** A whole number from 0 to 2^53 − 1: the same one gives the same marketplace. */
  readonly seed: number;
  /** Seconds since 1970: the first moment simulated. Default: 730 days before `to`. */
  readonly from?: number;
  /** Seconds since 1970: the last moment simulated. Default: `SIMULATION_TO_S`. */
  readonly to?: number;
}

export interface SimulationReport {
  readonly batchNo: number;
  readonly customers: number;
  readonly stores: number;
  readonly orders: number;
  readonly traits: number;
  readonly events: number;
  readonly scores: number;
  readonly listEntries: number;
  readonly cities: number;
  readonly brands: number;
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  /** Phase → seconds: market, customers, traits, orders, events and scores where asked for, commit. */
  readonly phases: Readonly<Record<string, number>>;
}

/** The last moment simulated unless another is given: fixed, because "now" would change the data. */
export const SIMULATION_TO_S = parseMoment('2026-03-01T12:00:00Z');

const SPAN_DAYS_DEFAULT = 730;
/** Two days leave room for a first order and another. The upper bound is that of a day's 16 bits. */
const SPAN_DAYS_MIN = 2;
const SPAN_DAYS_MAX = 20_000;
/** Orders, or events, a range: 1 million sort in about 100 MB, and 100 ranges of a large run show progress. */
const RANGE_ROWS = 1_000_000;
/** A city for every 40 stores, as long as there are names. */
const STORES_A_CITY = 40;
/** The largest brand: 250 stores, or a tenth of a small market. */
const BRAND_STORES_MAX = 250;

const LIMITS = {
  customers: [1, 100_000_000],
  orders: [0, 2_000_000_000],
  events: [0, 2_000_000_000],
  stores: [1, 1_000_000],
  seed: [0, Number.MAX_SAFE_INTEGER],
} as const;

/**
 * Generates a marketplace into a data folder that holds no facts yet: all of it, or nothing.
 *
 * Cost: about 1.5 µs of processor time an order; memory stays within what the database may hold.
 *
 * @param progress - Phases `market`, `customers`, `traits`, `orders` and `events` (with done and total), `scores`, `commit`.
 * @throws {CoterieError} `SIMULATION_INVALID` if a size is out of range or the time is too short,
 *   `DATA_FOLDER_NOT_EMPTY` if the folder holds facts, `DISK_FULL`.
 */
export async function simulate(
  database: DuckDbDatabase,
  request: SimulationRequest,
  progress: Progress = () => {},
): Promise<SimulationReport> {
  const startedAt = performance.now();
  const { from, to } = checkedSpan(request);
  const phases: Record<string, number> = {};
  let phaseAt = startedAt;
  const endPhase = (phase: string) => {
    const now = performance.now();
    phases[phase] = (now - phaseAt) / 1000;
    phaseAt = now;
  };
  const counts = await inOneTransaction(database, async (session) => {
    await refuseFacts(session, database.folder);
    progress({ phase: 'market', done: 0 });
    await session.run(setVariables(request, from, to));
    await session.run(CREATE_MACROS);
    for (const statement of MARKET_STATEMENTS) await session.run(statement);
    endPhase('market');
    progress({ phase: 'customers', done: 0, total: request.customers });
    for (const statement of CUSTOMER_STATEMENTS) await session.run(statement);
    endPhase('customers');
    progress({ phase: 'traits', done: 0 });
    for (const statement of TRAIT_STATEMENTS) await session.run(statement);
    endPhase('traits');
    await insertRanges(session, ORDERS, { phase: 'orders', total: request.orders, progress });
    endPhase('orders');
    await insertOthers(session, request, { progress, endPhase });
    const counted = (await session.row<Counted>(COUNTS))!;
    const { traits, events, scores, listEntries } = counted;
    const rows = request.orders + traits + events + scores + listEntries;
    await session.run(INSERT_BATCH, [to, `seed ${request.seed}`, rows]);
    await session.run(DROP_TEMPORARY);
    progress({ phase: 'commit', done: 0 });
    return counted;
  });
  await database.checkpoint();
  endPhase('commit');
  return {
    batchNo: 1,
    customers: request.customers,
    stores: request.stores,
    orders: request.orders,
    ...counts,
    from,
    to,
    seconds: (performance.now() - startedAt) / 1000,
    phases,
  };
}

/** With one compression for text: to try them all on the order ids would take a fifth of the time. */
async function inOneTransaction<T>(
  database: DuckDbDatabase,
  work: (session: DuckDbSession) => Promise<T>,
): Promise<T> {
  await database.withSession((session) => session.run(`SET GLOBAL force_compression = 'fsst'`));
  try {
    return await database.exclusive(work);
  } finally {
    await database.withSession((session) => session.run('RESET GLOBAL force_compression'));
  }
}

/** Rows that are many, by ranges of customers. */
interface Ranged {
  /** `first`, `last` and how many rows, about `$1`. */
  readonly ranges: string;
  /** Of customers `$1` to `$2`. */
  readonly insert: string;
}

const ORDERS: Ranged = { ranges: ORDER_RANGES, insert: INSERT_ORDERS };
const EVENTS: Ranged = { ranges: EVENT_RANGES, insert: INSERT_EVENTS };

async function insertRanges(
  session: DuckDbSession,
  { ranges, insert }: Ranged,
  { phase, total, progress }: { readonly phase: string; readonly total: number; readonly progress: Progress },
): Promise<void> {
  let done = 0;
  progress({ phase, done, total });
  for (const range of await session.rows<{ first: number; last: number; rows: number }>(ranges, [
    RANGE_ROWS,
  ])) {
    await session.run(insert, [range.first, range.last]);
    done += range.rows;
    progress({ phase, done, total });
  }
}

/** Events, scores and lists, as far as they are asked for. */
async function insertOthers(
  session: DuckDbSession,
  { events = 0, scores = false, lists = false }: SimulationRequest,
  { progress, endPhase }: { readonly progress: Progress; readonly endPhase: (phase: string) => void },
): Promise<void> {
  if (events > 0) {
    for (const statement of EVENT_STATEMENTS) await session.run(statement);
    await insertRanges(session, EVENTS, { phase: 'events', total: events, progress });
    await session.run('DROP TABLE sim_visitor');
    endPhase('events');
  }
  if (!scores && !lists) return;
  progress({ phase: 'scores', done: 0 });
  const statements = [...(scores ? SCORE_STATEMENTS : []), ...(lists ? LIST_STATEMENTS : [])];
  for (const statement of statements) await session.run(statement);
  endPhase('scores');
}

/** Tables of facts: none of them may hold a row. */
const COUNT_FACTS = `
SELECT (SELECT count(*) FROM batch) AS batches, (SELECT count(*) FROM customer) AS customers,
  (SELECT count(*) FROM store) AS stores, (SELECT count(*) FROM order_base) + (SELECT count(*) FROM order_tail) AS orders;
`;

async function refuseFacts(session: DuckDbSession, folder: string): Promise<void> {
  const found = await session.row<Record<'batches' | 'customers' | 'stores' | 'orders', number>>(COUNT_FACTS);
  if (Object.values(found!).every((count) => count === 0)) return;
  throw new CoterieError(
    'DATA_FOLDER_NOT_EMPTY',
    `${folder} already holds facts (${found!.customers} customers, ${found!.orders} orders, ${found!.stores} stores): a marketplace is only simulated into a folder without any`,
    { folder, ...found },
  );
}

function checkedSpan(request: SimulationRequest): { readonly from: number; readonly to: number } {
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const found = request[name as keyof typeof LIMITS] ?? 0;
    if (!Number.isInteger(found) || found < least || found > most) {
      throw invalid(name, `a whole number from ${least} to ${most}`, String(found));
    }
  }
  const to = request.to ?? SIMULATION_TO_S;
  if (!Number.isInteger(to) || to < 0 || to > MOMENT_MAX_S) {
    throw invalid('to', `seconds from 0 to ${MOMENT_MAX_S}`, String(to));
  }
  const from = request.from ?? Math.max(0, to - SPAN_DAYS_DEFAULT * 86_400);
  const days = Math.floor((to - 1) / 86_400) - Math.ceil(from / 86_400) + 1;
  if (!Number.isInteger(from) || from < 0 || !(days >= SPAN_DAYS_MIN && days <= SPAN_DAYS_MAX)) {
    const found = Number.isInteger(from) && from >= 0 ? formatMoment(from) : String(from);
    throw invalid(
      'from',
      `a moment ${SPAN_DAYS_MIN} to ${SPAN_DAYS_MAX} whole days before ${formatMoment(to)}`,
      found,
    );
  }
  return { from, to };
}

function invalid(field: string, expected: string, found: string): CoterieError {
  return new CoterieError('SIMULATION_INVALID', `"${field}" is ${found}: expected ${expected}`, {
    field,
    expected,
    found,
  });
}

function setVariables(request: SimulationRequest, from: number, to: number): string {
  const variables = {
    sim_customers: request.customers,
    sim_orders: request.orders,
    sim_events: request.events ?? 0,
    sim_stores: request.stores,
    sim_cities: Math.min(CITIES_MAX, Math.ceil(request.stores / STORES_A_CITY)),
    sim_brand_stores_max: Math.max(1, Math.min(BRAND_STORES_MAX, Math.floor(request.stores / 10))),
    sim_from: from,
    sim_to: to,
    sim_first_day: Math.ceil(from / 86_400),
    sim_last_day: Math.floor((to - 1) / 86_400),
  };
  return [
    `SET VARIABLE sim_seed = hash(${request.seed}::UBIGINT);`,
    ...Object.entries(variables).map(([name, value]) => `SET VARIABLE ${name} = ${value}::BIGINT;`),
  ].join('\n');
}

type Counted = Record<'traits' | 'events' | 'scores' | 'listEntries' | 'cities' | 'brands', number>;

const COUNTS = `
SELECT (SELECT count(*) FROM trait) AS traits, (SELECT count(*) FROM event) AS events,
  (SELECT count(*) FROM score) AS scores, (SELECT count(*) FROM list_entry) AS "listEntries",
  (SELECT count(*) FROM sim_city) AS cities,
  (SELECT count(*) FROM sim_brand) AS brands;
`;

/** `$1` received at, `$2` origin, `$3` rows. The moment is the simulated one, so that a seed decides every byte. */
const INSERT_BATCH = `
INSERT INTO batch (batch_no, received_at, source, origin, row_count, added, replaced, unchanged, rejected)
VALUES (1, $1, 'simulation', $2, $3, $3, 0, 0, 0);
`;

const DROP_TEMPORARY = [
  'sim_city',
  'sim_place',
  'sim_brand',
  'sim_store',
  'sim_stall',
  'sim_customer',
  'sim_trait',
]
  .map((table) => `DROP TABLE ${table};`)
  .join('\n');
