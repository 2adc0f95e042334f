/**
 * When a membership changes if no fact arrives: the moments at which time alone can change a condition are
 * known, so the rule is evaluated at each of them until it says something else.
 */
import { type CustomerFacts, traitMoment } from '../model/fact.ts';
import type { Condition, Rule, SequenceCondition, SequenceStep } from '../model/rule.ts';
import { formatMoment, MOMENT_MAX_S } from '../model/time.ts';
import { passesEventFilter } from './evaluate/naive/naive-events.ts';
import { passesOrderFilter } from './evaluate/naive/naive-orders.ts';
import type { StoreLookup } from './evaluate/naive/naive-outcome.ts';
import { occurrencesOf } from './evaluate/naive/naive-plugin.ts';
import { evaluateNaive } from './evaluate/naive.ts';

/**
 * The first later moment at which a rule yields something else with these facts, up to the last that can
 * be stored; null if there is none.
 *
 * Cost: one naive evaluation for each moment at which something could have changed before.
 */
export function nextChange(
  rule: Rule,
  holds: boolean,
  facts: CustomerFacts,
  moment: number,
  stores: StoreLookup,
): { readonly at: string; readonly member: boolean } | null {
  const moments = new Set<number>();
  for (const condition of conditionsOf(rule)) {
    for (const later of edgesOf(condition, facts, stores)) {
      if (later > moment && later <= MOMENT_MAX_S) moments.add(later);
    }
  }
  for (const later of [...moments].sort((a, b) => a - b)) {
    if (evaluateNaive(rule, facts, later, stores) !== holds)
      return { at: formatMoment(later), member: !holds };
  }
  return null;
}

function conditionsOf(rule: Rule): Condition[] {
  if (rule.kind === 'all' || rule.kind === 'any') return rule.rules.flatMap(conditionsOf);
  if (rule.kind === 'not') return conditionsOf(rule.rule);
  if (rule.kind === 'segment') throw new Error(`Segment ${rule.key} was not replaced by its rule`);
  return [rule];
}

/** Moments at which the passing of time can change a condition: no other has an effect. */
function edgesOf(condition: Condition, facts: CustomerFacts, stores: StoreLookup): number[] {
  switch (condition.kind) {
    case 'orders':
    case 'event': {
      const step: SequenceStep =
        condition.kind === 'orders'
          ? { kind: 'orders', filter: condition }
          : { kind: 'event', filter: condition };
      const isAge = condition.measure === 'firstAge' || condition.measure === 'lastAge';
      const offsets = [0, condition.withinS, ...(isAge ? ageEdges(condition) : [])];
      return plus(timesOf(step, facts, stores), offsets);
    }
    case 'trait': {
      const since = traitMoment(facts.traits.get(condition.name) ?? '');
      return condition.test.kind === 'age' && since !== undefined
        ? plus([since], ageEdges(condition.test))
        : [];
    }
    case 'score': {
      const { validUntil } = facts.scores.get(condition.model) ?? {};
      return validUntil === undefined ? [] : [validUntil];
    }
    case 'listed':
      return [];
    case 'sequence':
      return sequenceEdges(condition, facts, stores);
    case 'plugin': {
      const times = occurrencesOf(condition, facts).map(({ event }) => event.occurredAt);
      return plus(times, [0, ...condition.source.offsets(condition.params)]);
    }
  }
}

/** A first begins to count, its wait ends, it is too long ago; a second begins to count. */
function sequenceEdges(
  { first, second, withinS, lookbackS }: SequenceCondition,
  facts: CustomerFacts,
  stores: StoreLookup,
): number[] {
  return [...plus(timesOf(first, facts, stores), [0, withinS, lookbackS]), ...timesOf(second, facts, stores)];
}

/** An age reaches the lower bound, and passes the upper one a second after it. */
function ageEdges({ atLeast, atMost }: { readonly atLeast?: number; readonly atMost?: number }) {
  return [atLeast, atMost === undefined ? undefined : atMost + 1];
}

function plus(times: readonly number[], offsets: readonly (number | undefined)[]): number[] {
  return offsets.flatMap((offset) => (offset === undefined ? [] : times.map((time) => time + offset)));
}

/** When the facts that a step looks at happened, future ones included. */
function timesOf(step: SequenceStep, facts: CustomerFacts, stores: StoreLookup): number[] {
  return step.kind === 'orders'
    ? facts.orders
        .filter((order) => passesOrderFilter(step.filter, order, stores))
        .map((order) => order.orderedAt)
    : facts.events.filter((event) => passesEventFilter(step.filter, event)).map((event) => event.occurredAt);
}
