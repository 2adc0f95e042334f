/**
 * Definitions: read, written one at a time or many at once, archived, previewed. Nothing is edited in
 * place: what is written becomes a version with author, time and reason, which come as query parameters,
 * since headers cannot hold every script and a DELETE has no body.
 */
import { Type } from 'typebox';
import type { ApplyNote } from '../core/catalog/catalog.ts';
import { readDefinitions } from '../core/catalog/read-definitions.ts';
import { CoterieError } from '../model/error.ts';
import type { Definition, DefinitionVersion } from '../model/segment.ts';
import {
  AsOfSchema,
  answers,
  CursorSchema,
  LimitSchema,
  MarkSchema,
  NextSchema,
  SegmentKeySchema,
  WarningsSchema,
} from './answer-schemas.ts';
import { DEFINITION_TYPES, type DefinitionText, readDefinitionText } from './body-format.ts';
import { type Api, coreOf, type RouteContext } from './context.ts';
import { readKeyCursor, writeCursor } from './cursor.ts';
import { versionAnswer, withAsOfText } from './report.ts';
import { compileAllButBody } from './request-validation.ts';
import { APPLY_DEFINITIONS_MAX, PAGE_ITEMS_DEFAULT } from './server-options.ts';

const closed = { additionalProperties: false } as const;
/** The author of what is written by nobody named. */
const AUTHOR_UNNAMED = 'unnamed';

const ONE_OR_MORE = {
  anyOf: [{ $ref: 'Definition#' }, { type: 'array', items: { $ref: 'Definition#' } }],
};

const KeyPath = Type.Object({ key: SegmentKeySchema });

const NoteQuery = Type.Object(
  {
    author: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: `Who. Default "${AUTHOR_UNNAMED}".` }),
    ),
    reason: Type.Optional(Type.String({ maxLength: 2000, description: 'Why, kept with the version.' })),
  },
  closed,
);

const ListQuery = Type.Object(
  {
    q: Type.Optional(
      Type.String({ maxLength: 200, description: 'Part of the key or name; case does not matter.' }),
    ),
    owner: Type.Optional(Type.String({ description: 'Of this owner.' })),
    tag: Type.Optional(Type.String({ description: 'With this tag.' })),
    type: Type.Optional(Type.String({ description: 'Of this type.' })),
    status: Type.Optional(
      Type.Enum(['active', 'paused', 'archived'], {
        description: 'With this status. Without it, all but archived ones.',
      }),
    ),
    limit: Type.Optional(LimitSchema),
    cursor: Type.Optional(CursorSchema),
  },
  closed,
);

const VersionSchema = Type.Object(
  {
    key: Type.String(),
    version: Type.Integer({ description: '1 for the first version of this key.' }),
    definition: Type.Ref('Definition#'),
    author: Type.String(),
    at: Type.String({ format: 'date-time' }),
    reason: Type.Optional(Type.String()),
    catalogNo: Type.Integer({ description: 'Position among all versions of all definitions.' }),
  },
  { $id: 'DefinitionVersion', description: 'One version of a definition.' },
);
const VersionAnswer = Type.Ref('DefinitionVersion#');

const ListAnswer = Type.Object({
  items: Type.Array(VersionAnswer),
  next: NextSchema,
  total: Type.Integer({ description: 'How many match, over all pages.' }),
});

const ApplyAnswer = Type.Object({
  added: Type.Integer(),
  changed: Type.Integer(),
  unchanged: Type.Integer({ description: 'Equal to the version in force: nothing was appended.' }),
  catalogNo: Type.Integer(),
});

const Keys = Type.Array(Type.String());
const DryRunAnswer = Type.Object(
  { added: Keys, changed: Keys, unchanged: Keys },
  { description: 'Keys by what would become of them.' },
);

