/**
 * Puts numbers in place of the bounds that the population sets: those in force as of a moment, or new ones
 * from the engine. Everything that compiles or evaluates a rule sees it after this, and only after this.
 */
import { describeCondition } from '../model/describe.ts';
import type { AsOf } from '../model/membership.ts';
import type { Rule } from '../model/rule.ts';
import type { Segment } from '../model/segment.ts';
import { formatMoment } from '../model/time.ts';
import { StoreSets } from './compile/store-sets.ts';
import type { Engine, Progress, StoreTable } from './engine/engine.ts';
import type { BoundLog, BoundMark } from './history/bound-log.ts';
import {
  boundedRule,
  boundKey,
  checkPopulations,
  hasRanked,
  isRanked,
  measureKey,
  type PopulationBound,
  type RankedCondition,
  rankedConditions,
  ranksOf,
} from './population-bound.ts';
import { Turns } from './turns.ts';

/** Where a rule comes from that stands for a ranked condition. */
export interface TakenBound {
  readonly condition: RankedCondition;
  readonly bound: PopulationBound;
}

export interface BoundRequest {
  readonly stores: StoreTable;
  readonly asOf: AsOf;
  /**
   * Which of the bounds kept will do: `none`, all are taken anew; those of the `calculation` of the as-of;
   * or else `any` that was in force at the moment. What is missing is taken as of the as-of.
   */
  readonly reuse: 'none' | 'calculation' | 'any';
  /** Leave paused segments as they are: nobody evaluates them. */
  readonly skipsPaused?: boolean;
}

/** Segments whose bounds are numbers. */
export interface BoundedSegments {
  readonly segments: readonly Segment[];
  /** By the rule that stands for a ranked condition. */
  readonly taken: ReadonlyMap<Rule, TakenBound>;
  /** Bounds that were taken for this and are not kept yet. */
  readonly fresh: readonly PopulationBound[];
}

/** What to say of segments whose ranks were taken over nobody, though facts have come since; nothing mostly. */
export function boundWarnings(
  { taken }: Pick<BoundedSegments, 'taken'>,
  asOf: AsOf,
): { readonly warnings?: readonly string[] } {
  const empty = [...taken.values()].find(
    ({ bound }) => bound.customers === 0 && bound.batchNo < asOf.batchNo,
  );
  if (empty === undefined) return {};
  const warning =
    `"${describeCondition(empty.condition)}" goes by a population of nobody, as of ${formatMoment(empty.bound.moment)}, so it holds for nobody: ` +
    'ranks are taken anew at a full calculation (`coterie calculate`, or POST /v1/calculations)';
  return { warnings: [warning] };
}

const NO_MODELS: ReadonlyMap<string, number> = new Map();
/** No mark: the last bounds kept are not in force yet. */
const NOT_YET = -1;

export class BoundSource {
  readonly #engine: Pick<Engine, 'populationValues' | 'dictionary'>;
  readonly #log: BoundLog;
  #last: (BoundMark & { readonly count: number }) | undefined;
  #hasLast = false;

  constructor(parts: {
    readonly engine: Pick<Engine, 'populationValues' | 'dictionary'>;
    readonly log: BoundLog;
  }) {
    this.#engine = parts.engine;
    this.#log = parts.log;
  }

  /**
   * Replaces every ranked condition. Costs nothing where there is none.
   *
   * @throws {CoterieError} `POPULATIONS_TOO_MANY` if more than `POPULATIONS_MAX` populations are to be ranked.
   */
  async bound(
    segments: readonly Segment[],
    request: BoundRequest,
    progress?: Progress,
  ): Promise<BoundedSegments> {
    const ranked = await rankedIn(segments, request.skipsPaused ?? false);
    if (ranked.length === 0) return { segments, taken: new Map(), fresh: [] };
    const keyOf = await this.#keys(ranked, request.asOf);
    const wanted = new Map(ranked.map((condition) => [keyOf(condition), condition]));
    const bounds = await this.#inForce(wanted.keys(), request);
    const missing = [...wanted].filter(([key]) => !bounds.has(key));
    const fresh = await this.#take(new Map(missing), request, progress);
    for (const bound of fresh) bounds.set(bound.key, bound);
    const taken = new Map<Rule, TakenBound>();
    const replace = (condition: RankedCondition): Rule => {
      const bound = bounds.get(keyOf(condition))!;
      const rule = boundedRule(condition, bound);
      taken.set(rule, { condition, bound });
      return rule;
    };
    const turns = new Turns();
    const bounded: Segment[] = [];
    for (const segment of segments) {
      if (turns.isOver()) await turns.next();
      const isLeft = !hasRanked(segment.rule) || (request.skipsPaused === true && isPaused(segment));
      bounded.push(isLeft ? segment : { ...segment, rule: replaceRanked(segment.rule, replace) });
    }
    return { segments: bounded, taken, fresh };
  }

  /** Keeps bounds: from now on they are in force for every as-of from theirs on. */
  async keep(bounds: readonly PopulationBound[]): Promise<void> {
    if (bounds.length === 0) return;
    await this.#log.append(bounds);
    this.#hasLast = false;
  }

