/**
 * Where a query finds facts in force at a mark, one version of each: tables as they lie wherever their rows
 * are that, so that most of a history is read by column and nothing of it is sorted or grouped.
 */
import type { Rule } from '../../../model/rule.ts';
import type { FactTables } from '../../verify/segment-sql.ts';
import { MIXED_CUSTOMER, VALID_UNTIL } from './scan-query.ts';
import type { DuckDbSession } from './session.ts';

/** Names of facts that a rule looks at, as numbers. */
export interface NamedFacts {
  readonly hasOrders: boolean;
  readonly traits: readonly number[];
  /** Versions in force at the mark. */
  readonly scores: readonly number[];
  readonly lists: readonly number[];
}

export interface FactMark {
  readonly knownAt: number;
  /** Whether later batches than that exist. */
  readonly past: boolean;
  /**
   * Whose facts: everybody's, from rows that are an order each; or those of mixed customers alone, from the
   * table of their reconciled orders. What the former say of mixed customers is wrong.
   */
  readonly of: 'everybody' | 'mixed';
}

/** Temporary table of the reconciled orders of mixed customers, who are in `MIXED_CUSTOMER`. */
const RECONCILED_ORDER = 'reconciled_order';

/** Columns of orders that a condition can look at. */
const ORDERS = 'customer_no, store_no, ordered_at, total_e4, discount_e4, currency_no, status';

/**
 * Makes the tables of mixed customers, who have several versions of an order at the mark: those that a batch
 * in the tail corrected, and those whose version at the mark is in the archive. Most of the tail are new
 * orders, which lie in it as they would in the base.
 *
 * @returns Whether there are any.
 */
export async function reconcileOrders(
  session: DuckDbSession,
  { knownAt, past }: Pick<FactMark, 'knownAt' | 'past'>,
): Promise<boolean> {
  const archived = `batch_no <= ${knownAt} AND superseded_by > ${knownAt}`;
  const several = `SELECT customer_no FROM order_tail WHERE batch_no <= ${knownAt}
      AND batch_no IN (SELECT batch_no FROM batch WHERE replaced > 0)
    UNION SELECT customer_no FROM order_archive WHERE ${archived}`;
  await session.run(`CREATE TEMP TABLE ${MIXED_CUSTOMER} AS ${several}`);
  const found = await session.row(`SELECT 1 AS found FROM ${MIXED_CUSTOMER} LIMIT 1`);
  if (found === undefined) return false;
  const mixed = `customer_no IN (SELECT customer_no FROM ${MIXED_CUSTOMER})`;
  // Not by the table just made: of what has filters of its own DuckDB 1.5 pushes a Bloom filter into the scan
  // of orders, which costs 0.25 s of processor time then at 100 M orders, and not 1.5.
  const inBase = `customer_no IN (${several})`;
  // On its own, or what is joined to it next is joined first. By max, not by row_number: see `reconciledSql`.
  await session.run(`CREATE TEMP TABLE mixed_base AS SELECT ${ORDERS}, order_id FROM order_base
    ${where([inBase, ...(past ? [`batch_no <= ${knownAt}`] : [])])}`);
  await session.run(`CREATE TEMP TABLE ${RECONCILED_ORDER} AS
    WITH tail AS (
      SELECT ${ORDERS}, order_id FROM order_tail WHERE batch_no <= ${knownAt} AND ${mixed}
      QUALIFY batch_no = max(batch_no) OVER (PARTITION BY customer_no, order_id)),
    older AS (
      FROM mixed_base
      UNION ALL SELECT ${ORDERS}, order_id FROM order_archive WHERE ${archived} AND ${mixed})
    SELECT ${ORDERS} FROM older ANTI JOIN tail USING (customer_no, order_id)
    UNION ALL SELECT ${ORDERS} FROM tail`);
  return true;
}

/** What a rule names, as it was in force at the mark. */
export async function namedFacts(session: DuckDbSession, rule: Rule, knownAt: number): Promise<NamedFacts> {
  const names = {
    hasOrders: false,
    traits: new Set<string>(),
    models: new Set<string>(),
    lists: new Set<string>(),
  };
  collect(rule, names);
  const numbersOf = async (wanted: ReadonlySet<string>, sql: (texts: string) => string) => {
    if (wanted.size === 0) return [];
    const texts = [...wanted].map((_, i) => `$${i + 1}`).join(', ');
    const rows = await session.rows<{ name_no: number }>(sql(texts), [...wanted]);
    return rows.map((row) => row.name_no);
  };
  return {
    hasOrders: names.hasOrders,
    traits: await numbersOf(
      names.traits,
      (texts) => `SELECT name_no FROM trait_name WHERE name IN (${texts})`,
    ),
    scores: await numbersOf(
      names.models,
      (texts) => `SELECT arg_max(name_no, batch_no) AS name_no FROM model_activation
        WHERE batch_no <= ${knownAt} AND model IN (${texts}) GROUP BY model`,
    ),
    lists: await numbersOf(names.lists, (texts) => `SELECT name_no FROM list WHERE name IN (${texts})`),
  };
}

