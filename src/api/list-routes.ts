/** Lists of customers: replaced, added to, removed from and emptied; each request is one batch, whole or nothing. */
import { Type } from 'typebox';
import { emptyChunk } from '../core/ingest/fact-chunk.ts';
import { type ListUpload, uploadList } from '../core/ingest/list-upload.ts';
import { CoterieError } from '../model/error.ts';
import { readListEntry } from '../model/read-fact.ts';
import { answers, RejectsQuery, RejectsSchema, RowWarningsSchema } from './answer-schemas.ts';
import { type Api, coreOf, ingestOf, type RouteContext } from './context.ts';
import { type FactRows, ID_TYPES, readIdRows } from './fact-body.ts';
import { compileAllButBody } from './request-validation.ts';

const ListPath = Type.Object({
  list: Type.String({
    description: 'Name of a list, percent-encoded: 1 to 512 bytes in UTF-8, no control characters.',
    examples: ['do-not-contact'],
  }),
});

const UploadQuery = Type.Object(
  {
    strict: Type.Optional(Type.Boolean({ description: 'Whether one bad row refuses all.' })),
    rejects: RejectsQuery,
  },
  { additionalProperties: false },
);

const IdsSchema = Type.Array(
  Type.Union([
    Type.String({ description: 'Id of a customer.' }),
    Type.Object(
      { customer_id: Type.String(), listed: Type.Optional(Type.Boolean()) },
      { additionalProperties: true },
    ),
  ]),
  {
    description: 'Ids, or rows with a customer_id. Or an object with this list as its `rows`.',
    examples: [['customer-17', 'customer-18']],
  },
);

const BODY = {
  content: Object.fromEntries(
    ID_TYPES.map((type) => [
      type,
      {
        schema:
          type === 'application/json'
            ? IdsSchema
            : Type.String({
                description: type.endsWith('ndjson')
                  ? 'An id (as a JSON text) or a row a line; read as it comes, however long it is.'
                  : 'An id a line; blanks around it and empty lines are nothing. However long it is.',
              }),
      },
    ]),
  ),
};

const BatchNoSchema = Type.Integer({
  description: 'Memberships reflect it once the mark of an answer is at this or above.',
});

const UploadAnswer = Type.Object({
  list: Type.String(),
  accepted: Type.Integer({ description: 'Rows that are durable now.' }),
  rejected: Type.Integer({ description: 'Rows set aside.' }),
  unchanged: Type.Integer({
    description:
      'Of those accepted, what changed nothing: who is on the list already (or is not), and repeats.',
  }),
  unknown: Type.Integer({ description: 'Customers never heard of before; they are known from now on.' }),
  delisted: Type.Optional(
    Type.Integer({
      description: 'Of a replacement: customers who were on the list, and are not in the request.',
    }),
  ),
  erased: Type.Optional(
    Type.Integer({ description: 'Rows about customers who were forgotten: dropped. Absent: none.' }),
  ),
  warnings: RowWarningsSchema,
  reasons: Type.Record(Type.String(), Type.Integer(), { description: 'Reason → rows.' }),
  rejects: RejectsSchema,
  batchNo: BatchNoSchema,
});

const WHOLE =
  'The request is taken whole, in one batch, or, if it breaks off, not at all. Bad rows are set aside and nothing else is lost.';

const UPLOADS = [
  {
    method: 'PUT',
    url: '/v1/lists/:list',
    action: 'replace',
    summary: 'Replace a list',
    description: `Who is not in the body is on the list no longer. ${WHOLE} A body without a usable id changes nothing: to empty a list, delete it.`,
  },
  {
    method: 'POST',
    url: '/v1/lists/:list/entries',
    action: 'add',
    summary: 'Add customers to a list',
    description: `Makes the list if there is none. ${WHOLE}`,
  },
  {
    method: 'DELETE',
    url: '/v1/lists/:list/entries',
    action: 'remove',
    summary: 'Remove customers from a list',
    description: `The body names them, as for adding. ${WHOLE}`,
  },
] as const;

/** Puts the routes on a server. */
export async function addListRoutes(api: Api, context: RouteContext): Promise<void> {
  api.get(
    '/v1/lists',
    {
      schema: {
        tags: ['Facts'],
        summary: 'Which lists are there, and how many customers are on them?',
        response: answers(
          Type.Object({
            lists: Type.Array(
              Type.Object({
                list: Type.String(),
                customers: Type.Integer({ description: 'Known customers on it.' }),
              }),
            ),
          }),
        ),
      },
    },
    async () => ({ lists: await coreOf(context).lists() }),
  );

  await api.register(async (scope) => {
    readIdRows(scope);
    const routes = scope as unknown as Api;
    for (const { action, method, url, summary, description } of UPLOADS) {
      routes.route({
        method,
        url,
        validatorCompiler: compileAllButBody,
        schema: {
          tags: ['Facts'],
          summary,
          description,
          params: ListPath,
          querystring: UploadQuery,
          body: BODY,
          response: answers(UploadAnswer),
        },
        handler: (request) =>
          upload(context, {
            list: request.params.list,
            action,
            rows: request.body as FactRows | null | undefined,
            strict: request.query.strict ?? false,
            ...(request.query.rejects === undefined ? {} : { rejectsListed: request.query.rejects }),
          }),
      });
    }
    addEmptying(routes, context);
  });
}

function addEmptying(routes: Api, context: RouteContext): void {
  routes.delete(
    '/v1/lists/:list',
    {
      schema: {
        tags: ['Facts'],
        summary: 'Empty a list',
        description: 'Nobody is on it any more. The list stays known, since rules may name it.',
        params: ListPath,
        response: answers(
          Type.Object({
            list: Type.String(),
            removed: Type.Integer({ description: 'Customers who were on it.' }),
            batchNo: BatchNoSchema,
          }),
        ),
      },
    },
    async (request) => {
      const { list } = request.params;
      checkListName(list);
      const known = await knownList(context, list);
      const { batchNo } = await ingestOf(context).putAlone({ ...emptyChunk(), emptiedLists: [list] }, 0);
      request.log.info({ list, removed: known.customers, batchNo }, 'a list was emptied');
      return { list, removed: known.customers, batchNo };
    },
  );
}

async function upload(
  context: RouteContext,
  wanted: Omit<ListUpload, 'rows'> & { readonly rows: FactRows | null | undefined },
) {
  const { list, action, rows } = wanted;
  checkListName(list);
  const [core, ingest] = [coreOf(context), ingestOf(context)];
  if (action === 'remove') await knownList(context, list);
  const parts = { ingest, engine: core, folder: context.options.uploadFolder };
  return { list, ...(await uploadList(parts, { ...wanted, rows: rows ?? [] })) };
}

/** @throws {CoterieError} `LIST_NOT_FOUND`, since a name that is mistyped would seem to have worked. */
async function knownList(context: RouteContext, list: string) {
  const [known] = await coreOf(context).lists(list);
  if (known === undefined) {
    throw new CoterieError('LIST_NOT_FOUND', `There is no list ${JSON.stringify(list)}`, { list });
  }
  return known;
}

/** @throws {CoterieError} `REQUEST_INVALID` for a name that rows could not have. */
function checkListName(list: string): void {
  const reading = readListEntry({ customer_id: 'anybody', list });
  if (!('reason' in reading)) return;
  throw new CoterieError(
    'REQUEST_INVALID',
    `list: expected a name of 1 to 512 bytes without control characters: ${reading.reason}`,
    {
      field: 'list',
      in: 'params',
    },
  );
}
