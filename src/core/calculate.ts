/**
 * A full pass: all definitions, all customers, one moment, loaded beside what is served and switched in
 * at the end. Readers see the old memberships until then and the new ones after, never a mixture.
 */
import type { AsOf, MembershipLoad, MembershipTarget, SegmentEntry } from '../model/membership.ts';
import type { Segment } from '../model/segment.ts';
import type { SegmentTypes } from '../model/segment-type.ts';
import type { BoundSource } from './bound-source.ts';
import type { Catalog } from './catalog/catalog.ts';
import { loadSegments } from './catalog/resolve-segments.ts';
import { compile } from './compile/compile.ts';
import type { Plan } from './compile/plan.ts';
import type { CalculationReport } from './core.ts';
import { directoryEntry } from './directory-entry.ts';
import type { Engine, Progress } from './engine/engine.ts';
import type { EvaluationPool } from './evaluate/evaluation-pool.ts';
import type { SegmentSizes } from './history/calculation-log.ts';
import type { PopulationBound } from './population-bound.ts';

export interface CalculateParts {
  readonly engine: Engine;
  readonly catalog: Catalog;
  readonly target: Pick<MembershipTarget, 'beginLoad'>;
  readonly pool: EvaluationPool;
  readonly types: SegmentTypes;
  /** Absent: no definition ranks. */
  readonly bounds?: BoundSource;
}

export interface CalculateRequest {
  /** Seconds since 1970: windows are reckoned from here, later facts do not count. */
  readonly moment: number;
  readonly isPinned: boolean;
  /** Facts and definitions to read; default all that are durable now. */
  readonly batchNo?: number;
  readonly catalogNo?: number;
  readonly calculationNo: number;
  /**
   * Seconds in which a tick just took the bounds that the population sets, for this calculation: they stay
   * as they are. Absent: the pass takes them anew, and they are kept when it is served.
   */
  readonly boundsSeconds?: number;
  /** Called before the switch, so that the record is there when the memberships are. */
  readonly onReady: (report: CalculationReport, sizes: SegmentSizes) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** Runs a full pass. On failure what was loaded is thrown away and what is served stays. */
export async function calculate(
  parts: CalculateParts,
  request: CalculateRequest,
  progress: Progress = () => {},
): Promise<CalculationReport> {
  const started = performance.now();
  const phases = new Phases();
  const load = await parts.target.beginLoad();
  let calculated: CalculationReport;
  let newBounds: readonly PopulationBound[];
  try {
    progress({ phase: 'compile', done: 0 });
    const facts = await parts.engine.counts();
    const batchNo = request.batchNo ?? facts.batchNo;
    const catalogNo = request.catalogNo ?? (await parts.catalog.catalogNo());
    const stores = await parts.engine.storeTable(batchNo);
    const asOf: AsOf = { moment: request.moment, batchNo, catalogNo, calculationNo: request.calculationNo };
    const loaded = await loadSegments({
      catalog: parts.catalog,
      stores,
      types: parts.types,
      knownAt: catalogNo,
    });
    phases.lap('compile');
    const { segments, taken, fresh } = (await parts.bounds?.bound(
      loaded,
      {
        stores,
        asOf,
        reuse: request.boundsSeconds === undefined ? 'none' : 'calculation',
        skipsPaused: true,
      },
      progress,
    )) ?? { segments: loaded, taken: new Map(), fresh: [] };
    if (taken.size > 0) phases.lap('bounds', request.boundsSeconds);
    const plan = await compile({ segments, stores, dictionary: await parts.engine.dictionary(batchNo) });
    phases.lap('compile');

    // The dictionary of customers is written while threads evaluate: both wait for each other little.
    const [customers, result] = await Promise.all([
      loadCustomers(parts.engine, load, batchNo),
      parts.pool.run({
        plan,
        moment: request.moment,
        batches: parts.engine.scan({
          columns: plan.columns,
          knownAt: batchNo,
        }),
        onRows: (rows) => load.putRows(rows),
        onProgress: (orders) => progress({ phase: 'evaluate', done: orders, total: facts.orders }),
        ...(request.signal ? { signal: request.signal } : {}),
      }),
    ]);
    phases.lap('evaluate');

    progress({ phase: 'switch', done: 0 });
    const sizes = segmentSizes(plan, result.exceptionCounts, customers);
    const report: CalculationReport = {
      asOf,
      segments: segments.length,
      customers,
      orders: result.orders,
      exceptions: sum(result.exceptionCounts),
      memberships: sum(sizes.sizes),
      isPinned: request.isPinned,
      seconds: (performance.now() - started) / 1000,
      phases: { ...phases.seconds, evaluateBusy: result.evaluateSeconds, writeBusy: result.writeSeconds },
    };
    await request.onReady(report, sizes);
    await load.commit({
      asOf,
      segments: directoryEntries(segments, plan, result.exceptionCounts),
      customers,
    });
    phases.lap('switch');
    newBounds = fresh;
    calculated = {
      ...report,
      seconds: (performance.now() - started) / 1000,
      phases: { ...report.phases, ...phases.seconds },
    };
  } catch (error) {
    await load.abort();
    throw error;
  }
  // After the switch: bounds of a pass that broke off would stand beside those that are served. If it is these
  // that are lost, whoever goes on from what is served takes the same ones again.
  await parts.bounds?.keep(newBounds);
  return calculated;
}

/** Returns how many customers there are. */
async function loadCustomers(engine: Engine, load: MembershipLoad, batchNo: number): Promise<number> {
  let customers = 0;
  for await (const batch of engine.customers(batchNo)) {
    await load.putCustomers(batch);
    customers += batch.ids.length;
  }
  return customers;
}

/** Seconds of the wall clock by phase. */
class Phases {
  readonly seconds: Record<string, number> = {};
  #last = performance.now();

  /** @param before - Seconds of it that went by earlier. */
  lap(phase: string, before = 0): void {
    const now = performance.now();
    this.seconds[phase] = (this.seconds[phase] ?? 0) + before + (now - this.#last) / 1000;
    this.#last = now;
  }
}

function segmentSizes(plan: Plan, exceptionCounts: Uint32Array, customers: number): SegmentSizes {
  const sizes = exceptionCounts.map((exceptions, place) =>
    plan.defaults[place] === 1 ? customers - exceptions : exceptions,
  );
  return { segmentNos: plan.segmentNos.slice(), sizes };
}

/** What the Store holds of every segment. */
function* directoryEntries(
  segments: readonly Segment[],
  plan: Plan,
  exceptionCounts: Uint32Array,
): Generator<SegmentEntry> {
  const placeOf = new Map<number, number>();
  for (const [place, segmentNo] of plan.segmentNos.entries()) placeOf.set(segmentNo, place);
  for (const segment of segments) {
    // Paused segments are not in the plan.
    const place = placeOf.get(segment.segmentNo);
    if (place === undefined) yield directoryEntry(segment, false, 0);
    else yield directoryEntry(segment, plan.defaults[place] === 1, exceptionCounts[place]!);
  }
}

function sum(values: Uint32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
