/**
 * From the definitions in force to segments that are ready to be compiled: families are expanded over the
 * stores known, references to segments are replaced by their rules. Definitions were checked when they
 * were applied and are not checked again: this runs over hundreds of thousands of instances.
 */
import type { StoreSet } from '../../model/rule.ts';
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
import { readCheckedRule, ruleOfInstance, storesOfInstance } from './normal-form.ts';
import { type KeyedRule, referencesOf, replaceGathered, replaceReferences } from './segment-reference.ts';

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
  const instances = new Instances(request.stores);
  for (const { definition } of request.versions) {
    if (definition.status === 'archived') continue;
    if (definition.forEach === undefined) keys.push(definition.key);
    else
      for (const { name } of instances.of(definition.forEach)) keys.push(instanceKey(definition.key, name));
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
  return rules.map((rule, i) => ({ ...rule, segmentNo: segmentNos === undefined ? i : segmentNos[i]! }));
}

/** What was made of the definitions of a catalog when they were last loaded. */
interface Loaded {
  readonly types: SegmentTypes;
  readonly instances: Instances;
  readonly definitions: readonly Definition[];
  /** References still in them. Those of definition i begin at `start[i]`. */
  readonly segments: readonly Segment[];
  readonly start: Uint32Array;
}

/** One for each catalog, so that the next load shares what it can: after a change of one definition, the others. */
const lastLoaded = new WeakMap<Catalog, Loaded>();

/** {@link resolveSegments} for what a catalog holds, with the numbers that it gives. */
export async function loadSegments(request: {
  readonly catalog: Catalog;
  readonly stores: StoreTable;
  readonly types: SegmentTypes;
  /** Catalog position; default the last. */
  readonly knownAt?: number;
}): Promise<readonly Segment[]> {
  const { catalog, stores, types } = request;
  const versions = await catalog.definitions(request.knownAt);
  const definitions = versions.map((version) => version.definition);
  const last = lastLoaded.get(catalog);
  const instances = new Instances(stores, last?.instances);
  const segments: Segment[] = [];
  const start = new Uint32Array(definitions.length + 1);
  const fresh: Unnumbered[] = [];
  const references = new Map<string, readonly string[]>();
  const turns = new Turns();
  for (const [i, definition] of definitions.entries()) {
    const made = last === undefined ? undefined : madeBefore(last, i, definition, { types, instances });
    for (const segment of made ?? segmentsOf(definition, instances, types)) {
      if (turns.isOver()) await turns.next();
      if (made === undefined) fresh.push(segment);
      segments.push(segment);
      const to = referencesOf(segment.rule);
      if (to.length > 0) references.set(segment.key, to);
    }
    start[i + 1] = segments.length;
  }
  const segmentNos = await catalog.segmentNos(fresh.map(({ key }) => key));
  for (const [i, segment] of fresh.entries()) segment.segmentNo = segmentNos[i]!;
  lastLoaded.set(catalog, { types, instances, definitions, segments, start });
  return replaceGathered(segments, references);
}

/** Versions come in the order of their keys' first ones, so what did not change is where it was. */
function madeBefore(
  last: Loaded,
  place: number,
  definition: Definition,
  now: { readonly types: SegmentTypes; readonly instances: Instances },
): readonly Segment[] | undefined {
  if (last.definitions[place] !== definition || last.types !== now.types) return undefined;
  const { forEach } = definition;
  if (forEach !== undefined && last.instances.of(forEach) !== now.instances.of(forEach)) return undefined;
  return last.segments.slice(last.start[place], last.start[place + 1]);
}

/** The rules of all segments of these definitions, references still in them. */
export function readRules(
  definitions: Iterable<Definition>,
  stores: StoreTable,
  types: SegmentTypes,
): KeyedRule[] {
  const instances = new Instances(stores);
  return [...definitions].flatMap((definition) => [...segmentsOf(definition, instances, types)]);
}

/** A segment whose number is filled in when the keys of all are known. */
type Unnumbered = Omit<Segment, 'segmentNo'> & { segmentNo: number };

function* segmentsOf(
  definition: Definition,
  instances: Instances,
  types: SegmentTypes,
): Generator<Unnumbered> {
  if (definition.status === 'archived') return;
  const rule = readCheckedRule(definition, types);
  if (definition.forEach === undefined) {
    yield { segmentNo: 0, key: definition.key, definition, rule };
    return;
  }
  for (const { name, stores } of instances.of(definition.forEach)) {
    yield {
      segmentNo: 0,
      key: instanceKey(definition.key, name),
      definition,
      instance: name,
      rule: ruleOfInstance(rule, stores),
    };
  }
}

/** What families have an instance for. */
interface Instance {
  readonly name: string;
  /** One object, so that the rules of all families share it. */
  readonly stores: StoreSet;
}

class Instances {
  readonly #table: StoreTable;
  readonly #last: ReadonlyMap<FamilyDimension, readonly Instance[]> | undefined;
  readonly #of = new Map<FamilyDimension, readonly Instance[]>();

  /** @param last - Its lists are taken over where they are the same. */
  constructor(table: StoreTable, last?: Instances) {
    this.#table = table;
    // Its lists alone: not what it took them over from.
    if (last !== undefined) this.#last = last.#of;
  }

  of(dimension: FamilyDimension): readonly Instance[] {
    let instances = this.#of.get(dimension);
    if (instances === undefined) {
      const names = familyInstances(dimension, this.#table);
      const last = this.#last?.get(dimension);
      instances =
        last !== undefined && last.length === names.length && names.every((name, i) => name === last[i]!.name)
          ? last
          : names.map((name) => ({ name, stores: storesOfInstance(dimension, name) }));
      this.#of.set(dimension, instances);
    }
    return instances;
  }
}
