/** What a text stands for besides itself, as SQL: the same as `traitNumber` and `traitMoment` of the model. */
import { MOMENT_MAX_S } from '../../../model/time.ts';

/** DOUBLE, or NULL where the text does not read as a number. Rounds to the nearest double, as JavaScript does. */
export const valueNumber = (text: string) =>
  `CASE WHEN regexp_full_match(${text}, '-?[0-9]{1,15}([.][0-9]{1,15})?') THEN ${text}::DOUBLE END`;

const MOMENT =
  '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-][01][0-9]:[0-5][0-9])?)?';

/** Seconds since 1970 as UINTEGER, or NULL where the text does not read as a date or moment. */
export function valueMoment(text: string): string {
  const digits = (from: number, seconds: number) =>
    `coalesce(TRY_CAST(substr(${text}, ${from}, 2) AS BIGINT), 0) * ${seconds}`;
  const hasSeconds = `substr(${text}, 17, 1) = ':'`;
  const offset = `right(${text}, 6)`;
  const offsetSeconds = `(substr(${offset}, 2, 2)::BIGINT * 3600 + substr(${offset}, 5, 2)::BIGINT * 60)`;
  const seconds = `epoch(TRY_CAST(left(${text}, 10) AS DATE))::BIGINT
    + ${digits(12, 3600)} + ${digits(15, 60)} + CASE WHEN ${hasSeconds} THEN ${digits(18, 1)} ELSE 0 END
    + CASE WHEN length(${text}) < 17 THEN 0 WHEN left(${offset}, 1) = '+' THEN -${offsetSeconds}
      WHEN left(${offset}, 1) = '-' THEN ${offsetSeconds} ELSE 0 END`;
  return `CASE WHEN regexp_full_match(${text}, '${MOMENT}') AND (${seconds}) BETWEEN 0 AND ${MOMENT_MAX_S}
    THEN (${seconds})::UINTEGER END`;
}

/** Escapes a key for RFC 6901, as SQL. */
export const pointerOf = (key: string) => `'/' || replace(replace(${key}, '~', '~0'), '/', '~1')`;

/**
 * The shortest text of a number that is text already, as JavaScript writes it: `5.0` is `5`, `1e3` is `1000`.
 * From 1e16 on and below 1e-4 DuckDB writes an exponent, of two digits or more; JavaScript from 1e21 on and
 * below 1e-6, as short as it can be.
 */
export function shortestNumber(text: string): string {
  const written = `${text}::DOUBLE::VARCHAR`;
  const exponent = `regexp_extract(${written}, 'e(.*)$', 1)::INTEGER`;
  const digits = `replace(regexp_extract(${written}, '^-?(.*)e', 1), '.', '')`;
  const sign = `CASE WHEN ${text}::DOUBLE < 0 THEN '-' ELSE '' END`;
  return `CASE WHEN ${text}::DOUBLE = 0 THEN '0' WHEN NOT contains(${written}, 'e') THEN regexp_replace(${written}, '[.]0$', '')
    WHEN ${exponent} BETWEEN 0 AND 20 THEN ${sign} || rpad(${digits}, ${exponent} + 1, '0')
    WHEN ${exponent} BETWEEN -6 AND -1 THEN ${sign} || '0.' || repeat('0', -${exponent} - 1) || ${digits}
    ELSE regexp_replace(${written}, 'e([+-])0+', 'e\\1') END`;
}

/**
 * What a member of a JSON object stands for as text: a number its shortest text, an object or a list its
 * JSON; NULL where there is none.
 */
export const jsonText = (json: string, pointer: string) =>
  `CASE WHEN json_type(${json}, ${pointer}) = 'DOUBLE' THEN ${shortestNumber(`json_extract_string(${json}, ${pointer})`)}
    ELSE json_extract_string(${json}, ${pointer}) END`;
