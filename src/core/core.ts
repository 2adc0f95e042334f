/**
 * What the Core answers: everything about segments. The API and the CLI know the Core by this interface;
 * `open-core.ts` builds it from an engine, a catalog and a place to load memberships into.
 */

import type { AsOf, SegmentEntry } from '../model/membership.ts';
import type { Condition } from '../model/rule.ts';
import type { Definition, DefinitionVersion } from '../model/segment.ts';
import type { ApplyNote, ApplyReport } from './catalog/catalog.ts';
import type {
  FactCounts,
  ImportReport,
  ImportRequest,
  ListState,
  ModelState,
  Progress,
} from './engine/engine.ts';

/** One full pass, as recorded. */
export interface CalculationReport {
  readonly asOf: AsOf;
  readonly segments: number;
  readonly customers: number;
  readonly orders: number;
  /** (customer, segment) pairs whose membership differs from the default: what the Store holds. */
  readonly exceptions: number;
  /** (customer, segment) pairs with membership true over known customers. */
  readonly memberships: number;
  /** Asked for as of a moment of the caller's choice: ticks do not move it on. */
  readonly isPinned: boolean;
  readonly seconds: number;
  /** Phase → seconds of the wall clock: compile, bounds (where the population sets any), scan, evaluate (summed over workers), write, switch. */
  readonly phases: Readonly<Record<string, number>>;
}

/** What is worth a look in an answer, in words; absent: nothing. */
export interface Warned {
  readonly warnings?: readonly string[];
}

export interface SizeReport extends Warned {
  readonly key: string;
  readonly size: number;
  /** Known customers: the whole that `size` is a part of. */
  readonly customers: number;
  readonly asOf: AsOf;
}

export interface PreviewReport extends Warned {
  readonly size: number;
  readonly customers: number;
  /** Ids of up to 20 members, spread over all of them. */
  readonly sample: readonly string[];
  /** Instances previewed: 1, or a family's number; sizes are then of the union. */
  readonly segments: number;
  /**
   * What the change would do to the version in force of the same key; absent where there is none (or an
   * archived one), and for families of more than one instance.
   */
  readonly compared?: {
    /** Of the definition in force. */
    readonly version: number;
    readonly entrants: number;
    readonly leavers: number;
    readonly stay: number;
  };
  readonly seconds: number;
  readonly asOf: AsOf;
}

export interface OverlapReport {
  readonly keys: readonly string[];
  readonly sizes: readonly number[];
  /** `pairs[i][j]`: customers in both i and j; the diagonal holds the sizes. */
  readonly pairs: readonly (readonly number[])[];
  /** Customers in all of them, and in any of them. */
  readonly all: number;
  readonly any: number;
  readonly customers: number;
  readonly asOf: AsOf;
}

/** One condition of a rule, evaluated for one customer. */
export interface ExplainedCondition {
  readonly condition: Condition;
  /** The condition in words. */
  readonly text: string;
  readonly holds: boolean;
  /** What was measured: orders, an amount as decimal text, or a trait's value; null where there is none. */
  readonly value: number | string | null;
  /** Of `value` and `bound`, where they are ages; absent: a plain number, an amount, or a text. */
  readonly unit?: 'seconds';
  /** Of a condition with a rank: the numbers that it stands for, in the terms of `value`, and whence they are. */
  readonly bound?: {
    /** Inclusive; both absent: whoever has any of the facts is in, or, of no customers, nobody. */
    readonly atLeast?: number | string;
    readonly atMost?: number | string;
    /** The moment as of which they were taken. */
    readonly takenAt: string;
    /** How many customers they were taken over. */
    readonly customers: number;
  };
  /** The facts that decided it, latest first, at most 20. */
  readonly facts: readonly {
    readonly orderId?: string;
    readonly orderedAt?: string;
    readonly storeId?: string;
    readonly total?: string;
    readonly trait?: string;
    readonly value?: string;
    readonly eventId?: string;
    readonly event?: string;
    readonly occurredAt?: string;
    /** Of an event. */
    readonly properties?: Readonly<Record<string, string>>;
    readonly model?: string;
    readonly version?: string;
    /** What the model says, with `model` and `version`. */
    readonly score?: number;
    readonly validUntil?: string;
    readonly list?: string;
    /** Of an order; absent where it is completed. */
    readonly status?: string;
  }[];
}

