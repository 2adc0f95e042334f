/** Parts of answers and parameters that several routes share, as schemas for the description at /docs. */
import { type TSchema, Type } from 'typebox';
import { REJECTS_LISTED } from '../core/ingest/row-tally.ts';
import { ERROR_CATALOGUE } from '../model/error.ts';
import { ID_BYTES_MAX } from '../model/fact.ts';
import { PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX } from './server-options.ts';

export const AsOfSchema = Type.String({
  format: 'date-time',
  description: 'The moment that the answer reflects (ISO 8601, UTC): windows are reckoned from here.',
  examples: ['2026-03-01T12:00:00Z'],
});

export const CustomerIdSchema = Type.String({
  description: `Id of a customer, 1 to ${ID_BYTES_MAX} bytes in UTF-8. One never heard of gets what holds for someone without facts.`,
  examples: ['customer-17'],
});

export const SegmentKeySchema = Type.String({
  description: 'Key of a segment; an instance of a family is `family@store`.',
  examples: ['lapsed-big-spender'],
});

export const MarkSchema = Type.Object(
  { batchNo: Type.Integer(), catalogNo: Type.Integer(), calculationNo: Type.Integer() },
  {
    description:
      'What was known: the last batch of facts and the last definition that were read, and the number of the full pass.',
  },
);

export const LimitSchema = Type.Integer({
  minimum: 1,
  maximum: PAGE_ITEMS_MAX,
  default: PAGE_ITEMS_DEFAULT,
  description: 'Most entries of the page.',
});

export const CursorSchema = Type.String({
  maxLength: 4096,
  description: 'The `next` of the page before, as it came.',
});

export const NextSchema = Type.Optional(
  Type.String({ description: 'Where the next page begins, for `cursor`; absent on the last page.' }),
);

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Enum(Object.keys(ERROR_CATALOGUE), { description: 'Stable; see the error reference.' }),
    detail: Type.String({ description: 'What was expected and what was found.' }),
    remedy: Type.String({ description: 'What to do about it.' }),
    retry: Type.Boolean({ description: 'Whether the same request can succeed later, unchanged.' }),
    instance: Type.String(),
    requestId: Type.String({ description: 'To find this request in the log.' }),
    details: Type.Object({}, { additionalProperties: true }),
    problems: Type.Optional(
      Type.Array(Type.Unknown(), { description: 'What is wrong with definitions, one by one.' }),
    ),
  },
  { $id: 'Problem', description: 'An error (RFC 9457).' },
);

const PROBLEM_ANSWER = {
  description: 'An error.',
  content: { 'application/problem+json': { schema: Type.Ref('Problem#') } },
};

export const WarningsSchema = Type.Optional(
  Type.Array(Type.String(), { description: 'What is worth a look, in words; absent: nothing.' }),
);

/** The answers of a route, for its description: what it gives, and problems. */
export function answers(schema: TSchema, status = 200): Record<string, unknown> {
  return { [status]: schema, default: PROBLEM_ANSWER };
}

/** The answers of a route that gives something other than JSON. */
export function answersOf(types: readonly string[], description: string): Record<string, unknown> {
  const content = Object.fromEntries(types.map((type) => [type, { schema: Type.String() }]));
  return { 200: { description, content }, default: PROBLEM_ANSWER };
}

/** Of rows of facts. */
export const RowWarningsSchema = Type.Optional(
  Type.Record(Type.String(), Type.Integer(), {
    description: 'What is worth a look in rows that were accepted: text → rows. Absent: nothing.',
  }),
);

/** Most rows set aside that an answer lists when more than usual are asked for. */
const REJECTS_LISTED_MAX = 10_000;

export const RejectsQuery = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: REJECTS_LISTED_MAX,
    description: `How many rows set aside are listed. Default: ${REJECTS_LISTED}.`,
  }),
);

export const RejectsSchema = Type.Array(Type.Object({ index: Type.Integer(), reason: Type.String() }), {
  description: `The first rows set aside, at most as many as \`rejects\` says, or ${REJECTS_LISTED}; index counts rows from 0.`,
});
