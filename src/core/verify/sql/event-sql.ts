/** Conditions on events, their properties read from the JSON text as it was received. */
import type { EventCondition, EventFilter } from '../../../model/rule.ts';
import { boundsSql, type CustomerSet, holdsZero, type SqlContext, tableSql, textSql } from './sql-context.ts';
import { valueTests } from './value-sql.ts';

/** Customers for whom a condition on events differs from what it is without events. */
export function eventSet(condition: EventCondition, context: SqlContext): CustomerSet {
  const { moment } = context;
  const { measure, withinS } = condition;
  const where = [
    ...eventFilters(condition, context),
    `e.occurred_at <= ${moment}`,
    ...(withinS === undefined ? [] : [`e.occurred_at > ${moment - withinS}`]),
  ];
  const measured = {
    count: 'count(*)',
    days: "count(DISTINCT CAST(timezone('UTC', to_timestamp(e.occurred_at)) AS DATE))",
    firstAge: `${moment} - min(CAST(e.occurred_at AS BIGINT))`,
    lastAge: `${moment} - max(CAST(e.occurred_at AS BIGINT))`,
  }[measure];
  const holds = boundsSql(condition, (operator, bound) => `${measured} ${operator} ${bound}`).join(' AND ');
  const complement = (measure === 'count' || measure === 'days') && holdsZero(condition);
  const sql =
    `SELECT e.customer_no FROM ${tableSql('known_event', context)} AS e\n` +
    `WHERE ${where.join('\n  AND ')}\nGROUP BY e.customer_no HAVING ${complement ? `NOT (${holds})` : holds}`;
  return { sql, complement };
}

/** What an event `e` must pass to be looked at, whatever its time. */
export function eventFilters({ name, where }: EventFilter, context: SqlContext): string[] {
  return [
    `e.name_no = (SELECT name_no FROM event_name WHERE name = ${textSql(name, context)})`,
    ...where.flatMap(({ property, test }) => valueTests(() => propertySql(property, context), test, context)),
  ];
}

/**
 * The text of an event's property, null where there is none.
 *
 * @param event - What the query calls the event.
 */
export function propertySql(property: string, context: SqlContext, event = 'e'): string {
  if (context.dialect === 'postgres') {
    return `(CAST(${event}.properties AS json) ->> ${textSql(property, context)})`;
  }
  // A path as of RFC 6901, in which these two characters are written otherwise.
  const pointer = `/${property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return `json_extract_string(${event}.properties, ${textSql(pointer, context)})`;
}
