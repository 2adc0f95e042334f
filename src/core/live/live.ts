/**
 * Memberships kept right while facts arrive, time passes and definitions change. A tick evaluates the
 * customers that any of these can have touched, whole, and applies the difference: first to the log of
 * changes, then to the Store, in one transaction with the as-of. A tick that dies in between is done
 * again from the Store's as-of, so nothing is lost and nothing is applied twice.
 */
import { CoterieError } from '../../model/error.ts';
import type { AsOf, MembershipTarget, SegmentEntry } from '../../model/membership.ts';
import { decodeRow } from '../../model/row.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import type { BoundSource } from '../bound-source.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ChangeLog, MembershipChange } from '../change/change-log.ts';
import { directoryEntry, isListedAlike } from '../directory-entry.ts';
import type { Engine } from '../engine/engine.ts';
import type { LiveFacts, TimeOffsets } from '../engine/live-facts.ts';
import type { EvaluationPool } from '../evaluate/evaluation-pool.ts';
import { mergeAscending, replaceAscending } from './ascending.ts';
import { type DefinitionSwitch, evaluateSwitch } from './definition-switch.ts';
import { type ForgetElsewhere, forgetErased } from './forget-erased.ts';
import { comparePlans, compileLivePlan, type LivePlan, type PlanDifference } from './live-plan.ts';
import { type Defaults, type Exceptions, RowChanges } from './row-changes.ts';

export interface LiveParts {
  readonly engine: Engine;
  readonly facts: LiveFacts;
  readonly catalog: Catalog;
  readonly target: MembershipTarget;
  readonly changes: ChangeLog;
  readonly pool: EvaluationPool;
  readonly types: SegmentTypes;
  /** Forgets erased customers wherever else they are kept. */
  readonly forgetElsewhere?: ForgetElsewhere | undefined;
  /** Absent: no definition ranks. */
  readonly bounds?: BoundSource;
}

export interface TickReport {
  readonly asOf: AsOf;
  /** Customers evaluated, because of a fact or of time. */
  readonly affected: number;
  /** Customers who entered or left a segment, and how often. */
  readonly changedCustomers: number;
  readonly entries: number;
  readonly exits: number;
  /** Segments that were added, changed or removed. */
  readonly switchedSegments: number;
  /** Their numbers. */
  readonly switchedSegmentNos: readonly number[];
  /** Entries and exits by segment. */
  readonly flows: ReadonlyMap<number, { readonly entries: number; readonly exits: number }>;
  /** By how much each segment's exceptions changed. */
  readonly exceptionDeltas: ReadonlyMap<number, number>;
  readonly seconds: number;
}

/** Rows read from the Store at a time. */
const ROWS_PER_READ = 10_000;
const NONE: Exceptions = [];
const NO_DIFFERENCE: PlanDifference = { changed: [], added: [], removed: [] };

/**
 * Starts from what the Store serves.
 *
 * @throws {CoterieError} `NOT_CALCULATED` before the first full pass.
 */
export async function openLive(parts: LiveParts): Promise<Live> {
  const asOf = parts.target.asOf();
  if (!asOf) {
    throw new CoterieError('NOT_CALCULATED', 'Nothing has been calculated yet: ticks go on from a full pass');
  }
  await parts.changes.truncate(asOf);
  await parts.bounds?.truncate(asOf);
  await forgetErased(parts);
  await parts.facts.advance();
  // What is served was compiled for the stores and names of its own time.
  const plan = await compileLivePlan(parts, { ...asOf, storesBatchNo: -1, dictionarySize: -1 });
  return new Live(parts, plan);
}

export class Live {
  readonly #parts: LiveParts;
  #plan: LivePlan;

  constructor(parts: LiveParts, plan: LivePlan) {
    this.#parts = parts;
    this.#plan = plan;
  }

  get plan(): LivePlan {
    return this.#plan;
  }

