/** One occurrence after another, straight from the words of `model/rule.ts`: every first with every second. */
import type { EventFact, OrderFact } from '../../../model/fact.ts';
import type { SequenceCondition, SequenceStep } from '../../../model/rule.ts';
import { eventsUpToNow } from './naive-events.ts';
import { ordersUpToNow } from './naive-orders.ts';
import type { NaiveOutcome, NaiveQuestion } from './naive-outcome.ts';

type Occurrence =
  | { readonly at: number; readonly order: OrderFact }
  | { readonly at: number; readonly event: EventFact };

export function evaluateSequenceNaive(condition: SequenceCondition, question: NaiveQuestion): NaiveOutcome {
  const { moment } = question;
  const { withinS, lookbackS, isWithout } = condition;
  const firsts = occurrences(condition.first, question).filter(
    ({ at }) => lookbackS === undefined || at > moment - lookbackS,
  );
  const seconds = occurrences(condition.second, question);
  const after = (first: Occurrence): Occurrence[] =>
    seconds.filter(({ at }) => first.at < at && at <= first.at + withinS);
  const deciding = firsts.filter((first) =>
    isWithout ? first.at + withinS <= moment && after(first).length === 0 : after(first).length > 0,
  );
  const holds = deciding.length > 0;
  const shown = holds ? [...deciding, ...deciding.flatMap(after)] : [...firsts, ...firsts.flatMap(after)];
  return { holds, value: deciding.length, ...factsOf(shown) };
}

function occurrences(step: SequenceStep, question: NaiveQuestion): Occurrence[] {
  return step.kind === 'orders'
    ? ordersUpToNow(step.filter, question).map((order) => ({ at: order.orderedAt, order }))
    : eventsUpToNow(step.filter, question).map((event) => ({ at: event.occurredAt, event }));
}

/** Each fact once, latest first. */
function factsOf(all: readonly Occurrence[]): Pick<NaiveOutcome, 'orders' | 'events'> {
  const latestFirst = [...all].sort((a, b) => b.at - a.at);
  return {
    orders: [...new Set(latestFirst.flatMap((one) => ('order' in one ? [one.order] : [])))],
    events: [...new Set(latestFirst.flatMap((one) => ('event' in one ? [one.event] : [])))],
  };
}