const PreviewAnswer = Type.Object({
  size: Type.Integer({ description: 'Known customers in it, exact.' }),
  customers: Type.Integer({ description: 'Known customers.' }),
  sample: Type.Array(Type.String(), { description: 'Ids of some members, spread over all of them.' }),
  segments: Type.Integer({
    description: '1, or the instances of a family; the size is then that of their union.',
  }),
  compared: Type.Optional(
    Type.Object(
      {
        version: Type.Integer({ description: 'The version in force, which it is compared with.' }),
        entrants: Type.Integer({ description: 'Customers who would enter.' }),
        leavers: Type.Integer({ description: 'Customers who would leave.' }),
        stay: Type.Integer({ description: 'Customers who are in it before and after.' }),
      },
      {
        description:
          'What the change would do, exactly, where the key is in force already. Absent for a new or archived key, and for a family of more than one instance.',
      },
    ),
  ),
  warnings: WarningsSchema,
  seconds: Type.Number(),
  asOf: AsOfSchema,
  mark: MarkSchema,
});

/** Puts the routes on a server, which has the schemas of definitions already. */
export async function addDefinitionRoutes(api: Api, context: RouteContext): Promise<void> {
  api.addSchema(VersionSchema);
  addReadingRoutes(api, context);
  addWritingRoutes(api, context);
  await api.register(async (scope) => {
    readDefinitionText(scope);
    addApplyRoutes(scope as unknown as Api, context);
  });
}

function addReadingRoutes(api: Api, context: RouteContext): void {
  api.get(
    '/v1/segments',
    {
      schema: {
        tags: ['Segments'],
        summary: 'The definitions in force, by key',
        querystring: ListQuery,
        response: answers(ListAnswer),
      },
    },
    async (request) => {
      const { cursor, limit, ...filter } = request.query;
      const page = await coreOf(context).segments({
        ...filter,
        limit: limit ?? PAGE_ITEMS_DEFAULT,
        ...(cursor === undefined ? {} : { after: readKeyCursor(cursor) }),
      });
      return {
        items: page.items.map(versionAnswer),
        next: page.next === undefined ? undefined : writeCursor(page.next),
        total: page.total,
      };
    },
  );

  api.get(
    '/v1/segments/:key',
    {
      schema: {
        tags: ['Segments'],
        summary: 'The definition in force',
        params: KeyPath,
        response: answers(VersionAnswer),
      },
    },
    async (request) => versionAnswer(await versionOf(context, request.params.key)),
  );

  api.get(
    '/v1/segments/:key/versions',
    {
      schema: {
        tags: ['Segments'],
        summary: 'Every version of a definition, oldest first',
        params: KeyPath,
        response: answers(Type.Object({ key: Type.String(), versions: Type.Array(VersionAnswer) })),
      },
    },
    async (request) => {
      const { key } = request.params;
      const versions = await coreOf(context).versions(key);
      if (versions.length === 0) throw noSegment(key);
      return { key, versions: versions.map(versionAnswer) };
    },
  );
}

function addWritingRoutes(api: Api, context: RouteContext): void {
  api.put(
    '/v1/segments/:key',
    {
      validatorCompiler: compileAllButBody,
      schema: {
        tags: ['Segments'],
        summary: 'Define a segment, or change its definition',
        description:
          'The body is the definition, without its key or with the same. Memberships follow with the next tick, within about a second; where nothing ticks, with the next calculation.',
        params: KeyPath,
        querystring: NoteQuery,
        body: Type.Unsafe<unknown>(Type.Ref('Definition#')),
        response: { ...answers(VersionAnswer, 201), ...answers(VersionAnswer) },
      },
    },
    async (request, reply) => {
      const { key } = request.params;
      const definition = definitionOf(request.body, key);
      if (definition.key !== key) {
        throw new CoterieError(
          'REQUEST_INVALID',
          `key: expected ${JSON.stringify(key)} as in the path, or no key, found ${JSON.stringify(definition.key)}`,
          { field: 'key', in: 'body', expected: key, found: definition.key },
        );
      }
      const report = await coreOf(context).apply([definition], noteOf(request.query));
      reply.code(report.added > 0 ? 201 : 200);
      return versionAnswer(await versionOf(context, key));
    },
  );

  api.delete(
    '/v1/segments/:key',
    {
      schema: {
        tags: ['Segments'],
        summary: 'Archive a segment',
        description:
          'Appends a version with status archived; its versions stay. Checks do not know the segment from the next tick on, within about a second; where nothing ticks, from the next calculation on.',
        params: KeyPath,
        querystring: NoteQuery,
        response: answers(VersionAnswer),
      },
    },
    async (request) => {
      const { definition } = await versionOf(context, request.params.key);
      await coreOf(context).apply([{ ...definition, status: 'archived' }], noteOf(request.query));
      return versionAnswer(await versionOf(context, definition.key));
    },
  );

  api.post(
    '/v1/segments/preview',
    {
      validatorCompiler: compileAllButBody,
      schema: {
        tags: ['Segments'],
        summary: 'Size and sample of a definition that is not saved',
        description:
          'The key may be left out. With the key of a definition in force, it also says who would enter, leave and stay. Of a list the first is previewed; the others are what it may refer to, in place of those in force.',
        body: Type.Unsafe<unknown>(ONE_OR_MORE),
        response: answers(PreviewAnswer),
      },
    },
    async (request) => {
      const [first, ...beside] = Array.isArray(request.body) ? request.body : [request.body];
      const others = beside.map((each) => definitionOf(each, ''));
      return withAsOfText(await coreOf(context).preview(definitionOf(first, 'preview'), others));
    },
  );
}

