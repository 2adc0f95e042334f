/** Models whose scores came in: their versions, and which of them is in force. */
import { Type } from 'typebox';
import { answers } from './answer-schemas.ts';
import { type Api, coreOf, type RouteContext } from './context.ts';

const ModelSchema = Type.String({ description: 'Name of a model.', examples: ['churn'] });

const ModelsAnswer = Type.Object({
  models: Type.Array(
    Type.Object({
      model: ModelSchema,
      versions: Type.Array(
        Type.Object({
          version: Type.String(),
          scores: Type.Integer({ description: 'Customers with a score of it.' }),
          isInForce: Type.Boolean(),
          activatedBatchNo: Type.Optional(
            Type.Integer({ description: 'The batch that last put it in force; absent: none did.' }),
          ),
        }),
        { description: 'In order of their first arrival.' },
      ),
    }),
  ),
});

const ActivateBody = Type.Object(
  {
    version: Type.String({
      description: 'One with scores; the empty text is the version of scores without one.',
      examples: ['2026-03'],
    }),
  },
  { additionalProperties: false },
);

/** Puts the routes on a server. */
export function addModelRoutes(api: Api, context: RouteContext): void {
  api.get(
    '/v1/models',
    {
      schema: {
        tags: ['Facts'],
        summary: 'Which models have scores, of which versions?',
        response: answers(ModelsAnswer),
      },
    },
    async () => ({ models: await coreOf(context).models() }),
  );

  api.post(
    '/v1/models/:model/activate',
    {
      schema: {
        tags: ['Facts'],
        summary: 'Put a version of a model in force',
        description:
          'It replaces the version before, whole, at once: a customer without a score of it has none. An earlier version can be put in force again. Asking again changes nothing.',
        params: Type.Object({ model: ModelSchema }),
        body: ActivateBody,
        response: answers(
          Type.Object({
            model: Type.String(),
            version: Type.String(),
            batchNo: Type.Integer({
              description: 'Memberships reflect it once the mark of an answer is at this or above.',
            }),
          }),
        ),
      },
    },
    async (request) => {
      const { model } = request.params;
      const { version } = request.body;
      const { batchNo } = await coreOf(context).activateModelVersion(model, version);
      request.log.info({ model, version, batchNo }, 'a version of a model was put in force');
      return { model, version, batchNo };
    },
  );
}
