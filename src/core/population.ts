/**
 * Questions about a few segments over all customers: size, members, overlap, preview. An engine that can
 * answers them itself; otherwise they run through the same compiler and evaluator as a full pass. Either
 * way it is at the moment and the knowledge of the last one, so that every count agrees with what is
 * served. Where all rules look at few stores, only customers with an order there are scanned.
 */
import { CoterieError } from '../model/error.ts';
import { decodeRow } from '../model/row.ts';
import type { Rule, StoreSet } from '../model/rule.ts';
import type { Segment } from '../model/segment.ts';
import { compile } from './compile/compile.ts';
import type { Plan } from './compile/plan.ts';
import { StoreSets } from './compile/store-sets.ts';
import { CustomerSet } from './customer-set.ts';
import type { Engine, Members, StoreTable } from './engine/engine.ts';
import type { EvaluationPool } from './evaluate/evaluation-pool.ts';

/** Where and when a question is asked. */
export interface Standpoint {
  /** Seconds since 1970. */
  readonly moment: number;
  /** What was known: facts of this batch and before. */
  readonly batchNo: number;
  /** Customers known then. */
  readonly customers: number;
}

/** Beyond so many stores a filter by store saves little, and the list costs. */
const FILTER_STORES_MAX = 5_000;
/** Segments that one overlap may have: a set of them is held as bits of one number. */
export const OVERLAP_SEGMENTS_MAX = 31;
/** Of more segments the engine is not asked one by one: a scan evaluates them all. */
const ENGINE_SEGMENTS_MAX = 4;
const IDS_PER_BLOCK = 10_000;

export interface OverlapCounts {
  readonly pairs: readonly (readonly number[])[];
  readonly all: number;
  readonly any: number;
}

/** Customers that a changed rule lets in, puts out and keeps. */
export interface Comparison {
  readonly entrants: number;
  readonly leavers: number;
  readonly stay: number;
}

/** Receives the exceptions of a customer who has any. */
type OnRow = (customerNo: number, exceptions: readonly number[]) => void;

export class Population {
  readonly #engine: Engine;
  readonly #pool: EvaluationPool;

  constructor(engine: Engine, pool: EvaluationPool) {
    this.#engine = engine;
    this.#pool = pool;
  }

  /** How many customers are in at least one of the segments, exactly, and ids of up to `sample` of them. */
  async union(
    segments: readonly Segment[],
    stores: StoreTable,
    at: Standpoint,
    sample: number,
  ): Promise<{ readonly size: number; readonly sample: readonly string[] }> {
    const found = await this.#askEngine(segments, at, sample);
    if (found !== undefined) return { size: found.size, sample: await this.#idsOf(found.customerNos) };
    const members = await this.#members(segments, stores, at);
    return { size: members.size, sample: await this.#sampleOf(members, sample) };
  }

  /**
   * Members of at least one of a few segments, found by the engine; undefined if it leaves that to a scan.
   *
   * @param sample - How many members to name; absent: all.
   */
  async #askEngine(
    segments: readonly Segment[],
    { moment, batchNo }: Standpoint,
    sample?: number,
  ): Promise<Members | undefined> {
    const active = segments.filter(({ definition }) => definition.status !== 'paused');
    if (this.#engine.members === undefined || active.length > ENGINE_SEGMENTS_MAX) return undefined;
    if (active.length === 0) return { size: 0, customerNos: new Uint32Array(0) };
    const rule: Rule =
      active.length === 1 ? active[0]!.rule : { kind: 'any', rules: active.map((segment) => segment.rule) };
    return this.#engine.members({
      rule,
      moment,
      knownAt: batchNo,
      ...(sample === undefined ? {} : { sample }),
    });
  }

  /**
   * What changing one segment into another would do, exactly: how many would enter, leave and stay; the
   * size of the one that would be, and ids of up to `sample` of its members.
   */
  async compare(
    before: Segment,
    now: Segment,
    stores: StoreTable,
    at: Standpoint,
    sample: number,
  ): Promise<{ readonly size: number; readonly sample: readonly string[]; readonly compared: Comparison }> {
    const [was, is] = await this.#membersOfEach([before, now], stores, at);
    let stay = 0;
    for (const customerNo of is!.numbers()) if (was!.has(customerNo)) stay++;
    return {
      size: is!.size,
      sample: await this.#sampleOf(is!, sample),
      compared: { entrants: is!.size - stay, leavers: was!.size - stay, stay },
    };
  }

