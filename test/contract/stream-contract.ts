/** What every source of messages promises, as the facts show it. Each driver runs it on the real broker. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Engine, FactSource } from '../../src/core/engine/engine.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import type { MessageStream } from '../../src/core/stream/message-stream.ts';
import {
  type StreamConsumer,
  type StreamConsumerOptions,
  startStreamConsumer,
} from '../../src/core/stream/stream-consumer.ts';
import { openStreamRejects, type StreamRejects } from '../../src/core/stream/stream-rejects.ts';
import { until } from '../until.ts';

export interface Published {
  readonly source: FactSource | 'elsewhere';
  readonly body: string;
  /** Of a driver that has several; 0 or 1. */
  readonly partition?: number;
}

/** A stream of its own on the broker. */
export interface StreamFixture {
  readonly stream: MessageStream;
  readonly hasPartitions: boolean;
  publish(messages: readonly Published[]): Promise<void>;
  /** Removes it and makes it anew, empty, under the same name. */
  recreate?(): Promise<void>;
  /** Kills the broker and starts it again. */
  restartBroker?(): Promise<void>;
}

export const QUICK: Partial<StreamConsumerOptions> = { retryMs: 20, retryMsMax: 200, lagPeriodMs: 20 };

export const order = (customer: string, id: string, rest: object = {}) => ({
  customer_id: customer,
  order_id: id,
  total: 1,
  ordered_at: '2026-01-01T00:00:00Z',
  ...rest,
});

const noRejects: StreamRejects = { add: async () => {} };

interface Followed {
  readonly consumer: StreamConsumer;
  readonly failures: unknown[];
}

function follow(
  fixture: StreamFixture,
  engine: Pick<Engine, 'put' | 'streamPositions'>,
  rejects = noRejects,
): Followed {
  const failures: unknown[] = [];
  const onFailure = (error: unknown) => failures.push(error);
  const parts = { stream: fixture.stream, engine, rejects, onFailure, options: QUICK };
  return { consumer: startStreamConsumer(parts), failures };
}

async function whileFollowing(
  fixture: StreamFixture,
  engine: Pick<Engine, 'put' | 'streamPositions'>,
  work: (followed: Followed) => Promise<unknown>,
): Promise<void> {
  const followed = follow(fixture, engine);
  try {
    await work(followed);
  } finally {
    await followed.consumer.close();
  }
}

const orders = (messages: number, from = 0): Published[] =>
  Array.from({ length: messages }, (_, i) => ({
    source: 'orders',
    body: JSON.stringify(order(`c${(from + i) % 7}`, `${from + i}`)),
    partition: i % 2,
  }));

