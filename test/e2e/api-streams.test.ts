/** Streams as those who run a server see them: the API, readiness, metrics, and `coterie status`. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServer } from '../../src/api/server.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { MemoryMessageStream } from '../../src/core/stream/memory/memory-message-stream.ts';
import { type StreamConsumer, startStreamConsumer } from '../../src/core/stream/stream-consumer.ts';
import { order, QUICK } from '../contract/stream-contract.ts';
import { until } from '../until.ts';
import { ask, type Coterie, openCoterie } from './api-fixture.ts';
import { coterieJson, coterie as runCoterie } from './coterie-process.ts';

let coterie: Coterie;
let consumer: StreamConsumer;
let url: string;
let close: () => Promise<unknown>;
before(async () => {
  coterie = await openCoterie();
  const stream = new MemoryMessageStream();
  for (let i = 0; i < 3; i++) stream.publish('orders', JSON.stringify(order('c', `${i}`)), `${i % 2}`);
  stream.publish('orders', '{}', '1');
  const parts = { stream, engine: new MemoryEngine(), rejects: { add: async () => {} }, options: QUICK };
  consumer = startStreamConsumer(parts);
  const { store, core } = coterie;
  const api = await createServer({ store, core, streams: [consumer], options: { eventLoopDelayMaxMs: 0 } });
  url = await api.listen({ host: '127.0.0.1', port: 0 });
  close = () => api.close();
  await until('all is there', () => consumer.status().messages === 4 && consumer.status().lagMessages === 0);
});
after(async () => {
  await close();
  await consumer.close();
  await coterie.close();
});

test('the API tells how far a stream is, and what was set aside', async () => {
  const { json } = await ask<{ items: { lastMessageAt: string }[] }>(`${url}/v1/streams`);
  const { lastMessageAt, ...rest } = json.items[0]!;
  assert.match(lastMessageAt, /^20\d\d-.*Z$/);
  assert.deepEqual(rest, {
    source: 'memory',
    state: 'following',
    position: { 0: 1, 1: 1 },
    lagMessages: 0,
    messages: 4,
    redelivered: 0,
    accepted: 3,
    rejected: 1,
    reasons: { 'no customer id': 1 },
  });
  const ready = await ask<{ streams: unknown }>(`${url}/readyz`);
  assert.deepEqual(ready.json.streams, [{ source: 'memory', state: 'following', lagMessages: 0 }]);
});

test('a server without streams says so by saying nothing', async () => {
  assert.deepEqual((await ask(`${coterie.url}/v1/streams`)).json, { items: [] });
  assert.equal((await ask<{ streams?: unknown }>(`${coterie.url}/readyz`)).json.streams, undefined);
  assert.equal((await ask(`${coterie.url}/metrics`)).text.includes('coterie_stream'), false);
});

test('metrics tell the same by source', async () => {
  const { text } = await ask(`${url}/metrics`);
  const samples = new Map(
    [...text.matchAll(/^(coterie_stream_\S+) (\S+)$/gm)].map(([, name, value]) => [name!, Number(value)]),
  );
  for (const [name, value] of Object.entries({
    'coterie_stream_up{source="memory"}': 1,
    'coterie_stream_lag_messages{source="memory"}': 0,
    'coterie_stream_messages_total{source="memory"}': 4,
    'coterie_stream_accepted_total{source="memory"}': 3,
    'coterie_stream_rejected_total{source="memory"}': 1,
    'coterie_stream_position{source="memory",partition="1"}': 1,
  })) {
    assert.equal(samples.get(name), value, name);
  }
  assert.ok(samples.get('coterie_stream_last_message_seconds{source="memory"}')! > 1_700_000_000);
});

test('status tells of them in a line each', async () => {
  const { stdout } = await runCoterie(['status', '--url', url]);
  assert.match(stdout, /^stream +memory: following, 0 messages behind, 1 row set aside since its start$/m);
  const { streams } = await coterieJson<{ streams: { source: string }[] }>(['status', '--url', url]);
  assert.equal(streams[0]!.source, 'memory');
});
