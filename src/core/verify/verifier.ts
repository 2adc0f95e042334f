/**
 * Holds what a running server serves to the SQL oracle: a random sample of segments and customers, all at
 * one as-of, while ticks go on. What is served is read in one go before anything else can change it; the
 * oracle then asks for the facts and definitions of that as-of, which never change.
 */

import { CoterieError } from '../../model/error.ts';
import type { AsOf, CustomerBatch } from '../../model/membership.ts';
import type { Segment } from '../../model/segment.ts';
import { servedByAnswers } from './served-reader.ts';
import { type MemberOracle, type VerifyReport, verify } from './verify.ts';

export interface VerifierParts {
  /** Customers known after a batch; absent: now. */
  customers(knownAt?: number): AsyncIterable<CustomerBatch>;
  /**
   * What is served of these customers, read without letting anything else run: customer → key → membership
   * for the keys that `draw` chose of those served. Customers not known to it are left out.
   */
  served(
    customerIds: readonly string[],
    draw: (keys: readonly string[]) => readonly string[],
  ): ServedSample | undefined;
  /** All segments as they were defined at an as-of. */
  segments(asOf: AsOf): Promise<readonly Segment[]>;
  /** Plain queries over the facts of an as-of; with numbers of customers, over theirs alone. */
  openOracle(asOf: AsOf, customers?: Uint32Array): Promise<MemberOracle>;
  /** Runs by itself this often, with another sample each time; 0 or absent: never. */
  readonly periodMs?: number;
  /** Told what came of the runs of its own. */
  readonly onResult?: (result: SampleReport | Error) => void;
}

export interface ServedSample {
  readonly asOf: AsOf;
  readonly keys: readonly string[];
  readonly memberships: ReadonlyMap<string, Readonly<Record<string, boolean>>>;
}

export interface SampleRequest {
  readonly segments: number;
  readonly customers: number;
  /** The same seed draws the same of the same. */
  readonly seed: number;
}

export type SampleReport = VerifyReport & { readonly asOf: AsOf };

/** Totals since the start, and the last run. */
export interface VerifierStatus {
  readonly runs: number;
  readonly compared: number;
  readonly mismatches: number;
  /** When the last run ended; seconds since 1970. */
  readonly lastAt?: number;
}

/** What runs of its own draw. */
const OWN_SAMPLE = { segments: 20, customers: 1_000 };

export class Verifier {
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #parts: VerifierParts;
  #last: Promise<unknown> = Promise.resolve();
  #status: VerifierStatus = { runs: 0, compared: 0, mismatches: 0 };

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    if (!parts.periodMs) return;
    this.#timer = setInterval(() => this.#runBySelf(), parts.periodMs);
    this.#timer.unref();
  }

  status(): VerifierStatus {
    return this.#status;
  }

  /** One run after another. Cost: one pass over the facts for those of the sample, one query a segment over them, and one pass over all ids. */
  run(request: SampleRequest): Promise<SampleReport> {
    const work = () => this.#run(request);
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => {});
    return result;
  }

  /** When the run under way has ended. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
  }

  #runBySelf(): void {
    const seed = Math.floor(Math.random() * 4_294_967_296);
    this.run({ ...OWN_SAMPLE, seed }).then(this.#parts.onResult, (error: unknown) => {
      // Before the first calculation there is nothing to verify.
      if (error instanceof CoterieError && error.code === 'NOT_CALCULATED') return;
      this.#parts.onResult?.(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async #run(request: SampleRequest): Promise<SampleReport> {
    const random = randomFrom(request.seed);
    const sample = await sampleCustomers(this.#parts.customers(), request.customers, random);
    const served = this.#parts.served([...sample.keys()], (keys) => draw(keys, request.segments, random));
    if (!served)
      throw new CoterieError('NOT_CALCULATED', 'Nothing was calculated yet: there is nothing to verify');
    const { asOf, memberships } = served;
    const drawn = new Set(served.keys);
    const segments = (await this.#parts.segments(asOf)).filter(({ key }) => drawn.has(key));
    const ids = [...memberships.keys()];
    const customerNos = Uint32Array.from(ids, (id) => sample.get(id)!);
    const oracle = await this.#parts.openOracle(asOf, customerNos);
    const report = await verify(
      {
        segments,
        customers: () => once({ ids, customerNos }),
        oracle,
        served: (keys) => servedByAnswers(memberships, keys),
      },
      { segments: segments.length, seed: request.seed },
    ).finally(() => oracle.close());
    this.#status = {
      runs: this.#status.runs + 1,
      compared: this.#status.compared + report.compared,
      mismatches: this.#status.mismatches + report.mismatches,
      lastAt: Math.floor(Date.now() / 1000),
    };
    return { ...report, asOf };
  }
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

/** Numerical Recipes' generator, in [0, 1). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

function draw(keys: readonly string[], wanted: number, random: () => number): readonly string[] {
  const pool = [...keys];
  const count = Math.min(wanted, pool.length);
  for (let i = 0; i < count; i++) {
    const at = i + Math.floor(random() * (pool.length - i));
    [pool[i], pool[at]] = [pool[at]!, pool[i]!];
  }
  return pool.slice(0, count);
}

/** Every customer with the same chance (Vitter's algorithm R): id → number. */
async function sampleCustomers(
  customers: AsyncIterable<CustomerBatch>,
  wanted: number,
  random: () => number,
): Promise<ReadonlyMap<string, number>> {
  const kept: { readonly id: string; readonly no: number }[] = [];
  let seen = 0;
  for await (const { ids, customerNos } of customers) {
    for (const [i, id] of ids.entries()) {
      const place = seen < wanted ? seen : Math.floor(random() * (seen + 1));
      if (place < wanted) kept[place] = { id, no: customerNos[i]! };
      seen++;
    }
  }
  return new Map(kept.map(({ id, no }) => [id, no]));
}
