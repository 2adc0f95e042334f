/**
 * One customer's memberships at a past moment, by the naive evaluator: what the rules of the definitions
 * in force then say of the facts that were known then. Cost: some microseconds a segment.
 */
import type { CustomerFacts } from '../../model/fact.ts';
import type { SegmentEntry } from '../../model/membership.ts';
import type { Definition, DefinitionVersion } from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import { resolveSegments } from '../catalog/resolve-segments.ts';
import type { MembershipFilter } from '../core.ts';
import { withReferences } from '../definition-index.ts';
import { directoryEntry } from '../directory-entry.ts';
import type { StoreTable } from '../engine/engine.ts';
import { evaluateNaive, NO_FACTS, storeLookup } from '../evaluate/naive.ts';
import { Turns } from '../turns.ts';

/** Active segments that the customer is in, ascending by key. */
export async function pastMemberships(request: {
  /** Those in force at the moment. */
  readonly definitions: ReadonlyMap<string, DefinitionVersion>;
  readonly stores: StoreTable;
  /** Those known at the moment. */
  readonly facts: CustomerFacts;
  readonly moment: number;
  readonly filter: MembershipFilter;
  readonly types: SegmentTypes;
}): Promise<readonly SegmentEntry[]> {
  const { definitions, stores, facts, moment, filter, types } = request;
  const wanted = [...definitions.values()]
    .map((version) => version.definition)
    .filter((definition) => isWanted(definition, filter));
  const keys = new Set(wanted.map((definition) => definition.key));
  const versions = withReferences(wanted, definitions, stores, types).map(asVersion);
  const lookup = storeLookup(stores);
  const turns = new Turns();
  const found: SegmentEntry[] = [];
  for (const segment of resolveSegments({ versions, stores, types })) {
    if (turns.isOver()) await turns.next();
    if (!keys.has(segment.definition.key) || !evaluateNaive(segment.rule, facts, moment, lookup)) continue;
    const entry = directoryEntry(segment, evaluateNaive(segment.rule, NO_FACTS, moment, lookup));
    if (filter.store === undefined || entry.stores?.includes(filter.store)) found.push(entry);
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function isWanted(definition: Definition, { owner, tag, type }: MembershipFilter): boolean {
  if ((definition.status ?? 'active') !== 'active') return false;
  if (owner !== undefined && definition.owner !== owner) return false;
  if (tag !== undefined && !definition.tags?.includes(tag)) return false;
  return type === undefined || definition.type === type;
}

function asVersion(definition: Definition): DefinitionVersion {
  return { definition, version: 1, catalogNo: 0, author: '', at: 0 };
}
