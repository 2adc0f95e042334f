/** Flags of the benchmarks, all `--name value`, with defaults that finish in about a minute. */
import { parseArgs } from 'node:util';

/** Reads the flags named in `defaults`; a number stays a number. Anything else is an error with the list. */
export function readFlags<T extends Record<string, number | string>>(defaults: T): T {
  const options = Object.fromEntries(
    Object.keys(defaults).map((name) => [name, { type: 'string' as const }]),
  );
  try {
    const { values } = parseArgs({ options, allowPositionals: false });
    const entries = Object.entries(defaults).map(([name, fallback]) => {
      const value = values[name];
      if (value === undefined) return [name, fallback];
      if (typeof fallback === 'string') return [name, value];
      const number = Number(String(value).replaceAll('_', ''));
      if (!Number.isFinite(number)) throw new Error(`--${name} must be a number, found "${value}"`);
      return [name, number];
    });
    return Object.fromEntries(entries) as T;
  } catch (error) {
    const known = Object.entries(defaults).map(
      ([name, fallback]) => `--${name} ${fallback === '' ? '…' : fallback}`,
    );
    console.error(`${(error as Error).message}\nFlags: ${known.join('  ')}`);
    process.exit(2);
  }
}

/** The middle value; of an even number of values the lower of the two in the middle. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}

/** Prints rows of label and value, aligned. */
export function printTable(title: string, rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([label]) => label.length));
  console.log(`\n${title}`);
  for (const [label, value] of rows) console.log(`  ${label.padEnd(width)}  ${value}`);
}
