/**
 * Fetch requests to Kafka. The client's own `fetch` filters records of aborted transactions itself and keeps
 * those whose end is not in the same answer, so requests are made one level below it, by the public
 * functions of the protocol, and the filter is ours.
 */
import { type Consumer, fetchV13, fetchV14, fetchV15, fetchV16, fetchV17 } from '@platformatic/kafka';
import { CoterieError } from '../../../model/error.ts';
import type { AbortedTransaction, RecordBatch } from './kafka-records.ts';

/** Of a partition, what an answer brings. */
export interface FetchedPartition {
  readonly topicId: string;
  readonly index: number;
  readonly batches: readonly RecordBatch[];
  readonly abortedTransactions: readonly AbortedTransaction[];
}

/** Asks one node for what follows in partitions that it leads. */
export type KafkaFetcher = (
  node: number,
  partitions: readonly { readonly topicId: string; readonly index: number; readonly next: bigint }[],
) => Promise<readonly FetchedPartition[]>;

/** Kafka's name for: no records of transactions that are open. */
export const READ_COMMITTED = 1;

/** How long a broker without new records keeps a request; a close waits for it. */
const WAIT_MS = 500;
const BYTES_MIN = 1;
const BYTES_MAX = 8 * 1_048_576;
const PARTITION_BYTES_MAX = 1_048_576;

/** Newest first; older ones name topics and not their ids. */
const VERSIONS = [fetchV17, fetchV16, fetchV15, fetchV14, fetchV13];
const FETCH = 'Fetch';

/** A fetcher in the newest version of the protocol that client and broker share. */
export async function fetcherOf(client: Consumer<Buffer, Buffer, Buffer, Buffer>): Promise<KafkaFetcher> {
  const offered = (await client.listApis()).find(({ name }) => name === FETCH);
  const version = VERSIONS.find(
    ({ api }) =>
      offered !== undefined && api.version >= offered.minVersion && api.version <= offered.maxVersion,
  );
  if (version === undefined) {
    throw new CoterieError(
      'STREAM_UNREACHABLE',
      'the Kafka broker is too old: expected 3.1 or newer, which knows version 13 of Fetch',
    );
  }
  return async (node, partitions) => {
    const connection = (await client.connectToBrokers([node])).get(node);
    if (connection === undefined) throw new Error(`broker ${node} is not known`);
    const topics = [...new Set(partitions.map(({ topicId }) => topicId))].map((topicId) => ({
      topicId,
      partitions: partitions
        .filter((partition) => partition.topicId === topicId)
        .map(({ index, next }) => ({
          partition: index,
          fetchOffset: next,
          currentLeaderEpoch: -1,
          lastFetchedEpoch: -1,
          partitionMaxBytes: PARTITION_BYTES_MAX,
        })),
    }));
    const answer = await version.api.async(
      connection,
      WAIT_MS,
      BYTES_MIN,
      BYTES_MAX,
      READ_COMMITTED,
      0,
      // No session is kept at the broker.
      -1,
      topics,
      [],
      '',
    );
    return answer.responses.flatMap(({ topicId, partitions: answers }) =>
      answers.map(({ partitionIndex, records, abortedTransactions }) => ({
        topicId,
        index: partitionIndex,
        batches: records ?? [],
        abortedTransactions,
      })),
    );
  };
}
