/**
 * Signatures of deliveries, as Standard Webhooks 1.0 has them (https://www.standardwebhooks.com), so that
 * receivers can check them with a library they have: HMAC-SHA256 over `id.timestamp.body`.
 */
import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

export function newSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** Whether text is a secret: the prefix, and 24 to 64 bytes in base64. */
export function isSecret(text: string): boolean {
  const key = text.slice(PREFIX.length);
  if (!text.startsWith(PREFIX) || !/^[A-Za-z0-9+/]+={0,2}$/.test(key)) return false;
  const bytes = Buffer.from(key, 'base64').length;
  return bytes >= 24 && bytes <= 64;
}

/** The headers that say who sent a delivery and when. `timestamp` in seconds since 1970. */
export function signatureHeaders(
  secret: string,
  delivery: { readonly id: string; readonly timestamp: number; readonly body: string },
): Record<string, string> {
  const { id, timestamp, body } = delivery;
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  };
}
