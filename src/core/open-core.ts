/**
 * The Core in one process: an engine, a catalog, a record of calculations, threads that evaluate, and a
 * place to load memberships into. Questions are answered as of the last calculation, so that what it
 * says of a segment agrees with what the Store says of its members.
 */
import { availableParallelism } from 'node:os';
import { CoterieError } from '../model/error.ts';
import type { AsOf, MembershipTarget } from '../model/membership.ts';
import type { Definition, DefinitionVersion } from '../model/segment.ts';
import { SEGMENT_TYPES, type SegmentTypes } from '../model/segment-type.ts';
import { BoundSource, boundWarnings } from './bound-source.ts';
import { calculate } from './calculate.ts';
import type { ApplyNote, ApplyReport, Catalog } from './catalog/catalog.ts';
import { checkDefinition } from './catalog/check-definition.ts';
import { validateCatalog } from './catalog/validate-catalog.ts';
import type { ChangeLog } from './change/change-log.ts';
import type {
  CalculationReport,
  Core,
  DryRunReport,
  ExplainReport,
  HistoryReport,
  LiveStatus,
  MembershipFilter,
  OverlapReport,
  PastMembershipsReport,
  PreviewReport,
  SegmentFilter,
  SizeReport,
} from './core.ts';
import { changesOf, DefinitionIndex, isEndOf } from './definition-index.ts';
import type {
  Engine,
  FactCounts,
  ImportReport,
  ImportRequest,
  ListState,
  ModelState,
  Progress,
} from './engine/engine.ts';
import { EvaluationPool } from './evaluate/evaluation-pool.ts';
import { explain } from './explain.ts';
import type { AsOfLog } from './history/as-of-log.ts';
import type { BoundLog } from './history/bound-log.ts';
import type { CalculationLog } from './history/calculation-log.ts';
import type { FlowLog } from './history/flow-log.ts';
import type { HistoryRange } from './history/history-range.ts';
import { PastKnowledge } from './history/past-knowledge.ts';
import { pastMemberships } from './history/past-memberships.ts';
import { readHistory } from './history/read-history.ts';
import { type ForgetElsewhere, forgetErased } from './live/forget-erased.ts';
import { LiveCore } from './live/live-core.ts';
import { sourceModules } from './plugin/load-plugins.ts';
import { Population, type Standpoint } from './population.ts';
import { preview } from './preview.ts';
import { SegmentSource } from './segment-source.ts';

export interface CoreParts {
  readonly engine: Engine;
  readonly catalog: Catalog;
  readonly calculations: CalculationLog;
  /** The record of bounds that the population sets. */
  readonly bounds: BoundLog;
  /** Where memberships go; what it serves is what questions are answered as of. */
  readonly target: MembershipTarget;
  /** The log of entries and exits, for a Core that follows facts by ticks. */
  readonly changes?: ChangeLog;
  /** The record of entries and exits by hour; without it, a history tells only of full passes. */
  readonly flows?: FlowLog;
  /** The record of what was known as of what was served; without it, times of receipt stand for it. */
  readonly asOfs?: AsOfLog;
  /** Forgets erased customers, by id, wherever else they are kept. */
  readonly forgetElsewhere?: ForgetElsewhere;
  /** Default: the built-in types. */
  readonly types?: SegmentTypes;
  /** Evaluating threads; default the machine's cores. */
  readonly threads?: number;
  /** Start the threads now and not at the first question: for a server. Default false. */
  readonly startThreads?: boolean;
  /** The clock, in seconds since 1970; default the system's. */
  readonly now?: () => number;
}

/** Opens a Core over parts that are open already; closing it closes the engine, not the rest. */
export function openCore(parts: CoreParts): Core {
  return new LocalCore(parts);
}

