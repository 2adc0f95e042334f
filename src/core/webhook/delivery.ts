/**
 * Delivers changes to one webhook: in order, in batches, at least once. A batch that fails is tried again,
 * later and later, and given up as a dead letter after so many attempts. Each webhook has a loop of its
 * own, so that an address that hangs delays nobody else.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CoterieError } from '../../model/error.ts';
import { formatMoment } from '../../model/time.ts';
import type { ChangeFeed, FeedChange } from '../feed/change-feed.ts';
import { signatureHeaders } from './signature.ts';
import { bodyOf, concerns, type DeadLetter, type Webhook, type WebhookStore } from './webhook.ts';

export interface DeliveryOptions {
  /** For the whole of one attempt. */
  readonly timeoutMs: number;
  /** The pause after a first failure; it doubles, with jitter. */
  readonly backOffMs: number;
  readonly backOffMaxMs: number;
  /** Attempts at a batch before it is a dead letter. */
  readonly attemptsMax: number;
  /** With so many dead letters a webhook gives nothing up any more, and waits for its address instead. */
  readonly deadLettersMax: number;
  /** Most changes of one batch. */
  readonly batchChanges: number;
}

export const DELIVERY_DEFAULTS: DeliveryOptions = {
  timeoutMs: 10_000,
  backOffMs: 1000,
  backOffMaxMs: 300_000,
  attemptsMax: 12,
  deadLettersMax: 1000,
  batchChanges: 500,
};

export interface DeliveryStatus {
  readonly position: number;
  /** Attempts that failed since the last that did not. */
  readonly failures: number;
  readonly lastError?: string;
  /** Seconds since 1970. */
  readonly deliveredAt?: number;
  /** Changes that were no longer kept when their turn came: the last position that was missed. */
  readonly missedUpTo?: number;
}

/** A line of a batch. */
interface Line {
  readonly position: number;
  readonly customer: string;
  readonly text: string;
}

const BLOCK_CHANGES = 1000;
const LOOK_MS = 15_000;
const BATCH_BYTES = 512 * 1024;
const RETRY_AFTER_MAX_MS = 300_000;

export class Delivery {
  readonly webhook: Webhook;
  readonly #feed: ChangeFeed;
  readonly #store: WebhookStore;
  readonly #options: DeliveryOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #position: number;
  #failures = 0;
  #lastError: string | undefined;
  #deliveredAt: number | undefined;
  #missedUpTo: number | undefined;
  /** Of changes that were read and not delivered yet: customers to leave out, up to a position. */
  readonly #forgotten = new Map<string, number>();

  /** Begins at once. */
  constructor(
    from: { readonly webhook: Webhook; readonly position: number },
    parts: { readonly feed: ChangeFeed; readonly store: WebhookStore; readonly options: DeliveryOptions },
  ) {
    this.webhook = from.webhook;
    this.#position = from.position;
    this.#feed = parts.feed;
    this.#store = parts.store;
    this.#options = parts.options;
    this.#running = this.#run();
  }

