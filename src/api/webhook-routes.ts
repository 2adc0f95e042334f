/** Webhooks: made, changed, looked at and removed; their dead letters, and sending those again. */
import { Type } from 'typebox';
import { didYouMean } from '../core/catalog/problem.ts';
import type { Webhooks, WebhookView } from '../core/webhook/webhooks.ts';
import { CoterieError } from '../model/error.ts';
import { formatMoment } from '../model/time.ts';
import { answers, LimitSchema, SegmentKeySchema } from './answer-schemas.ts';
import { type Api, coreOf, type RouteContext } from './context.ts';
import { PAGE_ITEMS_DEFAULT } from './server-options.ts';

const closed = { additionalProperties: false } as const;
const SEGMENTS_MAX = 1000;

const IdPath = Type.Object({
  id: Type.String({ description: 'Of your choice: letters, digits, ".", "_", "-".' }),
});

const WebhookBody = Type.Object(
  {
    url: Type.String({ maxLength: 2000, description: 'http:// or https://; redirects are not followed.' }),
    segments: Type.Optional(
      Type.Array(SegmentKeySchema, {
        minItems: 1,
        maxItems: SEGMENTS_MAX,
        description:
          'Keys of segments that are defined, or of families for all their instances. Without it, all segments.',
      }),
    ),
    owner: Type.Optional(Type.String({ description: 'Only segments of this owner.' })),
    tag: Type.Optional(Type.String({ description: 'Only segments with this tag.' })),
    secret: Type.Optional(
      Type.String({
        maxLength: 200,
        description: '`whsec_` and 24 to 64 bytes in base64. Without it, a new webhook is given one.',
      }),
    ),
  },
  closed,
);

const ViewSchema = Type.Object(
  {
    id: Type.String(),
    url: Type.String(),
    segments: Type.Optional(Type.Array(Type.String())),
    owner: Type.Optional(Type.String()),
    tag: Type.Optional(Type.String()),
    position: Type.Integer({ description: 'Changes up to here are delivered, or dead letters.' }),
    behind: Type.Integer({ description: 'How many positions the log is ahead.' }),
    failures: Type.Integer({ description: 'Attempts that failed since the last that did not.' }),
    lastError: Type.Optional(Type.String()),
    deliveredAt: Type.Optional(Type.String({ format: 'date-time' })),
    missedUpTo: Type.Optional(
      Type.Integer({ description: 'Changes up to here were no longer kept when their turn came.' }),
    ),
    deadLetters: Type.Integer({ description: 'Batches that were given up.' }),
    secret: Type.Optional(
      Type.String({ description: 'Only where it was made just now: it is not shown again.' }),
    ),
  },
  { $id: 'Webhook', description: 'A webhook, and how its deliveries go.' },
);
const ViewAnswer = Type.Ref('Webhook#');

const LettersAnswer = Type.Object({
  items: Type.Array(
    Type.Object({
      deliveryId: Type.String(),
      failedAt: Type.String({ format: 'date-time' }),
      attempts: Type.Integer(),
      error: Type.String(),
      body: Type.Unknown({ description: 'As it was sent.' }),
    }),
  ),
  total: Type.Integer(),
});

const RedeliveryAnswer = Type.Object({
  redelivered: Type.Integer(),
  deadLetters: Type.Integer({ description: 'Those that are left.' }),
  error: Type.Optional(Type.String({ description: 'Why the next failed: the rest was not tried.' })),
});

/** Puts the routes on a server. */
export function addWebhookRoutes(api: Api, context: RouteContext): void {
  api.addSchema(ViewSchema);
  addDefinitionRoutes(api, context);
  addLetterRoutes(api, context);
}

