/**
 * `/v1/check` and `/v1/check/batch`: the hot path. A handler works at once where the Store is local, takes
 * the view once, and writes its answer as text; nothing is logged and nothing waits.
 */
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { CoterieError } from '../model/error.ts';
import { type CheckAnswer, check, checkBatch } from '../store/check.ts';
import type { StoreView } from '../store/store.ts';
import { AsOfSchema, answers, CustomerIdSchema, MarkSchema, SegmentKeySchema } from './answer-schemas.ts';
import { type Api, type RouteContext, viewOf } from './context.ts';
import { checkCustomerId } from './customer-id.ts';
import { withAsOfText } from './report.ts';
import { BATCH_CUSTOMERS_MAX, BATCH_PAIRS_MAX, CHECK_SEGMENTS_MAX } from './server-options.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const closed = { additionalProperties: false } as const;

const StrictSchema = Type.Boolean({
  description: 'Whether an unknown segment is an error instead of an entry of `unknown`. Default false.',
});
const SegmentsSchema = Type.Array(SegmentKeySchema, { minItems: 1, maxItems: CHECK_SEGMENTS_MAX });
const StrictQuery = Type.Object({ strict: Type.Optional(StrictSchema) }, closed);

const CheckBody = Type.Object(
  { customer: CustomerIdSchema, segments: SegmentsSchema, strict: Type.Optional(StrictSchema) },
  { ...closed, examples: [{ customer: 'customer-17', segments: ['new-at@store-3', 'lapsed-big-spender'] }] },
);

const CheckQuery = Type.Object(
  {
    customer: CustomerIdSchema,
    segments: Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      items: { type: 'string' },
      description: 'Keys, joined by commas, or the parameter repeated. Keys that hold a comma need POST.',
      examples: ['new-at@store-3,lapsed-big-spender'],
    }),
    strict: Type.Optional(StrictSchema),
  },
  closed,
);

const MembershipsSchema = Type.Record(Type.String(), Type.Boolean(), {
  description: 'Key of a segment → whether the customer is in it.',
});
const UnknownSchema = Type.Array(Type.String(), { description: 'Keys that no segment has.' });

const CheckAnswerSchema = Type.Object({
  customer: Type.String(),
  memberships: MembershipsSchema,
  unknown: UnknownSchema,
  asOf: AsOfSchema,
  mark: MarkSchema,
});

const BatchBody = Type.Object(
  {
    customers: Type.Array(CustomerIdSchema, { minItems: 1, maxItems: BATCH_CUSTOMERS_MAX }),
    segments: SegmentsSchema,
    strict: Type.Optional(StrictSchema),
  },
  { ...closed, examples: [{ customers: ['customer-17', 'customer-18'], segments: ['new-at@store-3'] }] },
);

const BatchAnswerSchema = Type.Object({
  results: Type.Array(Type.Object({ customer: Type.String(), memberships: MembershipsSchema }), {
    description: 'One for each customer, in their order.',
  }),
  unknown: UnknownSchema,
  asOf: AsOfSchema,
  mark: MarkSchema,
});

interface CheckQuestion {
  readonly customer: string;
  readonly segments: readonly string[];
  readonly strict: boolean;
}

