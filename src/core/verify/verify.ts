/**
 * Holds what is served to the SQL oracle: for a sample of segments, or all, one plain query says who is in
 * it, and every customer's served membership is compared with that. It shares nothing with the compiler
 * and the evaluator but the reading of definitions. The mismatch rate is to be 0.
 */
import type { CustomerBatch } from '../../model/membership.ts';
import type { Rule } from '../../model/rule.ts';
import type { Segment } from '../../model/segment.ts';
import type { Progress } from '../engine/engine.ts';
import { CustomerIndex } from './customer-index.ts';
import { countBits, MembershipBits } from './membership-bits.ts';
import type { ServedReader } from './served-reader.ts';

/** Who is in a segment, by one plain query over the facts of one as-of. */
export interface MemberOracle {
  /** So many may be asked for at once. */
  readonly queriesAtOnce: number;
  members(rule: Rule): Promise<MemberSet>;
  close(): Promise<void>;
}

/** Some customers, or all known ones but them. */
export interface MemberSet {
  /** In no order. */
  readonly customerNos: Uint32Array;
  readonly isComplement: boolean;
}

export interface VerifyParts {
  /** All segments of the definitions that were calculated, paused ones included. */
  readonly segments: readonly Segment[];
  /** Customers known to what is served; asked for several times, and the same each time. */
  readonly customers: () => AsyncIterable<CustomerBatch>;
  readonly oracle: MemberOracle;
  /** What is served in the segments of these keys. */
  readonly served: (keys: readonly string[]) => ServedReader;
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
/** Bits of what is served that are held at once; more segments are compared block by block. */
const BLOCK_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Compares every known customer's served memberships in the drawn segments with the oracle's.
 *
 * Cost: one query for each rule that differs from the others, and one walk over the rows; a bit for each
 * pair in memory, up to 256 MiB.
 */
export async function verify(
  parts: VerifyParts,
  request: VerifyRequest,
  progress: Progress = () => {},
): Promise<VerifyReport> {
  const startedAt = performance.now();
  const drawn = drawSegments(parts.segments, request);
  const index = await CustomerIndex.read(parts.customers());
  const comparison = new Comparison(index);
  const blockSegments = Math.max(1, Math.floor(BLOCK_BYTES_MAX / (4 * Math.max(1, index.words))));
  let done = 0;
  for (let from = 0; from < drawn.length; from += blockSegments) {
    const segments = drawn.slice(from, from + blockSegments);
    const reader = parts.served(segments.map(({ key }) => key));
    const served = await readServed(parts.customers(), index, reader);
    progress({ phase: 'compare', done: index.count });
    await forEachRule(segments, parts.oracle, (places, members) => {
      for (const place of places) comparison.add(segments[place]!, served, place, members);
      done += places.length;
      progress({ phase: 'queries', done, total: drawn.length });
    });
  }
  const compared = index.count * drawn.length;
  return {
    segments: drawn.length,
    customers: index.count,
    compared,
    mismatches: comparison.mismatches,
    mismatchRate: compared === 0 ? 0 : comparison.mismatches / compared,
    examples: await comparison.examples(parts.customers()),
    seconds: (performance.now() - startedAt) / 1000,
  };
}

/** What is served of every customer of the index, as bits. */
export async function readServed(
  customers: AsyncIterable<CustomerBatch>,
  index: CustomerIndex,
  reader: ServedReader,
): Promise<MembershipBits> {
  const bits = new MembershipBits(reader.defaults, index.count);
  for await (const { ids, customerNos } of customers) {
    await reader.read(ids, (i, place) => {
      const at = index.of(customerNos[i]!);
      if (at >= 0) bits.except(place, at);
    });
  }
  return bits;
}

/** Asks the oracle once for all segments of the same rule; paused ones have nobody. */
async function forEachRule(
  segments: readonly Segment[],
  oracle: MemberOracle,
  onMembers: (places: readonly number[], members: MemberSet) => void,
): Promise<void> {
  const paused: number[] = [];
  const byRule = new Map<string, number[]>();
  for (const [place, { definition, rule }] of segments.entries()) {
    const text = JSON.stringify(rule);
    const places = definition.status === 'paused' ? paused : (byRule.get(text) ?? []);
    if (places.push(place) === 1 && places !== paused) byRule.set(text, places);
  }
  if (paused.length > 0) onMembers(paused, { customerNos: new Uint32Array(0), isComplement: false });
  const waiting = byRule.values();
  const ask = async (): Promise<void> => {
    for (const places of waiting) onMembers(places, await oracle.members(segments[places[0]!]!.rule));
  };
  await Promise.all(Array.from({ length: oracle.queriesAtOnce }, ask));
}

/** Counts where what is served differs from what is expected, and remembers the first of them. */
class Comparison {
  mismatches = 0;
  readonly #index: CustomerIndex;
  readonly #expected: Uint32Array;
  readonly #examples: { readonly at: number; readonly mismatch: Omit<Mismatch, 'customer'> }[] = [];

  constructor(index: CustomerIndex) {
    this.#index = index;
    this.#expected = new Uint32Array(index.words);
  }

  add(segment: Segment, served: MembershipBits, place: number, members: MemberSet): void {
    const expected = this.#expected.fill(0);
    for (const customerNo of members.customerNos) {
      const at = this.#index.of(customerNo);
      if (at >= 0) expected[at >>> 5]! |= 1 << (at & 31);
    }
    const isServed = served.isServed(place);
    for (let word = 0; word < expected.length; word++) {
      const wanted = members.isComplement ? ~expected[word]! : expected[word]!;
      const known = this.#index.mask(word);
      const differing = (isServed ? wanted ^ served.word(place, word) : -1) & known;
      if (differing === 0) continue;
      this.mismatches += countBits(differing);
      for (let bits = differing; bits !== 0 && this.#examples.length < EXAMPLES_MAX; bits &= bits - 1) {
        const bit = 31 - Math.clz32(bits & -bits);
        const isExpected = ((wanted >>> bit) & 1) === 1;
        const mismatch = {
          segment: segment.key,
          served: isServed ? !isExpected : undefined,
          expected: isExpected,
        };
        this.#examples.push({ at: word * 32 + bit, mismatch });
      }
    }
  }

  async examples(customers: AsyncIterable<CustomerBatch>): Promise<Mismatch[]> {
    if (this.#examples.length === 0) return [];
    const wanted = new Set(this.#examples.map(({ at }) => at));
    const ids = new Map<number, string>();
    for await (const batch of customers) {
      for (const [i, id] of batch.ids.entries()) {
        const at = this.#index.of(batch.customerNos[i]!);
        if (wanted.has(at)) ids.set(at, id);
      }
    }
    return this.#examples.map(({ at, mismatch }) => ({ customer: ids.get(at)!, ...mismatch }));
  }
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
