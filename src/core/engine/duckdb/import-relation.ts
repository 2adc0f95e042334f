/** Files as rows that SQL can read: the checked copy of CSV or NDJSON, or a Parquet file itself. */
import { NDJSON_SEPARATOR } from '../../ingest/record-reader.ts';
import type { CheckedCopy } from './checked-copy.ts';
import type { Relation } from './import-fields.ts';
import { identifier, literal } from './quote-sql.ts';
import type { DuckDbSession } from './session.ts';
import { jsonText, shortestNumber } from './value-sql.ts';

/** As the scanner lets rows be, with its line number and quotes. */
const MAX_LINE_BYTES = 1 << 22;

/** A checked copy of CSV. Its columns have names of our own, so that no header can disturb the SQL. */
export function copyRelation(copy: CheckedCopy, delimiter: string): Relation {
  const columns = copy.header.map((_, i) => `'c${i}': 'VARCHAR'`);
  // Threads that begin in the middle of a file can take a line inside quotes for a row.
  const parallel = !copy.multiline;
  return {
    from: `read_csv(${literal(copy.path)}, auto_detect = false, header = false, delim = ${literal(delimiter)},
      quote = '"', escape = '"', nullstr = '', parallel = ${parallel}, max_line_size = ${MAX_LINE_BYTES},
      columns = {${["'line': 'UBIGINT'", ...columns].join(', ')}})`,
    line: 'line',
    columns: copy.header,
    column: (name) => `c${copy.header.indexOf(name)}`,
  };
}

/** A checked copy of NDJSON: every line that is an object. Others are set aside in a table. */
export async function ndjsonRelation(
  session: DuckDbSession,
  copy: CheckedCopy,
  rejected: string,
): Promise<Relation> {
  const from = `read_csv(${literal(copy.path)}, auto_detect = false, header = false,
    delim = ${literal(NDJSON_SEPARATOR)}, quote = '', escape = '', max_line_size = ${MAX_LINE_BYTES},
    columns = {'line': 'UBIGINT', 'json': 'VARCHAR'})`;
  const isObject = `CASE WHEN json_valid(json) THEN json_type(json) = 'OBJECT' ELSE false END`;
  await session.run(`CREATE OR REPLACE TEMP TABLE json_row AS FROM ${from} WHERE ${isObject}`);
  await session.run(
    `INSERT INTO ${rejected} SELECT line, 'not a JSON object', json FROM ${from} WHERE NOT (${isObject})`,
  );
  const keys = await session.rows<{ key: string }>(
    `SELECT DISTINCT unnest(json_keys(json)) AS key FROM json_row ORDER BY key`,
  );
  return {
    from: 'json_row',
    line: 'line',
    text: 'json',
    columns: keys.map(({ key }) => key),
    isEmpty: (await session.row(`SELECT 1 AS one FROM json_row LIMIT 1`)) === undefined,
    column: (name) => `json_extract_string(json, ${literal(pointer(name))})`,
    valueText: (name) => jsonText('json', literal(pointer(name))),
    json: {
      has: (name) => `json_exists(json, ${literal(pointer(name))})`,
      isPlain: (name) =>
        `coalesce(json_type(json, ${literal(pointer(name))}) NOT IN ('OBJECT', 'ARRAY', 'BOOLEAN'), true)`,
    },
  };
}

/** RFC 6901. */
const pointer = (name: string) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** A Parquet file, which counts rows from 1 instead of lines. Every value as the text it stands for. */
export async function parquetRelation(session: DuckDbSession, file: string): Promise<Relation> {
  const from = `read_parquet(${literal(file)}, file_row_number = true)`;
  const columns = await session.rows<{ column_name: string; column_type: string }>(
    `SELECT column_name, column_type FROM (DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ${from})`,
  );
  const types = new Map(columns.map((column) => [column.column_name, column.column_type]));
  return {
    from,
    line: 'file_row_number + 1',
    columns: columns.map((column) => column.column_name),
    column: (name) => `${identifier(name)}::VARCHAR`,
    valueText: (name) => {
      const type = types.get(name) ?? '';
      if (NESTED.test(type)) return `to_json(${identifier(name)})::VARCHAR`;
      // A column of whole numbers with gaps often comes as one of fractions: 5 is 5, not 5.0.
      return FRACTIONS.has(type)
        ? shortestNumber(`${identifier(name)}::VARCHAR`)
        : `${identifier(name)}::VARCHAR`;
    },
  };
}

const NESTED = /^(?:STRUCT|MAP)\(/;
const FRACTIONS = new Set(['FLOAT', 'DOUBLE']);
