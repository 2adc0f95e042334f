/**
 * Webhooks: addresses that are told who entered and left segments. What one is, where they are kept (a
 * port), and what is refused.
 */
import { CoterieError } from '../../model/error.ts';
import type { SegmentEntry } from '../../model/membership.ts';
import { isSecret } from './signature.ts';

export interface Webhook {
  readonly id: string;
  readonly url: string;
  /** Keys of segments, or of families and so all of their instances; absent: of any key. */
  readonly segments?: readonly string[];
  /** Only segments of this owner, and only with this tag. */
  readonly owner?: string;
  readonly tag?: string;
  /** As Standard Webhooks writes it: `whsec_` and base64. */
  readonly secret: string;
}

/** A batch that was given up. */
export interface DeadLetter {
  readonly letterNo: number;
  readonly webhookId: string;
  /** The same at every attempt, for receivers to know a repetition by. */
  readonly deliveryId: string;
  /** As it was sent. */
  readonly body: string;
  /** Why the last attempt failed. */
  readonly error: string;
  readonly attempts: number;
  /** Seconds since 1970. */
  readonly failedAt: number;
}

export interface StoredWebhook {
  readonly webhook: Webhook;
  /** Changes up to here are delivered, or dead letters. */
  readonly position: number;
}

/** Keeps webhooks, how far each has got, and dead letters. Durable when a promise resolves. */
export interface WebhookStore {
  list(): Promise<readonly StoredWebhook[]>;
  /** Makes or replaces a webhook. A position is that of a new one; one that is replaced keeps its own. */
  put(webhook: Webhook, position: number): Promise<void>;
  /** With its dead letters; false if there was none. */
  remove(id: string): Promise<boolean>;
  savePositions(positions: ReadonlyMap<string, number>): Promise<void>;
  /** Keeps a batch that was given up, and moves on, both or neither. */
  bury(letter: Omit<DeadLetter, 'letterNo'>, position: number): Promise<void>;
  /** Oldest first. */
  deadLetters(id: string, limit: number): Promise<readonly DeadLetter[]>;
  deadLetterCount(id: string): Promise<number>;
  removeDeadLetter(letterNo: number): Promise<void>;
  /** Takes what dead letters say of these customers out of them; one that says nothing else goes whole. */
  forget(customerIds: readonly string[]): Promise<void>;
}

/** A body as it is sent, of lines that are JSON. */
export function bodyOf(webhookId: string, lines: readonly string[]): string {
  return `{"webhook":${JSON.stringify(webhookId)},"changes":[${lines.join(',')}]}`;
}

/** A body without what it says of some customers; undefined if it says nothing else. */
export function bodyWithout(body: string, customerIds: ReadonlySet<string>): string | undefined {
  const { webhook, changes } = JSON.parse(body) as {
    readonly webhook: string;
    readonly changes: readonly { readonly customer: string }[];
  };
  const left = changes.filter(({ customer }) => !customerIds.has(customer));
  if (left.length === changes.length) return body;
  return left.length === 0
    ? undefined
    : bodyOf(
        webhook,
        left.map((change) => JSON.stringify(change)),
      );
}

/** Whether a webhook is told about a segment. */
export function concerns(webhook: Webhook, entry: SegmentEntry): boolean {
  const { segments, owner, tag } = webhook;
  if (owner !== undefined && entry.owner !== owner) return false;
  if (tag !== undefined && !entry.tags.includes(tag)) return false;
  return segments === undefined || segments.some((key) => isOf(entry.key, key));
}

function isOf(key: string, wanted: string): boolean {
  return key === wanted || (key.length > wanted.length && key.startsWith(`${wanted}@`));
}

const ID = /^[\w.-]{1,100}$/;

/** @throws {CoterieError} `WEBHOOK_INVALID`, with the field. */
export function checkWebhook({ id, url, secret }: Webhook): void {
  if (!ID.test(id)) throw invalid('id', '1 to 100 letters, digits, ".", "_" or "-"', id);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw invalid('url', 'an address that begins with http:// or https://', url);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw invalid('url', 'an address without a name and a password in it', parsed.origin);
  }
  if (!isSecret(secret)) throw invalid('secret', 'whsec_ and 24 to 64 bytes in base64', 'something else');
}

function invalid(field: string, expected: string, found: string): CoterieError {
  const shown = JSON.stringify(found.slice(0, 200));
  return new CoterieError('WEBHOOK_INVALID', `${field}: expected ${expected}, found ${shown}`, {
    field,
    expected,
    found: found.slice(0, 200),
  });
}
