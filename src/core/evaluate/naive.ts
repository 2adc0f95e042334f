/**
 * The naive evaluator: one rule, one customer, one moment, straight from the words of `model/rule.ts`.
 * Slow and obvious on purpose: it is what the fast evaluator and the SQL oracle are held to, and what
 * explains a membership to people. It shares no code with either.
 */
import { strict as assert } from 'node:assert';
import type { CustomerFacts, StoreFact } from '../../model/fact.ts';
import type { Condition, Rule } from '../../model/rule.ts';
import type { StoreTable } from '../engine/engine.ts';
import { evaluateEventsNaive } from './naive/naive-events.ts';
import { evaluateOrdersNaive } from './naive/naive-orders.ts';
import type { NaiveOutcome, StoreLookup } from './naive/naive-outcome.ts';
import { evaluatePluginNaive } from './naive/naive-plugin.ts';
import { evaluateSequenceNaive } from './naive/naive-sequence.ts';
import { evaluateListedNaive, evaluateScoreNaive, evaluateTraitNaive } from './naive/naive-value.ts';

/** Facts of a customer never heard of: what a segment's default membership is evaluated on. */
export const NO_FACTS: CustomerFacts = {
  orders: [],
  traits: new Map(),
  events: [],
  scores: new Map(),
  lists: new Set(),
};

/** The engine's table of stores, by id. */
export function storeLookup(table: StoreTable): StoreLookup {
  const lookup = new Map<string, StoreFact>();
  for (const [i, storeId] of table.ids.entries()) {
    const [brand, city, category, tags] = [table.brand[i], table.city[i], table.category[i], table.tags[i]];
    lookup.set(storeId, {
      storeId,
      ...(brand === undefined ? {} : { brand }),
      ...(city === undefined ? {} : { city }),
      ...(category === undefined ? {} : { category }),
      ...(tags === undefined ? {} : { tags }),
    });
  }
  return lookup;
}

/**
 * Whether a rule holds for one customer.
 *
 * @param rule - With every reference to another segment replaced, and bounds of the population by numbers.
 * @param facts - Latest versions, cancelled and refunded orders included.
 * @param moment - Seconds since 1970.
 */
export function evaluateNaive(
  rule: Rule,
  facts: CustomerFacts,
  moment: number,
  stores: StoreLookup,
): boolean {
  switch (rule.kind) {
    case 'all':
      return rule.rules.every((part) => evaluateNaive(part, facts, moment, stores));
    case 'any':
      return rule.rules.some((part) => evaluateNaive(part, facts, moment, stores));
    case 'not':
      return !evaluateNaive(rule.rule, facts, moment, stores);
    case 'segment':
      return assert.fail(`reference to segment "${rule.key}" was not replaced before evaluation`);
    default:
      return evaluateConditionNaive(rule, facts, moment, stores).holds;
  }
}

/** Evaluates one condition, with what was measured and the facts that it looked at. */
export function evaluateConditionNaive(
  condition: Condition,
  facts: CustomerFacts,
  moment: number,
  stores: StoreLookup,
): NaiveOutcome {
  const question = { facts, moment, stores };
  switch (condition.kind) {
    case 'orders':
      return evaluateOrdersNaive(condition, question);
    case 'event':
      return evaluateEventsNaive(condition, question);
    case 'trait':
      return evaluateTraitNaive(condition, question);
    case 'score':
      return evaluateScoreNaive(condition, question);
    case 'listed':
      return evaluateListedNaive(condition, question);
    case 'sequence':
      return evaluateSequenceNaive(condition, question);
    case 'plugin':
      return evaluatePluginNaive(condition, question);
  }
}
