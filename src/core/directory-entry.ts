/** What the Store is told of a segment. */
import type { SegmentEntry } from '../model/membership.ts';
import type { Rule } from '../model/rule.ts';
import type { Definition, Segment } from '../model/segment.ts';
import { parseDuration } from '../model/time.ts';

/** Stores named by id in a directory entry at most; a rule that names more is listed under none. */
const ENTRY_STORES_MAX = 1_000;

/**
 * A segment's entry. Nobody is in a paused one.
 *
 * @param isDefault - Whether customers without facts are in it.
 * @param exceptions - How many customers' membership is not that; absent: not counted.
 */
export function directoryEntry(segment: Segment, isDefault: boolean, exceptions?: number): SegmentEntry {
  const { definition } = segment;
  const stores = storesNamed(segment.rule);
  return {
    segmentNo: segment.segmentNo,
    key: segment.key,
    ...(definition.name === undefined ? {} : { name: definition.name }),
    ...(definition.owner === undefined ? {} : { owner: definition.owner }),
    tags: definition.tags ?? [],
    type: definition.type,
    status: definition.status ?? 'active',
    defaultMember: isDefault,
    ...(exceptions === undefined ? {} : { exceptions }),
    ...(stores === undefined ? {} : { stores }),
    ...(definition.freshness === undefined ? {} : { freshnessS: parseDuration(definition.freshness) }),
  };
}

/** Whether two definitions say the same of a segment but for its rule. */
export function isListedAlike(a: Definition, b: Definition): boolean {
  return (
    a === b ||
    (a.name === b.name &&
      a.owner === b.owner &&
      a.type === b.type &&
      a.freshness === b.freshness &&
      (a.status ?? 'active') === (b.status ?? 'active') &&
      (a.tags ?? []).join('\n') === (b.tags ?? []).join('\n'))
  );
}

/** The stores that a rule names by id, each once; undefined when it names none, or very many. */
function storesNamed(rule: Rule): readonly string[] | undefined {
  const named = new Set<string>();
  const visit = (node: Rule): void => {
    if (node.kind === 'all' || node.kind === 'any') node.rules.forEach(visit);
    else if (node.kind === 'not') visit(node.rule);
    else if (node.kind === 'orders' && node.stores.kind === 'ids') {
      for (const id of node.stores.ids) named.add(id);
    }
  };
  visit(rule);
  return named.size === 0 || named.size > ENTRY_STORES_MAX ? undefined : [...named];
}