  /**
   * One pass: up to a moment, and to all facts and definitions that are durable by now. Ticks must not
   * overlap.
   *
   * @param now - Seconds since 1970. A clock that went back is waited for: the as-of never goes back.
   * @param renewFor - Take the bounds that the population sets anew, for this calculation, and switch to
   *   them. The as-of is then a second later at the least, so that it says which bounds are in force.
   */
  async tick(now: number, renewFor?: number): Promise<TickReport> {
    const started = performance.now();
    const { target, facts, catalog } = this.#parts;
    const served = target.asOf()!;
    await facts.advance();
    const asOf: AsOf = {
      ...served,
      moment: Math.max(now, served.moment + (renewFor === undefined ? 0 : 1)),
      batchNo: facts.batchNo,
      catalogNo: await catalog.catalogNo(),
    };
    const before = this.#plan;
    const next = await this.#planFor(asOf, renewFor);
    const difference = next === before ? NO_DIFFERENCE : comparePlans(before, next);
    const switched = isEmpty(difference)
      ? undefined
      : await evaluateSwitch(this.#parts, before, next, difference, { served, asOf });

    const { customers: received, newCustomers } = await facts.received(served.batchNo);
    const erasures =
      received.length === 0 ? [] : await this.#parts.engine.erasures(served.batchNo, asOf.batchNo);
    const offsets = mergeOffsets(before.plan.timeOffsets, next.plan.timeOffsets);
    const crossed = await facts.crossing(offsets, served.moment, asOf.moment);
    const affected = mergeAscending(received, crossed);
    const rows = new RowChanges(defaultsOf(before, next, difference));
    await this.#compare(rows, affected, await this.#evaluate(next, affected, asOf), switched);
    const flips = switched && (await this.#flipOthers(rows, affected, switched, asOf));

    const changes = await this.#log([...rows.changes, ...(flips ?? [])], asOf);
    for (const { customerNo } of erasures) await this.#parts.changes.forget(customerNo);
    const erasedIds = erasures.flatMap(({ customerId }) => customerId ?? []);
    if (erasedIds.length > 0) await this.#parts.forgetElsewhere?.(erasedIds);
    await target.apply({
      asOf,
      ...(newCustomers.ids.length > 0 ? { newCustomers } : {}),
      ...(rows.count > 0 ? { rows: rows.batch() } : {}),
      forgottenCustomers: erasedIds,
      ...(next === before ? {} : directoryChanges(before, next)),
    });
    this.#plan = next;
    if (erasures.length > 0) await this.#parts.engine.settleErasures(asOf.batchNo, 'all');
    return {
      asOf,
      affected: affected.length,
      changedCustomers: changes.length,
      entries: changes.reduce((sum, change) => sum + change.entered.length, 0),
      exits: changes.reduce((sum, change) => sum + change.exited.length, 0),
      switchedSegments: switched?.segmentNos.size ?? 0,
      switchedSegmentNos: switched ? [...switched.segmentNos] : [],
      flows: flowsOf(changes),
      exceptionDeltas: rows.exceptionDeltas,
      seconds: (performance.now() - started) / 1000,
    };
  }

  /** The plan in force, unless definitions, stores, names or bounds have changed since it was compiled. */
  async #planFor(asOf: AsOf, renewFor: number | undefined): Promise<LivePlan> {
    const { storesBatchNo, dictionarySize } = this.#parts.facts;
    const plan = this.#plan;
    const boundsVersion = (await this.#parts.bounds?.version(asOf)) ?? 0;
    if (
      renewFor === undefined &&
      plan.boundsVersion === boundsVersion &&
      plan.catalogNo === asOf.catalogNo &&
      plan.storesBatchNo === storesBatchNo &&
      plan.dictionarySize === dictionarySize
    ) {
      return plan;
    }
    return compileLivePlan(this.#parts, {
      ...asOf,
      storesBatchNo,
      dictionarySize,
      ...(renewFor === undefined ? {} : { renewFor }),
    });
  }

  /** Exceptions of the customers who have any. */
  async #evaluate(plan: LivePlan, customers: Uint32Array, asOf: AsOf): Promise<Map<number, Exceptions>> {
    const exceptions = new Map<number, Exceptions>();
    if (customers.length === 0) return exceptions;
    await this.#parts.pool.run({
      plan: plan.plan,
      moment: asOf.moment,
      batches: this.#parts.facts.scan(customers, plan.plan.columns),
      onRows: (rows) => {
        for (let i = 0; i < rows.count; i++) {
          const row = rows.rows.subarray(rows.offsets[i]!, rows.offsets[i + 1]!);
          exceptions.set(rows.customerNos[i]!, decodeRow(row));
        }
      },
    });
    return exceptions;
  }

  /** Compares affected customers with what is served, and those that a switch of definitions touches. */
  async #compare(
    rows: RowChanges,
    affected: Uint32Array,
    evaluated: ReadonlyMap<number, Exceptions>,
    switched: DefinitionSwitch | undefined,
  ): Promise<void> {
    const isAffected = new Set(affected);
    const touched = switched ? Uint32Array.from(switched.exceptions.keys()).sort() : new Uint32Array(0);
    const customers = mergeAscending(affected, touched);
    for (let from = 0; from < customers.length; from += ROWS_PER_READ) {
      const block = customers.subarray(from, from + ROWS_PER_READ);
      const served = await this.#parts.target.rows(block);
      block.forEach((customerNo, i) => {
        const now = isAffected.has(customerNo)
          ? (evaluated.get(customerNo) ?? NONE)
          : replaceSwitched(served[i], switched!, customerNo);
        rows.add(customerNo, served[i], now);
      });
    }
  }

  /** Where a default is another one now, everybody who is no exception before and after enters or leaves. */
  async #flipOthers(rows: RowChanges, affected: Uint32Array, switched: DefinitionSwitch, asOf: AsOf) {
    const { flipped, now } = rows.defaults;
    if (flipped.length === 0) return [];
    const entered = flipped.filter((segmentNo) => now(segmentNo));
    const exited = flipped.filter((segmentNo) => !now(segmentNo));
    const isAffected = new Set(affected);
    const changes = [];
    for await (const { customerNos } of this.#parts.engine.customers(asOf.batchNo)) {
      for (const customerNo of customerNos) {
        if (isAffected.has(customerNo) || switched.exceptions.has(customerNo)) continue;
        changes.push({ customerNo, entered, exited });
      }
    }
    return changes;
  }

  /** Logs changes, but for those of customers who were erased: nobody is told of them. Returns what was logged. */
  async #log(changes: RowChanges['changes'], asOf: AsOf): Promise<readonly MembershipChange[]> {
    if (changes.length === 0) return [];
    const ids = await this.#parts.engine.customerIds(
      Uint32Array.from(changes, (change) => change.customerNo),
    );
    const logged = changes
      .map((change, i) => ({ ...change, customerId: ids[i]! }))
      .filter(({ customerId }) => customerId !== '');
    if (logged.length === 0) return logged;
    const { moment: at, batchNo, catalogNo } = asOf;
    await this.#parts.changes.append({ at, batchNo, catalogNo, changes: logged });
    return logged;
  }
}

