/** Conditions on events, straight from the words of `model/rule.ts`. */
import type { EventFact } from '../../../model/fact.ts';
import type { EventCondition, EventFilter } from '../../../model/rule.ts';
import { localTime } from './naive-local-time.ts';
import { isWithin, type NaiveOutcome, type NaiveQuestion } from './naive-outcome.ts';
import { passesValueTest } from './naive-value.ts';

/** Events that pass a filter and have come by the moment, latest first. */
export function eventsUpToNow(filter: EventFilter, { facts, moment }: NaiveQuestion): EventFact[] {
  return facts.events
    .filter((event) => event.occurredAt <= moment && passesEventFilter(filter, event))
    .sort((a, b) => b.occurredAt - a.occurredAt);
}

export function evaluateEventsNaive(condition: EventCondition, question: NaiveQuestion): NaiveOutcome {
  const { moment } = question;
  const { withinS, measure } = condition;
  const events = eventsUpToNow(condition, question).filter(
    (event) => withinS === undefined || event.occurredAt > moment - withinS,
  );
  const outcome = (measured: number): NaiveOutcome => ({
    holds: isWithin(measured, condition),
    value: measured,
    orders: [],
    events,
  });
  if (measure === 'count') return outcome(events.length);
  if (measure === 'days') {
    return outcome(new Set(events.map((event) => localTime(event.occurredAt, 'UTC').date)).size);
  }
  const oldestOrLatest = measure === 'firstAge' ? events.at(-1) : events[0];
  return oldestOrLatest
    ? outcome(moment - oldestOrLatest.occurredAt)
    : { holds: false, value: null, orders: [], events };
}

/** Whether a condition looks at an event, whatever its time. */
export function passesEventFilter({ name, where }: EventFilter, event: EventFact): boolean {
  return (
    event.name === name &&
    where.every(({ property, test }) => {
      // A property may have any name, also that of something every object has.
      const value = Object.hasOwn(event.properties, property) ? event.properties[property] : undefined;
      return value !== undefined && passesValueTest(test, value);
    })
  );
}
