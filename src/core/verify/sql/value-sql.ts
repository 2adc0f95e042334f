/** Conditions on what is known of a customer: traits, scores and lists; and tests on values that are text. */
import { strict as assert } from 'node:assert';
import type { ListedCondition, ScoreCondition, TraitCondition, ValueTest } from '../../../model/rule.ts';
import { MOMENT_MAX_S } from '../../../model/time.ts';
import { boundsSql, doubleSql, listSql, type SqlContext, tableSql, textSql } from './sql-context.ts';

export function traitSql({ name, test }: TraitCondition, context: SqlContext): string {
  const where = [
    `n.name = ${textSql(name, context)}`,
    ...(test.kind === 'age'
      ? ageTests('v.value', test, context)
      : valueTests(() => 'v.value', test, context)),
  ];
  return (
    `SELECT t.customer_no FROM ${tableSql('known_trait', context)} AS t JOIN trait_name AS n ON n.name_no = t.name_no\n` +
    `JOIN trait_value AS v ON v.name_no = t.name_no AND v.value_no = t.value_no\nWHERE ${where.join(' AND ')}`
  );
}

/** Scores of the version in force that count at the moment. */
export function scoreSql(condition: ScoreCondition, context: SqlContext): string {
  assert(condition.population === undefined, 'bounds of the population were not replaced');
  const where = [
    `a.model = ${textSql(condition.model, context)}`,
    `(s.valid_until IS NULL OR s.valid_until > ${context.moment})`,
    ...boundsSql(condition, (operator, bound) => `s.value ${operator} ${doubleSql(bound)}`),
  ];
  return (
    `SELECT s.customer_no FROM ${tableSql('known_score', context)} AS s\n` +
    `JOIN ${tableSql('known_activation', context)} AS a ON a.name_no = s.name_no\nWHERE ${where.join(' AND ')}`
  );
}

export function listedSql({ list }: ListedCondition, context: SqlContext): string {
  return (
    `SELECT l.customer_no FROM ${tableSql('known_list_entry', context)} AS l JOIN list AS n ON n.name_no = l.name_no\n` +
    `WHERE n.name = ${textSql(list, context)} AND l.is_listed`
  );
}

/** Tests on an expression that is text, or null where there is none: all must be true. */
export function valueTests(value: () => string, test: ValueTest, context: SqlContext): string[] {
  if (test.kind === 'exists') return [`${value()} IS NOT NULL`];
  if (test.kind === 'in') return [`${value()} IN ${listSql(test.values, context)}`];
  // Read from the text, not from the columns that hold the number: the oracle checks those too.
  return boundsSql(test, (operator, bound) => `${numberSql(value, context)} ${operator} ${doubleSql(bound)}`);
}

/** The number that an expression of text reads as, null where it does not. */
export function numberSql(value: () => string, context: SqlContext): string {
  return `CASE WHEN ${matchesSql(value(), NUMBER, context)} THEN CAST(${value()} AS DOUBLE PRECISION) END`;
}

const NUMBER = '^-?[0-9]{1,15}([.][0-9]{1,15})?$';
/** Of years that can be in range, with any offset. The day must still be one of its month. */
const MOMENT =
  '^(19[67][0-9]|19[89][0-9]|20[0-9][0-9]|210[0-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' +
  '([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-][01][0-9]:[0-5][0-9])?)?$';

function ageTests(
  value: string,
  test: { readonly atLeast?: number; readonly atMost?: number },
  context: SqlContext,
): string[] {
  const digits = (from: string | number, length: number): string =>
    `CAST(substr(${value}, ${from}, ${length}) AS INTEGER)`;
  const fromEnd = (characters: number): string => `length(${value}) - ${characters - 1}`;
  const date = `(CAST(concat(substr(${value}, 1, 7), '-01') AS DATE) + ${digits(9, 2)} - 1)`;
  const time = `CASE WHEN length(${value}) > 10 THEN ${digits(12, 2)} * 3600 + ${digits(15, 2)} * 60 ELSE 0 END`;
  const second = `CASE WHEN substr(${value}, 17, 1) = ':' THEN ${digits(18, 2)} ELSE 0 END`;
  const offset = `(${digits(fromEnd(5), 2)} * 3600 + ${digits(fromEnd(2), 2)} * 60)`;
  // A date ends in six characters that look like an offset.
  const sign = `CASE WHEN length(${value}) > 10 THEN substr(${value}, ${fromEnd(6)}, 1) END`;
  const since =
    `(CAST(${date} - DATE '1970-01-01' AS BIGINT) * 86400 + ${time} + ${second}` +
    ` - CASE ${sign} WHEN '+' THEN ${offset} WHEN '-' THEN -${offset} ELSE 0 END)`;
  const isInRange = `extract(month FROM ${date}) = ${digits(6, 2)} AND ${since} BETWEEN 0 AND ${MOMENT_MAX_S}`;
  const moment = `CASE WHEN ${matchesSql(value, MOMENT, context)} THEN CASE WHEN ${isInRange} THEN ${since} END END`;
  return boundsSql(test, (operator, bound) => `${context.moment} - ${moment} ${operator} ${bound}`);
}

function matchesSql(value: string, pattern: string, { dialect }: SqlContext): string {
  return dialect === 'duckdb' ? `regexp_matches(${value}, '${pattern}')` : `${value} ~ '${pattern}'`;
}
