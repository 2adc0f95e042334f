/** The written form of a rule in normal form: how random rules get into a catalog. */
import { formatAmountE4 } from '../../src/model/amount.ts';
import type { OrdersCondition, Rule, StoreSet, TraitCondition } from '../../src/model/rule.ts';
import { formatDuration } from '../../src/model/time.ts';

export function writtenRule(rule: Rule): unknown {
  switch (rule.kind) {
    case 'all':
    case 'any':
      return { [rule.kind]: rule.rules.map(writtenRule) };
    case 'not':
      return { not: writtenRule(rule.rule) };
    case 'segment':
      return { segment: rule.key };
    case 'trait':
      return { trait: writtenTrait(rule) };
    default:
      return { orders: writtenOrders(rule) };
  }
}

function writtenOrders(condition: OrdersCondition): unknown {
  const { measure, atLeast, atMost, currency, minimumTotalE4 } = condition;
  const number = (value: number): number => (measure === 'count' ? value : Number(formatAmountE4(value)));
  return {
    stores: writtenStores(condition.stores),
    ...(condition.withinS === undefined ? {} : { within: formatDuration(condition.withinS) }),
    [measure]: {
      ...(atLeast === undefined ? {} : { atLeast: number(atLeast) }),
      // Bounds that cross are refused when written, and are no rule that a catalog can hold.
      ...(atMost === undefined || atMost < (atLeast ?? atMost) ? {} : { atMost: number(atMost) }),
      ...(measure === 'count' ? {} : { currency }),
    },
    ...(minimumTotalE4 === undefined
      ? {}
      : { minimumTotal: { amount: Number(formatAmountE4(minimumTotalE4)), currency } }),
    ...(condition.discounted === undefined ? {} : { discounted: condition.discounted }),
  };
}

function writtenStores(stores: StoreSet): unknown {
  return stores.kind === 'all' ? 'all' : stores.kind === 'ids' ? stores.ids : stores.attributes;
}

function writtenTrait({ name, test }: TraitCondition): unknown {
  if (test.kind === 'exists') return { name, exists: true };
  if (test.kind === 'in') return { name, in: test.values };
  const { atLeast, atMost } = test;
  return {
    name,
    ...(atLeast === undefined ? {} : { atLeast }),
    ...(atMost === undefined || atMost < (atLeast ?? atMost) ? {} : { atMost }),
  };
}
