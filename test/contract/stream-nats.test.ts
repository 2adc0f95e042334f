/** NATS JetStream on a real server. Skipped where it is not installed, except in CI, where that is a failure. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { natsProgram, type RunningNats, startNats } from '../../scripts/service/nats.mjs';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { natsMessageStream } from '../../src/core/stream/nats/nats-message-stream.ts';
import { startStreamConsumer } from '../../src/core/stream/stream-consumer.ts';
import { until } from '../until.ts';
import { QUICK, type StreamFixture, streamContract } from './stream-contract.ts';
import { streamKill } from './stream-kill.ts';

const MISSING = 'NATS is not installed (apt-get install -y nats-server): facts from NATS are NOT tested';
const skip = natsProgram() === undefined && process.env.CI === undefined ? MISSING : false;

let server: RunningNats;
let streams = 0;
before(async () => {
  if (skip === false) server = await startNats();
});
after(() => server?.stop());

async function connected<T>(work: (connection: NatsConnection) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: server.url });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

async function open(): Promise<StreamFixture> {
  const stream = `FACTS-${++streams}`;
  const create = (connection: NatsConnection) =>
    jetstreamManager(connection).then((manager) =>
      manager.streams.add({ name: stream, subjects: [`shop${stream}.>`] }),
    );
  await connected(create);
  return {
    stream: natsMessageStream({ url: server.url, stream }),
    hasPartitions: false,
    publish: (messages) =>
      connected(async (connection) => {
        const client = jetstream(connection);
        for (let i = 0; i < messages.length; i += 100) {
          const sent = messages.slice(i, i + 100);
          await Promise.all(sent.map(({ source, body }) => client.publish(`shop${stream}.${source}`, body)));
        }
      }),
    recreate: () =>
      connected(async (connection) => {
        await (await jetstreamManager(connection)).streams.delete(stream);
        await create(connection);
      }),
    restartBroker: () => server.restart(),
  };
}

streamContract('NATS', open, { skip });

test('a stream that does not exist yet is waited for', { skip }, async () => {
  const failures: unknown[] = [];
  const consumer = startStreamConsumer({
    stream: natsMessageStream({ url: server.url, stream: 'LATER' }),
    engine: new MemoryEngine(),
    rejects: { add: async () => {} },
    onFailure: (error) => failures.push(error),
    options: QUICK,
  });
  await until('it is told', () => failures.length > 0);
  assert.equal((failures[0] as { code?: string }).code, 'STREAM_NOT_FOUND');
  await connected(async (connection) => {
    await (await jetstreamManager(connection)).streams.add({ name: 'LATER', subjects: ['later.orders'] });
    await jetstream(connection).publish('later.orders', '{}');
  });
  await until('it is read', () => consumer.status().rejected === 1);
  await consumer.close();
});

test('a stream that is made anew while it is read loses nothing', { skip }, async () => {
  const fixture = await open();
  const engine = new MemoryEngine();
  const rejects = { add: async () => {} };
  const consumer = startStreamConsumer({ stream: fixture.stream, engine, rejects, options: QUICK });
  const stores = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({
      source: 'stores' as const,
      body: JSON.stringify({ store_id: `s${from + i}` }),
    }));
  await fixture.publish(stores(0, 10));
  await until('the first are there', () => consumer.status().accepted === 10);
  await fixture.recreate!();
  await fixture.publish(stores(10, 40));
  await until('the new are there', () => consumer.status().accepted === 40);
  assert.equal((await engine.counts()).stores, 40);
  await consumer.close();
});

streamKill('NATS', { skip, open, child: (stream) => ['nats', server.url, stream.slice('nats:'.length)] });
