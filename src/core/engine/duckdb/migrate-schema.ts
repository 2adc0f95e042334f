/**
 * Brings the tables of an older file to the shape of today, within the transaction that opens it: a kill
 * leaves the file as it was or as it should be. A version of Coterie that is older than the tables refuses
 * them afterwards.
 */
import { SCHEMA_VERSION, TRAIT_VALUE_COLUMNS } from './schema.ts';
import type { DuckDbSession } from './session.ts';
import { valueMoment } from './value-sql.ts';

/** From version i + 1 to the next. New tables are made by `CREATE_TABLES`. */
const STEPS: readonly (readonly string[])[] = [
  // Written anew, since a column that is added cannot be filled in the same transaction.
  [
    `CREATE TABLE trait_value_migrated (${TRAIT_VALUE_COLUMNS})`,
    `INSERT INTO trait_value_migrated
     SELECT name_no, value_no, value, number, ${valueMoment('value')} FROM trait_value`,
    'DROP TABLE trait_value',
    'ALTER TABLE trait_value_migrated RENAME TO trait_value',
  ],
];

/** @param found - The version of the tables in the file. */
export async function migrateSchema(session: DuckDbSession, found: number): Promise<void> {
  if (found === SCHEMA_VERSION) return;
  for (const statement of STEPS.slice(found - 1).flat()) await session.run(statement);
  await session.run(`UPDATE meta SET value = $1 WHERE key = 'schema_version'`, [String(SCHEMA_VERSION)]);
}
