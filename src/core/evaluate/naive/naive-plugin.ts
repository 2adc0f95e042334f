/** Conditions on the sources of plug-ins, by the plug-in's own naive evaluation. */
import type { CustomerFacts, EventFact } from '../../../model/fact.ts';
import { type Occurrence, occurrencePrefix } from '../../../model/plugin-source.ts';
import type { SourceCondition } from '../../../model/rule.ts';
import type { NaiveOutcome, NaiveQuestion } from './naive-outcome.ts';

/** The occurrences that a condition looks at, whatever their time, ascending by it, each with its event. */
export function occurrencesOf(
  { source, params }: SourceCondition,
  facts: CustomerFacts,
): readonly { readonly occurrence: Occurrence; readonly event: EventFact }[] {
  const prefix = occurrencePrefix(source.name);
  const names = source.looksAt(params).names.map((name) => `${prefix}${name}`);
  return facts.events
    .filter((event) => names.includes(event.name))
    .map((event) => ({
      event,
      occurrence: {
        name: event.name.slice(prefix.length),
        occurredAt: event.occurredAt,
        properties: event.properties,
      },
    }))
    .sort((a, b) => a.event.occurredAt - b.event.occurredAt);
}

/** Whether a condition of a plug-in holds: never without an occurrence. */
export function evaluatePluginNaive(
  condition: SourceCondition,
  { facts, moment }: NaiveQuestion,
): NaiveOutcome {
  const upToNow = occurrencesOf(condition, facts).filter(({ event }) => event.occurredAt <= moment);
  const { holds, value } = condition.source.naive(
    condition.params,
    upToNow.map(({ occurrence }) => occurrence),
    moment,
  );
  return {
    holds: holds && upToNow.length > 0,
    value,
    orders: [],
    events: upToNow.map(({ event }) => event).reverse(),
  };
}
