/**
 * All webhooks of a Core: made, changed, removed and looked at while deliveries go on. Positions are saved
 * once a second, so that after a crash what was delivered since is delivered again, and nothing is missed.
 */
import { CoterieError } from '../../model/error.ts';
import type { ChangeFeed } from '../feed/change-feed.ts';
import { DELIVERY_DEFAULTS, Delivery, type DeliveryOptions, type DeliveryStatus } from './delivery.ts';
import { newSecret } from './signature.ts';
import { checkWebhook, type DeadLetter, type Webhook, type WebhookStore } from './webhook.ts';

/** A webhook as it is shown: without its secret. */
export interface WebhookView extends Omit<Webhook, 'secret'>, DeliveryStatus {
  readonly deadLetters: number;
}

export interface WebhooksParts {
  readonly store: WebhookStore;
  readonly feed: ChangeFeed;
  readonly options?: Partial<DeliveryOptions>;
  /** Told when positions could not be saved: they are saved later. */
  readonly onFailure?: (error: unknown) => void;
}

const SAVE_MS = 1000;

/** Goes on with every webhook from where it was. */
export async function openWebhooks(parts: WebhooksParts): Promise<Webhooks> {
  const webhooks = new Webhooks(parts);
  await webhooks.begin();
  return webhooks;
}

export class Webhooks {
  readonly #parts: WebhooksParts;
  readonly #options: DeliveryOptions;
  readonly #deliveries = new Map<string, Delivery>();
  readonly #saved = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
    this.#options = { ...DELIVERY_DEFAULTS, ...parts.options };
    this.#timer = setInterval(() => {
      void this.#inTurn(() => this.#save()).catch((error) => parts.onFailure?.(error));
    }, SAVE_MS);
    this.#timer.unref();
  }

  async begin(): Promise<void> {
    for (const { webhook, position } of await this.#parts.store.list()) this.#start(webhook, position);
  }

  /**
   * Makes a webhook, which is told of changes from now on, or changes one, which goes on where it was.
   *
   * @returns Its secret where one was made, which is not shown again.
   * @throws {CoterieError} `WEBHOOK_INVALID`.
   */
  put(
    wanted: Omit<Webhook, 'secret'> & { readonly secret?: string },
  ): Promise<{ readonly isNew: boolean; readonly view: WebhookView; readonly secret?: string }> {
    return this.#inTurn(async () => {
      const before = this.#deliveries.get(wanted.id);
      const made = wanted.secret === undefined && before === undefined ? newSecret() : undefined;
      const webhook = { ...wanted, secret: wanted.secret ?? made ?? before!.webhook.secret };
      checkWebhook(webhook);
      const latest = await this.#parts.feed.position();
      await before?.stop();
      await this.#save();
      await this.#parts.store.put(webhook, latest);
      this.#start(webhook, before?.status.position ?? latest);
      const view = await this.get(wanted.id);
      return { isNew: before === undefined, view, ...(made === undefined ? {} : { secret: made }) };
    });
  }

  /** By id. */
  list(): Promise<WebhookView[]> {
    const ids = [...this.#deliveries.keys()].sort();
    return Promise.all(ids.map((id) => this.get(id)));
  }

  /** @throws {CoterieError} `WEBHOOK_NOT_FOUND`. */
  async get(id: string): Promise<WebhookView> {
    const { webhook, status } = this.#delivery(id);
    const { secret: _, ...shown } = webhook;
    return { ...shown, ...status, deadLetters: await this.#parts.store.deadLetterCount(id) };
  }

  /** With its dead letters. @throws {CoterieError} `WEBHOOK_NOT_FOUND`. */
  remove(id: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#delivery(id).stop();
      this.#deliveries.delete(id);
      this.#saved.delete(id);
      await this.#parts.store.remove(id);
    });
  }

  /** Oldest first. @throws {CoterieError} `WEBHOOK_NOT_FOUND`. */
  async deadLetters(id: string, limit: number): Promise<readonly DeadLetter[]> {
    this.#delivery(id);
    return this.#parts.store.deadLetters(id, limit);
  }

  /**
   * Sends dead letters again, oldest first, each once; those that arrive are dead letters no more. Ends at
   * the first that fails.
   *
   * @throws {CoterieError} `WEBHOOK_NOT_FOUND`.
   */
  async redeliver(
    id: string,
    limit: number,
  ): Promise<{ readonly redelivered: number; readonly error?: string }> {
    const delivery = this.#delivery(id);
    let redelivered = 0;
    for (const letter of await this.#parts.store.deadLetters(id, limit)) {
      const outcome = await delivery.attempt(letter);
      if (!outcome.ok) return { redelivered, error: outcome.error };
      await this.#parts.store.removeDeadLetter(letter.letterNo);
      redelivered++;
    }
    return { redelivered };
  }

  /**
   * Takes customers out of all that is kept to be delivered: batches under way, and dead letters. Call it after
   * the log of changes has forgotten them.
   */
  async forget(customerIds: readonly string[]): Promise<void> {
    const upTo = await this.#parts.feed.position();
    for (const delivery of this.#deliveries.values()) delivery.forget(customerIds, upTo);
    // After the marks: a batch that is buried from here on is without them, and one from before is in the store.
    await this.#parts.store.forget(customerIds);
  }

  /** Stops deliveries and saves how far they have got. The store and the feed stay the caller's to close. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#inTurn(async () => {
      await Promise.all([...this.#deliveries.values()].map((delivery) => delivery.stop()));
      await this.#save();
    });
  }

  #start(webhook: Webhook, position: number): void {
    this.#saved.set(webhook.id, position);
    const { feed, store } = this.#parts;
    this.#deliveries.set(
      webhook.id,
      new Delivery({ webhook, position }, { feed, store, options: this.#options }),
    );
  }

  #delivery(id: string): Delivery {
    const delivery = this.#deliveries.get(id);
    if (delivery !== undefined) return delivery;
    throw new CoterieError('WEBHOOK_NOT_FOUND', `There is no webhook ${JSON.stringify(id.slice(0, 100))}`);
  }

  async #save(): Promise<void> {
    const changed = new Map<string, number>();
    for (const [id, { status }] of this.#deliveries) {
      if (this.#saved.get(id) !== status.position) changed.set(id, status.position);
    }
    if (changed.size === 0) return;
    await this.#parts.store.savePositions(changed);
    for (const [id, position] of changed) this.#saved.set(id, position);
  }

  /** One change of the webhooks at a time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => {});
    return result;
  }
}
