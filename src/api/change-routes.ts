/** `/v1/changes`: who entered and left which segments, in order, to be gone on with from any position. */
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { ChangeFeed } from '../core/feed/change-feed.ts';
import { CoterieError } from '../model/error.ts';
import { answersOf } from './answer-schemas.ts';
import { BLOCK_CHANGES, changeEvents, ndjsonChanges } from './change-lines.ts';
import type { Api, RouteContext } from './context.ts';

const POSITION_TEXT = /^\d{1,15}$/;

const ChangesQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        pattern: '^([0-9]{1,15}|latest)$',
        description:
          'A position: changes after it. `latest` is from now on. Without it, from the oldest that is kept.',
        examples: ['1042'],
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 4_294_967_295, description: 'Most lines of NDJSON; default all.' }),
    ),
    segment: Type.Optional(
      Type.String({ description: 'Only of this segment, or of the instances of this family.' }),
    ),
    customer: Type.Optional(Type.String({ description: 'Only of this customer.' })),
  },
  { additionalProperties: false },
);

/** Puts the routes on a server. When it closes, streams end. */
export function addChangeRoutes(api: Api, context: RouteContext): void {
  const closing = new AbortController();
  api.addHook('preClose', (done) => {
    closing.abort();
    done();
  });
  api.get(
    '/v1/changes',
    {
      schema: {
        tags: ['Changes'],
        summary: 'Who entered and left which segments, in order',
        description:
          'A line for each customer whom a tick changed: `{"position", "at", "customer", "entered": […], "exited": […]}`. NDJSON up to now, or with `Accept: text/event-stream` server-sent events that go on as changes come; `Last-Event-ID` goes before `after`. The header `Coterie-Position` says up to where NDJSON was read. 410 when changes after the position are no longer kept.',
        querystring: ChangesQuery,
        response: answersOf(['application/x-ndjson', 'text/event-stream'], 'The changes.'),
      },
    },
    async (request, reply) => {
      const feed = feedOf(context);
      const { limit = Number.POSITIVE_INFINITY, segment, customer } = request.query;
      const filter = { segment, customer };
      const isStream = request.headers.accept?.includes('text/event-stream') === true;
      const lastId = isStream ? request.headers['last-event-id'] : undefined;
      const after = await startOf(feed, lastId ?? request.query.after);
      const until = await feed.position();
      // The first block before the head of the answer, so that a position too far back is a 410.
      const first = await feed.read(after, BLOCK_CHANGES);
      if (!isStream) {
        const lines = ndjsonChanges(feed, first, { until, limit, filter });
        return reply
          .header('content-type', 'application/x-ndjson; charset=utf-8')
          .header('coterie-position', until)
          .send(Readable.from(lines, { objectMode: false }));
      }
      const leaving = new AbortController();
      reply.raw.once('close', () => leaving.abort());
      const signal = AbortSignal.any([leaving.signal, closing.signal]);
      return reply
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(Readable.from(changeEvents(feed, first, { after, filter, signal }), { objectMode: false }));
    },
  );
}

async function startOf(feed: ChangeFeed, text: string | readonly string[] | undefined): Promise<number> {
  if (text === undefined || text === '') return feed.start();
  if (text === 'latest') return feed.position();
  if (typeof text === 'string' && POSITION_TEXT.test(text)) return Number(text);
  throw new CoterieError(
    'REQUEST_INVALID',
    `Last-Event-ID: expected a position, found ${JSON.stringify(text).slice(0, 100)}`,
    { field: 'last-event-id', in: 'headers', expected: 'a position' },
  );
}

/** @throws {CoterieError} `CORE_UNAVAILABLE` in a process without the log of changes. */
export function feedOf(context: RouteContext): ChangeFeed {
  if (context.feed === undefined) {
    throw new CoterieError('CORE_UNAVAILABLE', 'This process has no log of changes: ask the Core');
  }
  return context.feed;
}
