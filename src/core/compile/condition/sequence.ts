/**
 * Conditions on one occurrence after another. Both steps are tallies that keep times; the times are
 * compared when the customer's facts are gathered. Firsts are looked for in the lookback; a second that
 * comes after one of them is in it too.
 */
import type { SequenceCondition, SequenceStep } from '../../../model/rule.ts';
import { FALSE } from '../expression.ts';
import { KEEP_TIMES } from '../tally-table.ts';
import { addWindowOffsets } from './age.ts';
import type { ConditionKind, Sources } from './condition-kind.ts';
import { orderLook } from './orders.ts';

export function sequenceKind(sources: Sources): ConditionKind<SequenceCondition> {
  const { tallies, offsets } = sources;
  /** For a step that nothing can be. */
  let never: number | undefined;
  const tallyOf = (step: SequenceStep, windowS: number): number | undefined => {
    if (step.kind === 'event') {
      const nameNo = sources.dictionary.eventNames.get(step.filter.name);
      if (nameNo === undefined) return undefined;
      return sources.events.tally(nameNo, step.filter.where, windowS, KEEP_TIMES);
    }
    const look = orderLook(sources, step.filter, windowS);
    return look && sources.orders.tally(look, KEEP_TIMES, 0);
  };
  return {
    express({ first, second, withinS, isWithout, lookbackS }) {
      const windowS = lookbackS ?? Number.POSITIVE_INFINITY;
      addWindowOffsets(offsets[sourceOf(first)], windowS);
      offsets[sourceOf(second)].add(0);
      if (isWithout) offsets[sourceOf(first)].add(withinS);
      const firstTally = tallyOf(first, windowS);
      if (firstTally === undefined) return FALSE;
      const secondTally = tallyOf(second, windowS);
      if (secondTally === undefined) {
        if (!isWithout) return FALSE;
        never ??= tallies.add(KEEP_TIMES);
      }
      return tallies.sequence({ first: firstTally, second: secondTally ?? never!, withinS, isWithout });
    },
  };
}

function sourceOf(step: SequenceStep): 'orders' | 'events' {
  return step.kind === 'event' ? 'events' : 'orders';
}
