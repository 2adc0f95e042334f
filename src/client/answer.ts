/** What the HTTP API answers, as the client hands it on. Moments are ISO 8601, UTC. */
import type { CoterieError } from '../model/error.ts';
import type { Condition } from '../model/rule.ts';
import type { Definition } from '../model/segment.ts';

/** What was known when it was calculated. With `asOf`, where an answer comes from. */
export interface Mark {
  readonly batchNo: number;
  readonly catalogNo: number;
  readonly calculationNo: number;
}

export interface CheckAnswer {
  readonly customer: string;
  /** Key of a segment → whether the customer is in it. Keys that are unknown are absent. */
  readonly memberships: Readonly<Record<string, boolean>>;
  readonly unknown: readonly string[];
  /** The moment the answer reflects; null for a fallback, which reflects none. */
  readonly asOf: string | null;
  /** What was known then; null for a fallback. */
  readonly mark: Mark | null;
  /** Where the answer is from: `fallback` when Coterie could not be asked. */
  readonly source: 'coterie' | 'fallback';
  /** Why it is a fallback. */
  readonly error?: CoterieError;
}

export interface CustomerSegments {
  readonly customer: string;
  /** Whether anything was ever heard of this customer. */
  readonly known: boolean;
  readonly segments: readonly {
    readonly key: string;
    readonly name?: string;
    readonly owner?: string;
    readonly tags: readonly string[];
    readonly type: string;
  }[];
  /** Where the next page begins, for `cursor`. */
  readonly next?: string;
  readonly asOf: string;
  readonly mark: Mark;
}

export interface SegmentVersion {
  readonly key: string;
  readonly definition: Definition;
  readonly version: number;
  readonly catalogNo: number;
  readonly author: string;
  readonly at: string;
  readonly reason?: string;
}

export interface SegmentPage {
  readonly items: readonly SegmentVersion[];
  readonly next?: string;
  /** How many match, over all pages. */
  readonly total: number;
}

export interface ApplyAnswer {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly catalogNo: number;
}

/** Keys by what would become of them. */
export interface DryRunAnswer {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
}

export interface SizeAnswer {
  readonly key: string;
  readonly size: number;
  readonly customers: number;
  /** What is worth a look, in words. */
  readonly warnings?: readonly string[];
  readonly asOf: string;
  readonly mark: Mark;
}

export interface PreviewAnswer {
  readonly size: number;
  readonly customers: number;
  readonly sample: readonly string[];
  readonly segments: number;
  /** What the change would do to the version in force, where there is one, of one instance. */
  readonly compared?: {
    readonly version: number;
    readonly entrants: number;
    readonly leavers: number;
    readonly stay: number;
  };
  /** What is worth a look, in words. */
  readonly warnings?: readonly string[];
  readonly seconds: number;
  readonly asOf: string;
  readonly mark: Mark;
}

export interface OverlapAnswer {
  readonly keys: readonly string[];
  readonly sizes: readonly number[];
  /** `pairs[i][j]`: customers in both i and j; the diagonal holds the sizes. */
  readonly pairs: readonly (readonly number[])[];
  readonly all: number;
  readonly any: number;
  readonly customers: number;
  readonly asOf: string;
  readonly mark: Mark;
}

