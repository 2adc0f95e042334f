/**
 * Evaluates one rule inside DuckDB, by the query that `verify` generates, over tables as they lie. A
 * customer's membership depends on nobody else's facts, so the rule is asked twice: of everybody, from
 * orders of which each row is an order; and of those whose orders have several versions, from these
 * reconciled. At 100 M orders a pass costs 0.2 to 2 s of processor time, and reconciling all would cost 50.
 */
import type { Rule } from '../../../model/rule.ts';
import { queryParts, segmentSetSql } from '../../verify/segment-sql.ts';
import type { Members, MembersRequest } from '../members.ts';
import type { DuckDbDatabase } from './database.ts';
import { type FactMark, factsInPlace, namedFacts, reconcileOrders } from './facts-in-place.ts';
import { readNumbers } from './scan.ts';
import { MIXED_CUSTOMER } from './scan-query.ts';
import type { DuckDbSession } from './session.ts';
import { openSnapshot, type Snapshot } from './snapshot.ts';

/** Temporary table of customers whose facts make a difference. */
const DIFFERING = 'differing';
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
    const knownAt = Math.min(request.knownAt ?? snapshot.batchNo, snapshot.batchNo);
    await session.run(`CREATE TEMP TABLE ${DIFFERING} (customer_no UINTEGER NOT NULL)`);
    const { complement } = await findDiffering(session, snapshot, { ...request, knownAt });
    const members = complement
      ? `customer ANTI JOIN ${DIFFERING} USING (customer_no) WHERE batch_no <= ${knownAt}`
      : DIFFERING;
    return await take(session, members, request.sample);
  } finally {
    await snapshot.close();
  }
}

/** Fills the table of those whose facts make a difference, each once. */
async function findDiffering(
  session: DuckDbSession,
  snapshot: Snapshot,
  { rule, moment, knownAt }: MembersRequest & { readonly knownAt: number },
): Promise<{ readonly complement: boolean }> {
  const past = knownAt < snapshot.batchNo;
  const names = await namedFacts(session, rule, knownAt);
  const find = async (of: FactMark['of']) => {
    const facts = await factsInPlace(session, names, { knownAt, past, of });
    const { sql, params, isComplement } = segmentSetSql(rule, { moment, knownAt, dialect: 'duckdb', facts });
    await session.run(`INSERT INTO ${DIFFERING} FROM (${sql})`, params);
    return { complement: isComplement };
  };
  const isMixed = names.hasOrders && (await reconcileOrders(session, { knownAt, past }));
  const found = await find('everybody');
  if (!isMixed) return found;
  // Afterwards, on members alone: within the query it would be a join that can be done on every order.
  await session.run(
    `DELETE FROM ${DIFFERING} WHERE customer_no IN (SELECT customer_no FROM ${MIXED_CUSTOMER})`,
  );
  return find('mixed');
}

/** @param members - What stands behind FROM. */
async function take(session: DuckDbSession, members: string, sample: number | undefined): Promise<Members> {
  if (sample === undefined) {
    const customerNos = await readNumbers(
      session.stream(`SELECT customer_no FROM ${members} ORDER BY customer_no`),
    );
    return { size: customerNos.length, customerNos };
  }
  const { size } = (await session.row<{ size: number }>(`SELECT count(*) AS size FROM ${members}`))!;
  const drawn = `SELECT customer_no FROM ${members} ORDER BY hash(customer_no), customer_no LIMIT ${sample}`;
  const customerNos = await readNumbers(
    session.stream(`SELECT customer_no FROM (${drawn}) ORDER BY customer_no`),
  );
  return { size, customerNos };
}
