/**
 * From the definitions in force to segments that are ready to be compiled: families are expanded over the
 * stores known, references to segments are replaced by their rules. Definitions were checked when they
 * were applied and are not checked again: this runs over hundreds of thousands of instances.
 */
import type { Rule } from '../../model/rule.ts';
import {
  type Definition,
  type DefinitionVersion,
  type FamilyDimension,
  instanceKey,
  type Segment,
} from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import type { StoreTable } from '../engine/engine.ts';
import { Turns } from '../turns.ts';
import type { Catalog } from './catalog.ts';
import { readCheckedRule, ruleOfInstance } from './normal-form.ts';
import { type KeyedRule, replaceReferences } from './segment-reference.ts';

/** The instances of a family over the known stores, each once, in the order of the stores. */
export function familyInstances(dimension: FamilyDimension, stores: StoreTable): readonly string[] {
  if (dimension === 'store') return stores.ids;
  const values = new Set<string>();
  for (const value of stores[dimension]) {
    if (value !== undefined) values.add(value);
  }
  return [...values];
}

/** Keys of all segments of these definitions, in the order in which {@link resolveSegments} gives them. */
export function segmentKeys(request: {
  readonly versions: readonly DefinitionVersion[];
  readonly stores: StoreTable;
}): string[] {
  const keys: string[] = [];
  const instances = instancesOver(request.stores);
  for (const { definition } of request.versions) {
    if (definition.status === 'archived') continue;
    if (definition.forEach === undefined) keys.push(definition.key);
    else for (const one of instances(definition.forEach)) keys.push(instanceKey(definition.key, one));
  }
  return keys;
}

/**
 * The segments of these definitions. Archived ones are left out; paused ones are in, and their
 * `definition.status` says so. A reference to a paused segment means its rule all the same.
 *
 * @param request.segmentNos - One for each of {@link segmentKeys}, in that order; absent means 0, 1, 2, …
 * @throws {CoterieError} `SEGMENT_CYCLE`, `SEGMENT_REFERENCE_UNKNOWN`, `DEFINITION_TOO_LARGE` or
 * `SEGMENT_TYPE_UNKNOWN`: none of them for what {@link validateCatalog} let through with the same types.
 */
export function resolveSegments(request: {
  readonly versions: readonly DefinitionVersion[];
  readonly stores: StoreTable;
  readonly segmentNos?: Uint32Array;
  readonly types: SegmentTypes;
}): Segment[] {
  const definitions = request.versions.map((version) => version.definition);
  const rules = readRules(definitions, request.stores, request.types);
  return numbered(replaceReferences(rules), request.segmentNos);
}

function numbered(rules: readonly KeyedRule[], segmentNos: Uint32Array | undefined): Segment[] {
  return rules.map(({ definition, instance, key, rule }, i) => ({
    segmentNo: segmentNos === undefined ? i : segmentNos[i]!,
    key,
    definition,
    ...(instance === undefined ? {} : { instance }),
    rule,
  }));
}

/** {@link resolveSegments} for what a catalog holds, with the numbers that it gives. */
export async function loadSegments(request: {
  readonly catalog: Catalog;
  readonly stores: StoreTable;
  readonly types: SegmentTypes;
  /** Catalog position; default the last. */
  readonly knownAt?: number;
}): Promise<Segment[]> {
  const versions = await request.catalog.definitions(request.knownAt);
  const segmentNos = await request.catalog.segmentNos(segmentKeys({ versions, stores: request.stores }));
  const rules: KeyedRule[] = [];
  const turns = new Turns();
  const definitions = versions.map((version) => version.definition);
  for (const rule of eachRule(definitions, request.stores, request.types)) {
    if (turns.isOver()) await turns.next();
    rules.push(rule);
  }
  return numbered(replaceReferences(rules), segmentNos);
}

/** The rules of all segments of these definitions, references still in them. */
export function readRules(
  definitions: Iterable<Definition>,
  stores: StoreTable,
  types: SegmentTypes,
): KeyedRule[] {
  return [...eachRule(definitions, stores, types)];
}

function* eachRule(
  definitions: Iterable<Definition>,
  stores: StoreTable,
  types: SegmentTypes,
): Generator<KeyedRule> {
  const instances = instancesOver(stores);
  for (const definition of definitions) {
    if (definition.status === 'archived') continue;
    const rule: Rule = readCheckedRule(definition, types);
    if (definition.forEach === undefined) {
      yield { key: definition.key, definition, rule };
      continue;
    }
    for (const instance of instances(definition.forEach)) {
      yield {
        key: instanceKey(definition.key, instance),
        definition,
        instance,
        rule: ruleOfInstance(rule, definition.forEach, instance),
      };
    }
  }
}

function instancesOver(stores: StoreTable): (dimension: FamilyDimension) => readonly string[] {
  const known = new Map<FamilyDimension, readonly string[]>();
  return (dimension) => {
    const instances = known.get(dimension) ?? familyInstances(dimension, stores);
    known.set(dimension, instances);
    return instances;
  };
}
