/** Verification on demand: is what is served what the facts say? */
import { Type } from 'typebox';
import { CoterieError } from '../model/error.ts';
import { AsOfSchema, answers, MarkSchema } from './answer-schemas.ts';
import type { Api, RouteContext } from './context.ts';
import { withAsOfText } from './report.ts';

const SEGMENTS_DEFAULT = 20;
const CUSTOMERS_DEFAULT = 1_000;

const VerifyBody = Type.Object(
  {
    segments: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, default: SEGMENTS_DEFAULT, description: 'To draw.' }),
    ),
    customers: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, default: CUSTOMERS_DEFAULT, description: 'To draw.' }),
    ),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: 'Draws others.' })),
  },
  { additionalProperties: false },
);

const VerifyAnswer = Type.Object({
  segments: Type.Integer(),
  customers: Type.Integer(),
  compared: Type.Integer({ description: 'Memberships compared.' }),
  mismatches: Type.Integer(),
  mismatchRate: Type.Number({ description: 'Mismatches over memberships compared: to be 0.' }),
  examples: Type.Array(
    Type.Object({
      customer: Type.String(),
      segment: Type.String(),
      served: Type.Optional(Type.Boolean({ description: 'Absent where the segment is not served.' })),
      expected: Type.Boolean(),
    }),
  ),
  seconds: Type.Number(),
  asOf: AsOfSchema,
  mark: MarkSchema,
});

/** Puts the route on a server. */
export function addVerifyRoutes(api: Api, context: RouteContext): void {
  api.post(
    '/v1/verify',
    {
      schema: {
        tags: ['Operations'],
        summary: 'Hold a random sample of what is served to plain SQL over the facts',
        description:
          'Reads what is served of the sample at one moment, and asks plain SQL, made from the rules alone, for the same. Ticks go on meanwhile.',
        body: VerifyBody,
        response: answers(VerifyAnswer),
      },
    },
    async (request) => {
      if (!context.verifier) {
        throw new CoterieError('CORE_UNAVAILABLE', 'This process has no facts to verify memberships against');
      }
      const { segments = SEGMENTS_DEFAULT, customers = CUSTOMERS_DEFAULT, seed = 1 } = request.body;
      return withAsOfText(await context.verifier.run({ segments, customers, seed }));
    },
  );
}
