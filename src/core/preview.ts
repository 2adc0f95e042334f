/**
 * How large a definition that is not saved would be, and what it would change. Definitions beside it, such as
 * the others of its file, stand in place of those in force for whatever refers to them.
 */
import type { AsOf } from '../model/membership.ts';
import type { Definition } from '../model/segment.ts';
import type { SegmentTypes } from '../model/segment-type.ts';
import { boundWarnings } from './bound-source.ts';
import { checkDefinition } from './catalog/check-definition.ts';
import { refuseRepeatedKeys } from './catalog/read-definitions.ts';
import { validateCatalog } from './catalog/validate-catalog.ts';
import type { PreviewReport } from './core.ts';
import { type DefinitionIndex, withReferences } from './definition-index.ts';
import type { Engine } from './engine/engine.ts';
import type { Comparison, Population, Standpoint } from './population.ts';
import type { SegmentSource } from './segment-source.ts';

export interface PreviewParts {
  readonly engine: Engine;
  readonly types: SegmentTypes;
  readonly definitions: DefinitionIndex;
  readonly segments: SegmentSource;
  readonly population: Population;
}

const SAMPLE_IDS = 20;

/**
 * Previews a definition.
 *
 * @param beside - What it may refer to besides the definitions in force; replaces them by key.
 * @throws {CoterieError} What applying it with those beside it would throw.
 */
export async function preview(
  parts: PreviewParts,
  definition: Definition,
  beside: readonly Definition[],
  at: Standpoint & AsOf,
): Promise<PreviewReport> {
  const started = performance.now();
  const { types, segments: source, population } = parts;
  for (const each of [definition, ...beside]) checkDefinition(each, types);
  refuseRepeatedKeys([definition, ...beside]);
  const { customers, ...asOf } = at;
  const stores = await parts.engine.storeTable(at.batchNo);
  const byKey = await parts.definitions.byKey();
  const together = new Map<string, { readonly definition: Definition }>(byKey);
  for (const each of beside) together.set(each.key, { definition: each });
  const needed = withReferences([definition], together, stores, types);
  validateCatalog([], needed, stores, types);
  const bounded = await source.resolve(needed, definition.key, stores, asOf);
  const { segments } = bounded;
  const inForce = byKey.get(definition.key);
  const before = await source.onlySegment(inForce, byKey, stores, asOf);
  const [only] = segments;
  const counted: {
    readonly size: number;
    readonly sample: readonly string[];
    readonly compared?: Comparison;
  } =
    inForce && before && only && segments.length === 1
      ? await population.compare(before, only, stores, at, SAMPLE_IDS)
      : await population.union(segments, stores, at, SAMPLE_IDS);
  return {
    size: counted.size,
    customers,
    sample: counted.sample,
    segments: segments.length,
    ...(counted.compared && inForce ? { compared: { version: inForce.version, ...counted.compared } } : {}),
    ...boundWarnings(bounded, asOf),
    seconds: (performance.now() - started) / 1000,
    asOf,
  };
}
