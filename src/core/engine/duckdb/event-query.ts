/**
 * The SQL of a scan's events. The texts that properties are compared with stand in a temporary table, so
 * that whatever they hold, none of them is ever part of a statement.
 */
import { UINTEGER, VARCHAR } from '@duckdb/node-api';
import { type EventColumns, FIRST_VALUE_NO } from '../fact-batch.ts';
import { literal } from './quote-sql.ts';
import { factFilter, NAN, type ScanScope } from './scan-query.ts';
import type { DuckDbSession } from './session.ts';
import { valueNumber } from './value-sql.ts';

/** Temporary table: property (its place), value, and its number in the batch. */
const WANTED_VALUE = 'wanted_value';
/** Makes the temporary table that `eventsSql` joins. */
export async function makeWantedValues(session: DuckDbSession, { properties }: EventColumns): Promise<void> {
  await session.run(
    `CREATE TEMP TABLE ${WANTED_VALUE} (property UINTEGER NOT NULL, value VARCHAR NOT NULL, value_no UINTEGER NOT NULL)`,
  );
  const rows = properties.flatMap(({ values }, property) =>
    values.map((value, i) => ({ property, value, valueNo: i + FIRST_VALUE_NO })),
  );
  await session.append(
    WANTED_VALUE,
    [UINTEGER, VARCHAR, UINTEGER],
    [rows.map((row) => row.property), rows.map((row) => row.value), rows.map((row) => row.valueNo)],
  );
}

/** Events of at least one name, as `eventTypes`. */
export function eventsSql(scope: ScanScope, { names, properties }: EventColumns): string {
  const texts = properties.map(({ name }, i) => `, ${propertyText(name)} AS text_${i}`);
  const columns = properties.map(
    ({ values }, i) => `, CASE WHEN text_${i} IS NULL THEN 0
      ELSE ${values.length === 0 ? 1 : `coalesce(value_${i}.value_no, 1)`} END::UINTEGER AS value_no_${i},
      coalesce(${valueNumber(`text_${i}`)}, ${NAN}) AS number_${i}`,
  );
  const joins = properties.map(({ values }, i) =>
    values.length === 0
      ? ''
      : `LEFT JOIN (SELECT value, value_no FROM ${WANTED_VALUE} WHERE property = ${i}) AS value_${i}
        ON value_${i}.value = text_${i}`,
  );
  return `SELECT customer_no, name_no, occurred_at ${columns.join('')}
    FROM (SELECT customer_no, name_no, occurred_at ${texts.join('')} FROM event
      WHERE name_no IN (${names.join(', ')}) AND ${factFilter(scope)}) AS wanted ${joins.join(' ')}
    ORDER BY customer_no, name_no, occurred_at`;
}

/** A property's text, or NULL. By JSON pointer, in which a name may hold anything once two characters are escaped. */
function propertyText(name: string): string {
  const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  // A statement ends at a zero byte, which a name may hold all the same.
  return `json_extract_string(properties, ${pointer.split('\0').map(literal).join(' || chr(0) || ')})`;
}