/** A rule's tree with the outcome of each node. */
export interface ExplainedNode {
  readonly kind: 'all' | 'any' | 'not' | 'condition';
  readonly holds: boolean;
  readonly nodes?: readonly ExplainedNode[];
  readonly condition?: ExplainedCondition;
}

export interface ExplainReport {
  readonly customer: string;
  readonly known: boolean;
  readonly segment: string;
  readonly member: boolean;
  readonly defaultMember: boolean;
  readonly rule: ExplainedNode;
  /** When the membership changes if no fact arrives; null if never. */
  readonly nextChange: { readonly at: string; readonly member: boolean } | null;
  readonly asOf: AsOf;
}

/** Narrows the segments of a customer, as lists of what is served are narrowed. */
export interface MembershipFilter {
  readonly owner?: string;
  readonly tag?: string;
  readonly type?: string;
  /** Segments whose rule names this store by its id. */
  readonly store?: string;
}

/** What a customer was in at a past moment. */
export interface PastMembershipsReport {
  readonly customer: string;
  /** Whether anything had been heard of this customer by then. */
  readonly known: boolean;
  readonly segments: readonly SegmentEntry[];
  /** Its `calculationNo` is 0: no full pass stands behind it. */
  readonly asOf: AsOf;
}

/** One step of a history: a moment is in it if from ≤ moment < to. */
export interface HistoryPoint {
  readonly from: number;
  readonly to: number;
  readonly entries: number;
  readonly exits: number;
  /** Members at the end of the step; null before the first that is known. */
  readonly size: number | null;
}

/** Size, entries and exits of a segment over time. */
export interface HistoryReport {
  readonly key: string;
  /** Whole hours, in seconds. */
  readonly stepS: number;
  /** One for each step, ascending; the last ends with the hour of the as-of. */
  readonly points: readonly HistoryPoint[];
  readonly asOf: AsOf;
}

export interface SegmentFilter {
  /** Part of the key or name, case-insensitive. */
  readonly q?: string;
  readonly owner?: string;
  readonly tag?: string;
  readonly type?: string;
  readonly status?: string;
  readonly limit: number;
  /** Key after which to go on. */
  readonly after?: string;
}

/** What applying definitions would do: their keys. */
export interface DryRunReport {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Equal to the version in force. */
  readonly unchanged: readonly string[];
}

export interface Core {
  /** Validates definitions against the schema and each other, then appends them: all or none. */
  apply(definitions: readonly Definition[], note: ApplyNote): Promise<ApplyReport>;
  /** Validates as `apply` does, and says what it would do; nothing is appended. */
  dryRun(definitions: readonly Definition[]): Promise<DryRunReport>;
  segment(key: string): Promise<DefinitionVersion | undefined>;
  segments(filter: SegmentFilter): Promise<{
    readonly items: readonly DefinitionVersion[];
    readonly next?: string;
    readonly total: number;
  }>;
  versions(key: string): Promise<DefinitionVersion[]>;

  /**
   * A full pass over all customers, switched in at the end.
   *
   * @param request.moment - Seconds since 1970; ticks then stay at it. Default now, and ticks go on from it.
   */
  calculate(
    request: { readonly moment?: number; readonly signal?: AbortSignal },
    progress?: Progress,
  ): Promise<CalculationReport>;
  /** The last full pass, also after a restart. */
  lastCalculation(): Promise<CalculationReport | undefined>;
  isCalculating(): boolean;

  /**
   * Starts to follow facts, time and definitions by ticks, from the last calculation on; before there is
   * one, after the first. Until `close`.
   *
   * @param options.onFailure - Told of every tick that fails; it is tried again.
   */
  startLive(options: {
    readonly periodMs: number;
    readonly onFailure?: (error: unknown) => void;
  }): Promise<void>;
  /** Undefined while ticks were not started. */
  liveStatus(): LiveStatus | undefined;
  /** Batches of facts that are durable and not yet in what is served; undefined before the first calculation. */
  factsBacklog(): Promise<number | undefined>;

