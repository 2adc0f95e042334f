/** Metrics of the streams that facts are taken in from. Labels are streams and their partitions: few, and bounded. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { StreamConsumer, StreamStatus } from '../core/stream/stream-consumer.ts';

type Streams = readonly Pick<StreamConsumer, 'status'>[];

/** Adds them to a registry; none where there are no streams. */
export function addStreamMetrics(registry: Registry, streams: Streams): void {
  if (streams.length === 0) return;
  const registers = [registry];
  const gauge = (name: string, help: string, read: (status: StreamStatus) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['source'],
      registers,
      collect() {
        for (const status of streams.map((stream) => stream.status())) {
          const value = read(status);
          if (value === undefined) this.remove(status.source);
          else this.set({ source: status.source }, value);
        }
      },
    });
  const total = (name: string, help: string, read: (status: StreamStatus) => number) =>
    new Counter({
      name,
      help,
      labelNames: ['source'],
      registers,
      collect() {
        this.reset();
        for (const status of streams.map((stream) => stream.status())) {
          this.inc({ source: status.source }, read(status));
        }
      },
    });
  gauge('coterie_stream_up', '1 while a stream is followed, 0 while it is not.', ({ state }) =>
    state === 'following' ? 1 : 0,
  );
  gauge(
    'coterie_stream_lag_messages',
    'Messages that the broker has and that are not durable here.',
    ({ lagMessages }) => lagMessages,
  );
  gauge(
    'coterie_stream_last_message_seconds',
    'When the last message became durable, in seconds since 1970.',
    ({ lastMessageAt }) => lastMessageAt,
  );
  total('coterie_stream_messages_total', 'Messages taken in.', ({ messages }) => messages);
  total('coterie_stream_accepted_total', 'Rows of messages made durable.', ({ accepted }) => accepted);
  total('coterie_stream_rejected_total', 'Rows of messages set aside.', ({ rejected }) => rejected);
  new Gauge({
    name: 'coterie_stream_position',
    help: 'The last position of a partition that is durable.',
    labelNames: ['source', 'partition'],
    registers,
    collect() {
      this.reset();
      for (const { source, position } of streams.map((stream) => stream.status())) {
        for (const [partition, at] of Object.entries(position)) this.set({ source, partition }, at);
      }
    },
  });
}
