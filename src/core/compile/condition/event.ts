/** Conditions on events: tests on tallies over those of a name whose properties pass. */
import type { EventCondition } from '../../../model/rule.ts';
import { KEEP } from '../plan.ts';
import { boundsOf, KEEP_NOTHING } from '../tally-table.ts';
import { UTC } from '../time-zones.ts';
import { addAgeOffsets, addWindowOffsets } from './age.ts';
import type { ConditionKind, Sources } from './condition-kind.ts';

const KEEP_DATES = { keep: KEEP.date, zone: UTC };

export function eventKind({ dictionary, events, tallies, offsets }: Sources): ConditionKind<EventCondition> {
  return {
    express({ name, where, withinS, measure, ...test }) {
      const bounds = boundsOf(test);
      const windowS = withinS ?? Number.POSITIVE_INFINITY;
      addWindowOffsets(offsets.events, windowS);
      if (measure === 'firstAge' || measure === 'lastAge') addAgeOffsets(offsets.events, bounds);
      return tallies.test(measure, bounds, () => {
        const nameNo = dictionary.eventNames.get(name);
        if (nameNo === undefined) return undefined;
        return events.tally(nameNo, where, windowS, measure === 'days' ? KEEP_DATES : KEEP_NOTHING);
      });
    },
  };
}
