/** Calculations on demand, what became of them, and the counts of facts that they read. */
import { Type } from 'typebox';
import { CoterieError } from '../model/error.ts';
import { formatMoment, parseMoment } from '../model/time.ts';
import { AsOfSchema, answers, MarkSchema } from './answer-schemas.ts';
import { type CalculationRun, CalculationRuns } from './calculation-runs.ts';
import { type Api, coreOf, type RouteContext } from './context.ts';
import { problemDocument } from './problem.ts';
import { withAsOfText } from './report.ts';

const closed = { additionalProperties: false } as const;

const ReportSchema = Type.Object(
  {
    segments: Type.Integer(),
    customers: Type.Integer(),
    orders: Type.Integer(),
    exceptions: Type.Integer({
      description: 'Memberships that differ from the default: what the Store holds.',
    }),
    memberships: Type.Integer({ description: 'Memberships of known customers.' }),
    seconds: Type.Number(),
    isPinned: Type.Boolean({ description: 'Asked for as of a moment of choice: ticks do not move it on.' }),
    phases: Type.Record(Type.String(), Type.Number(), { description: 'Phase → seconds.' }),
    asOf: AsOfSchema,
    mark: MarkSchema,
  },
  { description: 'One full pass.' },
);

const RunSchema = Type.Object(
  {
    id: Type.Integer({ description: 'Counts from 1 since the process began.' }),
    state: Type.Enum(['running', 'done', 'failed']),
    startedAt: Type.String({ format: 'date-time' }),
    finishedAt: Type.Optional(Type.String({ format: 'date-time' })),
    progress: Type.Optional(
      Type.Object({ phase: Type.String(), done: Type.Number(), total: Type.Optional(Type.Number()) }),
    ),
    report: Type.Optional(ReportSchema),
    problem: Type.Optional(Type.Ref('Problem#')),
  },
  { description: 'A calculation that was asked for.' },
);

/** May be left out. */
const StartBody = Type.Unsafe<{ readonly at?: string } | null>({
  type: ['object', 'null'],
  properties: {
    at: Type.String({
      description: 'The moment to reckon windows from (ISO 8601). Default now.',
      examples: ['2026-03-01T12:00:00Z'],
    }),
  },
  ...closed,
});

/** Puts the routes on a server. What runs when it closes is stopped. */
export function addCalculationRoutes(api: Api, context: RouteContext): void {
  const runs = new CalculationRuns((thrown) => api.log.error({ err: thrown }, 'a calculation failed'));
  api.addHook('preClose', () => runs.close());
  addRunRoutes(api, context, runs);

  api.get(
    '/v1/facts',
    {
      schema: {
        tags: ['Facts'],
        summary: 'How much is known',
        response: answers(
          Type.Object({
            customers: Type.Integer(),
            stores: Type.Integer(),
            orders: Type.Integer(),
            traits: Type.Integer(),
            events: Type.Integer(),
            scores: Type.Integer({ description: 'Of every version of every model.' }),
            listEntries: Type.Integer({ description: 'Customers on lists, over all lists.' }),
            batchNo: Type.Integer({ description: 'The last batch of facts received.' }),
            lastOrderAt: Type.Optional(Type.String({ format: 'date-time' })),
          }),
        ),
      },
    },
    async () => {
      const { lastOrderAt, ...counts } = await coreOf(context).factCounts();
      return { ...counts, lastOrderAt: lastOrderAt === undefined ? undefined : formatMoment(lastOrderAt) };
    },
  );
}

function addRunRoutes(api: Api, context: RouteContext, runs: CalculationRuns): void {
  api.post(
    '/v1/calculations',
    {
      schema: {
        tags: ['Calculations'],
        summary: 'Calculate all segments',
        description: 'Answers at once; the calculation runs on. The path in Location tells how it goes.',
        body: StartBody,
        response: answers(RunSchema, 202),
      },
    },
    (request, reply) => {
      const core = coreOf(context);
      const at = request.body?.at;
      const run = runs.start(core, at === undefined ? undefined : parseMoment(at));
      reply.code(202).header('location', `/v1/calculations/${run.id}`).send(runAnswer(run));
    },
  );

  api.get(
    '/v1/calculations',
    {
      schema: {
        tags: ['Calculations'],
        summary: 'The last full pass, and calculations of this process, newest first',
        response: answers(
          Type.Object({
            calculating: Type.Boolean(),
            last: Type.Union([ReportSchema, Type.Null()]),
            runs: Type.Array(RunSchema),
          }),
        ),
      },
    },
    async () => {
      const core = coreOf(context);
      const last = await core.lastCalculation();
      return {
        calculating: core.isCalculating(),
        last: last === undefined ? null : withAsOfText(last),
        runs: runs.list().map(runAnswer),
      };
    },
  );

  api.get(
    '/v1/calculations/:id',
    {
      schema: {
        tags: ['Calculations'],
        summary: 'How a calculation goes',
        params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
        response: answers(RunSchema),
      },
    },
    async (request) => {
      coreOf(context);
      const run = runs.get(request.params.id);
      if (run === undefined) {
        throw new CoterieError(
          'CALCULATION_NOT_FOUND',
          `There is no calculation ${request.params.id} in this process`,
        );
      }
      return runAnswer(run);
    },
  );
}

function runAnswer(run: CalculationRun) {
  const { id, state, startedAtMs, finishedAtMs, progress, report, failure } = run;
  return {
    id,
    state,
    startedAt: new Date(startedAtMs).toISOString(),
    finishedAt: finishedAtMs === undefined ? undefined : new Date(finishedAtMs).toISOString(),
    progress: state === 'running' ? progress : undefined,
    report: report && withAsOfText(report),
    problem: failure && problemDocument(failure, { path: `/v1/calculations/${id}`, id: '' }),
  };
}
