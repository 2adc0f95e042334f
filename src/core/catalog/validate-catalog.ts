/** What must hold of definitions together, beyond what each of them is checked for by itself. */
import { CoterieError } from '../../model/error.ts';
import type { Definition } from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import type { StoreTable } from '../engine/engine.ts';
import { checkPopulations, hasRanked, measureKey, rankedConditions } from '../population-bound.ts';
import { readCheckedRule } from './normal-form.ts';
import { refuseRepeatedKeys } from './read-definitions.ts';
import { readRules } from './resolve-segments.ts';
import { type KeyedRule, referencesOf, replaceReferences } from './segment-reference.ts';

/** Segments named that refer to one that is to be archived. */
const REFERRING_SHOWN_MAX = 10;

/** One instance of every family: enough to see whether it refers to anything. */
const STAND_IN: StoreTable = { ids: ['?'], brand: ['?'], city: ['?'], category: ['?'], tags: [[]] };

/**
 * Checks the catalog as it would be with some definitions added or replaced: every reference leads to a
 * segment that is not archived, none goes in a circle, and no rule grows too large by its references.
 *
 * Costs little where nothing refers to anything, however many definitions there are. One in force whose plug-in is
 * gone is as if it were not defined, and so is one in force that refers to it, so that they do not keep others, or
 * their own end, from being applied.
 *
 * @param inForce - What is in the catalog.
 * @param applied - What is to be applied; replaces by key.
 * @throws {CoterieError} `DEFINITION_INVALID` if a key is applied twice, `SEGMENT_CYCLE`, `SEGMENT_REFERENCE_UNKNOWN`, `SEGMENT_IN_USE`,
 *   `DEFINITION_TOO_LARGE`, `POPULATIONS_TOO_MANY`.
 */
export function validateCatalog(
  inForce: readonly Definition[],
  applied: readonly Definition[],
  stores: StoreTable,
  types: SegmentTypes,
): void {
  refuseRepeatedKeys(applied);
  const byKey = new Map([...inForce, ...applied].map((definition) => [definition.key, definition]));
  // One instance tells what its family refers to; all of them are needed only where something does.
  const table = stores.ids.length > 0 ? stores : STAND_IN;
  withInstalled([...byKey.values()], applied, types, (together) => {
    const rules = readRules(together, STAND_IN, types);
    refuseArchivedInUse(rules, archivedKeys(inForce, applied));
    if (rules.some(({ rule }) => referencesOf(rule).length > 0)) {
      replaceReferences(readRules(together, table, types));
    }
    const ranked = new Set(rules.filter(({ rule }) => hasRanked(rule)).map(({ definition }) => definition));
    refuseManyPopulations(ranked, table, types);
  });
}

/** Keys that are in force and would be archived. */
function archivedKeys(inForce: readonly Definition[], applied: readonly Definition[]): ReadonlySet<string> {
  const archived = new Set<string>();
  for (const { key, status } of applied) if (status === 'archived') archived.add(key);
  if (archived.size === 0) return archived;
  return new Set(
    inForce.filter(({ key, status }) => status !== 'archived' && archived.has(key)).map(({ key }) => key),
  );
}

/** What others refer to stays: they would mean nothing without it. */
function refuseArchivedInUse(rules: readonly KeyedRule[], archived: ReadonlySet<string>): void {
  if (archived.size === 0) return;
  const referring = new Map<string, Set<string>>();
  for (const { definition, rule } of rules) {
    for (const reference of referencesOf(rule)) {
      const to = reference.split('@', 1)[0]!;
      if (archived.has(to)) referring.set(to, (referring.get(to) ?? new Set()).add(definition.key));
    }
  }
  const [first] = referring;
  if (first === undefined) return;
  const key = first[0];
  const from = [...first[1]];
  const shown = from.slice(0, REFERRING_SHOWN_MAX).map((each) => `"${each}"`);
  const more = from.length > shown.length ? ` and ${from.length - shown.length} more` : '';
  throw new CoterieError(
    'SEGMENT_IN_USE',
    `"${key}" cannot be archived: ${shown.join(', ')}${more} still ${from.length === 1 ? 'refers' : 'refer'} to it`,
    { key, referring: from.slice(0, 1_000) },
  );
}

/** One population of several conditions counts once; paused segments are not ranked over. */
function refuseManyPopulations(
  ranked: ReadonlySet<Definition>,
  stores: StoreTable,
  types: SegmentTypes,
): void {
  const populations = new Set<string>();
  for (const { definition, rule } of readRules(ranked, stores, types)) {
    if (definition.status === 'paused') continue;
    for (const condition of rankedConditions(rule)) populations.add(measureKey(condition));
  }
  checkPopulations(populations.size);
}

/** Reads all rules; without plug-ins that are gone, what they read is left out, and what refers to that. */
function withInstalled<T>(
  definitions: readonly Definition[],
  applied: readonly Definition[],
  types: SegmentTypes,
  read: (definitions: readonly Definition[]) => T,
): T {
  try {
    return read(definitions);
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    return read(installedOf(definitions, new Set(applied), types));
  }
}

/** What is applied, and of what is in force what can be read and refers, also by others, to nothing that cannot. */
function installedOf(
  definitions: readonly Definition[],
  applied: ReadonlySet<Definition>,
  types: SegmentTypes,
): readonly Definition[] {
  const dropped = new Set<string>();
  /** Key, or that of a family whose instance is meant → keys in force that refer to it. */
  const referring = new Map<string, string[]>();
  for (const definition of definitions) {
    if (applied.has(definition)) continue;
    const references = installedReferences(definition, types);
    if (references === undefined) dropped.add(definition.key);
    for (const reference of references ?? []) {
      const to = reference.split('@', 1)[0]!;
      if (!referring.has(to)) referring.set(to, []);
      referring.get(to)!.push(definition.key);
    }
  }
  // Grows while it is walked over: each key is added once.
  for (const key of dropped) for (const from of referring.get(key) ?? []) dropped.add(from);
  return definitions.filter((definition) => applied.has(definition) || !dropped.has(definition.key));
}

/** Keys that a definition refers to; undefined if its plug-in is gone. */
function installedReferences(definition: Definition, types: SegmentTypes): readonly string[] | undefined {
  if (definition.status === 'archived') return [];
  try {
    return referencesOf(readCheckedRule(definition, types));
  } catch (error) {
    if (isNotInstalled(error)) return undefined;
    throw error;
  }
}

function isNotInstalled(error: unknown): boolean {
  return (
    error instanceof CoterieError &&
    (error.code === 'SEGMENT_TYPE_UNKNOWN' || error.code === 'FACT_SOURCE_UNKNOWN')
  );
}
