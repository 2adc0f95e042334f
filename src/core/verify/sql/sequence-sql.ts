/** One occurrence after another: the firsts, each with or without a second that exists. */
import type { SequenceCondition, SequenceStep } from '../../../model/rule.ts';
import { eventFilters } from './event-sql.ts';
import { orderFilters } from './orders-sql.ts';
import { type SqlContext, tableSql } from './sql-context.ts';

export function sequenceSql(condition: SequenceCondition, context: SqlContext): string {
  const { moment } = context;
  const { withinS, lookbackS, isWithout } = condition;
  const where = [
    ...(lookbackS === undefined ? [] : [`f.at > ${moment - lookbackS}`]),
    ...(isWithout ? [`f.at + ${withinS} <= ${moment}`] : []),
    `${isWithout ? 'NOT ' : ''}EXISTS (SELECT 1 FROM (\n${stepSql(condition.second, context)}) AS s\n` +
      `WHERE s.customer_no = f.customer_no AND s.at > f.at AND s.at <= f.at + ${withinS})`,
  ];
  return (
    `SELECT DISTINCT f.customer_no FROM (\n${stepSql(condition.first, context)}) AS f\n` +
    `WHERE ${where.join('\n  AND ')}`
  );
}

/** Occurrences up to the moment. */
function stepSql(step: SequenceStep, context: SqlContext): string {
  if (step.kind === 'orders') {
    const where = [`o.ordered_at <= ${context.moment}`, ...orderFilters(step.filter, context)];
    return (
      `SELECT o.customer_no, CAST(o.ordered_at AS BIGINT) AS at FROM ${tableSql('known_order', context)} AS o\n` +
      `WHERE ${where.join('\n  AND ')}`
    );
  }
  const where = [`e.occurred_at <= ${context.moment}`, ...eventFilters(step.filter, context)];
  return (
    `SELECT e.customer_no, CAST(e.occurred_at AS BIGINT) AS at FROM ${tableSql('known_event', context)} AS e\n` +
    `WHERE ${where.join('\n  AND ')}`
  );
}
