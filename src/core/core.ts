/**
 * What the Core answers: everything about segments. The API and the CLI know the Core by this interface;
 * `open-core.ts` builds it from an engine, a catalog and a place to load memberships into.
 */

import type { AsOf, MembershipLoad } from '../model/membership.ts';
import type { Condition } from '../model/rule.ts';
import type { Definition, DefinitionVersion } from '../model/segment.ts';
import type { ApplyNote, ApplyReport } from './catalog/catalog.ts';
import type { FactCounts, ImportReport, ImportRequest, Progress } from './engine/engine.ts';

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
  readonly seconds: number;
  /** Phase → seconds of the wall clock: compile, scan, evaluate (summed over workers), write, switch. */
  readonly phases: Readonly<Record<string, number>>;
}

export interface SizeReport {
  readonly key: string;
  readonly size: number;
  /** Known customers: the whole that `size` is a part of. */
  readonly customers: number;
  readonly asOf: AsOf;
}

export interface PreviewReport {
  readonly size: number;
  readonly customers: number;
  /** Ids of up to 20 members, spread over all of them. */
  readonly sample: readonly string[];
  /** Instances previewed: 1, or a family's number; sizes are then of the union. */
  readonly segments: number;
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
  /** The facts that decided it, latest first, at most 20. */
  readonly facts: readonly {
    readonly orderId?: string;
    readonly orderedAt?: string;
    readonly storeId?: string;
    readonly total?: string;
    readonly trait?: string;
    readonly value?: string;
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

export interface Core {
  /** Validates definitions against the schema and each other, then appends them: all or none. */
  apply(definitions: readonly Definition[], note: ApplyNote): Promise<ApplyReport>;
  segment(key: string): Promise<DefinitionVersion | undefined>;
  segments(filter: SegmentFilter): Promise<{
    readonly items: readonly DefinitionVersion[];
    readonly next?: string;
    readonly total: number;
  }>;
  versions(key: string): Promise<DefinitionVersion[]>;

  /** A full pass over all customers at a moment (seconds since 1970; default now), switched in at the end. */
  calculate(
    request: { readonly moment?: number; readonly signal?: AbortSignal },
    progress?: Progress,
  ): Promise<CalculationReport>;
  /** The last full pass, also after a restart. */
  lastCalculation(): Promise<CalculationReport | undefined>;
  isCalculating(): boolean;

  /** Exact, at the moment and the knowledge of the last calculation. */
  size(key: string): Promise<SizeReport>;
  /** Ids of all members, in blocks, ascending by customer number. */
  members(key: string): AsyncIterable<readonly string[]>;
  overlap(keys: readonly string[]): Promise<OverlapReport>;
  preview(definition: Definition): Promise<PreviewReport>;
  explain(customerId: string, key: string, moment?: number): Promise<ExplainReport>;

  importFile(request: ImportRequest, progress?: Progress): Promise<ImportReport>;
  factCounts(): Promise<FactCounts>;
  close(): Promise<void>;
}

/** Where calculations go: the Store's side of the seam, or nothing for a Core without one. */
export type BeginLoad = () => Promise<MembershipLoad>;
