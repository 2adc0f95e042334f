/** Facts that stream in: rows of every source, acknowledged when they are durable. */
import { type TSchema, Type } from 'typebox';
import { type IngestReport, VERSIONS_LISTED_MAX } from '../core/ingest/row-tally.ts';
import { CoterieError } from '../model/error.ts';
import { FACT_SOURCES, type FactSource } from '../model/fact.ts';
import type { InstalledSource } from '../model/plugin-source.ts';
import { answers, RejectsQuery, RejectsSchema, RowWarningsSchema } from './answer-schemas.ts';
import { type Api, coreOf, ingestOf, type RouteContext } from './context.ts';
import { FACT_TYPES, type FactRows, readFactRows } from './fact-body.ts';
import { compileAllButBody } from './request-validation.ts';

/** The sources, those of plug-ins among them. */
const sourcePath = (plugins: RouteContext['types']['sources']) =>
  Type.Object({
    source: Type.Enum([...FACT_SOURCES, ...plugins.keys()], {
      description: [
        'What the rows are.',
        ...[...plugins.values()].map(({ name, description }) => `${name}: ${description}`),
      ].join(' '),
    }),
  });

const FactsQuery = Type.Object(
  {
    activate: Type.Optional(
      Type.Boolean({
        description:
          'Of scores: whether the versions of models that the rows bring are put in force at the end, when all rows are durable.',
      }),
    ),
    strict: Type.Optional(
      Type.Boolean({ description: 'Whether one bad row refuses all; the rows are then held in memory.' }),
    ),
    counts: Type.Optional(
      Type.Boolean({
        description:
          'Of lists: whether `unchanged` and `unknown` are counted; the rows then make batches of their own, which costs when requests are small.',
      }),
    ),
    rejects: RejectsQuery,
  },
  { additionalProperties: false },
);

const RowSchema = Type.Object(
  {},
  {
    additionalProperties: true,
    description:
      'Orders: customer_id, order_id, ordered_at, total (needed), store_id, discount, currency, status, previous_customer_id (moves the order from that customer). Customers: customer_id (needed); every other field is a trait, and so is each of an object called traits. Stores: store_id (needed), brand, city, category, tags, opened_at, closed_at. Events: customer_id, name, occurred_at (needed), event_id; every other field is a property, and so is each of an object called properties. Scores: customer_id, model, value (needed), version, valid_until. Lists: customer_id, list (needed), listed.',
    examples: [
      {
        customer_id: 'customer-17',
        order_id: 'o-1',
        store_id: 'store-3',
        ordered_at: '2026-03-01T12:00:00Z',
        total: 19.95,
        currency: 'EUR',
      },
      {
        customer_id: 'customer-17',
        name: 'checkout_started',
        occurred_at: '2026-03-01T12:00:00Z',
        properties: { device: 'phone', items: 3 },
      },
      { customer_id: 'customer-17', model: 'churn', value: 0.73, version: '2026-03' },
      { customer_id: 'customer-17', list: 'do-not-contact' },
    ],
  },
);

const bodyOf = (plugins: readonly InstalledSource[]) => ({
  content: Object.fromEntries(
    FACT_TYPES.map((type) => [
      type,
      {
        schema: type.endsWith('ndjson')
          ? Type.String({ description: 'A row a line; read as it comes, however long it is.' })
          : Type.Array(rowSchema(plugins), { description: 'Or an object with this list as its `rows`.' }),
      },
    ]),
  ),
});

/** A row of any source: a plug-in's say themselves what they are. */
function rowSchema(plugins: readonly InstalledSource[]): TSchema {
  return plugins.length === 0 ? RowSchema : Type.Union([RowSchema, ...plugins.map(({ row }) => row)]);
}

