/** Questions about one customer: which segments, answered by the Store; why, answered by the Core. */
import { Type } from 'typebox';
import type { MembershipFilter } from '../core/core.ts';
import { parseMoment } from '../model/time.ts';
import { segmentsOf } from '../store/segments-of.ts';
import {
  AsOfSchema,
  answers,
  CursorSchema,
  CustomerIdSchema,
  LimitSchema,
  MarkSchema,
  NextSchema,
  SegmentKeySchema,
} from './answer-schemas.ts';
import { type Api, coreOf, type RouteContext, viewOf } from './context.ts';
import { readKeyCursor, readNumberCursor, writeCursor } from './cursor.ts';
import { checkCustomerId } from './customer-id.ts';
import { withAsOfText } from './report.ts';
import { PAGE_ITEMS_DEFAULT } from './server-options.ts';

const closed = { additionalProperties: false } as const;
const CustomerPath = Type.Object({ id: CustomerIdSchema });

const SegmentsQuery = Type.Object(
  {
    owner: Type.Optional(Type.String({ description: 'Only segments of this owner.' })),
    tag: Type.Optional(Type.String({ description: 'Only segments with this tag.' })),
    type: Type.Optional(Type.String({ description: 'Only segments of this type.' })),
    store: Type.Optional(
      Type.String({
        description: 'Only segments whose rule names this store by its id, families among them.',
      }),
    ),
    at: Type.Optional(
      Type.String({
        description:
          'A past moment (ISO 8601): answered by the Core, with the definitions in force then and the facts received by then.',
        examples: ['2026-03-01T12:00:00Z'],
      }),
    ),
    limit: Type.Optional(LimitSchema),
    cursor: Type.Optional(CursorSchema),
  },
  closed,
);

const SegmentsAnswer = Type.Object({
  customer: Type.String(),
  known: Type.Boolean({ description: 'Whether anything was ever heard of this customer.' }),
  segments: Type.Array(
    Type.Object({
      key: Type.String(),
      name: Type.Optional(Type.String()),
      owner: Type.Optional(Type.String()),
      tags: Type.Array(Type.String()),
      type: Type.String(),
    }),
  ),
  next: NextSchema,
  asOf: AsOfSchema,
  mark: MarkSchema,
});

const ExplainQuery = Type.Object(
  {
    segment: SegmentKeySchema,
    at: Type.Optional(
      Type.String({
        description: 'Another moment to look from (ISO 8601).',
        examples: ['2026-03-01T12:00:00Z'],
      }),
    ),
    knowledge: Type.Optional(
      Type.Enum(['now', 'then'], {
        description:
          'now (the default): the facts and definitions that answers reflect; then: the facts received and the definitions applied by the moment `at`.',
      }),
    ),
  },
  closed,
);

const ExplainAnswer = Type.Object(
  {
    customer: Type.String(),
    known: Type.Boolean(),
    segment: Type.String(),
    member: Type.Boolean(),
    defaultMember: Type.Boolean({ description: 'What holds for someone without facts.' }),
    rule: Type.Unknown({
      description:
        'The rule as a tree: each node with whether it holds, each condition with its value and facts. Ages are in seconds, and their `unit` says so.',
    }),
    nextChange: Type.Union(
      [Type.Object({ at: Type.String({ format: 'date-time' }), member: Type.Boolean() }), Type.Null()],
      { description: 'When the membership changes if no fact arrives; null if never.' },
    ),
    asOf: AsOfSchema,
    mark: MarkSchema,
  },
  {},
);

/** Puts the routes on a server. */
export function addCustomerRoutes(api: Api, context: RouteContext): void {
  api.get(
    '/v1/customers/:id/segments',
    {
      schema: {
        tags: ['Checks'],
        summary: 'Which segments is this customer in?',
        params: CustomerPath,
        querystring: SegmentsQuery,
        response: answers(SegmentsAnswer),
      },
    },
    async (request) => {
      const { id } = request.params;
      checkCustomerId(id, 'customer');
      const { limit, cursor, at, ...filter } = request.query;
      if (at !== undefined) return pastSegments(context, id, { ...request.query, at });
      const view = viewOf(context);
      const after = cursor === undefined ? {} : { after: readNumberCursor(cursor) };
      // One look-up after the other: what a row is read from is valid until the next.
      const known = await view.isKnown(id);
      const page = await segmentsOf(view, id, { ...filter, limit: limit ?? PAGE_ITEMS_DEFAULT, ...after });
      return withAsOfText({
        customer: id,
        known,
        segments: page.entries.map(({ key, name, owner, tags, type }) => ({ key, name, owner, tags, type })),
        next: page.next === undefined ? undefined : writeCursor(page.next),
        asOf: view.asOf,
      });
    },
  );

  api.get(
    '/v1/customers/:id/explain',
    {
      schema: {
        tags: ['Segments'],
        summary: 'Why is this customer in this segment, or not, and until when?',
        params: CustomerPath,
        querystring: ExplainQuery,
        response: answers(ExplainAnswer),
      },
    },
    async (request) => {
      checkCustomerId(request.params.id, 'customer');
      const { segment, at, knowledge } = request.query;
      const moment = at === undefined ? undefined : parseMoment(at);
      return withAsOfText(await coreOf(context).explain(request.params.id, segment, moment, knowledge));
    },
  );
}

/** A page of the segments that a customer was in at a past moment. */
async function pastSegments(
  context: RouteContext,
  customerId: string,
  query: MembershipFilter & { readonly at: string; readonly limit?: number; readonly cursor?: string },
) {
  const { at, limit = PAGE_ITEMS_DEFAULT, cursor, ...filter } = query;
  const report = await coreOf(context).membershipsAt(customerId, parseMoment(at), filter);
  const after = cursor === undefined ? undefined : readKeyCursor(cursor);
  const rest = report.segments.filter(({ key }) => after === undefined || key > after);
  const page = rest.slice(0, limit);
  return withAsOfText({
    customer: customerId,
    known: report.known,
    segments: page.map(({ key, name, owner, tags, type }) => ({ key, name, owner, tags, type })),
    next: rest.length > limit ? writeCursor(page.at(-1)!.key) : undefined,
    asOf: report.asOf,
  });
}
