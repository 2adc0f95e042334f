/** What those who run Coterie ask: is the process alive, can it answer, and the counters. Never turned away. */
import { Type } from 'typebox';
import type { LiveStatus } from '../core/core.ts';
import { CoterieError } from '../model/error.ts';
import { formatMoment } from '../model/time.ts';
import { beyondFreshness } from '../store/freshness.ts';
import { AsOfSchema, answers, answersOf } from './answer-schemas.ts';
import { type Api, type RouteContext, viewOf } from './context.ts';
import { ALWAYS_ANSWERED } from './guards.ts';

const ReadySchema = Type.Object({
  status: Type.Literal('ready'),
  version: Type.String(),
  role: Type.Enum(['all', 'store']),
  asOf: AsOfSchema,
  ageSeconds: Type.Number({ description: 'How old answers are.' }),
  calculationNo: Type.Integer(),
  customers: Type.Integer(),
  segments: Type.Integer(),
  segmentsBeyondFreshness: Type.Integer({
    description: 'Active segments whose answers are older than their definition wants.',
  }),
  live: Type.Optional(
    Type.Object(
      {
        state: Type.Enum(['ticking', 'waiting', 'pinned'], {
          description:
            'ticking; waiting for a first calculation; pinned: the last calculation was asked for as of a moment.',
        }),
        latenessSeconds: Type.Optional(
          Type.Number({ description: 'How far answers are behind the clock beyond one period of ticks.' }),
        ),
        ticks: Type.Integer(),
        failures: Type.Integer({ description: 'Ticks that failed since the last one that did not.' }),
      },
      { description: 'Absent where memberships do not follow facts by ticks.' },
    ),
  ),
  streams: Type.Optional(
    Type.Array(
      Type.Object({
        source: Type.String(),
        state: Type.Enum(['connecting', 'following', 'failing', 'stopped']),
        lagMessages: Type.Optional(Type.Integer()),
      }),
      { description: 'Absent where no facts are taken in from streams; `/v1/streams` has more of them.' },
    ),
  ),
});

/** Puts the routes on a server. */
export function addOperationRoutes(api: Api, context: RouteContext): void {
  api.get(
    '/healthz',
    {
      config: ALWAYS_ANSWERED,
      // Balancers ask for the head alone.
      exposeHeadRoute: true,
      schema: {
        tags: ['Operations'],
        summary: 'Is the process alive?',
        response: answers(Type.Object({ status: Type.Literal('alive') })),
      },
    },
    (_request, reply) => {
      reply.send({ status: 'alive' });
    },
  );

  api.get(
    '/readyz',
    {
      config: ALWAYS_ANSWERED,
      // Balancers ask for the head alone.
      exposeHeadRoute: true,
      schema: {
        tags: ['Operations'],
        summary: 'Can it answer checks, and how old are the answers?',
        response: answers(ReadySchema),
      },
    },
    (_request, reply) => {
      if (api.isUnderPressure()) throw new CoterieError('OVERLOADED', 'The event loop is late');
      const { asOf, customers, directory } = viewOf(context);
      reply.send({
        status: 'ready',
        version: context.options.version,
        role: context.core === undefined ? 'store' : 'all',
        asOf: formatMoment(asOf.moment),
        ageSeconds: Math.max(0, Math.floor(Date.now() / 1000) - asOf.moment),
        calculationNo: asOf.calculationNo,
        customers,
        segments: directory.entries.length,
        segmentsBeyondFreshness: beyondFreshness({ asOf, directory }, Date.now() / 1000).beyond,
        ...liveAnswer(context.core?.liveStatus()),
        ...streamsAnswer(context),
      });
    },
  );

  api.get(
    '/metrics',
    {
      config: ALWAYS_ANSWERED,
      // Balancers ask for the head alone.
      exposeHeadRoute: true,
      schema: {
        tags: ['Operations'],
        summary: 'Counters for Prometheus',
        response: answersOf(['text/plain'], 'Prometheus text.'),
      },
    },
    async (_request, reply) =>
      reply.header('content-type', context.metrics.contentType).send(await context.metrics.text()),
  );
}

function liveAnswer(status: LiveStatus | undefined) {
  if (!status) return {};
  const { state, latenessS, ticks, failures } = status;
  return {
    live: { state, ...(latenessS === undefined ? {} : { latenessSeconds: latenessS }), ticks, failures },
  };
}

function streamsAnswer({ streams }: RouteContext) {
  if (streams.length === 0) return {};
  return {
    streams: streams.map((stream) => {
      const { source, state, lagMessages } = stream.status();
      return { source, state, ...(lagMessages === undefined ? {} : { lagMessages }) };
    }),
  };
}
