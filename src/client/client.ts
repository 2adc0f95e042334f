/**
 * The client of the HTTP API: typed, without dependencies, over `fetch`, which keeps connections open. Fails
 * with the server's own errors. Checks can be given a fallback, so that what asks them never breaks.
 */
import { CoterieError } from '../model/error.ts';
import type { Definition, SegmentStatus } from '../model/segment.ts';
import type {
  ApplyAnswer,
  CalculationAnswer,
  CalculationProgress,
  CalculationRun,
  Calculations,
  Change,
  CheckAnswer,
  CustomerSegments,
  DryRunAnswer,
  ExplainAnswer,
  HistoryAnswer,
  OverlapAnswer,
  PreviewAnswer,
  ReadyAnswer,
  SegmentPage,
  SegmentVersion,
  SizeAnswer,
  StreamAnswer,
  VerifyAnswer,
} from './answer.ts';
import { followChanges, readChanges } from './change-stream.ts';
import type { CallSignal, CheckOptions, ClientOptions, Fallback, WriteNote } from './client-options.ts';
import { FactClient } from './fact-client.ts';
import { readLineBlocks } from './line-stream.ts';
import { errorFromProblem, Transport } from './transport.ts';

export type * from './answer.ts';
export type * from './client-options.ts';
export type * from './fact-answer.ts';
export type { CustomerIds, ListOptions, SendOptions } from './fact-client.ts';

const TIMEOUT_MS = 1000;
const LONG_TIMEOUT_MS = 120_000;
const RETRIES = 2;
const POLL_MS = 300;

export class CoterieClient extends FactClient {
  readonly #transport: Transport;
  readonly #options: ClientOptions;
  readonly #timeoutMs: number;
  readonly #longTimeoutMs: number;

  /** @throws {CoterieError} `CONFIG_INVALID` for an address that is none. */
  constructor(options: ClientOptions) {
    const transport = new Transport({ ...options, retries: options.retries ?? RETRIES });
    const longTimeoutMs = options.longTimeoutMs ?? LONG_TIMEOUT_MS;
    super(transport, longTimeoutMs);
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#longTimeoutMs = longTimeoutMs;
    this.#transport = transport;
  }

