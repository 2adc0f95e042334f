/** The source of a plug-in that `--as` names. */
import { CoterieError } from '../model/error.ts';
import { FACT_SOURCES } from '../model/fact.ts';
import type { InstalledSource } from '../model/plugin-source.ts';

/** @throws {CoterieError} `CONFIG_INVALID` for a source that no plug-in brings. */
export function pluginSource(sources: ReadonlyMap<string, InstalledSource>, name: string): InstalledSource {
  const source = sources.get(name);
  if (source !== undefined) return source;
  const plugins = [...sources.keys()];
  throw new CoterieError(
    'CONFIG_INVALID',
    `--as: expected ${[...FACT_SOURCES, ...plugins].join(', ')}; found "${name}"`,
    { option: 'as', found: name, plugins },
  );
}