const VersionSchema = { model: Type.String(), version: Type.String() };

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
  warnings: RowWarningsSchema,
  reasons: Type.Record(Type.String(), Type.Integer(), { description: 'Reason → rows.' }),
  rejects: RejectsSchema,
  unchanged: Type.Optional(
    Type.Integer({ description: 'Of lists, with `counts`: rows that changed nothing, repeats among them.' }),
  ),
  unknown: Type.Optional(
    Type.Integer({ description: 'Of lists, with `counts`: customers never heard of before.' }),
  ),
  batchNo: Type.Optional(
    Type.Integer({
      description:
        'The last batch that holds rows of this request. Memberships reflect them once the mark of an answer is at this or above.',
    }),
  ),
  versions: Type.Optional(
    Type.Array(Type.Object(VersionSchema), {
      description: `Of scores: the versions of models that rows were accepted of, the last that arrived last; at most ${VERSIONS_LISTED_MAX}.`,
    }),
  ),
  activated: Type.Optional(
    Type.Array(Type.Object({ ...VersionSchema, batchNo: Type.Integer() }), {
      description: 'With activate: the versions that are in force now, and from which batch on.',
    }),
  ),
});

/** Puts the routes on a server. */
export async function addFactRoutes(api: Api, context: RouteContext): Promise<void> {
  const plugins = context.types.sources;
  await api.register(async (scope) => {
    readFactRows(scope);
    const routes = scope as unknown as Api;
    routes.post(
      '/v1/facts/:source',
      {
        validatorCompiler: compileAllButBody,
        schema: {
          tags: ['Facts'],
          summary: 'Take rows of orders, customers, stores, events, scores or lists',
          description:
            'Answers when all that was accepted is durable. Bad rows are set aside and nothing else is lost. Idempotent: sending rows again changes nothing; a later version of an order replaces the earlier one, an event that is known stays as it is, and scores and list entries are the latest received. Scores count when their version of the model is in force: the first is at once, another one when it is activated. 429 means that nothing was taken.',
          params: sourcePath(plugins),
          querystring: FactsQuery,
          body: bodyOf([...plugins.values()]),
          response: answers(IngestAnswer),
        },
      },
      async (request) => {
        const rows = request.body as unknown as FactRows | null | undefined;
        if (rows === null || rows === undefined) {
          throw new CoterieError('REQUEST_INVALID', 'the body: expected rows, found nothing', { in: 'body' });
        }
        const { strict = false, activate = false, counts = false, rejects } = request.query;
        const { source } = request.params;
        if (activate) checkParameter('activate', 'scores', source);
        if (counts) checkParameter('counts', 'lists', source);
        const report = await ingestOf(context).submit(plugins.get(source) ?? (source as FactSource), rows, {
          strict,
          countsLists: counts,
          ...(rejects === undefined ? {} : { rejectsListed: rejects }),
        });
        return activate ? activateVersions(context, report) : report;
      },
    );
  });
}

/** @throws {CoterieError} `REQUEST_INVALID` for a parameter that is one of another source. */
function checkParameter(field: string, expected: FactSource, found: string): void {
  if (found === expected) return;
  throw new CoterieError(
    'REQUEST_INVALID',
    `query parameter ${field}: expected with ${expected} only, found with ${found}`,
    { field, in: 'query', expected, found },
  );
}

/** Puts the versions of a report in force; of two versions of a model, the one that arrived last stays. */
async function activateVersions(context: RouteContext, report: IngestReport) {
  const { versions = [] } = report;
  if (versions.length >= VERSIONS_LISTED_MAX) {
    throw new CoterieError(
      'REQUEST_INVALID',
      `activate: expected fewer than ${VERSIONS_LISTED_MAX} versions in a request, found more; their scores are durable, and no version was put in force`,
      { field: 'activate', in: 'query', accepted: report.accepted, batchNo: report.batchNo },
    );
  }
  const last = new Map(versions.map((brought) => [brought.model, brought.version]));
  const activated: { readonly model: string; readonly version: string; readonly batchNo: number }[] = [];
  for (const [model, version] of last) {
    const { batchNo } = await coreOf(context).activateModelVersion(model, version);
    activated.push({ model, version, batchNo });
  }
  const batchNo = Math.max(report.batchNo ?? 0, ...activated.map((one) => one.batchNo));
  return { ...report, ...(batchNo > 0 ? { batchNo } : {}), activated };
}
