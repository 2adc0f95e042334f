/** Conditions on lists: a list has a name of its own in the stream of traits, whose entries are those in force. */
import type { ListedCondition } from '../../../model/rule.ts';
import { FALSE } from '../expression.ts';
import type { ConditionKind, Sources } from './condition-kind.ts';

export function listedKind({ dictionary, traits }: Sources): ConditionKind<ListedCondition> {
  return {
    express({ list }) {
      const nameNo = dictionary.lists.get(list);
      return nameNo === undefined ? FALSE : traits.exists(nameNo);
    },
  };
}
