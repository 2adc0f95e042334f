/**
 * Values of a population at ranks: one aggregate over the orders or scores that a measure looks at, held
 * in a temporary table of one number a customer, which is then ranked.
 */
import { UINTEGER } from '@duckdb/node-api';
import { STATUS_CODE } from '../fact-batch.ts';
import type { PopulationMeasure, PopulationRequest, PopulationValues } from '../population-values.ts';
import type { DuckDbDatabase } from './database.ts';
import { literal } from './quote-sql.ts';
import {
  MIXED_CUSTOMER,
  mixedCustomersSql,
  reconciledSql,
  type ScanScope,
  scanScope,
  tailBatchesSql,
  WANTED_STORE,
} from './scan-query.ts';
import type { DuckDbSession } from './session.ts';
import { openSnapshot } from './snapshot.ts';

type OrdersMeasure = Extract<PopulationMeasure, { kind: 'orders' }>;

const NOBODY: PopulationValues = { customers: 0, values: [] };
/** Temporary table: one row a customer of the population. */
const MEASURED = 'measured';

/** See `Engine.populationValues`. The state read is that of the first step, whatever is written meanwhile. */
export async function readPopulationValues(
  database: DuckDbDatabase,
  request: PopulationRequest,
): Promise<PopulationValues> {
  const { measure, stores } = request;
  if (stores?.length === 0) return NOBODY;
  const snapshot = await openSnapshot(database, 1, async (session) => {
    await session.run(`CREATE TEMP TABLE ${MEASURED} (value DOUBLE NOT NULL)`);
    if (stores === undefined) return;
    await session.run(`CREATE TEMP TABLE ${WANTED_STORE} (store_no UINTEGER NOT NULL)`);
    await session.append(WANTED_STORE, [UINTEGER], [stores]);
  });
  try {
    const [session] = snapshot.sessions;
    const columns = { amounts: true, traits: false };
    const scope = scanScope({ ...request, columns }, snapshot.batchNo);
    if (measure.kind === 'score') await measureScores(session!, measure.model, scope.knownAt, request.moment);
    else await measureOrders(session!, measure, scope, request.moment);
    return await rank(session!, request.ranksOf);
  } finally {
    await snapshot.close();
  }
}

async function rank(
  session: DuckDbSession,
  ranksOf: PopulationRequest['ranksOf'],
): Promise<PopulationValues> {
  const { customers } = (await session.row<{ customers: number }>(
    `SELECT count(*) AS customers FROM ${MEASURED}`,
  ))!;
  if (customers === 0) return NOBODY;
  const ranks = ranksOf(customers);
  if (ranks.length === 0) return { customers, values: [] };
  const rows = await session.rows<{ rank: number; value: number }>(
    `SELECT rank, value FROM (SELECT value, row_number() OVER (ORDER BY value) AS rank FROM ${MEASURED})
     WHERE rank IN (${ranks.join(', ')})`,
  );
  const valueAt = new Map(rows.map((row) => [row.rank, row.value]));
  return { customers, values: ranks.map((wanted) => valueAt.get(wanted)!) };
}

/** The latest score of each customer, of the version that was in force, if it counts at the moment. */
async function measureScores(
  session: DuckDbSession,
  model: string,
  knownAt: number,
  moment: number,
): Promise<void> {
  await session.run(
    `INSERT INTO ${MEASURED}
     WITH in_force AS (
       SELECT arg_max(name_no, batch_no) AS name_no FROM model_activation WHERE model = $1 AND batch_no <= ${knownAt}),
     latest AS (
       SELECT arg_max({'value': value, 'valid_until': valid_until}, batch_no) AS said
       FROM score SEMI JOIN in_force USING (name_no) WHERE batch_no <= ${knownAt} GROUP BY customer_no)
     SELECT said.value FROM latest WHERE said.valid_until IS NULL OR said.valid_until > ${moment}`,
    [model],
  );
}

async function measureOrders(
  session: DuckDbSession,
  measure: OrdersMeasure,
  scope: ScanScope,
  moment: number,
): Promise<void> {
  const filters = await orderFilters(session, measure, moment);
  if (filters === undefined) return;
  await session.run(mixedCustomersSql(scope));
  const tail = await session.row<{ batches: number }>(tailBatchesSql(scope));
  const columns = 'customer_no, store_no, ordered_at, total_e4';
  const stores = scope.stores ? `AND store_no IN (SELECT store_no FROM ${WANTED_STORE})` : '';
  const known = scope.past ? `AND batch_no <= ${scope.knownAt}` : '';
  const mixed = reconciledSql(scope, tail!.batches, { columns, status: filters });
  await session.run(
    `INSERT INTO ${MEASURED} SELECT ${valueSql(measure)} FROM (
       SELECT ${columns} FROM order_base ANTI JOIN ${MIXED_CUSTOMER} USING (customer_no)
       WHERE ${filters} ${stores} ${known}
       UNION ALL FROM (${mixed}))
     GROUP BY customer_no`,
  );
}

/** What a customer's orders come to, as `PopulationValues` has it. */
function valueSql(measure: OrdersMeasure): string {
  switch (measure.measure) {
    case 'count':
      return 'count(*)';
    case 'days':
      return `count(DISTINCT ${localTime(measure)}::DATE)`;
    case 'stores':
      return 'count(DISTINCT nullif(store_no, 0))';
    case 'sum':
      return 'sum(total_e4)';
    case 'average': {
      // Rounded down, below 0 too: the remainder of a division has the sign of the sum.
      const [sum, count] = ['sum(total_e4)', 'count(*)::HUGEINT'];
      return `(${sum} - ((${sum} % ${count}) + ${count}) % ${count}) // ${count}`;
    }
    case 'minimum':
      return 'min(total_e4)';
    case 'maximum':
      return 'max(total_e4)';
    case 'firstAge':
      return 'min(ordered_at)';
    case 'lastAge':
      return 'max(ordered_at)';
  }
}

/** Undefined where no order can pass: nothing was ever paid in the currency. */
async function orderFilters(
  session: DuckDbSession,
  measure: OrdersMeasure,
  moment: number,
): Promise<string | undefined> {
  const {
    withinS,
    currency,
    minimumTotalE4,
    discounted,
    weekdays,
    hours,
    statuses = ['completed'],
  } = measure;
  const filters = [
    `status IN (${statuses.map((status) => STATUS_CODE[status]).join(', ')})`,
    `ordered_at <= ${moment}`,
  ];
  if (withinS !== undefined) filters.push(`ordered_at::BIGINT > ${moment - withinS}`);
  if (currency !== undefined) {
    const found = await session.row<{ currency_no: number }>(
      'SELECT currency_no FROM currency WHERE code = $1',
      [currency],
    );
    if (found === undefined) return undefined;
    filters.push(`currency_no = ${found.currency_no}`);
  }
  if (minimumTotalE4 !== undefined) filters.push(`total_e4 >= ${minimumTotalE4}`);
  if (discounted !== undefined) filters.push(discounted ? 'discount_e4 > 0' : 'discount_e4 <= 0');
  if (weekdays !== undefined) filters.push(`isodow(${localTime(measure)}) IN (${weekdays.join(', ')})`);
  if (hours !== undefined) {
    const hour = `hour(${localTime(measure)})`;
    filters.push(`(${hour} >= ${hours.from} ${hours.from < hours.to ? 'AND' : 'OR'} ${hour} < ${hours.to})`);
  }
  return filters.join(' AND ');
}

function localTime({ timeZone = 'UTC' }: OrdersMeasure): string {
  return `timezone(${literal(timeZone)}, to_timestamp(ordered_at))`;
}
