/**
 * Holds what is served to the SQL oracle: for a sample of segments, or all, one plain query per segment
 * says who is in it, and every customer's served membership is compared with that. It shares nothing
 * with the compiler and the evaluator but the reading of definitions. The mismatch rate is to be 0.
 */
import type { CustomerBatch } from '../../model/membership.ts';
import type { Rule } from '../../model/rule.ts';
import type { Segment } from '../../model/segment.ts';
import { CustomerSet } from '../customer-set.ts';
import type { Progress } from '../engine/engine.ts';

export interface VerifyParts {
  /** All segments of the definitions that were calculated, paused ones included. */
  readonly segments: readonly Segment[];
  /** Customers known to what is served. */
  readonly customers: AsyncIterable<CustomerBatch>;
  /** Numbers of the members, in no order, by one query over the facts. */
  readonly membersBySql: (rule: Rule) => Promise<Uint32Array>;
  /** What is served: key → membership; unknown keys are absent. */
  readonly served: (
    customerId: string,
    keys: readonly string[],
  ) => Promise<Readonly<Record<string, boolean>>>;
}

export interface VerifyRequest {
  /** Segments to compare, drawn at random; all if there are fewer. */
  readonly segments: number;
  /** The same seed draws the same segments. */
  readonly seed: number;
}

export interface Mismatch {
  readonly customer: string;
  readonly segment: string;
  /** Undefined when the segment is not served at all. */
  readonly served: boolean | undefined;
  readonly expected: boolean;
}

export interface VerifyReport {
  readonly segments: number;
  readonly customers: number;
  /** (customer, segment) pairs compared. */
  readonly compared: number;
  readonly mismatches: number;
  /** Mismatches over pairs compared; 0 when nothing was compared. */
  readonly mismatchRate: number;
  /** The first of them. */
  readonly examples: readonly Mismatch[];
  readonly seconds: number;
}

const EXAMPLES_MAX = 20;

/**
 * Compares every known customer's served memberships in the drawn segments with the oracle's.
 *
 * Cost: one query a segment, and one check a customer; a bit for each pair in memory.
 */
export async function verify(
  parts: VerifyParts,
  request: VerifyRequest,
  progress: Progress = () => {},
): Promise<VerifyReport> {
  const startedAt = performance.now();
  const drawn = drawSegments(parts.segments, request);
  const members: CustomerSet[] = [];
  for (const segment of drawn) {
    progress({ phase: 'queries', done: members.length, total: drawn.length });
    const set = new CustomerSet();
    // Nobody is in a paused segment.
    if (segment.definition.status !== 'paused') {
      for (const customerNo of await parts.membersBySql(segment.rule)) set.add(customerNo);
    }
    members.push(set);
  }
  const keys = drawn.map(({ key }) => key);
  const examples: Mismatch[] = [];
  let customers = 0;
  let mismatches = 0;
  for await (const { ids, customerNos } of parts.customers) {
    for (const [i, customer] of ids.entries()) {
      const served = await parts.served(customer, keys);
      for (const [j, segment] of keys.entries()) {
        const expected = members[j]!.has(customerNos[i]!);
        if (served[segment] === expected) continue;
        mismatches++;
        if (examples.length < EXAMPLES_MAX)
          examples.push({ customer, segment, served: served[segment], expected });
      }
    }
    customers += ids.length;
    progress({ phase: 'compare', done: customers });
  }
  const compared = customers * drawn.length;
  return {
    segments: drawn.length,
    customers,
    compared,
    mismatches,
    mismatchRate: compared === 0 ? 0 : mismatches / compared,
    examples,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

/** Draws without putting back (Fisher and Yates), by a small generator that is the same everywhere. */
function drawSegments(segments: readonly Segment[], request: VerifyRequest): Segment[] {
  const pool = [...segments];
  const wanted = Math.min(request.segments, pool.length);
  let state = request.seed >>> 0;
  for (let i = 0; i < wanted; i++) {
    // Numerical Recipes' constants; the high bits are the random ones.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const at = i + Math.floor((state / 4_294_967_296) * (pool.length - i));
    [pool[i], pool[at]] = [pool[at]!, pool[i]!];
  }
  return pool.slice(0, wanted);
}