  /** Which of these segments a customer is in. With a fallback it throws for nothing but an abort. */
  async check(
    customer: string,
    segments: readonly string[],
    options: CheckOptions = {},
  ): Promise<CheckAnswer> {
    try {
      const answer = await this.#transport.json<Omit<CheckAnswer, 'source'>>('/v1/check', {
        method: 'POST',
        json: { customer, segments, ...strictOf(options) },
        timeoutMs: this.#timeoutMs,
        signal: options.signal,
      });
      return { ...answer, source: 'coterie' };
    } catch (error) {
      return this.#fallBack(error, [customer], segments, options)[0]!;
    }
  }

  /** Whether a customer is in one segment; false for a segment that does not exist. */
  async isMember(customer: string, segment: string, options: CheckOptions = {}): Promise<boolean> {
    const { memberships } = await this.check(customer, [segment], options);
    return memberships[segment] ?? false;
  }

  /** `check` for up to 1,000 customers: one answer each, in their order. */
  async checkBatch(
    customers: readonly string[],
    segments: readonly string[],
    options: CheckOptions = {},
  ): Promise<CheckAnswer[]> {
    try {
      const { results, ...rest } = await this.#transport.json<
        Pick<CheckAnswer, 'unknown' | 'asOf' | 'mark'> & {
          readonly results: readonly Pick<CheckAnswer, 'customer' | 'memberships'>[];
        }
      >('/v1/check/batch', {
        method: 'POST',
        json: { customers, segments, ...strictOf(options) },
        timeoutMs: this.#timeoutMs,
        signal: options.signal,
      });
      return results.map((result) => ({ ...result, ...rest, source: 'coterie' as const }));
    } catch (error) {
      return this.#fallBack(error, customers, segments, options);
    }
  }

  /**
   * A page of the segments that a customer is in; with `at`, ISO 8601, of those that the customer was in at
   * that moment: with the definitions in force then and the facts received by then.
   */
  segmentsOf(
    customer: string,
    filter: {
      readonly at?: string;
      readonly owner?: string;
      readonly tag?: string;
      readonly type?: string;
      readonly store?: string;
      readonly limit?: number;
      readonly cursor?: string;
    } & CallSignal = {},
  ): Promise<CustomerSegments> {
    const { signal, ...query } = filter;
    const path = `/v1/customers/${encodeURIComponent(customer)}/segments`;
    // The past is answered by the Core.
    const timeoutMs = filter.at === undefined ? this.#timeoutMs : this.#longTimeoutMs;
    return this.#transport.json(path, { query, timeoutMs, signal });
  }

  /**
   * Why a customer is in a segment, or not; `at` is another moment to look from, ISO 8601, with the facts
   * known by now or, with `knowledge: 'then'`, by that moment.
   */
  explain(
    customer: string,
    segment: string,
    options: { readonly at?: string; readonly knowledge?: 'now' | 'then' } & CallSignal = {},
  ): Promise<ExplainAnswer> {
    const { signal, ...query } = options;
    return this.#ask(`/v1/customers/${encodeURIComponent(customer)}/explain`, {
      query: { segment, ...query },
      signal,
    });
  }

  /**
   * Forgets a customer: facts, memberships, entries and exits. Answers are without the customer once their
   * mark is at the batch. The same answer for somebody never heard of.
   */
  forgetCustomer(customer: string, options: CallSignal = {}): Promise<{ readonly batchNo: number }> {
    return this.#ask(`/v1/customers/${encodeURIComponent(customer)}`, { method: 'DELETE', ...options });
  }

  /** Streams that the server takes facts in from, and how far each is. */
  async streams(options: CallSignal = {}): Promise<readonly StreamAnswer[]> {
    const { items } = await this.#ask<{ readonly items: readonly StreamAnswer[] }>('/v1/streams', options);
    return items;
  }

  /** Whether checks can be answered, and as of which moment. Throws `NOT_CALCULATED` before a first calculation. */
  ready(options: CallSignal = {}): Promise<ReadyAnswer> {
    return this.#ask('/readyz', options);
  }

  /** Facts about somebody who was forgotten count again, from those that arrive from now on. */
  async readmitCustomer(customer: string, options: CallSignal = {}): Promise<void> {
    const path = `/v1/customers/${encodeURIComponent(customer)}/readmission`;
    await this.#ask(path, { method: 'POST', ...options });
  }

  /** A page of the definitions in force, by key. */
  segments(
    filter: {
      readonly q?: string;
      readonly owner?: string;
      readonly tag?: string;
      readonly type?: string;
      readonly status?: SegmentStatus;
      readonly limit?: number;
      readonly cursor?: string;
    } & CallSignal = {},
  ): Promise<SegmentPage> {
    const { signal, ...query } = filter;
    return this.#ask('/v1/segments', { query, signal });
  }

  /** The definition in force; undefined if there is none. */
  async segment(key: string, options: CallSignal = {}): Promise<SegmentVersion | undefined> {
    try {
      return await this.#ask<SegmentVersion>(segmentPath(key), options);
    } catch (error) {
      if (error instanceof CoterieError && error.code === 'SEGMENT_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Every version of a definition, oldest first. */
  async versions(key: string, options: CallSignal = {}): Promise<readonly SegmentVersion[]> {
    const answer = await this.#ask<{ readonly versions: readonly SegmentVersion[] }>(
      `${segmentPath(key)}/versions`,
      options,
    );
    return answer.versions;
  }

  /** Defines a segment, or changes its definition. */
  putSegment(definition: Definition, note: WriteNote = {}): Promise<SegmentVersion> {
    return this.#ask(segmentPath(definition.key), { method: 'PUT', json: definition, ...written(note) });
  }

  /** Archives a segment: checks do not know it from the next tick on; where nothing ticks, from the next calculation on. */
  archiveSegment(key: string, note: WriteNote = {}): Promise<SegmentVersion> {
    return this.#ask(segmentPath(key), { method: 'DELETE', ...written(note) });
  }

  /** Defines many segments at once, all or none. */
  apply(definitions: readonly Definition[], note: WriteNote = {}): Promise<ApplyAnswer> {
    const text = definitions.map((definition) => `${JSON.stringify(definition)}\n`).join('');
    return this.#ask('/v1/segments', {
      method: 'POST',
      body: { text, type: 'application/x-ndjson' },
      ...written(note),
    });
  }

  /** Checks what {@link apply} checks, and says what it would change; nothing is changed. */
  dryRun(definitions: readonly Definition[], options: CallSignal = {}): Promise<DryRunAnswer> {
    return this.#ask('/v1/segments/dry-run', { method: 'POST', json: definitions, ...options });
  }

  /**
   * Exact size and a sample of a definition that is not saved.
   *
   * @param options.beside - What it may refer to, in place of definitions in force of the same keys.
   */
  preview(
    definition: Omit<Definition, 'key'> & { readonly key?: string },
    { beside = [], ...options }: CallSignal & { readonly beside?: readonly Definition[] } = {},
  ): Promise<PreviewAnswer> {
    const json = beside.length === 0 ? definition : [definition, ...beside];
    return this.#ask('/v1/segments/preview', { method: 'POST', json, ...options });
  }

  size(key: string, options: CallSignal = {}): Promise<SizeAnswer> {
    return this.#ask(`${segmentPath(key)}/size`, options);
  }

  /**
   * Size, entries and exits over time, by whole hours. Moments are ISO 8601, `to` is exclusive; by default
   * the last week, by the hour. `step` is such as `1h` or `1d`.
   */
  history(
    key: string,
    range: { readonly from?: string; readonly to?: string; readonly step?: string } & CallSignal = {},
  ): Promise<HistoryAnswer> {
    const { signal, ...query } = range;
    return this.#ask(`${segmentPath(key)}/history`, { query, signal });
  }

  /** Ids of members, one by one, as they stream. Throws `SERVER_UNREACHABLE` if the stream breaks off. */
  async *members(
    key: string,
    options: { readonly limit?: number } & CallSignal = {},
  ): AsyncGenerator<string> {
    for await (const block of this.memberBlocks(key, options)) yield* block;
  }

  /** As {@link members}, in blocks as they arrive. */
  async *memberBlocks(
    key: string,
    options: { readonly limit?: number } & CallSignal = {},
  ): AsyncGenerator<readonly string[]> {
    const stream = await this.#transport.stream(`${segmentPath(key)}/members`, {
      query: { format: 'ndjson', limit: options.limit },
      accept: 'application/x-ndjson',
      timeoutMs: this.#longTimeoutMs,
      signal: options.signal,
    });
    for await (const lines of readLineBlocks(stream, options.signal)) {
      yield lines.map((line) => (JSON.parse(line) as { readonly customer: string }).customer);
    }
  }

  /** How many customers are in several segments at once. */
  overlap(segments: readonly string[], options: CallSignal = {}): Promise<OverlapAnswer> {
    return this.#ask('/v1/overlap', { method: 'POST', json: { segments }, ...options });
  }

  /**
   * Holds a random sample of what is served to plain SQL over the facts; another `seed` draws another one.
   * It takes as long as that, and so it is not asked again after a failure.
   *
   * @param sample.timeoutMs - Limit for the request, below that of the platform. Default: that for long questions.
   */
  verify(
    sample: {
      readonly segments?: number;
      readonly customers?: number;
      readonly seed?: number;
      readonly timeoutMs?: number;
    } & CallSignal = {},
  ): Promise<VerifyAnswer> {
    const { signal, timeoutMs = this.#longTimeoutMs, ...json } = sample;
    const call = { method: 'POST', json, timeoutMs, signal, repeatable: false } as const;
    return this.#transport.json('/v1/verify', call);
  }

  /** Calculates all segments, and waits for the end. `at` is the moment to reckon from, ISO 8601. */
  async calculate(
    options: {
      readonly at?: string;
      readonly onProgress?: (progress: CalculationProgress) => void;
    } & CallSignal = {},
  ): Promise<CalculationAnswer> {
    let run = await this.startCalculation(options);
    while (run.state === 'running') {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      run = await this.#ask<CalculationRun>(`/v1/calculations/${run.id}`, { signal: options.signal });
      if (run.progress !== undefined) options.onProgress?.(run.progress);
    }
    if (run.report !== undefined) return run.report;
    throw errorFromProblem(run.problem, 500);
  }

  /** Begins a calculation, and does not wait. */
  startCalculation(options: { readonly at?: string } & CallSignal = {}): Promise<CalculationRun> {
    return this.#ask('/v1/calculations', {
      method: 'POST',
      json: options.at === undefined ? {} : { at: options.at },
      signal: options.signal,
      repeatable: false,
    });
  }

  /** The last full pass, and those that were asked for over HTTP. */
  calculations(options: CallSignal = {}): Promise<Calculations> {
    return this.#ask('/v1/calculations', options);
  }

  /**
   * Changes after a position, up to now or, with `follow`, as they come. A connection that breaks is made
   * again from the last change, so that none is missed and none comes twice. Leaving the loop ends it.
   *
   * Throws `CHANGES_EXPIRED` when changes after the position are no longer kept.
   */
  async *changes(
    options: {
      readonly after?: number | 'latest';
      readonly segment?: string;
      readonly customer?: string;
      readonly limit?: number;
      readonly follow?: boolean;
    } & CallSignal = {},
  ): AsyncGenerator<Change> {
    const { signal, follow = false, ...query } = options;
    const open = (after: number | 'latest' | undefined) =>
      this.#transport.stream('/v1/changes', {
        query: { ...query, after },
        accept: follow ? 'text/event-stream' : 'application/x-ndjson',
        timeoutMs: this.#longTimeoutMs,
        signal,
      });
    if (follow) yield* followChanges(open, options.after, signal);
    else yield* readChanges(await open(options.after), signal);
  }

  #ask<T>(path: string, call: Omit<Parameters<Transport['json']>[1], 'timeoutMs'>): Promise<T> {
    return this.#transport.json<T>(path, { ...call, timeoutMs: this.#longTimeoutMs });
  }

  #fallBack(
    error: unknown,
    customers: readonly string[],
    segments: readonly string[],
    options: CheckOptions,
  ): CheckAnswer[] {
    const fallback = options.fallback ?? this.#options.fallback;
    if (fallback === undefined || !(error instanceof CoterieError)) throw error;
    this.#options.onFallback?.(error);
    return customers.map((customer) => {
      const memberships = answerOf(fallback, { customer, segments }, error);
      return { customer, memberships, unknown: [], asOf: null, mark: null, source: 'fallback', error };
    });
  }
}

function answerOf(
  fallback: Fallback,
  question: { readonly customer: string; readonly segments: readonly string[] },
  error: CoterieError,
): Readonly<Record<string, boolean>> {
  if (typeof fallback === 'function') return fallback(question, error);
  const answer = typeof fallback === 'boolean' ? () => fallback : (key: string) => fallback[key] === true;
  return Object.fromEntries(question.segments.map((key) => [key, answer(key)]));
}

function strictOf(options: CheckOptions): { readonly strict?: true } {
  return options.strict === true ? { strict: true } : {};
}

function segmentPath(key: string): string {
  return `/v1/segments/${encodeURIComponent(key)}`;
}

function written({ author, reason, signal }: WriteNote) {
  return { query: { author, reason }, signal };
}
