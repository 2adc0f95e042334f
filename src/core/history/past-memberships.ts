/**
 * One customer's memberships at a past moment, by the naive evaluator: what the rules of the definitions
 * in force then say of the facts that were known then. Cost: some microseconds a segment.
 */
import type { AsOf, SegmentEntry } from '../../model/membership.ts';
import type { Definition, DefinitionVersion } from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import type { BoundSource } from '../bound-source.ts';
import { resolveSegments } from '../catalog/resolve-segments.ts';
import type { MembershipFilter, PastMembershipsReport } from '../core.ts';
import { withReferences } from '../definition-index.ts';
import { directoryEntry } from '../directory-entry.ts';
import type { Engine } from '../engine/engine.ts';
import { evaluateNaive, NO_FACTS, storeLookup } from '../evaluate/naive.ts';
import type { SegmentSource } from '../segment-source.ts';
import { Turns } from '../turns.ts';

export interface PastMembershipsParts {
  readonly engine: Engine;
  readonly segments: SegmentSource;
  readonly types: SegmentTypes;
  readonly bounds: BoundSource;
}

/**
 * See `Core.membershipsAt`.
 *
 * @param asOf - The moment, and what had been received and applied by then.
 */
export async function pastMemberships(
  { engine, segments: source, types, bounds }: PastMembershipsParts,
  customerId: string,
  asOf: AsOf,
  filter: MembershipFilter,
): Promise<PastMembershipsReport> {
  const { moment, batchNo } = asOf;
  const stores = await engine.storeTable(batchNo);
  const known = (await engine.customerNo(customerId, batchNo)) !== undefined;
  const facts = await engine.customerFacts(customerId, batchNo);
  const definitions = await source.definitionsAt(asOf.catalogNo);
  const wanted = [...definitions.values()]
    .map((version) => version.definition)
    .filter((definition) => isWanted(definition, filter));
  const keys = new Set(wanted.map((definition) => definition.key));
  const versions = withReferences(wanted, definitions, stores, types).map(asVersion);
  const own = resolveSegments({ versions, stores, types }).filter(({ definition }) =>
    keys.has(definition.key),
  );
  const { segments } = await bounds.boundAsOf(own, stores, asOf);
  const lookup = storeLookup(stores);
  const turns = new Turns();
  const found: SegmentEntry[] = [];
  for (const segment of segments) {
    if (turns.isOver()) await turns.next();
    if (!evaluateNaive(segment.rule, facts, moment, lookup)) continue;
    const entry = directoryEntry(segment, evaluateNaive(segment.rule, NO_FACTS, moment, lookup));
    if (filter.store === undefined || entry.stores?.includes(filter.store)) found.push(entry);
  }
  return { customer: customerId, known, segments: found.sort((a, b) => (a.key < b.key ? -1 : 1)), asOf };
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