class LocalCore implements Core {
  readonly #engine: Engine;
  readonly #catalog: Catalog;
  readonly #calculations: CalculationLog;
  readonly #target: MembershipTarget;
  readonly #changes: ChangeLog | undefined;
  readonly #flows: FlowLog | undefined;
  readonly #knowledge: PastKnowledge;
  readonly #forgetElsewhere: ForgetElsewhere | undefined;
  readonly #types: SegmentTypes;
  readonly #now: () => number;
  readonly #pool: EvaluationPool;
  readonly #population: Population;
  readonly #bounds: BoundSource;
  readonly #definitions: DefinitionIndex;
  readonly #segments: SegmentSource;
  #calculating = false;
  #live: LiveCore | undefined;

  constructor(parts: CoreParts) {
    this.#engine = parts.engine;
    this.#catalog = parts.catalog;
    this.#calculations = parts.calculations;
    this.#target = parts.target;
    this.#changes = parts.changes;
    this.#flows = parts.flows;
    this.#knowledge = new PastKnowledge({ engine: parts.engine, catalog: parts.catalog, log: parts.asOfs });
    this.#forgetElsewhere = parts.forgetElsewhere;
    this.#types = parts.types ?? SEGMENT_TYPES;
    this.#now = parts.now ?? (() => Math.floor(Date.now() / 1000));
    this.#pool = new EvaluationPool(parts.threads ?? availableParallelism(), sourceModules(this.#types));
    if (parts.startThreads) this.#pool.start();
    this.#population = new Population(parts.engine, this.#pool);
    this.#bounds = new BoundSource({ engine: parts.engine, log: parts.bounds });
    this.#definitions = new DefinitionIndex(parts.catalog);
    this.#segments = new SegmentSource({
      engine: this.#engine,
      catalog: this.#catalog,
      definitions: this.#definitions,
      types: this.#types,
      bounds: this.#bounds,
    });
  }

  async apply(definitions: readonly Definition[], note: ApplyNote): Promise<ApplyReport> {
    await this.#check(definitions);
    return this.#catalog.apply(definitions, note);
  }

  async dryRun(definitions: readonly Definition[]): Promise<DryRunReport> {
    const byKey = await this.#check(definitions);
    return changesOf(definitions, byKey);
  }

  /** Everything that definitions must pass to be applied. */
  async #check(definitions: readonly Definition[]): Promise<ReadonlyMap<string, DefinitionVersion>> {
    const byKey = await this.#definitions.byKey();
    for (const definition of definitions) {
      const before = byKey.get(definition.key)?.definition;
      if (!isEndOf(definition, before)) checkDefinition(definition, this.#types);
    }
    const inForce = [...byKey.values()].map((version) => version.definition);
    validateCatalog(inForce, definitions, await this.#engine.storeTable(), this.#types);
    return byKey;
  }

  async segment(key: string): Promise<DefinitionVersion | undefined> {
    return (await this.#definitions.byKey()).get(key);
  }

  segments(filter: SegmentFilter) {
    return this.#definitions.find(filter);
  }

  versions(key: string): Promise<DefinitionVersion[]> {
    return this.#catalog.versions(key);
  }

  async calculate(
    request: { readonly moment?: number; readonly signal?: AbortSignal },
    progress?: Progress,
  ): Promise<CalculationReport> {
    if (this.#calculating)
      throw new CoterieError('CALCULATION_RUNNING', 'A calculation is already running in this process');
    this.#calculating = true;
    try {
      const calculationNo = (await this.#calculations.lastNo()) + 1;
      const pass = () => this.#fullPass({ ...request, calculationNo }, progress);
      if (this.#live) return await this.#live.around({ moment: request.moment, calculationNo }, pass);
      const report = await pass();
      if (!report.isPinned) await this.#knowledge.note(report.asOf);
      await this.#forgetErased();
      return report;
    } finally {
      this.#calculating = false;
    }
  }

  /** @param at - What to read and when, where ticks have just been; default everything, now. */
  async #fullPass(
    request: { readonly calculationNo: number; readonly moment?: number; readonly signal?: AbortSignal },
    progress?: Progress,
  ): Promise<CalculationReport> {
    const from = request.moment === undefined ? this.#live?.asOf() : undefined;
    return calculate(
      this.#parts(),
      {
        moment: request.moment ?? from?.moment ?? this.#now(),
        isPinned: request.moment !== undefined,
        ...(from && {
          batchNo: from.batchNo,
          catalogNo: from.catalogNo,
          boundsSeconds: this.#live!.boundsSeconds(),
        }),
        calculationNo: request.calculationNo,
        onReady: (report, sizes) => this.#calculations.append(report, sizes),
        ...(request.signal ? { signal: request.signal } : {}),
      },
      progress,
    );
  }

  /** What full passes and ticks work on. */
  #parts() {
    return {
      engine: this.#engine,
      catalog: this.#catalog,
      target: this.#target,
      pool: this.#pool,
      types: this.#types,
      bounds: this.#bounds,
      forgetElsewhere: this.#forgetElsewhere,
      knowledge: this.#knowledge,
    };
  }

  async startLive(options: {
    readonly periodMs: number;
    readonly onFailure?: (error: unknown) => void;
  }): Promise<void> {
    if (!this.#changes) throw new Error('a Core without a log of changes cannot follow facts by ticks');
    this.#live ??= new LiveCore({
      ...this.#parts(),
      changes: this.#changes,
      ...(this.#flows ? { flows: this.#flows } : {}),
      now: this.#now,
      isPinned: async () => (await this.lastCalculation())?.isPinned ?? false,
      ...options,
    });
    await this.#live.start();
  }

  liveStatus(): LiveStatus | undefined {
    return this.#live?.status();
  }

  async factsBacklog(): Promise<number | undefined> {
    const asOf = this.#target.asOf();
    return asOf && Math.max(0, (await this.#engine.lastBatchNo()) - asOf.batchNo);
  }

  async lastCalculation(): Promise<CalculationReport | undefined> {
    const asOf = this.#target.asOf();
    return asOf && this.#calculations.report(asOf.calculationNo);
  }

  isCalculating(): boolean {
    return this.#calculating;
  }

  async size(key: string): Promise<SizeReport> {
    const { customers, ...asOf } = this.#served();
    const { segments, stores, isFamily, taken } = await this.#segments.segmentsOf(key, asOf);
    const warnings = boundWarnings({ taken }, asOf);
    if (isFamily) {
      const { size } = await this.#population.union(segments, stores, { ...asOf, customers }, 0);
      return { key, size, customers, ...warnings, asOf };
    }
    const [segmentNo] = await this.#catalog.segmentNos([key]);
    const size =
      this.#live?.size(segmentNo!) ?? (await this.#calculations.size(asOf.calculationNo, segmentNo!)) ?? 0;
    return { key, size, customers, ...warnings, asOf };
  }

  async *members(key: string): AsyncGenerator<readonly string[]> {
    const { customers, ...asOf } = this.#served();
    const { segments, stores } = await this.#segments.segmentsOf(key, asOf);
    yield* this.#population.memberIds(segments, stores, { ...asOf, customers });
  }

  async overlap(keys: readonly string[]): Promise<OverlapReport> {
    const { customers, ...asOf } = this.#served();
    const parts = await Promise.all(keys.map((key) => this.#segments.segmentsOf(key, asOf)));
    const family = parts.findIndex((part) => part.isFamily);
    if (family >= 0) {
      throw new CoterieError(
        'REQUEST_INVALID',
        `"${keys[family]}" is a family: name one of its segments, such as ${keys[family]}@…`,
        {
          field: 'segments',
        },
      );
    }
    const segments = parts.flatMap((part) => part.segments);
    const stores = await this.#engine.storeTable(asOf.batchNo);
    const { pairs, all, any } = await this.#population.overlap(segments, stores, { ...asOf, customers });
    return { keys, sizes: pairs.map((row, i) => row[i]!), pairs, all, any, customers, asOf };
  }

  async preview(definition: Definition, beside: readonly Definition[] = []): Promise<PreviewReport> {
    const parts = {
      engine: this.#engine,
      types: this.#types,
      definitions: this.#definitions,
      segments: this.#segments,
      population: this.#population,
    };
    return preview(parts, definition, beside, await this.#standpoint());
  }

  async history(key: string, wanted: HistoryRange): Promise<HistoryReport> {
    const { customers: _, ...asOf } = this.#served();
    await this.#segments.onlySegmentOf(key, asOf);
    const [segmentNo] = await this.#catalog.segmentNos([key]);
    await this.#live?.flushFlows();
    const parts = { segments: this.#segments, calculations: this.#calculations, flows: this.#flows };
    return readHistory(parts, { key, segmentNo: segmentNo! }, wanted, asOf);
  }

  async explain(
    customerId: string,
    key: string,
    moment?: number,
    knowledge: 'then' | 'now' = 'now',
  ): Promise<ExplainReport> {
    const { customers: _, ...served } = await this.#standpoint();
    const now = { ...served, moment: moment ?? served.moment };
    const asOf = knowledge === 'now' ? now : await this.#knowledge.at(now.moment);
    const { segment, stores, taken } = await this.#segments.onlySegmentOf(key, asOf);
    const isKnown = (await this.#engine.customerNo(customerId, asOf.batchNo)) !== undefined;
    const facts = await this.#engine.customerFacts(customerId, asOf.batchNo);
    return explain({ customerId, isKnown, facts, segment, stores, taken, asOf });
  }

  importFile(request: ImportRequest, progress?: Progress): Promise<ImportReport> {
    return this.#engine.importFile(request, progress);
  }

  factCounts(): Promise<FactCounts> {
    return this.#engine.counts();
  }

  models(): Promise<readonly ModelState[]> {
    return this.#engine.models();
  }

  activateModelVersion(model: string, version: string): Promise<{ readonly batchNo: number }> {
    return this.#engine.activateModelVersion(model, version);
  }

  lists(list?: string): Promise<readonly ListState[]> {
    return this.#engine.lists(list);
  }

  async eraseCustomer(customerId: string): Promise<{ readonly batchNo: number }> {
    const erased = await this.#engine.eraseCustomer(customerId);
    // A pass that is under way would bring the customer back into what is served, and forgets them at its end.
    if (erased && !this.#calculating) await this.#forgetErased();
    return { batchNo: erased?.batchNo ?? (await this.#engine.lastBatchNo()) };
  }

  async readmitCustomer(customerId: string): Promise<void> {
    await this.#engine.readmitCustomer(customerId);
  }

  #forgetErased(): Promise<void> {
    if (this.#live) return this.#live.forgetErased();
    return forgetErased({ ...this.#parts(), changes: this.#changes });
  }

  async close(): Promise<void> {
    await this.#live?.stop();
    await this.#knowledge.flush();
    await this.#pool.close();
    await this.#engine.close();
  }

  async membershipsAt(
    customerId: string,
    moment: number,
    filter: MembershipFilter = {},
  ): Promise<PastMembershipsReport> {
    const parts = { ...this.#parts(), segments: this.#segments };
    return pastMemberships(parts, customerId, await this.#knowledge.at(moment), filter);
  }

  /** What is served: questions about members are answered as of it. */
  #served(): Standpoint & AsOf {
    const asOf = this.#target.asOf();
    if (!asOf) {
      throw new CoterieError(
        'NOT_CALCULATED',
        'Nothing has been calculated yet, so there are no members to count',
      );
    }
    return { ...asOf, customers: this.#target.customers() };
  }

  /** What is served, or before there is anything, the present. */
  async #standpoint(): Promise<Standpoint & AsOf> {
    if (this.#target.asOf()) return this.#served();
    const { batchNo, customers } = await this.#engine.counts();
    return {
      moment: this.#now(),
      batchNo,
      catalogNo: await this.#catalog.catalogNo(),
      calculationNo: 0,
      customers,
    };
  }
}
