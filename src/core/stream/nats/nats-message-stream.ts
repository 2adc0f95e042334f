/**
 * NATS JetStream as a source of facts: an ordered consumer, which the server forgets by itself, reads one
 * stream from the position on that is kept with the facts. The stream's moment of creation names its one
 * partition, since a stream that is made anew counts from 1 again.
 */
import {
  type Consumer,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { CoterieError } from '../../../model/error.ts';
import type { MessageStream, Positions, StreamMessage, StreamReader } from '../message-stream.ts';

export interface NatsOptions {
  /** `nats://host:4222`, with `user:password@` or `token@` before the host, or `tls://`; several with commas. */
  readonly url: string;
  readonly stream: string;
}

/**
 * Read ahead at most, if every message were of the largest size that the server takes. Pulls are counted in
 * messages: one that is limited by bytes ends only when its time is over.
 */
const PULL_BYTES_MAX = 64 * 1_048_576;
const PULL_MESSAGES_MAX = 500;
/** How long the server keeps a pull that it cannot fill; the next one follows at once. */
const PULL_MS = 5000;
const CONNECT_MS = 5000;

export function natsMessageStream(options: NatsOptions): MessageStream {
  return {
    name: `nats:${options.stream}`,
    async open(after) {
      const connection = await connectTo(options);
      try {
        return await openReader(connection, options.stream, after);
      } catch (error) {
        await connection.close();
        throw translate(error, options);
      }
    },
  };

  async function openReader(
    connection: NatsConnection,
    stream: string,
    after: Positions,
  ): Promise<StreamReader> {
    const manager = await jetstreamManager(connection);
    const { created, state } = await manager.streams.info(stream);
    const partition = created;
    const position = after.get(partition) ?? 0;
    if (position > state.last_seq) {
      throw new CoterieError(
        'STREAM_POSITION_LOST',
        `${stream} of NATS ends at ${state.last_seq}, and facts were taken in from it up to ${position}`,
        { stream, expected: position, found: state.last_seq },
      );
    }
    const consumer = await jetstream(connection).consumers.get(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: position + 1,
    });
    let closed = false;
    return {
      blocks: readBlocks(connection, { manager, consumer, partition, isClosed: () => closed, options }),
      lag: (at) => lagOf(manager, stream, at.get(partition) ?? 0),
      async close() {
        closed = true;
        await connection.close();
      },
    };
  }
}

async function connectTo({ url, stream }: NatsOptions): Promise<NatsConnection> {
  const servers = url.split(',').map((text) => new URL(text.includes('://') ? text : `nats://${text}`));
  const { username, password, protocol } = servers[0]!;
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  try {
    return await connect({
      servers: servers.map((server) => server.host),
      name: 'coterie',
      timeout: CONNECT_MS,
      // The consumer connects anew, from the position that is durable.
      reconnect: false,
      ...(protocol === 'tls:' ? { tls: {} } : {}),
      ...(user === '' ? {} : pass === '' ? { token: user } : { user, pass }),
    });
  } catch (error) {
    throw translate(error, { url, stream });
  }
}

async function* readBlocks(
  connection: NatsConnection,
  from: {
    readonly manager: JetStreamManager;
    readonly consumer: Consumer;
    readonly partition: string;
    readonly options: NatsOptions;
    isClosed(): boolean;
  },
): AsyncGenerator<readonly StreamMessage[]> {
  const { manager, consumer, partition, options, isClosed } = from;
  const payloadMax = connection.info?.max_payload ?? PULL_BYTES_MAX;
  const max_messages = Math.max(1, Math.min(PULL_MESSAGES_MAX, Math.floor(PULL_BYTES_MAX / payloadMax)));
  // An ordered consumer is made anew when it breaks, also upon a stream that was made anew meanwhile.
  let readThrough = '';
  try {
    while (!isClosed()) {
      const messages = await consumer.fetch({ max_messages, expires: PULL_MS });
      let pulled = 0;
      for await (const { subject, seq, data, info } of messages) {
        if (info.consumer !== readThrough) await requireSame(manager, options.stream, partition);
        readThrough = info.consumer;
        pulled++;
        yield [{ subject, partition, position: seq, body: data }];
      }
      if (pulled === 0 && !isClosed()) await requireSame(manager, options.stream, partition);
      if (connection.isClosed() && !isClosed()) throw new Error('the connection was closed');
    }
  } catch (error) {
    if (!isClosed()) throw translate(error, options);
  }
}

/** Ends the reading of a stream that is another one by now: it has to be read from its beginning. */
async function requireSame(manager: JetStreamManager, stream: string, created: string): Promise<void> {
  const found = (await manager.streams.info(stream)).created;
  if (found !== created) throw new Error(`the stream was made anew at ${found}`);
}

async function lagOf(manager: JetStreamManager, stream: string, position: number): Promise<number> {
  const { state } = await manager.streams.info(stream);
  return Math.max(0, state.last_seq - Math.max(position, state.first_seq - 1));
}

function translate(cause: unknown, { url, stream }: NatsOptions): CoterieError {
  if (cause instanceof CoterieError) return cause;
  const details = { stream };
  if (cause instanceof JetStreamApiError && cause.code === JetStreamApiCodes.StreamNotFound) {
    return new CoterieError('STREAM_NOT_FOUND', `NATS has no stream ${stream}`, details, { cause });
  }
  const address = url.replace(/[^/@,]*@/g, '');
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CoterieError('STREAM_UNREACHABLE', `${stream} of NATS at ${address}: ${reason}`, details, {
    cause,
  });
}
