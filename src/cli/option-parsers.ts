/** Parsers of commands' own options; what they refuse is a usage error, told by commander. */
import { InvalidArgumentError, Option } from 'commander';
import { parseMoment } from '../model/time.ts';

/** A whole number in a range; `1_000_000`, `1,000,000`, `20k` and `1.5M` are read too. */
export function wholeNumberOption(
  flags: string,
  help: string,
  range: { atLeast: number; atMost: number },
): Option {
  return new Option(flags, help).argParser((text) => {
    const match = /^(\d{1,15}(?:\.\d{1,3})?)([kMG]?)$/.exec(text.replace(/(?<=\d)[_,](?=\d)/g, ''));
    const scale = { '': 1, k: 1e3, M: 1e6, G: 1e9 }[match?.[2] ?? ''] ?? 1;
    const value = match ? Number(match[1]) * scale : Number.NaN;
    if (!Number.isInteger(value) || value < range.atLeast || value > range.atMost) {
      throw new InvalidArgumentError(`Expected a whole number from ${range.atLeast} to ${range.atMost}.`);
    }
    return value;
  });
}

/** A moment, as seconds since 1970. */
export function momentOption(flags: string, help: string): Option {
  return new Option(flags, help).argParser((text) => {
    try {
      return parseMoment(text);
    } catch (error) {
      throw new InvalidArgumentError(`${(error as Error).message}.`);
    }
  });
}

/** `name=value`, as often as wanted, gathered into one record. */
export function pairsOption(flags: string, help: string): Option {
  return new Option(flags, help).argParser((text, before: Record<string, string> | undefined) => {
    const at = text.indexOf('=');
    if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Expected name=value.');
    return { ...before, [text.slice(0, at).trim()]: text.slice(at + 1).trim() };
  });
}