  /** Ids of up to `sample` members, spread over all of them. */
  async #sampleOf(members: CustomerSet, sample: number): Promise<readonly string[]> {
    const step = Math.max(1, Math.floor(members.size / Math.max(1, sample)));
    const picked: number[] = [];
    let index = 0;
    for (const customerNo of members.numbers()) {
      if (picked.length === sample) break;
      if (index++ % step === 0) picked.push(customerNo);
    }
    return this.#idsOf(picked);
  }

  /** Ids of the members of at least one of the segments, ascending by customer number. */
  async *memberIds(
    segments: readonly Segment[],
    stores: StoreTable,
    at: Standpoint,
  ): AsyncGenerator<readonly string[]> {
    const members = await this.#members(segments, stores, at);
    let block: number[] = [];
    for (const customerNo of members.numbers()) {
      block.push(customerNo);
      if (block.length < IDS_PER_BLOCK) continue;
      yield await this.#idsOf(block);
      block = [];
    }
    if (block.length > 0) yield await this.#idsOf(block);
  }

  /** Without those who were erased since the question was begun. */
  async #idsOf(customerNos: ArrayLike<number>): Promise<readonly string[]> {
    const ids = await this.#engine.customerIds(Uint32Array.from(customerNos));
    return ids.filter((id) => id !== '');
  }

  /**
   * Joint sizes, in the order of the segments.
   *
   * @throws {CoterieError} `REQUEST_INVALID` for more than `OVERLAP_SEGMENTS_MAX`.
   */
  async overlap(segments: readonly Segment[], stores: StoreTable, at: Standpoint): Promise<OverlapCounts> {
    if (segments.length > OVERLAP_SEGMENTS_MAX) {
      throw new CoterieError(
        'REQUEST_INVALID',
        `expected at most ${OVERLAP_SEGMENTS_MAX} segments in an overlap, found ${segments.length}`,
        { expected: OVERLAP_SEGMENTS_MAX, found: segments.length },
      );
    }
    const numbered = segments.map((segment, place) => ({ ...segment, segmentNo: place }));
    const plan = await this.#compile(numbered, stores, at);
    const defaults = defaultsOf(plan, segments.length).reduce(
      (bits, isDefault, i) => bits | (isDefault << i),
      0,
    );
    const customersByMask = new Map<number, number>();
    let rows = 0;
    await this.#scan(numbered, plan, stores, at, (_, exceptions) => {
      const mask = exceptions.reduce((bits, segmentNo) => bits ^ (1 << segmentNo), defaults);
      customersByMask.set(mask, (customersByMask.get(mask) ?? 0) + 1);
      rows++;
    });
    // Everybody else is where customers without facts are.
    customersByMask.set(defaults, (customersByMask.get(defaults) ?? 0) + at.customers - rows);
    return countPairs(customersByMask, segments.length);
  }

  /** Customers who are in at least one of the segments. */
  async #members(segments: readonly Segment[], stores: StoreTable, at: Standpoint): Promise<CustomerSet> {
    const found = await this.#askEngine(segments, at);
    if (found !== undefined) return setOf(found);
    const numbered = segments.map((segment, place) => ({ ...segment, segmentNo: place }));
    const plan = await this.#compile(numbered, stores, at);
    const defaults = defaultsOf(plan, segments.length);
    const defaultMemberships = defaults.reduce((count, isDefault) => count + isDefault, 0);
    const members = new CustomerSet();
    if (defaultMemberships > 0) {
      for await (const batch of this.#engine.customers(at.batchNo)) {
        for (const customerNo of batch.customerNos) members.add(customerNo);
      }
    }
    await this.#scan(numbered, plan, stores, at, (customerNo, exceptions) => {
      let memberships = defaultMemberships;
      for (const segmentNo of exceptions) memberships += defaults[segmentNo] === 1 ? -1 : 1;
      if (memberships > 0) members.add(customerNo);
      else members.remove(customerNo);
    });
    return members;
  }

  /** Members of each segment. */
  async #membersOfEach(
    segments: readonly Segment[],
    stores: StoreTable,
    at: Standpoint,
  ): Promise<readonly CustomerSet[]> {
    const asked = await this.#askEngineForEach(segments, at);
    if (asked !== undefined) return asked;
    const numbered = segments.map((segment, place) => ({ ...segment, segmentNo: place }));
    const plan = await this.#compile(numbered, stores, at);
    const defaults = defaultsOf(plan, segments.length);
    const members = segments.map(() => new CustomerSet());
    const byDefault = members.filter((_, place) => defaults[place] === 1);
    if (byDefault.length > 0) {
      for await (const batch of this.#engine.customers(at.batchNo)) {
        for (const customerNo of batch.customerNos) for (const set of byDefault) set.add(customerNo);
      }
    }
    await this.#scan(numbered, plan, stores, at, (customerNo, exceptions) => {
      for (const place of exceptions) {
        if (defaults[place] === 1) members[place]!.remove(customerNo);
        else members[place]!.add(customerNo);
      }
    });
    return members;
  }

  /** Undefined as soon as the engine leaves one of the segments to a scan, which then answers for all. */
  async #askEngineForEach(
    segments: readonly Segment[],
    at: Standpoint,
  ): Promise<readonly CustomerSet[] | undefined> {
    if (segments.length > ENGINE_SEGMENTS_MAX) return undefined;
    const members: CustomerSet[] = [];
    for (const segment of segments) {
      const found = await this.#askEngine([segment], at);
      if (found === undefined) return undefined;
      members.push(setOf(found));
    }
    return members;
  }

  async #compile(segments: readonly Segment[], stores: StoreTable, at: Standpoint): Promise<Plan> {
    return compile({ segments, stores, dictionary: await this.#engine.dictionary(at.batchNo) });
  }

  async #scan(
    segments: readonly Segment[],
    plan: Plan,
    stores: StoreTable,
    at: Standpoint,
    onRow: OnRow,
  ): Promise<void> {
    const only = storesLookedAt(segments, stores);
    if (only?.length === 0) return;
    await this.#pool.run({
      plan,
      moment: at.moment,
      batches: this.#engine.scan({
        columns: plan.columns,
        knownAt: at.batchNo,
        ...(only === undefined ? {} : { stores: only }),
      }),
      onRows: (rows) => {
        for (let i = 0; i < rows.count; i++) {
          onRow(rows.customerNos[i]!, decodeRow(rows.rows.subarray(rows.offsets[i]!, rows.offsets[i + 1]!)));
        }
      },
    });
  }
}

