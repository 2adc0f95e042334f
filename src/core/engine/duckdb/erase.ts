/**
 * Erases customers: their rows go from every table in one transaction. What stays is the number, which is
 * never given again, and a keyed hash of the id, by which facts that are sent again are recognized and
 * dropped. The id itself stays in `erasure_pending` until what is served has forgotten it.
 */
import type { Erasure } from '../erasure.ts';
import { nextBatchNo, recordBatch } from './batch.ts';
import type { DuckDbDatabase } from './database.ts';
import { hashOf, makeKey, NEXT_CUSTOMER_NO, readKey } from './erased-id.ts';

const LAST_BATCH = 0xffff_ffff;

/** Every table whose rows belong to a customer. */
const CUSTOMER_TABLES = [
  'customer',
  'order_base',
  'order_tail',
  'order_archive',
  'trait',
  'event',
  'score',
  'list_entry',
] as const;

/** Values that only this customer ever had, such as an address: the number stays, the text goes. */
const BLANK_OWN_VALUES = `
UPDATE trait_value SET value = chr(1) || 'erased ' || trait_value.value_no, number = NULL, moment = NULL
FROM (SELECT DISTINCT name_no, value_no FROM trait WHERE customer_no = $1) AS own
WHERE trait_value.name_no = own.name_no AND trait_value.value_no = own.value_no
  AND NOT EXISTS (FROM trait AS other WHERE other.customer_no <> $1
    AND other.name_no = own.name_no AND other.value_no = own.value_no)`;

/** See `Engine.eraseCustomer`. */
export function eraseCustomer(
  database: DuckDbDatabase,
  customerId: string,
): Promise<{ readonly batchNo: number } | undefined> {
  return database.exclusive(async (session) => {
    const found = await session.row<{ customer_no: number }>(
      'SELECT customer_no FROM customer WHERE customer_id = $1',
      [customerId],
    );
    if (found === undefined) return undefined;
    const customerNo = found.customer_no;
    const batchNo = await nextBatchNo(session);
    const key = (await readKey(session)) ?? (await makeKey(session));
    await session.run(BLANK_OWN_VALUES, [customerNo]);
    for (const table of CUSTOMER_TABLES) {
      await session.run(`DELETE FROM ${table} WHERE customer_no = $1`, [customerNo]);
    }
    await session.run('INSERT INTO customer_erasure SELECT $1, $2', [customerNo, batchNo]);
    await session.run('INSERT INTO erasure_pending SELECT $1, $2', [customerNo, customerId]);
    await session.run('INSERT INTO erased_customer SELECT $1, epoch(now())::UINTEGER', [
      hashOf(key, customerId),
    ]);
    await recordBatch(session, {
      batchNo,
      source: 'erasure',
      origin: 'erasure',
      rows: 0,
      counts: { added: 0, replaced: 0, unchanged: 0 },
      rejected: 0,
      report: {},
    });
    return { batchNo };
  });
}

/** See `Engine.readmitCustomer`. */
export function readmitCustomer(database: DuckDbDatabase, customerId: string): Promise<boolean> {
  return database.exclusive(async (session) => {
    const key = await readKey(session);
    if (key === undefined) return false;
    const removed = await session.run('DELETE FROM erased_customer WHERE hash = $1', [
      hashOf(key, customerId),
    ]);
    return removed > 0;
  });
}

/** See `Engine.erasures`. */
export async function readErasures(
  database: DuckDbDatabase,
  after: number,
  upTo = LAST_BATCH,
): Promise<readonly Erasure[]> {
  const rows = await database.rows<{ customer_no: number; batch_no: number; customer_id: string | null }>(
    `SELECT customer_no, batch_no, customer_id FROM customer_erasure
     LEFT JOIN erasure_pending USING (customer_no)
     WHERE batch_no > $1 AND batch_no <= $2 ORDER BY customer_no`,
    [after, upTo],
  );
  return rows.map(({ customer_no, batch_no, customer_id }) => ({
    customerNo: customer_no,
    batchNo: batch_no,
    ...(customer_id === null || customer_id === '' ? {} : { customerId: customer_id }),
    isPending: customer_id !== null,
  }));
}

/** See `Engine.settleErasures`. */
export async function settleErasures(
  database: DuckDbDatabase,
  upTo: number,
  part: 'ids' | 'all',
): Promise<void> {
  const settled = `customer_no IN (SELECT customer_no FROM customer_erasure WHERE batch_no <= ${upTo})
    ${part === 'ids' ? `AND customer_id <> ''` : ''}`;
  const found = await database.row(`SELECT 1 AS found FROM erasure_pending WHERE ${settled} LIMIT 1`);
  if (found === undefined) return;
  const change =
    part === 'ids' ? `UPDATE erasure_pending SET customer_id = ''` : 'DELETE FROM erasure_pending';
  await database.exclusive((session) => session.run(`${change} WHERE ${settled}`));
}

/** See `Engine.customerNoEnd`. */
export async function readCustomerNoEnd(database: DuckDbDatabase): Promise<number> {
  const row = await database.row<{ customer_no: number }>(
    `SELECT ${NEXT_CUSTOMER_NO}::UINTEGER AS customer_no`,
  );
  return row!.customer_no;
}
