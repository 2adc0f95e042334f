/**
 * Kafka as a source of facts: reads every partition of some topics from the offset on that is kept with the
 * facts. It joins no group and commits nothing at the broker, so that nothing there has to agree with what
 * is durable here. A topic's id is part of a partition's name, since a topic that is made anew counts from 0.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Consumer, ListOffsetTimestamps } from '@platformatic/kafka';
import { CoterieError } from '../../../model/error.ts';
import type { MessageStream, Positions, StreamMessage, StreamReader } from '../message-stream.ts';
import { type FetchedPartition, fetcherOf, type KafkaFetcher, READ_COMMITTED } from './kafka-fetch.ts';
import { committedRecords } from './kafka-records.ts';

export interface KafkaOptions {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  readonly topics: readonly string[];
}

/** Partitions that are added to a topic are read within this time. */
const METADATA_MS_MAX = 30_000;
const CONNECT_MS = 5000;
const REQUEST_MS_MAX = 10_000;
const CLOSE_MS_MAX = 2000;
const RETRIES = 1;

/** What is read of one partition. */
interface Followed {
  readonly name: string;
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  leader: number;
  /** The offset to read next. */
  next: bigint;
  /** The last message that was handed on. */
  lastPosition: number;
}

export function kafkaMessageStream(options: KafkaOptions): MessageStream {
  return {
    name: 'kafka',
    async open(after) {
      const client = new Consumer<Buffer, Buffer, Buffer, Buffer>({
        clientId: 'coterie',
        // It names requests only: no group is ever joined.
        groupId: `coterie-${randomUUID()}`,
        bootstrapBrokers: [...options.brokers],
        metadataMaxAge: METADATA_MS_MAX,
        connectTimeout: CONNECT_MS,
        requestTimeout: REQUEST_MS_MAX,
        retries: RETRIES,
        autocreateTopics: false,
      });
      const reader = new KafkaReader(client, options, after);
      try {
        await reader.begin();
        return reader;
      } catch (error) {
        await reader.close();
        throw translate(error, options);
      }
    },
  };
}

class KafkaReader implements StreamReader {
  readonly #client: Consumer<Buffer, Buffer, Buffer, Buffer>;
  readonly #options: KafkaOptions;
  readonly #after: Positions;
  readonly #partitions = new Map<string, Followed>();
  /** Node → its fetch under way. */
  readonly #fetching = new Map<number, Promise<{ node: number; answers: readonly FetchedPartition[] }>>();
  #fetcher: KafkaFetcher | undefined;
  #closing: Promise<void> | undefined;
  readonly blocks: AsyncIterable<readonly StreamMessage[]>;

  constructor(client: Consumer<Buffer, Buffer, Buffer, Buffer>, options: KafkaOptions, after: Positions) {
    this.#client = client;
    this.#options = options;
    this.#after = after;
    this.blocks = this.#read();
  }

  async begin(): Promise<void> {
    this.#fetcher = await fetcherOf(this.#client);
    await this.#learnPartitions();
  }

  async lag(at: Positions): Promise<number> {
    const ends = await this.#offsets(ListOffsetTimestamps.LATEST);
    let lag = 0;
    for (const { name, topic, index, next, lastPosition } of this.#partitions.values()) {
      const position = at.get(name) ?? -1;
      // What follows the last message up to the next offset are marks of transactions, not messages.
      const from = position === lastPosition ? next : BigInt(position + 1);
      lag += Math.max(0, Number((ends.get(topic)?.[index] ?? from) - from));
    }
    return lag;
  }

  close(): Promise<void> {
    // A connection that hangs must not keep the next attempt waiting.
    this.#closing ??= Promise.race([this.#client.close().catch(() => {}), delay(CLOSE_MS_MAX)]);
    return this.#closing;
  }

