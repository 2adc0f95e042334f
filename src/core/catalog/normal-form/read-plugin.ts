/** Reads conditions on the sources of plug-ins, each by the plug-in's own `normalize`. */
import { CoterieError } from '../../../model/error.ts';
import type { InstalledSource } from '../../../model/plugin-source.ts';
import type { SourceCondition } from '../../../model/rule.ts';
import type { WrittenRule } from '../../../model/rule-schema.ts';
import type { Path } from '../problem.ts';
import type { Report } from './problem-report.ts';

/**
 * The normal form of a condition whose field is none of the built-in ones. It must not hold without facts:
 * a plug-in that says otherwise is told so here.
 *
 * @throws {CoterieError} `FACT_SOURCE_UNKNOWN`, `PLUGIN_FAILED`.
 */
export function readPlugin(
  written: WrittenRule,
  path: Path,
  {
    key,
    sources,
    report,
  }: {
    readonly key: string;
    readonly sources: ReadonlyMap<string, InstalledSource>;
    readonly report: Report;
  },
): SourceCondition {
  const [[name, condition] = ['', undefined]] = Object.entries(written);
  const source = sources.get(name);
  if (source === undefined) {
    const known =
      sources.size === 0 ? 'no plug-in brings one' : `plug-ins bring ${[...sources.keys()].join(', ')}`;
    throw new CoterieError(
      'FACT_SOURCE_UNKNOWN',
      `"${key}" has a condition on the source "${name}", which is not installed: ${known}`,
      { key, path: [...path, name].join('.'), source: name, known: [...sources.keys()] },
    );
  }
  const params = source.normalize(condition, (field, problem) => report([...path, name, ...field], problem));
  return { kind: 'plugin', source, params };
}
