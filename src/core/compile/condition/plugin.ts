/** Conditions on the sources of plug-ins: their occurrences are events under names of their own. */
import { occurrencePrefix } from '../../../model/plugin-source.ts';
import type { SourceCondition } from '../../../model/rule.ts';
import { FALSE } from '../expression.ts';
import type { ConditionKind, Sources } from './condition-kind.ts';

export function pluginKind({ dictionary, plugins, offsets }: Sources): ConditionKind<SourceCondition> {
  return {
    express({ source, params }) {
      // An occurrence dated ahead begins to count at its time.
      for (const offset of [0, ...source.offsets(params)]) offsets.events.add(offset);
      const looksAt = source.looksAt(params);
      const names = looksAt.names.flatMap((name, place) => {
        const nameNo = dictionary.eventNames.get(`${occurrencePrefix(source.name)}${name}`);
        return nameNo === undefined ? [] : [{ nameNo, place }];
      });
      return names.length === 0 ? FALSE : plugins.of(source.name, params, looksAt, names);
    },
  };
}