/** Puts the routes on a server. */
export function addCheckRoutes(api: Api, context: RouteContext): void {
  const { metrics } = context;
  const endings = new Endings();

  function answerCheck(reply: FastifyReply, question: CheckQuestion): void {
    checkCustomerId(question.customer, 'customer');
    const view = viewOf(context);
    const answer = check(view, question.customer, question.segments);
    metrics.countChecks(1, question.segments.length);
    if (answer instanceof Promise) {
      answer.then(
        (arrived) => sendCheck(reply, question, arrived, endings.of(view)),
        (error) => reply.send(error),
      );
      return;
    }
    sendCheck(reply, question, answer, endings.of(view));
  }

  api.post(
    '/v1/check',
    {
      schema: {
        tags: ['Checks'],
        summary: 'Is this customer in these segments?',
        description: `Up to ${CHECK_SEGMENTS_MAX} segments. Unknown segments are listed, not an error, unless \`strict\`.`,
        body: CheckBody,
        querystring: StrictQuery,
        response: answers(CheckAnswerSchema),
      },
    },
    (request, reply) => {
      const { customer, segments, strict } = request.body;
      answerCheck(reply, { customer, segments, strict: strict ?? request.query.strict ?? false });
    },
  );

  api.get(
    '/v1/check',
    {
      schema: {
        tags: ['Checks'],
        summary: 'Is this customer in these segments? As a link',
        querystring: CheckQuery,
        response: answers(CheckAnswerSchema),
      },
    },
    (request, reply) => {
      const { customer, segments, strict } = request.query;
      answerCheck(reply, { customer, segments: keysOf(segments), strict: strict ?? false });
    },
  );

  api.post(
    '/v1/check/batch',
    {
      schema: {
        tags: ['Checks'],
        summary: 'Are these customers in these segments?',
        description: `Up to ${BATCH_CUSTOMERS_MAX} customers, and ${BATCH_PAIRS_MAX} answers: customers times segments.`,
        body: BatchBody,
        querystring: StrictQuery,
        response: answers(BatchAnswerSchema),
      },
    },
    async (request, reply) => {
      const { customers, segments } = request.body;
      checkBatchSize(customers, segments);
      for (let i = 0; i < customers.length; i++) checkCustomerId(customers[i]!, `customers[${i}]`);
      const view = viewOf(context);
      const results = await checkBatch(view, customers, segments);
      metrics.countChecks(customers.length, customers.length * segments.length);
      const { unknown } = results[0]!;
      if (request.body.strict ?? request.query.strict) refuseUnknown(unknown);
      const parts = results.map(
        ({ memberships }, i) =>
          `{"customer":${JSON.stringify(customers[i])},"memberships":${JSON.stringify(memberships)}}`,
      );
      return reply
        .header('content-type', JSON_TYPE)
        .send(`{"results":[${parts.join(',')}],"unknown":${JSON.stringify(unknown)}${endings.of(view)}`);
    },
  );
}

function sendCheck(reply: FastifyReply, question: CheckQuestion, answer: CheckAnswer, ending: string): void {
  const { unknown } = answer;
  if (unknown.length > 0 && question.strict) {
    reply.send(unknownError(unknown));
    return;
  }
  reply
    .header('content-type', JSON_TYPE)
    .send(
      `{"customer":${JSON.stringify(question.customer)},"memberships":${JSON.stringify(answer.memberships)},"unknown":${unknown.length === 0 ? '[]' : JSON.stringify(unknown)}${ending}`,
    );
}

/** How every answer of one view ends, written once for it. */
class Endings {
  #view: StoreView | undefined;
  #text = '';

  of(view: StoreView): string {
    if (view !== this.#view) {
      this.#view = view;
      this.#text = `,${JSON.stringify(withAsOfText({ asOf: view.asOf })).slice(1)}`;
    }
    return this.#text;
  }
}

function keysOf(segments: string | readonly string[]): string[] {
  const keys = (typeof segments === 'string' ? [segments] : segments)
    .flatMap((part) => part.split(','))
    .filter((key) => key !== '');
  if (keys.length > 0 && keys.length <= CHECK_SEGMENTS_MAX) return keys;
  throw new CoterieError(
    'REQUEST_INVALID',
    `query parameter segments: expected 1 to ${CHECK_SEGMENTS_MAX} keys, found ${keys.length}`,
    { field: 'segments', in: 'query', expected: `1 to ${CHECK_SEGMENTS_MAX} keys`, found: keys.length },
  );
}

function checkBatchSize(customers: readonly string[], segments: readonly string[]): void {
  const pairs = customers.length * segments.length;
  if (pairs <= BATCH_PAIRS_MAX) return;
  throw new CoterieError(
    'REQUEST_INVALID',
    `customers times segments: expected at most ${BATCH_PAIRS_MAX}, found ${customers.length} × ${segments.length} = ${pairs}`,
    { field: 'customers', in: 'body', expected: `at most ${BATCH_PAIRS_MAX} answers`, found: pairs },
  );
}

function refuseUnknown(unknown: readonly string[]): void {
  if (unknown.length > 0) throw unknownError(unknown);
}

function unknownError(unknown: readonly string[]): CoterieError {
  const shown = unknown.slice(0, 20).join(', ');
  return new CoterieError(
    'SEGMENTS_UNKNOWN',
    `No segment has the key ${shown}${unknown.length > 20 ? ` and ${unknown.length - 20} others` : ''}`,
    { unknown },
  );
}