function addDefinitionRoutes(api: Api, context: RouteContext): void {
  const tags = ['Changes'];
  api.get(
    '/v1/webhooks',
    {
      schema: {
        tags,
        summary: 'All webhooks',
        response: answers(Type.Object({ items: Type.Array(ViewAnswer) })),
      },
    },
    async () => {
      const items = await webhooksOf(context).list();
      const latest = await positionOf(context);
      return { items: items.map((view) => viewAnswer(view, latest)) };
    },
  );
  api.get(
    '/v1/webhooks/:id',
    {
      schema: {
        tags,
        summary: 'A webhook, and how its deliveries go',
        params: IdPath,
        response: answers(ViewAnswer),
      },
    },
    async (request) =>
      viewAnswer(await webhooksOf(context).get(request.params.id), await positionOf(context)),
  );
  api.put(
    '/v1/webhooks/:id',
    {
      schema: {
        tags,
        summary: 'Make a webhook, or change one',
        description:
          'A new one is told of changes from now on; one that is changed goes on where it was, and keeps its secret unless given another. Deliveries are signed as Standard Webhooks has it.',
        params: IdPath,
        body: WebhookBody,
        response: { ...answers(ViewAnswer, 201), ...answers(ViewAnswer) },
      },
    },
    async (request, reply) => {
      const webhooks = webhooksOf(context);
      await refuseNeverDefined(context, request.body.segments ?? []);
      const { isNew, view, secret } = await webhooks.put({ id: request.params.id, ...request.body });
      const answer = viewAnswer(view, await positionOf(context));
      return reply.code(isNew ? 201 : 200).send({ ...answer, secret });
    },
  );
  api.delete(
    '/v1/webhooks/:id',
    {
      schema: {
        tags,
        summary: 'Remove a webhook and its dead letters',
        params: IdPath,
        response: { 204: Type.Null(), ...answers(Type.Null(), 204) },
      },
    },
    async (request, reply) => {
      await webhooksOf(context).remove(request.params.id);
      return reply.code(204).send(null);
    },
  );
}

function addLetterRoutes(api: Api, context: RouteContext): void {
  const tags = ['Changes'];
  api.get(
    '/v1/webhooks/:id/dead-letters',
    {
      schema: {
        tags,
        summary: 'Batches that were given up, oldest first',
        params: IdPath,
        querystring: Type.Object({ limit: Type.Optional(LimitSchema) }, closed),
        response: answers(LettersAnswer),
      },
    },
    async (request) => {
      const webhooks = webhooksOf(context);
      const { limit = PAGE_ITEMS_DEFAULT } = request.query;
      const letters = await webhooks.deadLetters(request.params.id, limit);
      const items = letters.map(({ deliveryId, failedAt, attempts, error, body }) => ({
        deliveryId,
        failedAt: formatMoment(failedAt),
        attempts,
        error,
        body: JSON.parse(body) as unknown,
      }));
      return { items, total: (await webhooks.get(request.params.id)).deadLetters };
    },
  );
  api.post(
    '/v1/webhooks/:id/dead-letters/redeliver',
    {
      schema: {
        tags,
        summary: 'Send dead letters again, oldest first, up to the first that fails',
        params: IdPath,
        querystring: Type.Object({ limit: Type.Optional(LimitSchema) }, closed),
        response: answers(RedeliveryAnswer),
      },
    },
    async (request) => {
      const webhooks = webhooksOf(context);
      const { id } = request.params;
      const outcome = await webhooks.redeliver(id, request.query.limit ?? PAGE_ITEMS_DEFAULT);
      return { ...outcome, deadLetters: (await webhooks.get(id)).deadLetters };
    },
  );
}

/**
 * Refuses keys that no definition ever had: nothing would ever be delivered for a typo. Archived ones may stay, and
 * instances of a family may be of stores that are still to come.
 *
 * @throws {CoterieError} `WEBHOOK_INVALID`, with the field and the nearest key.
 */
async function refuseNeverDefined(context: RouteContext, segments: readonly string[]): Promise<void> {
  if (segments.length === 0) return;
  const core = coreOf(context);
  for (const [i, key] of segments.entries()) {
    const [definitionKey = '', instance] = key.split('@');
    const version = await core.segment(definitionKey);
    if (version !== undefined && (instance === undefined || version.definition.forEach !== undefined))
      continue;
    const { items } = await core.segments({ limit: Number.POSITIVE_INFINITY });
    const near = didYouMean(
      definitionKey,
      items.map(({ definition }) => definition.key).filter((known) => known !== definitionKey),
    );
    throw new CoterieError(
      'WEBHOOK_INVALID',
      `segments[${i}]: expected the key of a segment or family that is defined, found ${JSON.stringify(key)}${near}`,
      { field: `segments[${i}]`, expected: 'the key of a segment or family that is defined', found: key },
    );
  }
}

function viewAnswer({ deliveredAt, ...view }: WebhookView, latest: number) {
  return {
    ...view,
    behind: Math.max(0, latest - view.position),
    deliveredAt: deliveredAt === undefined ? undefined : formatMoment(deliveredAt),
  };
}

async function positionOf(context: RouteContext): Promise<number> {
  return (await context.feed?.position()) ?? 0;
}

/** @throws {CoterieError} `CORE_UNAVAILABLE` in a process that delivers nothing. */
function webhooksOf(context: RouteContext): Webhooks {
  if (context.webhooks === undefined) {
    throw new CoterieError('CORE_UNAVAILABLE', 'This process has no webhooks: ask the Core');
  }
  return context.webhooks;
}
