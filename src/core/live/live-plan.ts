/**
 * The plan in force between ticks, with what is needed to see what another one changes: a fingerprint of
 * every segment's rule over the stores and the versions of models it means.
 */
import { createHash } from 'node:crypto';
import type { AsOf } from '../../model/membership.ts';
import type { Rule, SequenceStep, StoreSet } from '../../model/rule.ts';
import type { Segment } from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import type { BoundSource } from '../bound-source.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { loadSegments } from '../catalog/resolve-segments.ts';
import { compile } from '../compile/compile.ts';
import type { Plan } from '../compile/plan.ts';
import { StoreSets } from '../compile/store-sets.ts';
import type { Engine, FactDictionary, StoreTable } from '../engine/engine.ts';
import { Turns } from '../turns.ts';

export interface LivePlan {
  readonly plan: Plan;
  readonly segments: ReadonlyMap<number, Segment>;
  /** Segment number → what its memberships depend on; paused ones have none. */
  readonly fingerprints: ReadonlyMap<number, string>;
  readonly stores: StoreTable;
  /** What it was compiled from. */
  readonly catalogNo: number;
  readonly storesBatchNo: number;
  readonly dictionarySize: number;
  /** Of the bounds that the population sets; see `BoundSource.version`. */
  readonly boundsVersion: number;
  /** Whether the population sets any bounds, and how long it took to take those that were taken anew. */
  readonly isRanked: boolean;
  readonly boundsSeconds: number;
  /** Model → name number of the version in force that it was compiled for. */
  readonly models: FactDictionary['models'];
  isDefault(segmentNo: number): boolean;
}

export interface PlanSource {
  readonly engine: Engine;
  readonly catalog: Catalog;
  readonly types: SegmentTypes;
  /** Absent: no definition ranks. */
  readonly bounds?: BoundSource;
}

/**
 * Compiles the definitions of a catalog position over the stores known after a batch. Bounds that the
 * population sets are those in force; ones that nobody took yet are taken, and kept.
 *
 * @param at.renewFor - Take all of them anew, for this calculation.
 */
export async function compileLivePlan(
  source: PlanSource,
  at: AsOf & {
    readonly storesBatchNo: number;
    readonly dictionarySize: number;
    readonly renewFor?: number;
  },
): Promise<LivePlan> {
  const stores = await source.engine.storeTable(at.batchNo);
  const loaded = await loadSegments({
    catalog: source.catalog,
    stores,
    types: source.types,
    knownAt: at.catalogNo,
  });
  const { segments, ...ranks } = await boundSegments(source.bounds, loaded, stores, at);
  const dictionary = await source.engine.dictionary(at.batchNo);
  const plan = await compile({ segments, stores, dictionary });
  const placeOf = new Map([...plan.segmentNos].map((segmentNo, place) => [segmentNo, place]));
  return {
    plan,
    segments: new Map(segments.map((segment) => [segment.segmentNo, segment])),
    fingerprints: await fingerprintsOf(segments, stores, dictionary.models),
    stores,
    catalogNo: at.catalogNo,
    storesBatchNo: at.storesBatchNo,
    dictionarySize: at.dictionarySize,
    ...ranks,
    models: dictionary.models,
    isDefault: (segmentNo) => {
      const place = placeOf.get(segmentNo);
      return place !== undefined && plan.defaults[place] === 1;
    },
  };
}

async function boundSegments(
  bounds: BoundSource | undefined,
  segments: readonly Segment[],
  stores: StoreTable,
  { renewFor, ...at }: AsOf & { readonly renewFor?: number },
): Promise<
  { readonly segments: readonly Segment[] } & Pick<LivePlan, 'boundsVersion' | 'isRanked' | 'boundsSeconds'>
> {
  if (bounds === undefined) return { segments, boundsVersion: 0, isRanked: false, boundsSeconds: 0 };
  const started = performance.now();
  const bounded = await bounds.bound(segments, {
    stores,
    asOf: renewFor === undefined ? at : { ...at, calculationNo: renewFor },
    reuse: renewFor === undefined ? 'calculation' : 'none',
    skipsPaused: true,
  });
  await bounds.keep(bounded.fresh);
  return {
    segments: bounded.segments,
    boundsVersion: await bounds.version(at),
    isRanked: bounded.taken.size > 0,
    boundsSeconds: bounded.fresh.length === 0 ? 0 : (performance.now() - started) / 1000,
  };
}

/** Segments by what a new plan means for them. */
export interface PlanDifference {
  /** In both, with another rule, or over other stores. */
  readonly changed: readonly number[];
  /** Not evaluated before: new, or no longer paused. */
  readonly added: readonly number[];
  /** Not evaluated any more: archived, or paused. */
  readonly removed: readonly number[];
}

/** Compares what memberships depend on; names, owners and tags do not count. */
export function comparePlans(before: LivePlan, now: LivePlan): PlanDifference {
  const changed: number[] = [];
  const added: number[] = [];
  for (const [segmentNo, fingerprint] of now.fingerprints) {
    const known = before.fingerprints.get(segmentNo);
    if (known === undefined) added.push(segmentNo);
    else if (known !== fingerprint) changed.push(segmentNo);
  }
  const removed = [...before.fingerprints.keys()].filter((segmentNo) => !now.fingerprints.has(segmentNo));
  return { changed, added, removed };
}

async function fingerprintsOf(
  segments: readonly Segment[],
  stores: StoreTable,
  models: FactDictionary['models'],
): Promise<Map<number, string>> {
  const turns = new Turns();
  const sets = new StoreSets(stores);
  const setHashes = new Map<number, string>();
  const hashOfSet = (set: StoreSet): string => {
    if (set.kind === 'all') return 'all';
    const number = sets.numberOf(set);
    let hash = setHashes.get(number);
    if (hash === undefined) {
      hash = createHash('sha1').update(sets.stores(number)).digest('base64');
      setHashes.set(number, hash);
    }
    return hash;
  };
  const describeStep = (step: SequenceStep): unknown => {
    if (step.kind === 'event') return step;
    return { ...step, filter: { ...step.filter, stores: hashOfSet(step.filter.stores) } };
  };
  const describe = (rule: Rule): unknown => {
    if (rule.kind === 'all' || rule.kind === 'any') return [rule.kind, ...rule.rules.map(describe)];
    if (rule.kind === 'not') return ['not', describe(rule.rule)];
    if (rule.kind === 'orders') return { ...rule, stores: hashOfSet(rule.stores) };
    if (rule.kind === 'sequence') {
      return { ...rule, first: describeStep(rule.first), second: describeStep(rule.second) };
    }
    // Another version in force changes every score at once, as another rule would.
    return rule.kind === 'score' ? { ...rule, version: models.get(rule.model) ?? null } : rule;
  };
  const fingerprints = new Map<number, string>();
  for (const { segmentNo, definition, rule } of segments) {
    if (turns.isOver()) await turns.next();
    if ((definition.status ?? 'active') === 'active')
      fingerprints.set(segmentNo, JSON.stringify(describe(rule)));
  }
  return fingerprints;
}
