/** Reads windows, amounts and bounds: seconds, ten-thousandths, and limits that do not cross. */
import { AMOUNT_MAX_E4, parseAmountE4 } from '../../../model/amount.ts';
import { CoterieError } from '../../../model/error.ts';
import type { PopulationTest } from '../../../model/rule.ts';
import type {
  WrittenAgeTest,
  WrittenCountTest,
  WrittenQuintile,
  WrittenRank,
} from '../../../model/rule-schema/test-schema.ts';
import { parseDuration } from '../../../model/time.ts';
import type { Path } from '../problem.ts';
import type { Report } from './problem-report.ts';

/** Inclusive. */
export interface Bounds {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Fields of a normal form that are left out where nothing is written. */
export function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]: Value });
}

/** The bounds of what is written, and a problem where they cross. */
export function readBounds(
  written: { readonly atLeast?: number; readonly atMost?: number },
  path: Path,
  report: Report,
): Bounds {
  const bounds = { ...optional('atLeast', written.atLeast), ...optional('atMost', written.atMost) };
  return checkBounds(bounds, written, path, report);
}

/** {@link readBounds} of a test on a number, which may be exact. */
export function readCount(written: WrittenCountTest, path: Path, report: Report): Bounds {
  const { equals } = written;
  return equals === undefined ? readBounds(written, path, report) : { atLeast: equals, atMost: equals };
}

/** {@link readBounds} of a test on an amount, in ten-thousandths. */
export function readAmounts(
  written: { readonly atLeast?: number | string; readonly atMost?: number | string },
  path: Path,
  report: Report,
): Bounds {
  const read = (name: 'atLeast' | 'atMost') =>
    written[name] === undefined ? {} : { [name]: readAmount(written[name], [...path, name], report) };
  return checkBounds({ ...read('atLeast'), ...read('atMost') }, written, path, report);
}

/** Bounds on an age in seconds: `within` w is less than w ago, `before` w is w ago or longer. */
export function readAges(written: WrittenAgeTest, path: Path, report: Report): Bounds {
  const { within, before } = written;
  const withinS = within === undefined ? undefined : readWindow(within, [...path, 'within'], report);
  const beforeS = before === undefined ? undefined : readWindow(before, [...path, 'before'], report);
  if (withinS !== undefined && beforeS !== undefined && beforeS >= withinS) {
    report([...path, 'within'], {
      expected: `a window longer than before, ${before}`,
      found: JSON.stringify(within),
    });
  }
  return {
    ...optional('atLeast', beforeS),
    ...optional('atMost', withinS === undefined ? undefined : withinS - 1),
  };
}

/** The bounds that the population sets, if any are written. */
export function readRank(written: WrittenRank, path: Path, report: Report): PopulationTest | undefined {
  if (written.topPercent !== undefined) return { kind: 'top', percent: written.topPercent };
  if (written.quintile === undefined) return undefined;
  return readQuintile(written.quintile, [...path, 'quintile'], report);
}

function readQuintile(written: WrittenQuintile, path: Path, report: Report): PopulationTest {
  if (typeof written === 'number') return { kind: 'quintile', atLeast: written, atMost: written };
  const { atLeast = 1, atMost = 5 } = readBounds(written, path, report);
  return { kind: 'quintile', atLeast, atMost };
}

function checkBounds(
  bounds: Bounds,
  written: { readonly atLeast?: number | string; readonly atMost?: number | string },
  path: Path,
  report: Report,
): Bounds {
  const { atLeast, atMost } = bounds;
  if (atLeast !== undefined && atMost !== undefined && atLeast > atMost) {
    report([...path, 'atMost'], {
      expected: `a number that is not below atLeast, ${written.atLeast}`,
      found: String(written.atMost),
    });
  }
  return bounds;
}

/** Seconds; 1 where a problem was reported. */
export function readWindow(text: string, path: Path, report: Report): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof CoterieError)) throw error;
    report(path, { expected: 'a window of at most 36525d', found: JSON.stringify(text) });
    return 1;
  }
}

/** Ten-thousandths; 0 where a problem was reported. */
export function readAmount(value: number | string, path: Path, report: Report): number {
  try {
    return parseAmountE4(value);
  } catch (error) {
    if (!(error instanceof CoterieError)) throw error;
    report(path, {
      expected: `a decimal with at most 4 places, up to ${AMOUNT_MAX_E4 / 10_000}`,
      found: String(value),
    });
    return 0;
  }
}