  /** Exact, at the moment and the knowledge of the last calculation. */
  size(key: string): Promise<SizeReport>;
  /** Ids of all members, in blocks, ascending by customer number. */
  members(key: string): AsyncIterable<readonly string[]>;
  overlap(keys: readonly string[]): Promise<OverlapReport>;
  /** @param beside - What it may refer to besides the definitions in force, in place of those of the same keys. */
  preview(definition: Definition, beside?: readonly Definition[]): Promise<PreviewReport>;
  /**
   * A segment's past. Moments are seconds since 1970 and are taken down to the hour.
   *
   * @param range.to - Exclusive; default and at most the end of the hour of the as-of.
   * @param range.from - Default a week before.
   * @param range.stepS - A multiple of an hour; default an hour up to a week, and a day beyond.
   * @throws {CoterieError} `REQUEST_INVALID` for a family, an empty range, a step that is no multiple of an
   *   hour, more than 10,000 steps.
   */
  history(
    key: string,
    range: { readonly from?: number; readonly to?: number; readonly stepS?: number },
  ): Promise<HistoryReport>;
  /**
   * @param moment - To look from; default that of what is served.
   * @param knowledge - `then`: with the facts received and the definitions applied by that moment;
   *   default `now`: with those that what is served was calculated from.
   */
  explain(
    customerId: string,
    key: string,
    moment?: number,
    knowledge?: 'then' | 'now',
  ): Promise<ExplainReport>;
  /**
   * The segments that a customer was in at a past moment, ascending by key: with the definitions and facts
   * that were served as of it, or that had been applied and received by then where nothing was.
   */
  membershipsAt(
    customerId: string,
    moment: number,
    filter?: MembershipFilter,
  ): Promise<PastMembershipsReport>;

  importFile(request: ImportRequest, progress?: Progress): Promise<ImportReport>;
  factCounts(): Promise<FactCounts>;
  /** All models with their versions, ascending by name, then by first arrival. */
  models(): Promise<readonly ModelState[]>;
  /**
   * Puts a version of a model in force, in place of the one before, whole: what is served follows at the
   * next tick or calculation.
   *
   * @returns The batch from which on it is; that of an earlier time where it was in force already.
   * @throws {CoterieError} `MODEL_VERSION_NOT_FOUND` if it has no scores.
   */
  activateModelVersion(model: string, version: string): Promise<{ readonly batchNo: number }>;
  /** All lists, ascending by name, or only the one of a name, if there is one. */
  lists(list?: string): Promise<readonly ListState[]>;
  /**
   * Removes a customer from the facts, and from what is served and logged within the next tick; where ticks
   * do not go on, at once or after the calculation that runs. The answer is the same for somebody unknown.
   */
  eraseCustomer(customerId: string): Promise<{ readonly batchNo: number }>;
  /** Facts about somebody who was erased count again, from those that arrive from now on. */
  readmitCustomer(customerId: string): Promise<void>;
  close(): Promise<void>;
}

/** How far behind the present what is served is, while ticks go on. */
export interface LiveStatus {
  /** `ticking`; `waiting` for a first calculation; `pinned` to the moment of the last one. */
  readonly state: 'ticking' | 'waiting' | 'pinned';
  readonly periodMs: number;
  readonly ticks: number;
  /** Over all ticks since the start. */
  readonly totals: {
    readonly failures: number;
    readonly affected: number;
    readonly entries: number;
    readonly exits: number;
    readonly seconds: number;
  };
  /** Memberships that differ from their default, as served now; absent while ticks do not go on. */
  readonly exceptions?: number;
  /** How far what is served is behind the clock beyond one period; absent while ticks do not go on. */
  readonly latenessS?: number;
  /** Ticks that failed since the last one that did not. */
  readonly failures: number;
  /** The last failure, in words. */
  readonly failure?: string;
  readonly lastTick?: {
    readonly at: AsOf;
    readonly affected: number;
    readonly entries: number;
    readonly exits: number;
    readonly seconds: number;
  };
}
