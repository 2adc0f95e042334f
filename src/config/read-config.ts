/**
 * Reads the configuration: a flag wins over an environment variable, that over the configuration file,
 * that over the default. The only reader of `process.env`. Every value is checked, also those that lose.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { CoterieError } from '../model/error.ts';
import { environmentName, type OptionRow } from './option-row.ts';
import { type Config, OPTION_TABLE, type OptionKey } from './option-table.ts';

/** The configuration file that is read when none is named and it exists in the working folder. */
export const CONFIG_FILE = 'coterie.yaml';

/** Settings that a file may give as a list, too. */
const LISTS: ReadonlySet<string> = new Set(
  Object.values(OPTION_TABLE)
    .filter((row) => Array.isArray(row.default))
    .map((row) => row.flag),
);

/** The environment variable that names the configuration file. */
export const CONFIG_FILE_VARIABLE = 'COTERIE_CONFIG';

type Environment = Readonly<Record<string, string | undefined>>;

interface ConfigSources {
  /** Values of flags by option key, as typed; absent or undefined where not given. */
  readonly flags: Readonly<Partial<Record<OptionKey, string | undefined>>>;
  /** The file that `--config` names. */
  readonly file?: string | undefined;
  /** Default: the process's own. */
  readonly environment?: Environment;
  /** Where relative paths and the default file are looked for. */
  readonly folder?: string;
}

/**
 * Puts the configuration together.
 *
 * @throws {CoterieError} `CONFIG_INVALID` for the first value that is not allowed, naming the option,
 *   where the value came from, what was expected and what was found.
 */
export function readConfig(sources: ConfigSources): Config {
  const environment = sources.environment ?? process.env;
  const fileValues = readConfigFile(sources, environment);
  const config: Record<string, unknown> = {};
  const here = (row: OptionRow<unknown>, value: unknown): unknown =>
    row.resolve?.(value, sources.folder ?? process.cwd()) ?? value;
  for (const [key, row] of Object.entries(OPTION_TABLE) as [OptionKey, OptionRow<unknown>][]) {
    let value: unknown = row.default;
    const fileValue = fileValues.values.get(row.flag);
    if (fileValue !== undefined) {
      value = readValue(row, fileValue, `"${row.flag}" in ${fileValues.file}`);
      value = row.resolve?.(value, dirname(resolve(fileValues.file))) ?? value;
    }
    const variable = environmentName(row);
    // An empty variable counts as unset: that is how compose files and unit files leave one out.
    if (environment[variable]) value = here(row, readValue(row, environment[variable], variable));
    if (sources.flags[key] !== undefined)
      value = here(row, readValue(row, sources.flags[key], `--${row.flag}`));
    config[key] = value;
  }
  return config as Config;
}

/** Whether an environment variable asks for output without colour and movement. */
export function plainOutputWanted(environment: Environment = process.env): boolean {
  return Boolean(environment.NO_COLOR) || Boolean(environment.CI) || environment.TERM === 'dumb';
}

function readValue(row: OptionRow<unknown>, value: string, source: string): unknown {
  try {
    return row.read(value);
  } catch (error) {
    // Kubernetes gives a pod COTERIE_PORT=tcp://… for a service that is called "coterie".
    const hint = value.startsWith('tcp://')
      ? ' (set by Kubernetes for a service named "coterie": set enableServiceLinks to false)'
      : '';
    throw new CoterieError(
      'CONFIG_INVALID',
      `${source}: expected ${row.expected}, found "${value}"${hint}`,
      { option: row.flag, source, expected: row.expected, found: value },
      { cause: error },
    );
  }
}

function readConfigFile(
  sources: ConfigSources,
  environment: Environment,
): { readonly file: string; readonly values: ReadonlyMap<string, string> } {
  const named = sources.file ?? (environment[CONFIG_FILE_VARIABLE] || undefined);
  const file = named ?? (sources.folder ? `${sources.folder}/${CONFIG_FILE}` : CONFIG_FILE);
  if (named === undefined && !existsSync(file)) return { file, values: new Map() };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CoterieError(
      'CONFIG_INVALID',
      `The configuration file ${file} cannot be read: ${(error as Error).message}`,
      { option: 'config', expected: 'a file that can be read', found: file },
      { cause: error },
    );
  }
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors[0]) {
    throw new CoterieError(
      'CONFIG_INVALID',
      `${file} is not well-formed YAML: ${document.errors[0].message}`,
      {
        option: 'config',
        file,
      },
    );
  }
  return { file, values: checkedValues(file, document.toJS()) };
}

function checkedValues(file: string, content: unknown): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  if (content === null || content === undefined) return values;
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new CoterieError(
      'CONFIG_INVALID',
      `${file}: expected a mapping of options to values, such as "port: 8080"`,
      {
        option: 'config',
        file,
      },
    );
  }
  const known = Object.values(OPTION_TABLE).map((row) => row.flag as string);
  for (const [name, value] of Object.entries(content)) {
    if (!known.includes(name)) {
      throw new CoterieError(
        'CONFIG_INVALID',
        `${file}: expected one of ${known.join(', ')}, found "${name}"`,
        {
          option: name,
          file,
          expected: known,
          found: name,
        },
      );
    }
    if (value === null) continue;
    if (LISTS.has(name) && Array.isArray(value) && value.every((item) => typeof item !== 'object')) {
      if (value.length > 0) values.set(name, value.join(','));
      continue;
    }
    if (typeof value === 'object') {
      throw new CoterieError(
        'CONFIG_INVALID',
        `"${name}" in ${file}: expected one value, found a list or mapping`,
        {
          option: name,
          file,
        },
      );
    }
    values.set(name, String(value));
  }
  return values;
}