  async *#read(): AsyncGenerator<readonly StreamMessage[]> {
    try {
      while (this.#closing === undefined) {
        await this.#learnPartitions();
        this.#fetchFromAll();
        if (this.#fetching.size === 0) throw new Error('the topics have no partitions yet');
        const { node, answers } = await Promise.race(this.#fetching.values());
        this.#fetching.delete(node);
        for (const answer of answers) {
          const messages = this.#messagesOf(answer);
          if (messages.length > 0) yield messages;
        }
      }
    } catch (error) {
      if (this.#closing === undefined) throw translate(error, this.#options);
    }
  }

  /** Finds the partitions and their leaders; asks the broker only when what is known is old. */
  async #learnPartitions(): Promise<void> {
    const { topics } = await this.#client.metadata({ topics: [...this.#options.topics] });
    const found: Followed[] = [];
    for (const [topic, { id, partitions }] of topics) {
      for (const [index, { leader }] of partitions.entries()) {
        const name = `${topic}/${index}@${id}`;
        const known = this.#partitions.get(name);
        if (known === undefined) {
          const position = this.#after.get(name) ?? -1;
          const followed = { name, topic, topicId: id, index, leader, next: BigInt(position + 1) };
          found.push({ ...followed, lastPosition: position });
        } else known.leader = leader;
      }
    }
    if (found.length > 0) await this.#place(found);
  }

  /** Checks where partitions that are new here begin, against what the broker holds. */
  async #place(found: readonly Followed[]): Promise<void> {
    const begins = await this.#offsets(ListOffsetTimestamps.EARLIEST);
    const ends = await this.#offsets(ListOffsetTimestamps.LATEST);
    for (const partition of found) {
      const { name, topic, index } = partition;
      const [begin, end] = [begins.get(topic)![index]!, ends.get(topic)![index]!];
      if (partition.next > end) {
        throw new CoterieError(
          'STREAM_POSITION_LOST',
          `partition ${index} of the topic ${topic} ends before ${end}, and facts were taken in from it up to ${partition.lastPosition}`,
          { topic, partition: index, expected: partition.lastPosition, found: Number(end) - 1 },
        );
      }
      if (partition.next < begin) partition.next = begin;
      this.#partitions.set(name, partition);
    }
  }

  #offsets(timestamp: bigint): Promise<Map<string, bigint[]>> {
    const topics = [...this.#options.topics];
    return this.#client.listOffsets({ topics, timestamp, isolationLevel: READ_COMMITTED });
  }

  /** Starts a fetch from each leader that has none under way. */
  #fetchFromAll(): void {
    const leaders = new Set([...this.#partitions.values()].map(({ leader }) => leader));
    for (const node of leaders) {
      if (this.#fetching.has(node)) continue;
      const wanted = [...this.#partitions.values()].filter(({ leader }) => leader === node);
      const fetch = this.#fetcher!(node, wanted).then((answers) => ({ node, answers }));
      // Told to whoever reads next.
      fetch.catch(() => {});
      this.#fetching.set(node, fetch);
    }
  }

  #messagesOf({ topicId, index, batches, abortedTransactions }: FetchedPartition): StreamMessage[] {
    const partition = [...this.#partitions.values()].find(
      (followed) => followed.topicId === topicId && followed.index === index,
    );
    if (partition === undefined) return [];
    const { name, topic } = partition;
    const { records, next } = committedRecords(batches, abortedTransactions, partition.next);
    partition.next = next;
    const last = records.at(-1);
    if (last !== undefined) partition.lastPosition = Number(last.offset);
    return records.map(({ offset, value }) => ({
      subject: topic,
      partition: name,
      position: Number(offset),
      body: value,
    }));
  }
}

function translate(cause: unknown, { brokers, topics }: KafkaOptions): CoterieError {
  if (cause instanceof CoterieError) return cause;
  const details = { topics };
  const isUnknown = (cause as { findBy?(name: string, value: string): unknown }).findBy?.(
    'apiId',
    'UNKNOWN_TOPIC_OR_PARTITION',
  );
  if (isUnknown) {
    return new CoterieError('STREAM_NOT_FOUND', `Kafka has not all topics of ${topics.join(', ')}`, details, {
      cause,
    });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CoterieError('STREAM_UNREACHABLE', `Kafka at ${brokers.join(', ')}: ${reason}`, details, {
    cause,
  });
}