  /** Forgets bounds that a tick or a pass kept and then broke off: nothing that is served goes by them. */
  async truncate(reflected: AsOf): Promise<void> {
    await this.#log.truncate(reflected);
    this.#hasLast = false;
  }

  /** {@link bound} for questions: by the bounds that were in force as of then, or would have been. */
  async boundAsOf(segments: readonly Segment[], stores: StoreTable, asOf: AsOf): Promise<BoundedSegments> {
    return this.bound(segments, { stores, asOf, reuse: 'any' });
  }

  /** Another number whenever other bounds may be in force than as of earlier. Cheap. */
  async version(asOf: AsOf): Promise<number> {
    if (!this.#hasLast) {
      this.#last = await this.#log.last();
      this.#hasLast = true;
    }
    const last = this.#last;
    if (last === undefined) return 0;
    return last.moment <= asOf.moment && last.batchNo <= asOf.batchNo ? last.count : NOT_YET;
  }

  /** Keys of bounds; the versions of models are looked up only where a score is ranked. */
  async #keys(
    ranked: readonly RankedCondition[],
    asOf: AsOf,
  ): Promise<(condition: RankedCondition) => string> {
    const hasScores = ranked.some(({ kind }) => kind === 'score');
    const models = hasScores ? (await this.#engine.dictionary(asOf.batchNo)).models : NO_MODELS;
    return (condition) => boundKey(condition, models);
  }

  async #inForce(
    keys: Iterable<string>,
    { asOf, reuse }: BoundRequest,
  ): Promise<Map<string, PopulationBound>> {
    const found = new Map<string, PopulationBound>();
    if (reuse === 'none') return found;
    const { moment, batchNo, calculationNo } = asOf;
    const ofCalculation = await this.#log.inForce({ moment, batchNo, calculationNo });
    const wanted = [...keys];
    const isComplete = wanted.every((key) => ofCalculation.has(key));
    const ofAny = reuse === 'any' && !isComplete ? await this.#log.inForce({ moment, batchNo }) : undefined;
    for (const key of wanted) {
      const bound = ofCalculation.get(key) ?? ofAny?.get(key);
      if (bound !== undefined) found.set(key, bound);
    }
    return found;
  }

  /** One query for each population, whatever the number of ranks that are asked of it. */
  async #take(
    conditions: ReadonlyMap<string, RankedCondition>,
    { stores, asOf }: BoundRequest,
    progress?: Progress,
  ): Promise<PopulationBound[]> {
    const populations = byMeasure(conditions);
    checkPopulations(populations.size);
    const sets = new StoreSets(stores);
    const { moment, batchNo, calculationNo } = asOf;
    const bounds: PopulationBound[] = [];
    let done = 0;
    for (const ranked of populations.values()) {
      progress?.({ phase: 'bounds', done: done++, total: populations.size });
      const { population: _, atLeast: _low, atMost: _high, ...measure } = ranked[0]!.condition;
      const { customers, values } = await this.#engine.populationValues({
        measure,
        ...(measure.kind === 'orders' && measure.stores.kind !== 'all'
          ? { stores: sets.stores(sets.numberOf(measure.stores)) }
          : {}),
        moment,
        knownAt: batchNo,
        ranksOf: (count) => ranked.flatMap(({ condition }) => ranksOf(condition.population, count)),
      });
      let from = 0;
      for (const { key, condition } of ranked) {
        const count = customers === 0 ? 0 : ranksOf(condition.population, customers).length;
        bounds.push({
          key,
          calculationNo,
          moment,
          batchNo,
          customers,
          values: values.slice(from, from + count),
        });
        from += count;
      }
    }
    return bounds;
  }
}

/** Ranked conditions of segments, repeated ones too. */
async function rankedIn(segments: readonly Segment[], skipsPaused: boolean): Promise<RankedCondition[]> {
  const ranked: RankedCondition[] = [];
  const turns = new Turns();
  for (const segment of segments) {
    if (turns.isOver()) await turns.next();
    if (!hasRanked(segment.rule) || (skipsPaused && isPaused(segment))) continue;
    for (const condition of rankedConditions(segment.rule)) ranked.push(condition);
  }
  return ranked;
}

interface KeyedCondition {
  /** Of its bound. */
  readonly key: string;
  readonly condition: RankedCondition;
}

function byMeasure(conditions: ReadonlyMap<string, RankedCondition>): Map<string, KeyedCondition[]> {
  const populations = new Map<string, KeyedCondition[]>();
  for (const [key, condition] of conditions) {
    const measure = measureKey(condition);
    const population = populations.get(measure);
    if (population === undefined) populations.set(measure, [{ key, condition }]);
    else population.push({ key, condition });
  }
  return populations;
}

const isPaused = ({ definition }: Segment) => definition.status === 'paused';

function replaceRanked(rule: Rule, replace: (condition: RankedCondition) => Rule): Rule {
  if (!hasRanked(rule)) return rule;
  if (rule.kind === 'all' || rule.kind === 'any') {
    return { ...rule, rules: rule.rules.map((part) => replaceRanked(part, replace)) };
  }
  if (rule.kind === 'not') return { ...rule, rule: replaceRanked(rule.rule, replace) };
  return isRanked(rule) ? replace(rule) : rule;
}
