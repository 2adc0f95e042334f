/** The oracle of streams held to the contract, and what only it can show of the consumer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Engine } from '../../src/core/engine/engine.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import { MemoryMessageStream } from '../../src/core/stream/memory/memory-message-stream.ts';
import type { MessageStream } from '../../src/core/stream/message-stream.ts';
import { startStreamConsumer } from '../../src/core/stream/stream-consumer.ts';
import { until } from '../until.ts';
import { order, QUICK, streamContract } from './stream-contract.ts';

const rejects = { add: async () => {} };

streamContract('memory', async () => {
  const stream = new MemoryMessageStream();
  return {
    stream,
    hasPartitions: true,
    async publish(messages) {
      for (const { source, body, partition = 0 } of messages) {
        stream.publish(`shop.${source}.v1`, body, `${partition}`);
      }
    },
  };
});

test('messages that are delivered again are dropped', async () => {
  const memory = new MemoryMessageStream();
  const forgetful: MessageStream = { name: 'memory', open: () => memory.open(new Map()) };
  const engine = new MemoryEngine();
  const parts = { stream: forgetful, engine, rejects, options: QUICK };
  for (let i = 0; i < 5; i++) memory.publish('orders', JSON.stringify(order('c', `${i}`)));
  for (const [messages, redelivered] of [
    [5, 0],
    [0, 5],
  ]) {
    const consumer = startStreamConsumer(parts);
    await until('all were seen', () => {
      const status = consumer.status();
      return status.messages === messages && status.redelivered === redelivered;
    });
    await consumer.close();
  }
  assert.equal((await engine.counts()).batchNo, 1);
});

test('what is taken in counts as behind no longer, also before the broker is asked again', async () => {
  const memory = new MemoryMessageStream();
  for (let i = 0; i < 5; i++) memory.publish('orders', JSON.stringify(order('c', `${i}`)));
  const options = { ...QUICK, lagPeriodMs: 3_600_000, gatherMs: 0, batchRows: 2 };
  const consumer = startStreamConsumer({ stream: memory, engine: new MemoryEngine(), rejects, options });
  const behind = new Set<number | undefined>();
  await until('all is taken in', () => {
    const { messages, lagMessages } = consumer.status();
    behind.add(lagMessages === undefined ? undefined : messages + lagMessages);
    return messages === 5;
  });
  assert.equal(consumer.status().lagMessages, 0);
  behind.delete(undefined);
  assert.deepEqual([...behind], [5], 'and never more or less than there is');
  await consumer.close();
});

test('a stream is read no faster than its facts become durable', async () => {
  const body = new TextEncoder().encode(JSON.stringify(order('c', '1')));
  let read = 0;
  const endless: MessageStream = {
    name: 'endless',
    open: async () => {
      let closed = false;
      return {
        blocks: (async function* () {
          while (!closed) {
            await turn();
            yield [{ subject: 'orders', partition: '', position: ++read, body }];
          }
        })(),
        lag: async () => 1,
        close: async () => {
          closed = true;
        },
      };
    },
  };
  let letGo = () => {};
  let puts = 0;
  const slow: Pick<Engine, 'put' | 'streamPositions'> = {
    streamPositions: async () => new Map(),
    put: () => {
      puts++;
      return new Promise((resolve) => {
        letGo = () => resolve({ batchNo: 1 });
      });
    },
  };
  const options = { ...QUICK, batchRows: 10, gatherMs: 10_000 };
  const consumer = startStreamConsumer({ stream: endless, engine: slow, rejects, options });
  await until('the first put is under way', () => puts === 1);
  for (let i = 0; i < 1000; i++) await turn();
  assert.ok(read <= 11, `${read} messages were read`);
  letGo();
  await until('the second put is under way', () => puts === 2);
  assert.deepEqual(consumer.status().position, { '': 10 });
  const closed = consumer.close();
  letGo();
  await closed;
  assert.deepEqual([consumer.status().state, consumer.status().position], ['stopped', { '': 20 }]);
});

test('a broker that holds less than was taken in from it is told of', async () => {
  const engine = new MemoryEngine();
  await engine.put({}, [{ stream: 'memory', partition: '0', position: 9 }]);
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => failures.push(error);
  const stream = new MemoryMessageStream();
  const consumer = startStreamConsumer({ stream, engine, rejects, onFailure, options: QUICK });
  await until('it fails', () => failures.length > 0);
  assert.equal((failures[0] as { code?: string }).code, 'STREAM_POSITION_LOST');
  assert.equal(consumer.status().state, 'failing');
  await consumer.close();
});
