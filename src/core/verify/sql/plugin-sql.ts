/** Conditions on the sources of plug-ins, by the plug-in's own SQL over its occurrences. */
import { occurrencePrefix } from '../../../model/plugin-source.ts';
import type { SourceCondition } from '../../../model/rule.ts';
import { propertySql } from './event-sql.ts';
import { type SqlContext, tableSql, textSql } from './sql-context.ts';
import { numberSql } from './value-sql.ts';

/** Customers for whom it holds; one without an occurrence is not among them, whatever the plug-in says. */
export function pluginSql({ source, params }: SourceCondition, context: SqlContext): string {
  const prefix = occurrencePrefix(source.name);
  const { moment, dialect } = context;
  const occurrences =
    `(SELECT e.customer_no, substr(n.name, ${prefix.length + 1}) AS name, e.occurred_at, e.properties\n` +
    `FROM ${tableSql('known_event', context)} AS e JOIN event_name AS n ON n.name_no = e.name_no\n` +
    `WHERE starts_with(n.name, ${textSql(prefix, context)}) AND e.occurred_at <= ${moment}) AS occurrence`;
  const property = (name: string): string => propertySql(name, context, 'occurrence');
  const sql = source.sql(params, {
    occurrences,
    moment,
    dialect,
    text: (value) => textSql(value, context),
    property,
    number: (name) => `(${numberSql(() => property(name), context)})`,
  });
  return `SELECT DISTINCT customer_no FROM (\n${sql}\n) AS of_plugin`;
}
