/**
 * The description of the API, made from the routes: `/openapi.json`, a page at `/docs` that works without
 * the internet, and the JSON Schema of definitions at `/v1/schema`.
 */
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { Type } from 'typebox';
import { definitionSchema, publishedSchema, ruleSchemas } from '../model/definition-schema.ts';
import type { SegmentTypes } from '../model/segment-type.ts';
import { answers, ProblemSchema } from './answer-schemas.ts';
import type { Api } from './context.ts';

/** Only what the page brings itself; it sets styles on elements, and draws icons from data. */
const PAGE_POLICY = {
  useDefaults: false,
  directives: {
    'default-src': ["'self'"],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'connect-src': ["'self'"],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'frame-ancestors': ["'none'"],
  },
};

/** Begins to describe: for all routes added after. */
export async function describeRoutes(api: Api, types: SegmentTypes, version: string): Promise<void> {
  for (const schema of [ProblemSchema, ...ruleSchemas(types), definitionSchema(types)]) api.addSchema(schema);
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Coterie',
        version,
        description: 'Is this customer in that segment? Every answer says what moment it reflects.',
      },
      tags: [
        { name: 'Checks', description: 'Questions about customers: answered from memory, never slow.' },
        { name: 'Segments', description: 'Questions about segments, and their definitions.' },
        { name: 'Calculations', description: 'Full passes.' },
        { name: 'Facts', description: 'What is known, and what comes in.' },
        { name: 'Changes', description: 'Who entered and left segments, as it happens.' },
        { name: 'Operations', description: 'For those who run Coterie.' },
      ],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `schema-${i}`),
    },
  });
}

/** Puts what was described on the server. */
export async function addDocs(api: Api, types: SegmentTypes): Promise<void> {
  const schema = JSON.stringify(publishedSchema(types));
  api.get(
    '/v1/schema',
    {
      schema: {
        tags: ['Segments'],
        summary: 'The JSON Schema of definitions',
        response: answers(
          Type.Object({}, { description: 'JSON Schema, draft 2020-12.', additionalProperties: true }),
        ),
      },
    },
    (_request, reply) => {
      reply.header('content-type', 'application/schema+json; charset=utf-8').send(schema);
    },
  );
  let description: string | undefined;
  api.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
    description ??= JSON.stringify(api.swagger());
    reply.header('content-type', 'application/json; charset=utf-8').send(description);
  });
  await api.register(async (page) => {
    await page.register(helmet, { contentSecurityPolicy: PAGE_POLICY, strictTransportSecurity: false });
    await page.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { docExpansion: 'list', deepLinking: true, validatorUrl: null, tryItOutEnabled: true },
    });
  });
}
