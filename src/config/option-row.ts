/**
 * Rows of the option table, one builder for each kind of value. A row knows how its value is read from
 * text, what is allowed, and how the allowed range and the default are put in words.
 */
import { resolve } from 'node:path';

/** What a value that is not allowed should have been, in words; thrown by `read`, caught by `read-config.ts`. */
export class OptionValueError extends Error {}

export interface OptionRow<V> {
  /** The name on the command line and in the configuration file, in kebab-case. */
  readonly flag: string;
  /** Stands for the value in help. */
  readonly placeholder: string;
  readonly help: string;
  /** Commands that take it; `*` is all. */
  readonly commands: readonly string[];
  /** What is allowed, in words: "a whole number from 0 to 65535". */
  readonly expected: string;
  readonly default: V;
  /** The default in words. */
  readonly defaultText: string;
  /** @throws {OptionValueError} if the text is not allowed. */
  read(text: string): V;
  /** Makes what is relative to a folder absolute. Absent: nothing is. */
  resolve?(value: V, folder: string): V;
}

interface Description {
  readonly flag: string;
  readonly placeholder: string;
  readonly help: string;
  readonly commands: readonly string[];
  /** Instead of the default itself, where it depends on the machine. */
  readonly defaultText?: string;
}

interface Range {
  readonly default: number;
  readonly atLeast: number;
  readonly atMost: number;
}

/** The environment variable of a row: `engine-memory` → `COTERIE_ENGINE_MEMORY`. */
export function environmentName(row: Pick<OptionRow<unknown>, 'flag'>): string {
  return `COTERIE_${row.flag.toUpperCase().replaceAll('-', '_')}`;
}

/** Any text but the empty one. */
export function text(row: Description & { readonly default: string }): OptionRow<string> {
  return {
    ...row,
    defaultText: row.defaultText ?? row.default,
    expected: 'a text that is not empty',
    read(value) {
      if (value.trim() === '') throw new OptionValueError();
      return value;
    },
  };
}

/** Any text but the empty one, or absent, which is the default. */
export function optionalText(row: Description): OptionRow<string | undefined> {
  return { ...text({ ...row, default: '' }), default: undefined, defaultText: row.defaultText ?? 'none' };
}

/** Texts with commas between them. */
export function list(
  row: Description & { readonly default: readonly string[] },
): OptionRow<readonly string[]> {
  return {
    ...row,
    defaultText: row.default.join(',') || 'none',
    expected: 'texts with commas between them, none of them empty',
    read(value) {
      const items = value.split(',').map((item) => item.trim());
      if (items.includes('')) throw new OptionValueError();
      return items;
    },
  };
}

/** Paths of modules, or names of packages, with commas between them: only what begins with "." is a relative path. */
export function modules(
  row: Description & { readonly default: readonly string[] },
): OptionRow<readonly string[]> {
  return {
    ...list(row),
    resolve: (value, folder) => value.map((item) => (item.startsWith('.') ? resolve(folder, item) : item)),
  };
}

/** An http or https address; absent by default. */
export function url(row: Description): OptionRow<string | undefined> {
  return {
    ...row,
    default: undefined,
    defaultText: row.defaultText ?? 'none',
    expected: 'an address that begins with http:// or https://',
    read(value) {
      if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) throw new OptionValueError();
      return value.replace(/\/+$/, '');
    },
  };
}

/** A whole number in a range, both ends included. */
export function integer(row: Description & Range): OptionRow<number> {
  return {
    ...row,
    defaultText: row.defaultText ?? String(row.default),
    expected: `a whole number from ${row.atLeast} to ${row.atMost}`,
    read: (value) => inRange(/^-?\d{1,15}$/.test(value.trim()) ? Number(value) : Number.NaN, row),
  };
}

const SIZE_UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;

/** A number of bytes: `512MiB`, `1.5GiB`, or plain bytes. */
export function size(row: Description & Range): OptionRow<number> {
  return {
    ...row,
    defaultText: row.defaultText ?? formatSize(row.default),
    expected: `a size from ${formatSize(row.atLeast)} to ${formatSize(row.atMost)}, such as 512MiB`,
    read(value) {
      const match = /^(\d{1,15}(?:\.\d{1,3})?)\s*(?:(B|[KMGT])(iB|B)?)?$/i.exec(value.trim());
      if (!match) throw new OptionValueError();
      const letter = (match[2] ?? 'B').toUpperCase();
      const unit = letter === 'B' ? 'B' : (`${letter}iB` as keyof typeof SIZE_UNITS);
      return inRange(Math.round(Number(match[1]) * SIZE_UNITS[unit]), row);
    },
  };
}

/** Writes bytes in the largest unit that leaves a whole number: 536870912 → `512MiB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    if (bytes >= SIZE_UNITS[unit] && bytes % SIZE_UNITS[unit] === 0)
      return `${bytes / SIZE_UNITS[unit]}${unit}`;
  }
  return `${bytes}B`;
}

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A period of this process's time, in milliseconds: `250ms`, `5s`, `10m`, `1h`. */
export function duration(row: Description & Range): OptionRow<number> {
  return {
    ...row,
    defaultText: row.defaultText ?? formatPeriod(row.default),
    expected: `a duration from ${formatPeriod(row.atLeast)} to ${formatPeriod(row.atMost)}, such as 500ms or 5s`,
    read(value) {
      const match = /^(\d{1,12})(ms|s|m|h)$/.exec(value.trim());
      return inRange(match ? Number(match[1]) * DURATION_UNITS[match[2]!]! : Number.NaN, row);
    },
  };
}

function formatPeriod(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    if (ms > 0 && ms % DURATION_UNITS[unit]! === 0) return `${ms / DURATION_UNITS[unit]!}${unit}`;
  }
  return `${ms}ms`;
}

/** One of a few words. */
export function choice<const C extends string>(
  row: Description & { readonly default: NoInfer<C>; readonly choices: readonly C[] },
): OptionRow<C> & { readonly choices: readonly C[] } {
  return {
    ...row,
    defaultText: row.defaultText ?? row.default,
    expected: `one of ${row.choices.join(', ')}`,
    read(value) {
      const found = row.choices.find((word) => word === value.trim());
      if (found === undefined) throw new OptionValueError();
      return found;
    },
  };
}

/** `true` or `false`. */
export function toggle(row: Description & { readonly default: boolean }): OptionRow<boolean> {
  return {
    ...row,
    defaultText: row.defaultText ?? String(row.default),
    expected: 'true or false',
    read(value) {
      const word = value.trim();
      if (word !== 'true' && word !== 'false') throw new OptionValueError();
      return word === 'true';
    },
  };
}

function inRange(value: number, row: Range): number {
  if (!(value >= row.atLeast && value <= row.atMost)) throw new OptionValueError();
  return value;
}
