/**
 * Evaluates one rule inside DuckDB, by the query that `verify` generates, over tables as they lie. A
 * customer's membership depends on nobody else's facts, so the rule is asked twice: of everybody, from
 * orders of which each row is an order; and of those whose orders have several versions, from these
 * reconciled. At 100 M orders a pass costs 0.2 to 2 s of processor time, and reconciling all would cost 50.
 */
import type { Rule } from '../../../model/rule.ts';
import { queryParts, segmentSql } from '../../verify/segment-sql.ts';
import type { Members, MembersRequest } from '../members.ts';
import type { DuckDbDatabase } from './database.ts';
import {
  type FactMark,
  factsInForce,
  namedFacts,
  ORDERS,
  RECONCILED_ORDER,
  severalVersionsSql,
} from './facts-in-force.ts';
import { readNumbers } from './scan.ts';
import {
  mixedCustomersSql,
  reconciledSql,
  type ScanScope,
  scanScope,
  tailBatchesSql,
  WANTED_CUSTOMER,
} from './scan-query.ts';
import type { DuckDbSession } from './session.ts';
import { openSnapshot, type Snapshot } from './snapshot.ts';

/** Temporary table of the members found. */
const MEMBER = 'member';
/** A full scan of 100 M orders costs as much as about so many passes over them. */
const PASSES_MAX = 5;
/** What a pass over orders in few stores costs of one over all. */
const STORES_PASS = 0.25;

/**
 * Whether the query is cheaper than a scan into the evaluator. It compares each first of a sequence with
 * each second of the same customer, and so is not where there is one. Of plug-ins it would ask their SQL,
 * where what is served comes from their accumulators.
 */
export function isCheapQuery(rule: Rule): boolean {
  let passes = 0;
  for (const part of queryParts(rule)) {
    const kinds = conditionKinds(part);
    if (kinds.has('sequence') || kinds.has('plugin')) return false;
    if (kinds.has('orders')) passes += isOverAllStores(part) ? 1 : STORES_PASS;
    else passes += STORES_PASS;
  }
  return passes <= PASSES_MAX;
}

function conditionKinds(rule: Rule): Set<Rule['kind']> {
  if (rule.kind === 'all' || rule.kind === 'any') {
    return new Set(rule.rules.flatMap((part) => [...conditionKinds(part)]));
  }
  return rule.kind === 'not' ? conditionKinds(rule.rule) : new Set([rule.kind]);
}

/** Of a part that looks at one store set. */
function isOverAllStores(part: Rule): boolean {
  if (part.kind === 'all' || part.kind === 'any') return part.rules.some(isOverAllStores);
  if (part.kind === 'not') return isOverAllStores(part.rule);
  return part.kind === 'orders' && part.stores.kind === 'all';
}

/** See `Engine.members`. The state read is that of the first step, whatever is written meanwhile. */
export async function readMembers(database: DuckDbDatabase, request: MembersRequest): Promise<Members> {
  const snapshot = await openSnapshot(database, 1);
  try {
    const session = snapshot.sessions[0]!;
    await session.run(`CREATE TEMP TABLE ${MEMBER} (customer_no UINTEGER NOT NULL)`);
    await findMembers(session, snapshot, request);
    return await take(session, request.sample);
  } finally {
    await snapshot.close();
  }
}

async function findMembers(
  session: DuckDbSession,
  snapshot: Snapshot,
  { rule, moment, knownAt: asked = snapshot.batchNo }: MembersRequest,
): Promise<void> {
  const knownAt = Math.min(asked, snapshot.batchNo);
  const past = knownAt < snapshot.batchNo;
  const names = await namedFacts(session, rule, knownAt);
  const find = async (of: FactMark['of'], where: string) => {
    const facts = await factsInForce(session, names, { knownAt, past, of });
    const { sql, params } = segmentSql(rule, { moment, knownAt, dialect: 'duckdb', facts });
    await session.run(`INSERT INTO ${MEMBER} SELECT customer_no FROM (${sql}) AS found ${where}`, params);
  };
  const isMixed = names.hasOrders && (await reconcile(session, snapshot, knownAt));
  if (!isMixed) return find('everybody', '');
  await find('everybody', `ANTI JOIN ${WANTED_CUSTOMER} USING (customer_no)`);
  await find('mixed', '');
}

/** Makes the table of the reconciled orders of mixed customers. @returns Whether there are any. */
async function reconcile(session: DuckDbSession, snapshot: Snapshot, knownAt: number): Promise<boolean> {
  await session.run(`CREATE TEMP TABLE ${WANTED_CUSTOMER} AS ${severalVersionsSql(knownAt)}`);
  const found = await session.row(`SELECT 1 AS found FROM ${WANTED_CUSTOMER} LIMIT 1`);
  if (found === undefined) return false;
  const columns = { amounts: true, traits: false };
  const scope: ScanScope = { ...scanScope({ columns, knownAt }, snapshot.batchNo), customers: 'listed' };
  await session.run(mixedCustomersSql(scope));
  const tail = await session.row<{ batches: number }>(tailBatchesSql(scope));
  const orders = reconciledSql(scope, tail!.batches, { columns: ORDERS, status: 'true' });
  await session.run(`CREATE TEMP TABLE ${RECONCILED_ORDER} AS ${orders}`);
  return true;
}

async function take(session: DuckDbSession, sample: number | undefined): Promise<Members> {
  const { size } = (await session.row<{ size: number }>(`SELECT count(*) AS size FROM ${MEMBER}`))!;
  const drawn =
    sample === undefined || sample >= size
      ? MEMBER
      : `(SELECT customer_no FROM ${MEMBER} ORDER BY hash(customer_no), customer_no LIMIT ${sample})`;
  const customerNos = await readNumbers(
    session.stream(`SELECT customer_no FROM ${drawn} ORDER BY customer_no`),
  );
  return { size, customerNos };
}
