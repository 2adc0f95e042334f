/** Conditions on a trait's latest value. */
import type { TraitCondition } from '../../../model/rule.ts';
import { FALSE } from '../expression.ts';
import { boundsOf } from '../tally-table.ts';
import { addAgeOffsets } from './age.ts';
import type { ConditionKind, Sources } from './condition-kind.ts';

export function traitKind({ dictionary, traits, offsets }: Sources): ConditionKind<TraitCondition> {
  return {
    express({ name, test }) {
      const nameNo = dictionary.traitNames.get(name);
      if (nameNo === undefined) return FALSE;
      switch (test.kind) {
        case 'exists':
          return traits.exists(nameNo);
        case 'in':
          return traits.in(nameNo, test.values);
        case 'range':
          return traits.range(nameNo, boundsOf(test));
        case 'age':
          addAgeOffsets(offsets.traits, boundsOf(test), Number.NEGATIVE_INFINITY);
          return traits.age(nameNo, boundsOf(test));
      }
    },
  };
}
