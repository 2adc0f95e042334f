/** Streams that facts are taken in from: how far each is, how much waits at its broker, what was set aside. */
import { Type } from 'typebox';
import type { StreamStatus } from '../core/stream/stream-consumer.ts';
import { formatMoment } from '../model/time.ts';
import { answers } from './answer-schemas.ts';
import type { Api, RouteContext } from './context.ts';

const StreamSchema = Type.Object({
  source: Type.String({ description: 'The stream: `nats:FACTS`, `kafka`.' }),
  state: Type.Enum(['connecting', 'following', 'failing', 'stopped'], {
    description: 'failing: connecting, reading or writing failed, and is tried again.',
  }),
  position: Type.Record(Type.String(), Type.Integer(), {
    description: 'Partition → the last position that is durable.',
  }),
  lagMessages: Type.Optional(
    Type.Integer({
      description:
        'Messages that the broker had when it was last asked (every 5 s), less those that became durable here since. Absent until it was asked.',
    }),
  ),
  lastMessageAt: Type.Optional(
    Type.String({
      description: 'When the last message became durable. Absent before the first since the start.',
    }),
  ),
  messages: Type.Integer({ description: 'Since the start: messages taken in.' }),
  redelivered: Type.Integer({ description: 'Messages dropped because they had been taken in before.' }),
  accepted: Type.Integer({ description: 'Rows made durable.' }),
  rejected: Type.Integer({ description: 'Rows set aside.' }),
  reasons: Type.Record(Type.String(), Type.Integer(), { description: 'Reason → rows set aside.' }),
  failure: Type.Optional(Type.String({ description: 'What fails, in words.' })),
});

/** Puts the route on a server. */
export function addStreamRoutes(api: Api, context: RouteContext): void {
  api.get(
    '/v1/streams',
    {
      schema: {
        tags: ['Facts'],
        summary: 'The streams that facts are taken in from, and how far each is',
        response: answers(Type.Object({ items: Type.Array(StreamSchema) })),
      },
    },
    async () => ({ items: context.streams.map((stream) => asAnswer(stream.status())) }),
  );
}

function asAnswer({ lastMessageAt, ...status }: StreamStatus) {
  return {
    ...status,
    ...(lastMessageAt === undefined ? {} : { lastMessageAt: formatMoment(lastMessageAt) }),
  };
}