function setOf({ customerNos }: Members): CustomerSet {
  const set = new CustomerSet();
  for (const customerNo of customerNos) set.add(customerNo);
  return set;
}

/** Defaults by segment number: the plan leaves paused segments out, which have no members. */
function defaultsOf(plan: Plan, segments: number): Uint8Array {
  const defaults = new Uint8Array(segments);
  for (const [place, segmentNo] of plan.segmentNos.entries()) defaults[segmentNo] = plan.defaults[place]!;
  return defaults;
}

/**
 * The stores that all conditions of all rules look at, ascending: only customers with an order there, of
 * any status, can differ from the default. Undefined where that does not hold, or where it would save little.
 */
export function storesLookedAt(segments: readonly Segment[], table: StoreTable): Uint32Array | undefined {
  const sets = new StoreSets(table);
  const looked = new Set<number>();
  const add = (set: StoreSet): boolean => {
    if (set.kind === 'all') return false;
    for (const storeNo of sets.stores(sets.numberOf(set))) looked.add(storeNo);
    return looked.size <= FILTER_STORES_MAX;
  };
  const visit = (rule: Rule): boolean => {
    if (rule.kind === 'all' || rule.kind === 'any') return rule.rules.every(visit);
    if (rule.kind === 'not') return visit(rule.rule);
    if (rule.kind === 'orders') return add(rule.stores);
    // Nothing holds without a first. A second that is an event comes with the customer, whatever the stores.
    if (rule.kind !== 'sequence' || rule.first.kind !== 'orders') return false;
    return add(rule.first.filter.stores) && (rule.second.kind === 'event' || add(rule.second.filter.stores));
  };
  return segments.every((segment) => visit(segment.rule)) ? Uint32Array.from(looked).sort() : undefined;
}

function countPairs(customersByMask: ReadonlyMap<number, number>, count: number): OverlapCounts {
  const pairs = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  const everything = count === 0 ? 0 : 2 ** count - 1;
  let all = 0;
  let any = 0;
  for (const [mask, customers] of customersByMask) {
    if (mask !== 0) any += customers;
    if (mask === everything) all += customers;
    for (let i = 0; i < count; i++) {
      if (!((mask >>> i) & 1)) continue;
      for (let j = 0; j < count; j++) if ((mask >>> j) & 1) pairs[i]![j]! += customers;
    }
  }
  return { pairs, all, any };
}