/** A condition of a rule, as it came out for one customer. */
export interface ConditionOutcome {
  readonly condition: Condition;
  /** The condition in words. */
  readonly text: string;
  readonly holds: boolean;
  readonly value: number | string | null;
  /** Of `value` and `bound`, where they are ages. */
  readonly unit?: 'seconds';
  /** Of a condition with a rank: the numbers that it stands for, in the terms of `value`, and whence they are. */
  readonly bound?: {
    readonly atLeast?: number | string;
    readonly atMost?: number | string;
    /** The moment as of which they were taken. */
    readonly takenAt: string;
    /** How many customers they were taken over; of none, nobody is in. */
    readonly customers: number;
  };
  /** The facts that decided it, latest first. */
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

/** A rule's tree, as it came out for one customer. */
export interface RuleOutcome {
  readonly kind: 'all' | 'any' | 'not' | 'condition';
  readonly holds: boolean;
  readonly nodes?: readonly RuleOutcome[];
  readonly condition?: ConditionOutcome;
}

export interface ExplainAnswer {
  readonly customer: string;
  readonly known: boolean;
  readonly segment: string;
  readonly member: boolean;
  readonly defaultMember: boolean;
  readonly rule: RuleOutcome;
  /** When the membership changes if no fact arrives; null if never. */
  readonly nextChange: { readonly at: string; readonly member: boolean } | null;
  readonly asOf: string;
  readonly mark: Mark;
}

export interface CalculationAnswer {
  readonly segments: number;
  readonly customers: number;
  readonly orders: number;
  readonly exceptions: number;
  readonly memberships: number;
  /** Asked for as of a moment of the caller's choice: ticks do not move it on. */
  readonly isPinned: boolean;
  readonly seconds: number;
  readonly phases: Readonly<Record<string, number>>;
  readonly asOf: string;
  readonly mark: Mark;
}

export interface CalculationProgress {
  readonly phase: string;
  readonly done: number;
  readonly total?: number;
}

/** A calculation that was asked for. */
export interface CalculationRun {
  readonly id: number;
  readonly state: 'running' | 'done' | 'failed';
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly progress?: CalculationProgress;
  readonly report?: CalculationAnswer;
  /** Why it failed: a problem document. */
  readonly problem?: unknown;
}

export interface Calculations {
  readonly calculating: boolean;
  readonly last: CalculationAnswer | null;
  readonly runs: readonly CalculationRun[];
}

/** Size, entries and exits of a segment, step by step. */
export interface HistoryAnswer {
  readonly key: string;
  /** Such as `1h` or `1d`. */
  readonly step: string;
  readonly points: readonly {
    readonly from: string;
    /** Exclusive. */
    readonly to: string;
    readonly entries: number;
    readonly exits: number;
    /** Members at the end of the step; null before the first that is known. */
    readonly size: number | null;
  }[];
  readonly asOf: string;
  readonly mark: Mark;
}

/** What came of holding a sample of what is served to plain SQL over the facts. */
export interface VerifyAnswer {
  readonly asOf: string;
  readonly mark: Mark;
  readonly segments: number;
  readonly customers: number;
  /** Memberships compared. */
  readonly compared: number;
  readonly mismatches: number;
  /** Mismatches over memberships compared: to be 0. */
  readonly mismatchRate: number;
  readonly examples: readonly {
    readonly customer: string;
    readonly segment: string;
    /** Absent where the segment is not served. */
    readonly served?: boolean;
    readonly expected: boolean;
  }[];
  readonly seconds: number;
}

/** That checks can be answered. */
export interface ReadyAnswer {
  readonly asOf: string;
  /** How old answers are. */
  readonly ageSeconds: number;
  readonly calculationNo: number;
  readonly customers: number;
  readonly segments: number;
}

/** A stream that a server takes facts in from; counts are since its start. */
export interface StreamAnswer {
  readonly source: string;
  /** `failing`: connecting, reading or writing failed, and is tried again. */
  readonly state: 'connecting' | 'following' | 'failing' | 'stopped';
  /** Partition → the last position that is durable. */
  readonly position: Readonly<Record<string, number>>;
  /** Messages that the broker has and that are not durable there; absent until it was asked. */
  readonly lagMessages?: number;
  /** When the last message became durable; absent before the first. */
  readonly lastMessageAt?: string;
  readonly messages: number;
  readonly redelivered: number;
  /** Rows made durable, and set aside. */
  readonly accepted: number;
  readonly rejected: number;
  /** Reason → rows set aside. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What fails, in words. */
  readonly failure?: string;
}

/** Who entered and left segments at one tick. */
export interface Change {
  readonly position: number;
  readonly at: string;
  readonly customer: string;
  /** Keys of segments. */
  readonly entered: readonly string[];
  readonly exited: readonly string[];
}
