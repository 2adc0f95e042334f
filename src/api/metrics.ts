/**
 * The counters of one server, as Prometheus text. Labels are bounded: routes, classes of status and codes,
 * never customers or segments. What the hot path counts is a plain number, read when someone looks.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Core, LiveStatus } from '../core/core.ts';
import type { Ingest } from '../core/ingest/ingest.ts';
import type { StreamConsumer } from '../core/stream/stream-consumer.ts';
import type { Verifier } from '../core/verify/verifier.ts';
import type { ErrorCode } from '../model/error.ts';
import { beyondFreshness } from '../store/freshness.ts';
import type { Store } from '../store/store.ts';
import { addStreamMetrics } from './stream-metrics.ts';

/** From 0.1 ms, a check, to 30 s, a preview over everything. */
const SECONDS_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Called when an answer was sent: its status and how long it took. */
export type ObserveRoute = (status: number, ms: number) => void;

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #errors: Counter<'code'>;
  #checks = 0;
  #memberships = 0;

  /** Shows what verification found. */
  watchVerifier(verifier: Verifier): void {
    this.#addTotal(
      'coterie_verify_mismatches_total',
      'Memberships that differed from what the facts say: to be 0.',
      () => verifier.status().mismatches,
    );
    this.#addTotal(
      'coterie_verify_compared_total',
      'Memberships compared with plain SQL over the facts.',
      () => verifier.status().compared,
    );
    this.#addGauge(
      'coterie_verify_last_seconds',
      'When the last verification ended, in seconds since 1970.',
      () => verifier.status().lastAt,
    );
  }

  constructor(store: Store, core?: Core) {
    collectDefaultMetrics({ register: this.#registry });
    const registers = [this.#registry];
    this.#requests = new Histogram({
      name: 'coterie_http_request_seconds',
      help: 'Time from the head of a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS_BUCKETS,
      registers,
    });
    this.#errors = new Counter({
      name: 'coterie_http_errors_total',
      help: 'Answers that were errors, by code.',
      labelNames: ['code'],
      registers,
    });
    this.#addTotal(
      'coterie_checks_total',
      'Customers checked, each of a batch by itself.',
      () => this.#checks,
    );
    this.#addTotal(
      'coterie_memberships_answered_total',
      'Segments answered for, over all checks.',
      () => this.#memberships,
    );
    this.#addGauge('coterie_as_of_seconds', 'Moment that answers reflect, in seconds since 1970.', () => {
      return store.view()?.asOf.moment;
    });
    this.#addGauge('coterie_as_of_age_seconds', 'How old answers are.', () => {
      const view = store.view();
      return view && Math.max(0, Date.now() / 1000 - view.asOf.moment);
    });
    this.#addGauge('coterie_calculation_number', 'Which full pass is served.', () => {
      return store.view()?.asOf.calculationNo;
    });
    this.#addGauge(
      'coterie_segments',
      'Segments that are served.',
      () => store.view()?.directory.entries.length,
    );
    this.#addGauge('coterie_customers', 'Customers known.', () => store.view()?.customers);
    this.#addGauge(
      'coterie_exceptions',
      'Memberships that differ from the default, which the Store holds.',
      () => {
        // Ticks keep count; a process without them knows what the last full pass counted.
        const counted = core?.liveStatus()?.exceptions;
        return (
          counted ?? store.view()?.directory.entries.reduce((sum, entry) => sum + (entry.exceptions ?? 0), 0)
        );
      },
    );
    this.#addGauge(
      'coterie_segments_beyond_freshness',
      'Active segments whose answers are older than their definition wants.',
      () => {
        const view = store.view();
        return view && beyondFreshness(view, Date.now() / 1000).beyond;
      },
    );
    if (core) this.#addLive(core);
  }

  /** Ticks: nothing is shown of them in a server that was not told to tick. */
  #addLive(core: Core): void {
    const gauge = (name: string, help: string, read: (status: LiveStatus) => number | undefined) =>
      this.#addGauge(name, help, () => {
        const status = core.liveStatus();
        return status && read(status);
      });
    const total = (name: string, help: string, read: (status: LiveStatus) => number) =>
      this.#addTotal(name, help, () => {
        const status = core.liveStatus();
        return status ? read(status) : 0;
      });
    gauge('coterie_tick_seconds', 'How long the last tick took.', (status) => status.lastTick?.seconds);
    gauge(
      'coterie_tick_lateness_seconds',
      'How far what is served is behind the clock beyond one period of ticks.',
      (status) => status.latenessS,
    );
    gauge(
      'coterie_tick_affected_customers',
      'Customers evaluated by the last tick.',
      (status) => status.lastTick?.affected,
    );
    total('coterie_ticks_total', 'Ticks.', (status) => status.ticks);
    total('coterie_ticks_seconds_total', 'Time spent in ticks.', (status) => status.totals.seconds);
    total('coterie_tick_failures_total', 'Ticks that failed.', (status) => status.totals.failures);
    total(
      'coterie_tick_affected_customers_total',
      'Customers evaluated by ticks.',
      (status) => status.totals.affected,
    );
    total('coterie_entries_total', 'Memberships that began in ticks.', (status) => status.totals.entries);
    total('coterie_exits_total', 'Memberships that ended in ticks.', (status) => status.totals.exits);
    this.#addGauge(
      'coterie_facts_backlog_batches',
      'Batches of facts that are durable and not yet in what is served.',
      () => core.factsBacklog(),
    );
  }

  /** Adds what becomes of facts that stream in. */
  watchIngest(ingest: Ingest): void {
    this.#addTotal('coterie_facts_accepted_total', 'Rows of facts that were made durable.', () => {
      return ingest.status().acceptedRows;
    });
    this.#addTotal('coterie_facts_rejected_total', 'Rows of facts that were set aside.', () => {
      return ingest.status().rejectedRows;
    });
    this.#addTotal('coterie_facts_batches_total', 'Batches that rows of facts were gathered into.', () => {
      return ingest.status().batches;
    });
    this.#addGauge('coterie_facts_waiting_rows', 'Rows of facts that are not durable yet.', () => {
      return ingest.status().waitingRows;
    });
  }

  /** Adds the streams that facts are taken in from. */
  watchStreams(streams: readonly Pick<StreamConsumer, 'status'>[]): void {
    addStreamMetrics(this.#registry, streams);
  }

  /** Counts checks of `customers`, of so many segments in all. */
  countChecks(customers: number, memberships: number): void {
    this.#checks += customers;
    this.#memberships += memberships;
  }

  countError(code: ErrorCode): void {
    this.#errors.inc({ code });
  }

  /** The observer of one route: its series are looked up once, not at each request. */
  observer(method: string, route: string): ObserveRoute {
    const classes: ({ observe(seconds: number): void } | undefined)[] = [];
    return (status, ms) => {
      const hundreds = Math.floor(status / 100);
      classes[hundreds] ??= this.#requests.labels(method, route, `${hundreds}xx`);
      classes[hundreds].observe(ms / 1000);
    };
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Gives back what the default metrics hold. */
  close(): void {
    this.#registry.clear();
  }

  #addTotal(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  #addGauge(name: string, help: string, read: () => number | undefined | Promise<number | undefined>): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      async collect() {
        const value = await read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
}
