/** Facts that stream in: rows of orders, customers and stores, acknowledged when they are durable. */
import { Type } from 'typebox';
import type { Ingest } from '../core/ingest/ingest.ts';
import { CoterieError } from '../model/error.ts';
import { answers } from './answer-schemas.ts';
import type { Api, RouteContext } from './context.ts';
import { FACT_TYPES, type FactRows, readFactRows } from './fact-body.ts';
import { compileAllButBody } from './request-validation.ts';

const SourcePath = Type.Object({
  source: Type.Enum(['orders', 'customers', 'stores'], { description: 'What the rows are.' }),
});

const StrictQuery = Type.Object(
  {
    strict: Type.Optional(
      Type.Boolean({ description: 'Whether one bad row refuses all; the rows are then held in memory.' }),
    ),
  },
  { additionalProperties: false },
);

const RowSchema = Type.Object(
  {},
  {
    additionalProperties: true,
    description:
      'Orders: customer_id, order_id, ordered_at (needed), store_id, total, discount, currency, status, previous_customer_id (moves the order from that customer). Customers: customer_id (needed); every other field is a trait, and so is each of an object called traits. Stores: store_id (needed), brand, city, category, tags, opened_at, closed_at.',
    examples: [
      {
        customer_id: 'customer-17',
        order_id: 'o-1',
        store_id: 'store-3',
        ordered_at: '2026-03-01T12:00:00Z',
        total: 19.95,
        currency: 'EUR',
      },
    ],
  },
);

const BODY = {
  content: Object.fromEntries(
    FACT_TYPES.map((type) => [
      type,
      {
        schema: type.endsWith('ndjson')
          ? Type.String({ description: 'A row a line; read as it comes, however long it is.' })
          : Type.Array(RowSchema, { description: 'Or an object with this list as its `rows`.' }),
      },
    ]),
  ),
};

const IngestAnswer = Type.Object({
  accepted: Type.Integer({ description: 'Rows that are durable now.' }),
  rejected: Type.Integer({ description: 'Rows set aside.' }),
  erased: Type.Optional(
    Type.Integer({ description: 'Rows about customers who were forgotten: dropped. Absent: none.' }),
  ),
  moved: Type.Optional(
    Type.Integer({
      description:
        'Rows that moved an order from its previous_customer_id, who no longer has it. Absent: none.',
    }),
  ),
  warnings: Type.Optional(
    Type.Record(Type.String(), Type.Integer(), {
      description: 'What is worth a look in rows that were accepted: text → rows. Absent: nothing.',
    }),
  ),
  reasons: Type.Record(Type.String(), Type.Integer(), { description: 'Reason → rows.' }),
  rejects: Type.Array(Type.Object({ index: Type.Integer(), reason: Type.String() }), {
    description: 'The first 100 rows set aside; index counts rows from 0.',
  }),
  batchNo: Type.Optional(
    Type.Integer({
      description:
        'The last batch that holds rows of this request. Memberships reflect them once the mark of an answer is at this or above.',
    }),
  ),
});

/** Puts the routes on a server. */
export async function addFactRoutes(api: Api, context: RouteContext): Promise<void> {
  await api.register(async (scope) => {
    readFactRows(scope);
    const routes = scope as unknown as Api;
    routes.post(
      '/v1/facts/:source',
      {
        validatorCompiler: compileAllButBody,
        schema: {
          tags: ['Facts'],
          summary: 'Take rows of orders, customers or stores',
          description:
            'Answers when all that was accepted is durable. Bad rows are set aside and nothing else is lost. Idempotent: sending rows again changes nothing; a later version of an order replaces the earlier one. 429 means that nothing was taken.',
          params: SourcePath,
          querystring: StrictQuery,
          body: BODY,
          response: answers(IngestAnswer),
        },
      },
      async (request) => {
        const rows = request.body as unknown as FactRows | null | undefined;
        if (rows === null || rows === undefined) {
          throw new CoterieError('REQUEST_INVALID', 'the body: expected rows, found nothing', { in: 'body' });
        }
        const { strict = false } = request.query;
        return ingestOf(context).submit(request.params.source, rows, { strict });
      },
    );
  });
}

/** @throws {CoterieError} `CORE_UNAVAILABLE` in a process that takes no facts. */
function ingestOf(context: RouteContext): Ingest {
  if (context.ingest === undefined) {
    throw new CoterieError('CORE_UNAVAILABLE', 'This process takes no facts: send them to the Core');
  }
  return context.ingest;
}