/** Whatever time changes under either plan. */
function mergeOffsets(before: TimeOffsets, now: TimeOffsets): TimeOffsets {
  if (before === now) return now;
  const either = (source: keyof TimeOffsets): number[] => [...new Set([...before[source], ...now[source]])];
  return {
    orders: either('orders'),
    events: either('events'),
    traits: either('traits'),
    scores: either('scores'),
  };
}

/** Entries and exits by segment. */
function flowsOf(changes: readonly MembershipChange[]): TickReport['flows'] {
  const flows = new Map<number, { entries: number; exits: number }>();
  const flowOf = (segmentNo: number) => {
    const flow = flows.get(segmentNo) ?? { entries: 0, exits: 0 };
    flows.set(segmentNo, flow);
    return flow;
  };
  for (const { entered, exited } of changes) {
    for (const segmentNo of entered) flowOf(segmentNo).entries++;
    for (const segmentNo of exited) flowOf(segmentNo).exits++;
  }
  return flows;
}

function isEmpty({ changed, added, removed }: PlanDifference): boolean {
  return changed.length + added.length + removed.length === 0;
}

function replaceSwitched(
  served: Uint8Array | undefined,
  switched: DefinitionSwitch,
  customerNo: number,
): Exceptions {
  const now = switched.exceptions.get(customerNo)!;
  if (served === undefined) return now;
  return replaceAscending(decodeRow(served), (segmentNo) => switched.segmentNos.has(segmentNo), now);
}

function defaultsOf(before: LivePlan, now: LivePlan, difference: PlanDifference): Defaults {
  const unlogged = new Set([...difference.added, ...difference.removed]);
  return {
    before: before.isDefault,
    now: now.isDefault,
    flipped: difference.changed
      .filter((no) => before.isDefault(no) !== now.isDefault(no))
      .sort((a, b) => a - b),
    isLogged: (segmentNo) => !unlogged.has(segmentNo),
  };
}

/** Entries that are new or say something else, and segments that are no more. */
function directoryChanges(
  before: LivePlan,
  now: LivePlan,
): { readonly segments: readonly SegmentEntry[]; readonly removedSegments: readonly number[] } {
  const segments: SegmentEntry[] = [];
  for (const [segmentNo, segment] of now.segments) {
    const isDefault = now.isDefault(segmentNo);
    const known = before.segments.get(segmentNo);
    const isSame =
      known !== undefined &&
      isListedAlike(known.definition, segment.definition) &&
      before.isDefault(segmentNo) === isDefault &&
      before.fingerprints.get(segmentNo) === now.fingerprints.get(segmentNo);
    if (!isSame) segments.push(directoryEntry(segment, isDefault));
  }
  return { segments, removedSegments: [...before.segments.keys()].filter((no) => !now.segments.has(no)) };
}
