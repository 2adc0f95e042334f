/**
 * Why a customer is in a segment or not: every condition's value, the facts that decided it, and when the
 * membership changes if nothing happens. By the naive evaluator, which follows the words of the rule.
 */
import { formatAmountE4 } from '../model/amount.ts';
import { describeCondition } from '../model/describe.ts';
import type { CustomerFacts, EventFact, OrderFact, ScoreFact } from '../model/fact.ts';
import type { AsOf } from '../model/membership.ts';
import type { Condition, OrderMeasure, Rule } from '../model/rule.ts';
import type { Segment } from '../model/segment.ts';
import { formatMoment } from '../model/time.ts';
import type { TakenBound } from './bound-source.ts';
import type { ExplainedCondition, ExplainedNode, ExplainReport } from './core.ts';
import type { StoreTable } from './engine/engine.ts';
import type { NaiveOutcome, StoreLookup } from './evaluate/naive/naive-outcome.ts';
import { evaluateConditionNaive, evaluateNaive, NO_FACTS, storeLookup } from './evaluate/naive.ts';
import { nextChange } from './next-change.ts';
import { boundLimits } from './population-bound.ts';

export interface ExplainRequest {
  readonly customerId: string;
  readonly isKnown: boolean;
  readonly facts: CustomerFacts;
  readonly segment: Segment;
  readonly stores: StoreTable;
  /** Rules that stand for conditions with a rank. */
  readonly taken?: ReadonlyMap<Rule, TakenBound>;
  /** The moment to explain, and the knowledge that the facts come from. */
  readonly asOf: AsOf;
}

/** Facts shown for one condition. */
const FACTS_MAX = 20;

/** Explains one membership. Nobody is in a paused segment, whatever its rule says. */
export function explain(request: ExplainRequest): ExplainReport {
  const { customerId, facts, segment, asOf } = request;
  const stores = storeLookup(request.stores);
  const isPaused = segment.definition.status === 'paused';
  const taken = request.taken ?? new Map<Rule, TakenBound>();
  const node = explainRule(segment.rule, { facts, moment: asOf.moment, stores, taken });
  return {
    customer: customerId,
    known: request.isKnown,
    segment: segment.key,
    member: !isPaused && node.holds,
    defaultMember: isDefaultMember(segment, request.stores, asOf.moment),
    rule: node,
    nextChange: isPaused ? null : nextChange(segment.rule, node.holds, facts, asOf.moment, stores),
    asOf,
  };
}

/** Whether customers without facts are in it. */
export function isDefaultMember(segment: Segment, stores: StoreTable, moment: number): boolean {
  if (segment.definition.status === 'paused') return false;
  return evaluateNaive(segment.rule, NO_FACTS, moment, storeLookup(stores));
}

/** What rules are evaluated on. */
interface Question {
  readonly facts: CustomerFacts;
  readonly moment: number;
  readonly stores: StoreLookup;
  readonly taken: ReadonlyMap<Rule, TakenBound>;
}

function explainRule(rule: Rule, question: Question): ExplainedNode {
  const holds = evaluateNaive(rule, question.facts, question.moment, question.stores);
  const taken = question.taken.get(rule);
  if (taken !== undefined) {
    return { kind: 'condition', holds, condition: explainRanked(taken, holds, question) };
  }
  switch (rule.kind) {
    case 'all':
    case 'any':
      return {
        kind: rule.kind,
        holds,
        nodes: rule.rules.map((part) => explainRule(part, question)),
      };
    case 'not':
      return { kind: 'not', holds, nodes: [explainRule(rule.rule, question)] };
    case 'segment':
      throw new Error(`Segment ${rule.key} was not replaced by its rule`);
    default:
      return { kind: 'condition', holds, condition: explainCondition(rule, question) };
  }
}

/** A condition with a rank: what is measured, and the numbers that the rank stands for. */
function explainRanked(
  { condition, bound }: TakenBound,
  holds: boolean,
  question: Question,
): ExplainedCondition {
  const { population: _, ...measure } = condition;
  const limits = boundLimits(condition, bound) ?? {};
  const isAmount = condition.kind === 'orders' && AMOUNTS.has(condition.measure);
  const shown = (limit: number) => (isAmount ? formatAmountE4(limit) : limit);
  return {
    ...explainCondition(measure, question),
    condition,
    text: describeCondition(condition),
    holds,
    bound: {
      ...(limits.atLeast === undefined ? {} : { atLeast: shown(limits.atLeast) }),
      ...(limits.atMost === undefined ? {} : { atMost: shown(limits.atMost) }),
      takenAt: formatMoment(bound.moment),
      customers: bound.customers,
    },
  };
}

const AMOUNTS: ReadonlySet<OrderMeasure> = new Set(['sum', 'average', 'minimum', 'maximum']);

function explainCondition(condition: Condition, { facts, moment, stores }: Question): ExplainedCondition {
  const outcome = evaluateConditionNaive(condition, facts, moment, stores);
  return {
    condition,
    text: describeCondition(condition),
    holds: outcome.holds,
    value: outcome.value,
    ...(isAge(condition) ? { unit: 'seconds' as const } : {}),
    facts: explainFacts(outcome),
  };
}

function isAge(condition: Condition): boolean {
  return (condition.kind === 'orders' || condition.kind === 'event') && condition.measure.endsWith('Age');
}

type ExplainedFact = ExplainedCondition['facts'][number];

/** What a condition looked at: a trait, score or list; orders and events, latest first. */
function explainFacts({ orders, events, trait, score, list }: NaiveOutcome): ExplainedFact[] {
  if (trait) return [{ trait: trait.name, value: trait.value }];
  if (score) return [explainScore(score)];
  if (list !== undefined) return [{ list }];
  return [
    ...orders.map((order) => ({ at: order.orderedAt, fact: () => explainOrder(order) })),
    ...events.map((event) => ({ at: event.occurredAt, fact: () => explainEvent(event) })),
  ]
    .sort((a, b) => b.at - a.at)
    .slice(0, FACTS_MAX)
    .map(({ fact }) => fact());
}

function explainOrder(order: OrderFact): ExplainedFact {
  return {
    orderId: order.orderId,
    orderedAt: formatMoment(order.orderedAt),
    ...(order.storeId === undefined ? {} : { storeId: order.storeId }),
    total: `${formatAmountE4(order.totalE4)}${order.currency === '' ? '' : ` ${order.currency}`}`,
    ...(order.status === 'completed' ? {} : { status: order.status }),
  };
}

function explainEvent({ eventId, name, occurredAt, properties }: EventFact): ExplainedFact {
  return {
    eventId,
    event: name,
    occurredAt: formatMoment(occurredAt),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  };
}

function explainScore({ model, version, value, validUntil }: ScoreFact): ExplainedFact {
  return {
    model,
    version,
    score: value,
    ...(validUntil === undefined ? {} : { validUntil: formatMoment(validUntil) }),
  };
}
