/** Reports of the Core as answers: moments in ISO 8601, and beside `asOf` the mark of what was known. */
import type { AsOf } from '../model/membership.ts';
import type { DefinitionVersion } from '../model/segment.ts';
import { formatMoment } from '../model/time.ts';

/** What was known: with the moment, all of an {@link AsOf}. */
export type Mark = Omit<AsOf, 'moment'>;

/** Writes a report's `asOf` as text, with the rest of it under `mark`. */
export function withAsOfText<T extends { readonly asOf: AsOf }>(
  report: T,
): Omit<T, 'asOf'> & { readonly asOf: string; readonly mark: Mark } {
  const { moment, batchNo, catalogNo, calculationNo } = report.asOf;
  return { ...report, asOf: formatMoment(moment), mark: { batchNo, catalogNo, calculationNo } };
}

/** A version as answers have it: the key in front, its moment as text. */
export function versionAnswer(version: DefinitionVersion) {
  return { key: version.definition.key, ...version, at: formatMoment(version.at) };
}
