/** What is left of erased customers: numbers that are not given again, and keyed hashes that facts are held to. */
import { createHmac, randomBytes } from 'node:crypto';
import type { DuckDbSession } from './session.ts';

/** Row of `meta` that holds the key of the hashes, as hexadecimal digits. */
const KEY_NAME = 'erasure_key';
const KEY_BYTES = 32;
/** SHA-256 works on blocks of this size; a key of HMAC is padded to one. */
const BLOCK_BYTES = 64;

/** The number that the next customer gets: those of erased customers are not given again. */
export const NEXT_CUSTOMER_NO = `greatest(
  (SELECT coalesce(max(customer_no) + 1, 0) FROM customer),
  (SELECT coalesce(max(customer_no) + 1, 0) FROM customer_erasure))`;

/**
 * Drops staged rows of erased customers, within the caller's transaction. Cheap where nobody was erased;
 * otherwise ids not known yet are hashed, each once.
 *
 * @param staged - Tables with a column `customer_id`; every id of the others is in the first.
 * @returns Ids whose rows were dropped, and how many rows of the first table; nothing if there were none.
 */
export async function dropErased(
  session: DuckDbSession,
  staged: readonly string[],
): Promise<{ readonly erased?: number; readonly erasedCustomers?: readonly string[] }> {
  const any = await session.row('SELECT 1 AS found FROM erased_customer LIMIT 1');
  if (any === undefined) return {};
  const key = (await readKey(session))!;
  // HMAC in two steps, as RFC 2104 has it; DuckDB has SHA-256 only.
  await session.run(
    `CREATE OR REPLACE TEMP TABLE erased_id AS
     SELECT customer_id FROM (SELECT DISTINCT customer_id FROM ${staged[0]})
     ANTI JOIN customer USING (customer_id)
     WHERE sha256(unhex($1) || unhex(sha256(unhex($2) || encode(customer_id)))) IN (SELECT hash FROM erased_customer)`,
    [padded(key, 0x5c), padded(key, 0x36)],
  );
  const found = await session.rows<{ customer_id: string }>('SELECT customer_id FROM erased_id');
  let rows = 0;
  if (found.length > 0) {
    for (const [i, table] of staged.entries()) {
      const dropped = await session.run(
        `DELETE FROM ${table} WHERE customer_id IN (SELECT customer_id FROM erased_id)`,
      );
      if (i === 0) rows = dropped;
    }
  }
  await session.run('DROP TABLE temp.erased_id');
  return rows > 0 ? { erased: rows, erasedCustomers: found.map((row) => row.customer_id) } : {};
}

/** The key of the hashes; undefined where nobody was erased yet. */
export async function readKey(session: DuckDbSession): Promise<Buffer | undefined> {
  const row = await session.row<{ value: string }>(`SELECT value FROM meta WHERE key = '${KEY_NAME}'`);
  return row && Buffer.from(row.value, 'hex');
}

/** Makes the key, within the caller's transaction. */
export async function makeKey(session: DuckDbSession): Promise<Buffer> {
  const key = randomBytes(KEY_BYTES);
  await session.run(`INSERT INTO meta SELECT '${KEY_NAME}', $1`, [key.toString('hex')]);
  return key;
}

/** What is kept of an id: HMAC-SHA256, as hexadecimal digits. */
export function hashOf(key: Buffer, customerId: string): string {
  return createHmac('sha256', key).update(customerId, 'utf8').digest('hex');
}

/** The key, padded to a block and combined with a byte, as hexadecimal digits. */
function padded(key: Buffer, byte: number): string {
  const block = Buffer.alloc(BLOCK_BYTES, byte);
  for (const [i, value] of key.entries()) block[i]! ^= value;
  return block.toString('hex');
}
