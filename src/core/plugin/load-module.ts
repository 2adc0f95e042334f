/** Loads the module of a plug-in, and checks that its default export has the shape of one. */
import { register } from 'node:module';
import { CoterieError } from '../../model/error.ts';
import type { Plugin } from '../../model/plugin.ts';
import type { PluginSource } from '../../model/plugin-source.ts';

let isResolved = false;

/** Makes `coterie/plugin` resolve in this thread, for the plug-ins that are loaded from now on. */
function resolvePluginApi(): void {
  if (!isResolved) register('./resolve-plugin-api.mjs', import.meta.url);
  isResolved = true;
}

/**
 * The plug-in of a module.
 *
 * @throws {CoterieError} `PLUGIN_INVALID` if there is none, it throws, or it is not a plug-in.
 */
export async function loadModule(url: string): Promise<Plugin> {
  resolvePluginApi();
  let module: { readonly default?: unknown };
  try {
    module = (await import(url)) as { readonly default?: unknown };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(
      url,
      isMissing ? `the module, or one it needs, is not there: ${why}` : `it threw: ${why}`,
      error,
    );
  }
  const plugin = module.default;
  const problem = problemOf(plugin);
  if (problem !== undefined) throw invalid(url, `not a plug-in: ${problem}`);
  return plugin as Plugin;
}

/** A module that cannot be used as a plug-in. */
export function invalid(module: string, why: string, cause?: unknown): CoterieError {
  return new CoterieError(
    'PLUGIN_INVALID',
    `plug-in ${module}: ${why}`,
    { module },
    cause === undefined ? {} : { cause },
  );
}

type Fields = Readonly<Record<string, unknown>>;
type Kind = 'text' | 'function' | 'object';

const TYPE_FIELDS = { name: 'text', description: 'text', params: 'object', rule: 'function' } as const;
const SOURCE_FIELDS: { readonly [K in keyof PluginSource]: Kind } = {
  name: 'text',
  description: 'text',
  row: 'object',
  read: 'function',
  condition: 'object',
};
const CONDITION_FIELDS: { readonly [K in keyof PluginSource['condition']]: Kind } = {
  schema: 'object',
  normalize: 'function',
  describe: 'function',
  looksAt: 'function',
  offsets: 'function',
  accumulator: 'function',
  naive: 'function',
  sql: 'function',
};

/** What is wrong with the shape of a default export. */
function problemOf(plugin: unknown): string | undefined {
  if (!isObject(plugin)) return 'expected an object as default export, found none';
  const { name, segmentTypes = [], sources = [] } = plugin;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,59}$/.test(name)) {
    return `expected a name of lower-case letters, digits and "-", found ${JSON.stringify(name)}`;
  }
  if (!Array.isArray(segmentTypes)) return 'expected segmentTypes to be a list';
  if (!Array.isArray(sources)) return 'expected sources to be a list';
  for (const [i, type] of (segmentTypes as readonly unknown[]).entries()) {
    const problem = fieldProblem(type, `segmentTypes[${i}]`, TYPE_FIELDS);
    if (problem !== undefined) return problem;
  }
  for (const [i, source] of (sources as readonly unknown[]).entries()) {
    const at = `sources[${i}]`;
    const problem =
      fieldProblem(source, at, SOURCE_FIELDS) ??
      fieldProblem((source as Fields).condition, `${at}.condition`, CONDITION_FIELDS);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function fieldProblem(
  value: unknown,
  at: string,
  fields: Readonly<Record<string, Kind>>,
): string | undefined {
  if (!isObject(value)) return `expected ${at} to be an object`;
  for (const [field, kind] of Object.entries(fields)) {
    const found = value[field];
    const isRight =
      kind === 'object' ? isObject(found) : typeof found === (kind === 'text' ? 'string' : 'function');
    if (!isRight) return `expected ${at}.${field} to be ${kind === 'object' ? 'an' : 'a'} ${kind}`;
  }
  return undefined;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
