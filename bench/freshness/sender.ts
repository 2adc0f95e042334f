/**
 * Sends orders over HTTP at a fixed rate, from a process of its own. One order of each request is of a
 * customer never heard of, whom the benchmark watches for; it is told when that order was acknowledged.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the benchmark hands over, as its first message. */
export interface SenderTask {
  readonly url: string;
  /** Orders a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Requests a second. */
  readonly requests: number;
  /** Ids of known customers and stores, to draw from. */
  readonly customers: readonly string[];
  readonly stores: readonly string[];
}

/** Told to the benchmark for each request. */
export interface Acknowledged {
  /** The watched customer, or undefined for a request that was turned away. */
  readonly customer?: string;
  /** Of the watched order, seconds since 1970. */
  readonly orderedAt: number;
  /** Milliseconds since 1970. */
  readonly acknowledgedMs: number;
  readonly accepted: number;
}

const [task] = (await once(process, 'message')) as [SenderTask];
const ordersPerRequest = Math.max(1, Math.round(task.rate / task.requests));
const began = Date.now();
const underWay: Promise<void>[] = [];
for (let i = 0; i < task.seconds * task.requests; i++) {
  await sleep(Math.max(0, began + (i * 1000) / task.requests - Date.now()));
  underWay.push(send(i));
}
await Promise.all(underWay);
process.disconnect();

async function send(request: number): Promise<void> {
  const orderedAt = Math.floor(Date.now() / 1000);
  const watched = `watched-${process.pid}-${request}`;
  const lines = Array.from({ length: ordersPerRequest }, (_, i) =>
    JSON.stringify({
      customer_id: i === 0 ? watched : pick(task.customers),
      order_id: `${process.pid}-${request}-${i}`,
      store_id: pick(task.stores),
      ordered_at: new Date(orderedAt * 1000).toISOString(),
      total: 20,
      currency: 'EUR',
    }),
  );
  const response = await fetch(`${task.url}/v1/facts/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  });
  const { accepted = 0 } = (await response.json()) as { readonly accepted?: number };
  const acknowledged: Acknowledged = {
    ...(response.ok ? { customer: watched } : {}),
    orderedAt,
    acknowledgedMs: Date.now(),
    accepted: response.ok ? accepted : 0,
  };
  process.send!(acknowledged);
}

function pick(ids: readonly string[]): string {
  return ids[Math.floor(Math.random() * ids.length)]!;
}
