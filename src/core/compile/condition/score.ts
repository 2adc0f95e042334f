/** Conditions on a model's score: those of the version in force come under a name of their own. */
import assert from 'node:assert/strict';
import type { ScoreCondition } from '../../../model/rule.ts';
import { FALSE } from '../expression.ts';
import { boundsOf } from '../tally-table.ts';
import type { ConditionKind, Sources } from './condition-kind.ts';

export function scoreKind({ dictionary, traits, offsets }: Sources): ConditionKind<ScoreCondition> {
  return {
    express({ model, population, ...test }) {
      assert.equal(population, undefined, 'bounds of the population are set before compiling');
      const nameNo = dictionary.models.get(model);
      if (nameNo === undefined) return FALSE;
      traits.expires(nameNo);
      offsets.scores.add(0);
      const hasBounds = test.atLeast !== undefined || test.atMost !== undefined;
      return hasBounds ? traits.range(nameNo, boundsOf(test)) : traits.exists(nameNo);
    },
  };
}
