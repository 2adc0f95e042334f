/** What is worth a look in rows that are taken, counted by its words: as the import of files counts it. */
import type { FactSource } from '../../model/fact.ts';
import { FACT_FIELDS, takesAnyField } from '../../model/fact-field.ts';
import { FACT_WARNING, UNKNOWN_FIELDS_TOLD_MAX } from '../../model/fact-reason.ts';

/** Text → rows. */
export type Warnings = Map<string, number>;

/** Adds to a count. Of fields that are not known only so many names are told. */
export function addWarning(to: Warnings, text: string, rows = 1): void {
  const isNew = !to.has(text) && !TOLD_ALWAYS.has(text);
  const told = isNew && to.size - countOf(to) >= UNKNOWN_FIELDS_TOLD_MAX ? FACT_WARNING.furtherFields : text;
  to.set(told, (to.get(told) ?? 0) + rows);
}

export function addWarnings(to: Warnings, from: ReadonlyMap<string, number>): void {
  for (const [text, rows] of from) addWarning(to, text, rows);
}

const TOLD_ALWAYS: ReadonlySet<string> = new Set([
  FACT_WARNING.negativeTotal,
  FACT_WARNING.missingTotal,
  FACT_WARNING.unmoved,
  FACT_WARNING.furtherFields,
]);

function countOf(warnings: Warnings): number {
  let count = 0;
  for (const text of TOLD_ALWAYS) if (warnings.has(text)) count++;
  return count;
}

const KNOWN: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(FACT_FIELDS).map(([source, fields]) => [source, new Set(fields)]),
);

/** Counts the fields of a row that its source does not have. */
export function warnOfFields(warnings: Warnings, source: FactSource, row: unknown): void {
  if (takesAnyField(source)) return;
  const known = KNOWN.get(source)!;
  for (const name of Object.keys(row as object)) {
    if (!known.has(name)) addWarning(warnings, FACT_WARNING.unknownField(name));
  }
}

/** Counts a total that is negative or missing. */
export function warnOfTotal(warnings: Warnings, totalE4: number, row: unknown): void {
  if (totalE4 < 0) addWarning(warnings, FACT_WARNING.negativeTotal);
  if (totalE4 !== 0) return;
  const { total } = row as { readonly total?: unknown };
  const isMissing = total === null || (typeof total === 'string' && total.trim() === '');
  if (isMissing) addWarning(warnings, FACT_WARNING.missingTotal);
}