/** Defines the suite for one driver. */
export function streamContract(
  name: string,
  open: () => Promise<StreamFixture>,
  options: { readonly skip?: string | false } = {},
): void {
  const test = (
    sentence: string,
    body: (fixture: StreamFixture, engine: MemoryEngine) => Promise<void>,
    needs: 'restartBroker' | 'recreate' | undefined = undefined,
  ) =>
    it(sentence, async (t) => {
      const fixture = await open();
      if (needs !== undefined && fixture[needs] === undefined) t.skip(`${name} has no such thing`);
      else await body(fixture, new MemoryEngine());
    });

  describe(`facts from ${name}`, { skip: options.skip ?? false }, () => {
    test('come one to a message, in lists and in lines, of every source', async (fixture, engine) => {
      const lines = [order('c', '3'), order('d', '4', { store_id: 's' })].map((row) => JSON.stringify(row));
      await fixture.publish([
        { source: 'stores', body: '{"store_id":"s","city":"BCN"}' },
        { source: 'customers', body: '{"customer_id":"ana","city":"MAD"}' },
        { source: 'orders', body: JSON.stringify(order('c', '1', { total: '9.95' })) },
        { source: 'orders', body: JSON.stringify([order('c', '2'), order('b', '1')]) },
        { source: 'orders', body: `${lines.join('\n')}\n` },
      ]);
      await whileFollowing(fixture, engine, async ({ consumer }) => {
        await until('seven rows are there', () => consumer.status().accepted === 7);
        const { messages, rejected, redelivered, lastMessageAt } = consumer.status();
        assert.deepEqual([messages, rejected, redelivered], [5, 0, 0]);
        assert.ok(lastMessageAt !== undefined && lastMessageAt > 1_700_000_000);
        await until('no lag is left', () => consumer.status().lagMessages === 0);
      });
      const { customers, stores, orders, traits } = await engine.counts();
      assert.deepEqual([customers, stores, orders, traits], [4, 1, 5, 1]);
      assert.equal((await engine.customerFacts('c')).orders[0]!.totalE4, 99_500);
    });

    test('are set aside with their reasons when they are bad, and hold nothing up', async (fixture, engine) => {
      const folder = await mkdtemp(join(tmpdir(), 'coterie-stream-'));
      const { consumer } = follow(fixture, engine, openStreamRejects(folder));
      try {
        await fixture.publish([
          { source: 'orders', body: 'not json' },
          { source: 'orders', body: '' },
          { source: 'orders', body: JSON.stringify([order('c', '1'), order('c', '2', { total: 'much' })]) },
          { source: 'elsewhere', body: '{}' },
          { source: 'orders', body: JSON.stringify(order('c', '3')) },
        ]);
        await until('the last row is there', () => consumer.status().accepted === 2);
        await until('all is counted', () => consumer.status().messages === 5);
        assert.deepEqual(consumer.status().reasons, {
          'not a JSON object': 2,
          'total is not a number': 1,
          'subject says none of orders, customers, stores, events, scores and lists': 1,
        });
        const lines = (await readFile(join(folder, 'stream.ndjson'), 'utf8')).trimEnd().split('\n');
        assert.equal(lines.length, 4);
        const much = lines.map((line) => JSON.parse(line)).find(({ row }) => row.includes('much'));
        assert.equal(much.reason, 'total is not a number');
        assert.equal(JSON.parse(much.row).order_id, '2');
      } finally {
        await consumer.close();
        await rm(folder, { recursive: true, force: true });
      }
    });

    test('are read on after the last position, and none of them again', async (fixture, engine) => {
      let published = 0;
      for (const count of [300, 1, 0, 700]) {
        await fixture.publish(orders(count, published));
        published += count;
        await whileFollowing(fixture, engine, async ({ consumer }) => {
          await until('all are there', async () => (await engine.counts()).orders === published);
          await until(
            'it says so',
            () => consumer.status().messages === count && consumer.status().state === 'following',
          );
          const { messages, redelivered } = consumer.status();
          assert.deepEqual([messages, redelivered], [count, 0]);
        });
      }
      const positions = await engine.streamPositions(fixture.stream.name);
      assert.equal(positions.size, fixture.hasPartitions ? 2 : 1);
    });

    test('keep the order of their partition: the later version wins', async (fixture, engine) => {
      const versions = Array.from({ length: 400 }, (_, i) => ({
        source: 'orders' as const,
        body: JSON.stringify(order('c', `${i % 4}`, { total: i })),
        partition: (i % 4) % 2,
      }));
      await fixture.publish(versions);
      await whileFollowing(fixture, engine, ({ consumer }) =>
        until('all are read', () => consumer.status().messages === 400),
      );
      const { orders } = await engine.customerFacts('c');
      const totals = orders.map((fact) => fact.totalE4 / 10_000).sort((a, b) => a - b);
      assert.deepEqual(totals, [396, 397, 398, 399]);
    });

    test('are put again when that failed, and nothing overtakes them', async (fixture, engine) => {
      let puts = 0;
      const failing: Pick<Engine, 'put' | 'streamPositions'> = {
        streamPositions: (stream) => engine.streamPositions(stream),
        async put(facts, positions) {
          if (++puts % 2 === 1) throw new Error('no room');
          return engine.put(facts, positions);
        },
      };
      await fixture.publish(orders(10));
      await whileFollowing(fixture, failing, async ({ consumer, failures }) => {
        await until('all are there', () => consumer.status().accepted === 10);
        await fixture.publish(orders(10, 10));
        await until('all are there', () => consumer.status().accepted === 20);
        assert.ok(failures.length >= 2);
        assert.deepEqual([consumer.status().state, consumer.status().failure], ['following', undefined]);
      });
      assert.equal((await engine.counts()).orders, 20);
    });

    test(
      'come on after the broker was killed and started again',
      async (fixture, engine) => {
        await fixture.publish(orders(50));
        await whileFollowing(fixture, engine, async ({ consumer }) => {
          await until('the first are there', () => consumer.status().accepted === 50);
          await fixture.restartBroker!();
          await fixture.publish(orders(50, 50));
          await until('the others are there', () => consumer.status().accepted === 100);
          assert.equal(consumer.status().redelivered, 0);
        });
      },
      'restartBroker',
    );

    test(
      'of a stream that was made anew are read from its beginning',
      async (fixture, engine) => {
        await fixture.publish(orders(30));
        await whileFollowing(fixture, engine, ({ consumer }) =>
          until('the first are there', () => consumer.status().accepted === 30),
        );
        await fixture.recreate!();
        await fixture.publish(orders(20, 100));
        await whileFollowing(fixture, engine, ({ consumer }) =>
          until('the new are there', () => consumer.status().accepted === 20),
        );
        assert.equal((await engine.counts()).orders, 50);
      },
      'recreate',
    );
  });
}
