/** Questions about the customers of segments: how many, who, and how many in several at once. */
import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { OVERLAP_SEGMENTS_MAX } from '../core/population.ts';
import { CoterieError } from '../model/error.ts';
import { formatDuration, formatMoment, parseDuration, parseMoment } from '../model/time.ts';
import {
  AsOfSchema,
  answers,
  answersOf,
  MarkSchema,
  SegmentKeySchema,
  WarningsSchema,
} from './answer-schemas.ts';
import { type Api, coreOf, type RouteContext } from './context.ts';
import { type MemberFormat, memberLines } from './member-lines.ts';
import { withAsOfText } from './report.ts';

const closed = { additionalProperties: false } as const;
const KeyPath = Type.Object({ key: SegmentKeySchema });
const CustomersSchema = Type.Integer({ description: 'Known customers: the whole.' });

const SizeAnswer = Type.Object({
  key: Type.String(),
  size: Type.Integer({
    description: 'Known customers in it, exact. For a family, those in any of its instances.',
  }),
  customers: CustomersSchema,
  warnings: WarningsSchema,
  asOf: AsOfSchema,
  mark: MarkSchema,
});

const MembersQuery = Type.Object(
  {
    format: Type.Optional(
      Type.Enum(['ndjson', 'csv'], { description: 'Goes before Accept; without either, NDJSON.' }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 4_294_967_295, description: 'Most members; default all of them.' }),
    ),
  },
  closed,
);

const HistoryQuery = Type.Object(
  {
    from: Type.Optional(Type.String({ description: 'ISO 8601; default a week before `to`.' })),
    to: Type.Optional(
      Type.String({
        description: 'ISO 8601, exclusive; default and at most the end of the hour that answers reflect.',
      }),
    ),
    step: Type.Optional(
      Type.String({
        description: 'Whole hours or days; default 1h for up to a week, 1d beyond.',
        examples: ['1h', '1d'],
      }),
    ),
  },
  closed,
);

const HistoryAnswer = Type.Object({
  key: Type.String(),
  step: Type.String(),
  points: Type.Array(
    Type.Object({
      from: Type.String({ format: 'date-time' }),
      to: Type.String({ format: 'date-time', description: 'Exclusive.' }),
      entries: Type.Integer(),
      exits: Type.Integer(),
      size: Type.Union([Type.Integer(), Type.Null()], {
        description: 'Members at the end of the step; null before the first that is known.',
      }),
    }),
  ),
  asOf: AsOfSchema,
  mark: MarkSchema,
});

const OverlapBody = Type.Object(
  { segments: Type.Array(SegmentKeySchema, { minItems: 1, maxItems: OVERLAP_SEGMENTS_MAX }) },
  closed,
);

const OverlapAnswer = Type.Object({
  keys: Type.Array(Type.String()),
  sizes: Type.Array(Type.Integer()),
  pairs: Type.Array(Type.Array(Type.Integer()), {
    description: 'pairs[i][j]: customers in both; the diagonal holds the sizes.',
  }),
  all: Type.Integer({ description: 'Customers in all of them.' }),
  any: Type.Integer({ description: 'Customers in any of them.' }),
  customers: CustomersSchema,
  asOf: AsOfSchema,
  mark: MarkSchema,
});

const CONTENT_TYPES: Readonly<Record<MemberFormat, string>> = {
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
};

/** Puts the routes on a server. */
export function addMemberRoutes(api: Api, context: RouteContext): void {
  api.get(
    '/v1/segments/:key/size',
    {
      schema: {
        tags: ['Segments'],
        summary: 'How many customers are in a segment?',
        params: KeyPath,
        response: answers(SizeAnswer),
      },
    },
    async (request) => withAsOfText(await coreOf(context).size(request.params.key)),
  );

  api.get(
    '/v1/segments/:key/members',
    {
      schema: {
        tags: ['Segments'],
        summary: 'Who is in a segment? As a stream',
        description:
          'NDJSON (`{"customer":"…"}` a line) or CSV (one column, `customer`). The header `Coterie-As-Of` says what moment it reflects. A stream that breaks off is not whole: its connection is cut.',
        params: KeyPath,
        querystring: MembersQuery,
        response: answersOf(['application/x-ndjson', 'text/csv'], 'The members.'),
      },
    },
    async (request, reply) => {
      const core = coreOf(context);
      const format = request.query.format ?? acceptedFormat(request.headers.accept);
      const last = await core.lastCalculation();
      const blocks = core.members(request.params.key)[Symbol.asyncIterator]();
      // The first block before the head of the answer, so that an unknown segment is a 404.
      const first = await blocks.next();
      const lines = memberLines(first, blocks, { format, limit: request.query.limit });
      if (last !== undefined) reply.header('coterie-as-of', formatMoment(last.asOf.moment));
      return reply
        .header('content-type', CONTENT_TYPES[format])
        .send(Readable.from(lines, { objectMode: false }));
    },
  );

  api.get(
    '/v1/segments/:key/history',
    {
      schema: {
        tags: ['Segments'],
        summary: 'Size, entries and exits of a segment over time',
        description:
          'One point for each step; moments are taken down to the hour. Entries and exits are those of ticks; sizes are known from the first full pass on. Ask for an instance of a family, not for the family.',
        params: KeyPath,
        querystring: HistoryQuery,
        response: answers(HistoryAnswer),
      },
    },
    async (request) => {
      const { from, to, step } = request.query;
      const { points, stepS, ...report } = await coreOf(context).history(request.params.key, {
        ...(from === undefined ? {} : { from: parseMoment(from) }),
        ...(to === undefined ? {} : { to: parseMoment(to) }),
        ...(step === undefined ? {} : { stepS: parseDuration(step) }),
      });
      return {
        ...withAsOfText(report),
        step: formatDuration(stepS),
        points: points.map((point) => ({
          ...point,
          from: formatMoment(point.from),
          to: formatMoment(point.to),
        })),
      };
    },
  );

  api.post(
    '/v1/overlap',
    {
      schema: {
        tags: ['Segments'],
        summary: 'How many customers are in several segments at once?',
        body: OverlapBody,
        response: answers(OverlapAnswer),
      },
    },
    async (request) => {
      const { segments } = request.body;
      const repeated = segments.find((key, i) => segments.indexOf(key) !== i);
      if (repeated !== undefined) {
        throw new CoterieError(
          'REQUEST_INVALID',
          `segments: expected each once, found ${JSON.stringify(repeated)} twice`,
          {
            field: 'segments',
            in: 'body',
            expected: 'each once',
            found: repeated,
          },
        );
      }
      return withAsOfText(await coreOf(context).overlap(segments));
    },
  );
}

/** CSV for those who name it; NDJSON otherwise, also for browsers, which name neither. */
function acceptedFormat(accept: string | undefined): MemberFormat {
  return accept?.includes('text/csv') ? 'csv' : 'ndjson';
}
