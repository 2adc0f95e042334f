/**
 * Time as the rules see it: UTC, whole seconds since 1970, in the range of an unsigned 32-bit integer
 * (to 2106-02-07). A window of w at moment n holds the facts with n − w < t ≤ n.
 */
import { CoterieError } from './error.ts';

/** The last moment that can be stored, in seconds since 1970. */
export const MOMENT_MAX_S = 0xffff_ffff;

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const DURATION = /^([0-9]{1,12})(s|m|h|d|w)$/;
/** 100 years: longer than any history that fits the range of moments. */
const DURATION_MAX_S = 36_525 * 86_400;

/**
 * Reads a window such as `90s`, `30m`, `12h`, `30d`, `4w`.
 *
 * @returns Seconds, an integer from 1 to 100 years.
 * @throws {CoterieError} `DURATION_INVALID`.
 */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text);
  const seconds = match ? Number(match[1]) * UNIT_SECONDS[match[2]!]! : 0;
  if (seconds < 1 || seconds > DURATION_MAX_S) {
    throw new CoterieError(
      'DURATION_INVALID',
      `"${text}" is not a window: expected a whole number above 0 and a unit (s, m, h, d, w), at most 36525d`,
      {
        expected: 'a window such as 30d',
        found: text,
      },
    );
  }
  return seconds;
}

/** Writes seconds as the shortest exact window: 2592000 → `30d`. */
export function formatDuration(seconds: number): string {
  for (const unit of ['d', 'h', 'm']) {
    const size = UNIT_SECONDS[unit]!;
    if (seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}

const MOMENT = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Reads an ISO 8601 moment; without an offset it is UTC, without a time it is midnight.
 *
 * @returns Whole seconds since 1970 (a fraction is cut off).
 * @throws {CoterieError} `MOMENT_INVALID` for anything else, or outside 1970 to 2106.
 */
export function parseMoment(text: string): number {
  const trimmed = text.trim();
  if (MOMENT.test(trimmed)) {
    const dateOnly = trimmed.length === 10;
    const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/.test(trimmed.slice(10));
    const iso = dateOnly ? `${trimmed}T00:00:00Z` : `${trimmed.replace(' ', 'T')}${zoned ? '' : 'Z'}`;
    const seconds = Math.floor(Date.parse(iso) / 1000);
    if (seconds >= 0 && seconds <= MOMENT_MAX_S) return seconds;
  }
  throw new CoterieError(
    'MOMENT_INVALID',
    `"${text}" is not a moment: expected ISO 8601 between 1970 and 2106, such as 2026-03-01T12:00:00Z`,
    {
      expected: 'ISO 8601',
      found: text,
    },
  );
}

/** Writes seconds since 1970 as ISO 8601 in UTC, `2026-03-01T12:00:00Z`. */
export function formatMoment(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}