function addApplyRoutes(api: Api, context: RouteContext): void {
  const body = Type.Unsafe<unknown>(ONE_OR_MORE);
  const consumes = [...DEFINITION_TYPES];
  api.post(
    '/v1/segments',
    {
      validatorCompiler: compileAllButBody,
      schema: {
        tags: ['Segments'],
        summary: 'Define many segments at once, all or none',
        description: `One definition or a list of them, up to ${APPLY_DEFINITIONS_MAX}: JSON, NDJSON or YAML. Those equal to the version in force change nothing.`,
        consumes,
        querystring: NoteQuery,
        body,
        response: answers(ApplyAnswer),
      },
    },
    async (request) => coreOf(context).apply(definitionsOf(request.body, context), noteOf(request.query)),
  );

  api.post(
    '/v1/segments/dry-run',
    {
      validatorCompiler: compileAllButBody,
      schema: {
        tags: ['Segments'],
        summary: 'Check definitions and say what defining them would change; nothing is changed',
        description: 'What `POST /v1/segments` would refuse, this refuses.',
        consumes,
        body,
        response: answers(DryRunAnswer),
      },
    },
    async (request) => coreOf(context).dryRun(definitionsOf(request.body, context)),
  );
}

/** Definitions to be applied together. */
function definitionsOf(body: unknown, context: RouteContext): Definition[] {
  const { text, format } = (body ?? { text: '', format: 'json' }) as DefinitionText;
  const definitions = readDefinitions(text, { file: 'body', format }, context.types);
  if (definitions.length > APPLY_DEFINITIONS_MAX) {
    throw new CoterieError(
      'REQUEST_INVALID',
      `the body: expected at most ${APPLY_DEFINITIONS_MAX} definitions, found ${definitions.length}`,
      { in: 'body', expected: `at most ${APPLY_DEFINITIONS_MAX}`, found: definitions.length },
    );
  }
  return definitions;
}

/** The body as a definition, with this key where it has none; the Core says what else is wrong with it. */
function definitionOf(body: unknown, key: string): Definition {
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return { key, ...body } as Definition;
  const found = Array.isArray(body) ? 'a list' : body === undefined ? 'nothing' : JSON.stringify(body);
  throw new CoterieError('REQUEST_INVALID', `the body: expected a definition, found ${found.slice(0, 60)}`, {
    in: 'body',
    expected: 'a definition',
    found: found.slice(0, 60),
  });
}

function noteOf(query: { readonly author?: string; readonly reason?: string }): ApplyNote {
  const at = Math.floor(Date.now() / 1000);
  const author = query.author ?? AUTHOR_UNNAMED;
  return query.reason === undefined ? { author, at } : { author, at, reason: query.reason };
}

async function versionOf(context: RouteContext, key: string): Promise<DefinitionVersion> {
  const version = await coreOf(context).segment(key);
  if (version === undefined) throw noSegment(key);
  return version;
}

function noSegment(key: string): CoterieError {
  const at = key.indexOf('@');
  const hint =
    at < 0 ? '' : `: if it is an instance of a family, ask for ${JSON.stringify(key.slice(0, at))}`;
  return new CoterieError('SEGMENT_NOT_FOUND', `No definition has the key ${JSON.stringify(key)}${hint}`, {
    segment: key,
  });
}
