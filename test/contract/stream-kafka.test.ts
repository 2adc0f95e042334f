/**
 * Kafka on a real broker in KRaft mode, whose jars come from the Java registry at the first run. Skipped
 * loudly where they cannot be had, except in CI, where that is a failure.
 */
import { after, before } from 'node:test';
import { Admin, Producer } from '@platformatic/kafka';
import { kafkaMissing, type RunningKafka, startKafka } from '../../scripts/service/kafka.mjs';
import { kafkaMessageStream } from '../../src/core/stream/kafka/kafka-message-stream.ts';
import { type Published, type StreamFixture, streamContract } from './stream-contract.ts';
import { streamKill } from './stream-kill.ts';

// Its tests are half of the suite's time, and what happens on a kill is the same for every broker.
const KILLS = 5;

const missing = await kafkaMissing();
const skip =
  missing === undefined || process.env.CI !== undefined
    ? false
    : `${missing}: facts from Kafka are NOT tested`;

const PARTITIONS = 2;
let server: RunningKafka;
let streams = 0;
let topic = '';
before(async () => {
  if (skip === false) server = await startKafka();
});
after(() => server?.stop());

const client = () => ({ clientId: 'test', bootstrapBrokers: [server.brokers], retries: 20, retryDelay: 250 });

async function open(): Promise<StreamFixture> {
  const number = ++streams;
  const sources = ['orders', 'customers', 'stores', 'elsewhere'] as const;
  // The kill test's child reads one topic, as a list of all would be long.
  const topicOf = (source: Published['source']) => `shop${number}.${source}`;
  topic = topicOf('orders');
  const topics = sources.map(topicOf);
  const administer = async (work: (admin: Admin) => Promise<unknown>) => {
    const admin = new Admin(client());
    try {
      await work(admin);
    } finally {
      await admin.close();
    }
  };
  const create = (admin: Admin) => admin.createTopics({ topics, partitions: PARTITIONS, replicas: 1 });
  await administer(create);
  return {
    stream: kafkaMessageStream({ brokers: [server.brokers], topics }),
    hasPartitions: true,
    async publish(messages) {
      if (messages.length === 0) return;
      // A send that is tried again, as when one of its partitions has no leader yet, must not bring the others twice.
      const producer = new Producer({ ...client(), idempotent: true });
      try {
        await producer.send({
          acks: -1,
          messages: messages.map(({ source, body, partition = 0 }) => ({
            topic: topicOf(source),
            partition,
            value: Buffer.from(body),
          })),
        });
      } finally {
        await producer.close();
      }
    },
    recreate: () =>
      administer(async (admin) => {
        await admin.deleteTopics({ topics });
        await create(admin);
      }),
    restartBroker: () => server.restart(),
  };
}

streamContract('Kafka', open, { skip });

streamKill('Kafka', { skip, open, kills: KILLS, child: () => ['kafka', server.brokers, topic] });