  get status(): DeliveryStatus {
    return {
      position: this.#position,
      failures: this.#failures,
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(this.#deliveredAt === undefined ? {} : { deliveredAt: this.#deliveredAt }),
      ...(this.#missedUpTo === undefined ? {} : { missedUpTo: this.#missedUpTo }),
    };
  }

  /** Cuts off what is under way: it is delivered again from the position. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /**
   * Leaves customers out of what is not delivered yet, also of a batch that is tried again and again.
   *
   * @param upTo - The last position that the log had of them.
   */
  forget(customerIds: readonly string[], upTo: number): void {
    for (const id of customerIds) this.#forgotten.set(id, upTo);
  }

  /** Sends a batch once, whatever is under way. */
  attempt(letter: Pick<DeadLetter, 'deliveryId' | 'body'>): Promise<Attempt> {
    return send(this.webhook, letter, { ...this.#options, stop: this.#stop.signal });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && !this.#feed.isClosed) {
      try {
        // What is read from now on is without them.
        this.#forgotten.clear();
        const block = await this.#feed.read(this.#position, BLOCK_CHANGES);
        if (block.position === this.#position) {
          await this.#feed.wait({ ms: LOOK_MS, signal });
          continue;
        }
        for (const lines of this.#batchesOf(block.changes)) {
          if (!(await this.#deliver(lines))) return;
          this.#position = lines.at(-1)!.position;
        }
        this.#position = block.position;
      } catch (error) {
        await this.#afterFailure(error);
      }
    }
  }

  /** The log or the place of dead letters failed, or the log is no longer kept so far back. */
  async #afterFailure(error: unknown): Promise<void> {
    if (error instanceof CoterieError && error.code === 'CHANGES_EXPIRED') {
      const next = Number(error.details.oldest) - 1;
      this.#missedUpTo = Math.max(this.#position, next);
      this.#position = next;
      return;
    }
    this.#failures++;
    this.#lastError = (error as Error).message;
    await this.#pause(0);
  }

  *#batchesOf(changes: readonly FeedChange[]): Generator<Line[]> {
    let lines: Line[] = [];
    let bytes = 0;
    for (const change of changes) {
      const text = lineOf(this.webhook, change);
      if (text === undefined) continue;
      if (
        lines.length > 0 &&
        (lines.length >= this.#options.batchChanges || bytes + text.length > BATCH_BYTES)
      ) {
        yield lines;
        lines = [];
        bytes = 0;
      }
      lines.push({ position: change.position, customer: change.customer, text });
      bytes += text.length;
    }
    if (lines.length > 0) yield lines;
  }

  /** False when it was stopped before the batch was delivered or given up. */
  async #deliver(lines: readonly Line[]): Promise<boolean> {
    const last = lines.at(-1)!.position;
    const { id } = this.webhook;
    const deliveryId = `${id}-${lines[0]!.position}-${last}`;
    for (let attempts = 1; ; attempts++) {
      const body = this.#bodyOf(lines);
      if (body === undefined) return true;
      const outcome = await this.attempt({ deliveryId, body });
      if (this.#stop.signal.aborted) return false;
      if (outcome.ok) {
        this.#failures = 0;
        this.#lastError = undefined;
        this.#deliveredAt = nowSeconds();
        return true;
      }
      this.#failures++;
      this.#lastError = outcome.error;
      if (attempts >= this.#options.attemptsMax && (await this.#hasRoom())) {
        const left = this.#bodyOf(lines);
        if (left === undefined) return true;
        const letter = { webhookId: id, deliveryId, body: left, error: outcome.error, attempts };
        await this.#store.bury({ ...letter, failedAt: nowSeconds() }, last);
        return true;
      }
      if (!(await this.#pause(outcome.retryAfterMs))) return false;
    }
  }

  /** Without customers who were forgotten meanwhile; undefined if nobody is left. */
  #bodyOf(lines: readonly Line[]): string | undefined {
    const left = lines.filter(({ customer, position }) => position > (this.#forgotten.get(customer) ?? -1));
    return left.length === 0
      ? undefined
      : bodyOf(
          this.webhook.id,
          left.map(({ text }) => text),
        );
  }

  async #hasRoom(): Promise<boolean> {
    return (await this.#store.deadLetterCount(this.webhook.id)) < this.#options.deadLettersMax;
  }

  /** Half of the pause is left to chance, so that webhooks of one address do not come all at once. */
  async #pause(atLeastMs: number): Promise<boolean> {
    const { backOffMs, backOffMaxMs } = this.#options;
    const whole = Math.min(backOffMaxMs, backOffMs * 2 ** Math.min(30, this.#failures - 1));
    const ms = Math.max(atLeastMs, whole * (0.5 + Math.random() / 2));
    await sleep(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
    return !this.#stop.signal.aborted;
  }
}

function lineOf(webhook: Webhook, change: FeedChange): string | undefined {
  const keys = (entries: FeedChange['entered']) =>
    entries.filter((entry) => concerns(webhook, entry)).map((entry) => entry.key);
  const entered = keys(change.entered);
  const exited = keys(change.exited);
  if (entered.length + exited.length === 0) return undefined;
  const { position, customer } = change;
  return JSON.stringify({ position, at: formatMoment(change.at), customer, entered, exited });
}

type Attempt =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: string; readonly retryAfterMs: number };

async function send(
  webhook: Webhook,
  letter: Pick<DeadLetter, 'deliveryId' | 'body'>,
  limits: { readonly timeoutMs: number; readonly stop: AbortSignal },
): Promise<Attempt> {
  const late = AbortSignal.timeout(limits.timeoutMs);
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Coterie',
        ...signatureHeaders(webhook.secret, {
          id: letter.deliveryId,
          timestamp: nowSeconds(),
          body: letter.body,
        }),
      },
      body: letter.body,
      // An address that was allowed must not lead to one that was not.
      redirect: 'manual',
      signal: AbortSignal.any([late, limits.stop]),
    });
    // What it says does not matter, and may be endless.
    await response.body?.cancel().catch(() => {});
    if (response.ok) return { ok: true };
    const seconds = Number(response.headers.get('retry-after'));
    const retryAfterMs = seconds > 0 ? Math.min(RETRY_AFTER_MAX_MS, seconds * 1000) : 0;
    return { ok: false, error: `the address answered ${response.status}`, retryAfterMs };
  } catch (error) {
    const cause = (error as { readonly cause?: { readonly code?: string; readonly message?: string } }).cause;
    const why = cause?.code ?? cause?.message ?? (error as Error).message;
    const words = late.aborted ? `no answer within ${limits.timeoutMs} ms` : `cannot be reached: ${why}`;
    return { ok: false, error: words, retryAfterMs: 0 };
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
