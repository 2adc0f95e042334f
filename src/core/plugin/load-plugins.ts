/**
 * Loads the plug-ins that the configuration names, and puts their segment types and sources beside the
 * built-in ones. Anything wrong stops the start, with the module named: half of the plug-ins is not what was
 * asked for.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FACT_SOURCES } from '../../model/fact.ts';
import type { InstalledSource } from '../../model/plugin-source.ts';
import { RULE_FIELDS } from '../../model/rule-schema.ts';
import {
  BUILT_IN_SEGMENT_TYPES,
  SEGMENT_TYPES,
  type SegmentType,
  type SegmentTypes,
  segmentTypes,
} from '../../model/segment-type.ts';
import { installSource } from './installed-source.ts';
import { invalid, loadModule } from './load-module.ts';

/** Sources that are there without plug-ins, and words that stand beside them. */
const TAKEN: readonly string[] = [...RULE_FIELDS, ...FACT_SOURCES, 'facts', 'rule'];

/**
 * The segment types and sources of some plug-ins, with the built-in ones.
 *
 * @param modules - Paths, which begin with "." or "/", or names of packages.
 * @param folder - What relative paths, and packages, are looked for from.
 * @throws {CoterieError} `PLUGIN_INVALID` for a module that is not there, is no plug-in, throws, or brings a
 *   name that is taken; `PLUGIN_FAILED` if one fails on an example of its own.
 */
export async function loadPlugins(
  modules: readonly string[],
  folder: string = process.cwd(),
): Promise<SegmentTypes> {
  if (modules.length === 0) return SEGMENT_TYPES;
  const types = new Map<string, SegmentType>(BUILT_IN_SEGMENT_TYPES.map((type) => [type.name, type]));
  const sources = new Map<string, InstalledSource>();
  for (const module of modules) {
    const url = urlOf(module, folder);
    const plugin = await loadModule(url);
    for (const type of plugin.segmentTypes ?? []) {
      if (types.has(type.name)) throw invalid(module, `there is a segment type "${type.name}" already`);
      types.set(type.name, type);
    }
    for (const source of plugin.sources ?? []) {
      if (!/^[a-z]{2,40}$/.test(source.name)) {
        throw invalid(module, `"${source.name}" cannot name a source: expected 2 to 40 lower-case letters`);
      }
      if (TAKEN.includes(source.name) || sources.has(source.name)) {
        throw invalid(module, `"${source.name}" cannot name a source: the name is taken`);
      }
      sources.set(source.name, installSource(plugin.name, source, url));
    }
  }
  return segmentTypes([...types.values()], [...sources.values()]);
}

/** URLs of the modules that bring sources, each once: what threads load. */
export function sourceModules({ sources }: Pick<SegmentTypes, 'sources'>): readonly string[] {
  return [...new Set([...sources.values()].map(({ module }) => module))];
}

function urlOf(module: string, folder: string): string {
  if (module.startsWith('file:')) return module;
  if (/^[./]/.test(module)) {
    const path = resolve(folder, module);
    if (!existsSync(path)) throw invalid(module, `there is no file ${path}`);
    return pathToFileURL(path).href;
  }
  // Never a path, so that a file or folder of the same name takes no package's place.
  try {
    return pathToFileURL(createRequire(join(folder, 'package.json')).resolve(module)).href;
  } catch (error) {
    throw invalid(
      module,
      `there is no package of this name in ${folder}; a path begins with "./" or "/"`,
      error,
    );
  }
}
