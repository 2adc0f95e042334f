/**
 * Why a customer is in a segment or not: every condition's value, the facts that decided it, and when the
 * membership changes if nothing happens. By the naive evaluator, which follows the words of the rule.
 */
import { formatAmountE4 } from '../model/amount.ts';
import { describeCondition } from '../model/describe.ts';
import type { CustomerFacts, OrderFact } from '../model/fact.ts';
import type { AsOf } from '../model/membership.ts';
import type { Condition, Rule } from '../model/rule.ts';
import type { Segment } from '../model/segment.ts';
import { formatMoment, MOMENT_MAX_S } from '../model/time.ts';
import type { ExplainedCondition, ExplainedNode, ExplainReport } from './core.ts';
import type { StoreTable } from './engine/engine.ts';
import type { StoreLookup } from './evaluate/naive/naive-outcome.ts';
import { evaluateConditionNaive, evaluateNaive, NO_FACTS, storeLookup } from './evaluate/naive.ts';

export interface ExplainRequest {
  readonly customerId: string;
  readonly isKnown: boolean;
  readonly facts: CustomerFacts;
  readonly segment: Segment;
  readonly stores: StoreTable;
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
  const node = explainRule(segment.rule, facts, asOf.moment, stores);
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

function explainRule(rule: Rule, facts: CustomerFacts, moment: number, stores: StoreLookup): ExplainedNode {
  const holds = evaluateNaive(rule, facts, moment, stores);
  switch (rule.kind) {
    case 'all':
    case 'any':
      return {
        kind: rule.kind,
        holds,
        nodes: rule.rules.map((part) => explainRule(part, facts, moment, stores)),
      };
    case 'not':
      return { kind: 'not', holds, nodes: [explainRule(rule.rule, facts, moment, stores)] };
    case 'segment':
      throw new Error(`Segment ${rule.key} was not replaced by its rule`);
    default:
      return { kind: 'condition', holds, condition: explainCondition(rule, facts, moment, stores) };
  }
}

function explainCondition(
  condition: Condition,
  facts: CustomerFacts,
  moment: number,
  stores: StoreLookup,
): ExplainedCondition {
  const outcome = evaluateConditionNaive(condition, facts, moment, stores);
  const shown = outcome.trait
    ? [{ trait: outcome.trait.name, value: outcome.trait.value }]
    : outcome.orders.slice(0, FACTS_MAX).map(explainOrder);
  return {
    condition,
    text: describeCondition(condition),
    holds: outcome.holds,
    value: outcome.value,
    facts: shown,
  };
}

function explainOrder(order: OrderFact): ExplainedCondition['facts'][number] {
  return {
    orderId: order.orderId,
    orderedAt: formatMoment(order.orderedAt),
    ...(order.storeId === undefined ? {} : { storeId: order.storeId }),
    total: `${formatAmountE4(order.totalE4)}${order.currency === '' ? '' : ` ${order.currency}`}`,
  };
}

/**
 * The first later moment at which the rule yields something else with these facts: only an order that
 * leaves a window (at its time + the window) or that begins to count (dated in the future) can cause it.
 */
function nextChange(
  rule: Rule,
  holds: boolean,
  facts: CustomerFacts,
  moment: number,
  stores: StoreLookup,
): ExplainReport['nextChange'] {
  const moments = new Set<number>();
  for (const { orderedAt } of facts.orders) {
    for (const after of [0, ...windowsOf(rule)]) {
      if (orderedAt + after > moment && orderedAt + after <= MOMENT_MAX_S) moments.add(orderedAt + after);
    }
  }
  for (const later of [...moments].sort((a, b) => a - b)) {
    if (evaluateNaive(rule, facts, later, stores) !== holds)
      return { at: formatMoment(later), member: !holds };
  }
  return null;
}

/** The distinct windows of a rule, in seconds. */
function windowsOf(rule: Rule): number[] {
  const windows = new Set<number>();
  const visit = (node: Rule): void => {
    if (node.kind === 'all' || node.kind === 'any') node.rules.forEach(visit);
    else if (node.kind === 'not') visit(node.rule);
    else if (node.kind === 'orders' && node.withinS !== undefined) windows.add(node.withinS);
  };
  visit(rule);
  return [...windows];
}