interface Names {
  hasOrders: boolean;
  readonly traits: Set<string>;
  readonly models: Set<string>;
  readonly lists: Set<string>;
}

function collect(rule: Rule, names: Names): void {
  switch (rule.kind) {
    case 'all':
    case 'any':
      for (const part of rule.rules) collect(part, names);
      return;
    case 'not':
      collect(rule.rule, names);
      return;
    case 'orders':
      names.hasOrders = true;
      return;
    case 'sequence':
      names.hasOrders ||= rule.first.kind === 'orders' || rule.second.kind === 'orders';
      return;
    case 'trait':
      names.traits.add(rule.name);
      return;
    case 'score':
      names.models.add(rule.model);
      return;
    case 'listed':
      names.lists.add(rule.list);
  }
}

/** What a query reads facts from. */
export async function factsInPlace(
  session: DuckDbSession,
  names: NamedFacts,
  mark: FactMark,
): Promise<FactTables> {
  const { knownAt, past, of } = mark;
  const mixed = of === 'mixed' ? [`customer_no IN (SELECT customer_no FROM ${MIXED_CUSTOMER})`] : [];
  const known = past ? [`batch_no <= ${knownAt}`] : [];
  const filters = [...known, ...mixed];
  const named = (table: NamedTable, numbers: readonly number[], columns: Readonly<Record<string, string>>) =>
    latestOf(session, table, numbers, { filters, columns });
  return {
    known_customer: `(SELECT customer_no FROM customer ${where(filters)})`,
    known_order: of === 'mixed' ? RECONCILED_ORDER : await singleOrders(session, knownAt, known),
    known_store: await latestStores(session, known),
    known_trait: await named('trait', names.traits, { value_no: 'value_no' }),
    known_score: await named('score', names.scores, { value: 'value', valid_until: VALID_UNTIL }),
    known_list_entry: await named('list_entry', names.lists, { is_listed: 'is_listed' }),
    known_event: `(SELECT * FROM event ${where(filters)})`,
    known_activation: `(SELECT model, arg_max(name_no, batch_no) AS name_no FROM model_activation
      WHERE batch_no <= ${knownAt} GROUP BY model)`,
  };
}

type NamedTable = 'trait' | 'score' | 'list_entry';

/** Rows of some names; of several versions the latest. One batch brings one of a customer and name at most. */
async function latestOf(
  session: DuckDbSession,
  table: NamedTable,
  names: readonly number[],
  {
    filters,
    columns,
  }: { readonly filters: readonly string[]; readonly columns: Readonly<Record<string, string>> },
): Promise<string> {
  const chosen = where([names.length === 0 ? 'false' : `name_no IN (${names.join(', ')})`, ...filters]);
  const several = await session.row(
    `SELECT name_no FROM ${table} ${chosen} GROUP BY name_no HAVING min(batch_no) < max(batch_no) LIMIT 1`,
  );
  const values = Object.entries(columns).map(([name, sql]) =>
    several === undefined ? `${sql} AS ${name}` : `arg_max(${sql}, batch_no) AS ${name}`,
  );
  return `(SELECT customer_no, name_no, ${values.join(', ')} FROM ${table} ${chosen}
    ${several === undefined ? '' : 'GROUP BY customer_no, name_no'})`;
}

/** Base and tail one beneath the other. */
async function singleOrders(
  session: DuckDbSession,
  knownAt: number,
  known: readonly string[],
): Promise<string> {
  const base = `SELECT ${ORDERS} FROM order_base ${where(known)}`;
  const tail = await session.row(`SELECT 1 AS found FROM order_tail WHERE batch_no <= ${knownAt} LIMIT 1`);
  if (tail === undefined) return `(${base})`;
  return `(${base} UNION ALL SELECT ${ORDERS} FROM order_tail ${where(known)})`;
}

async function latestStores(session: DuckDbSession, known: readonly string[]): Promise<string> {
  const several = await session.row(
    `SELECT 1 AS found FROM store ${where(known)} HAVING count(*) > count(DISTINCT store_no)`,
  );
  const latest = several === undefined ? '' : 'QUALIFY batch_no = max(batch_no) OVER (PARTITION BY store_no)';
  return `(SELECT * FROM store ${where(known)} ${latest})`;
}

const where = (filters: readonly string[]) => (filters.length === 0 ? '' : `WHERE ${filters.join(' AND ')}`);
