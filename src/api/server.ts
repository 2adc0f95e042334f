/**
 * The HTTP server, as design and documentation describe it: routes over the ports `Store` and `Core`. It
 * knows no driver, opens nothing and closes nothing of what it is given. Checks stand in a scope of their
 * own, without the headers that browsers want; everything else is sent with them.
 */
import { randomBytes } from 'node:crypto';
import helmet from '@fastify/helmet';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { type FastifyBaseLogger, type FastifyServerOptions, fastify, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { Core } from '../core/core.ts';
import type { ChangeFeed } from '../core/feed/change-feed.ts';
import type { Ingest } from '../core/ingest/ingest.ts';
import type { StreamConsumer } from '../core/stream/stream-consumer.ts';
import type { Verifier } from '../core/verify/verifier.ts';
import type { Webhooks } from '../core/webhook/webhooks.ts';
import { CoterieError } from '../model/error.ts';
import { SEGMENT_TYPES, type SegmentTypes } from '../model/segment-type.ts';
import type { Store } from '../store/store.ts';
import { readJson } from './body-format.ts';
import { addCalculationRoutes } from './calculation-routes.ts';
import { addChangeRoutes } from './change-routes.ts';
import { addCheckRoutes } from './check-routes.ts';
import { refuseConnection } from './connection-error.ts';
import type { Api, RouteContext } from './context.ts';
import { addCustomerRoutes } from './customer-routes.ts';
import { addDefinitionRoutes } from './definition-routes.ts';
import { addDocs, describeRoutes } from './docs.ts';
import { addErasureRoutes } from './erasure-routes.ts';
import { addFactRoutes } from './fact-routes.ts';
import { addGuards } from './guards.ts';
import { addListRoutes } from './list-routes.ts';
import { addMemberRoutes } from './member-routes.ts';
import { Metrics } from './metrics.ts';
import { addModelRoutes } from './model-routes.ts';
import { addOperationRoutes } from './operation-routes.ts';
import { sendProblem } from './problem.ts';
import { compileValidator } from './request-validation.ts';
import { PATH_PARAMETER_MAX, SERVER_DEFAULTS, type ServerOptions } from './server-options.ts';
import { addStreamRoutes } from './stream-routes.ts';
import { addVerifyRoutes } from './verify-routes.ts';
import { addWebhookRoutes } from './webhook-routes.ts';

export interface ServerParts {
  readonly store: Store;
  /** Absent in a process that serves memberships only: the Core's routes then answer `CORE_UNAVAILABLE`. */
  readonly core?: Core | undefined;
  /** Absent where no facts are taken: their routes then answer `CORE_UNAVAILABLE`. */
  readonly ingest?: Ingest | undefined;
  /** Absent where there is no log of changes. */
  readonly feed?: ChangeFeed | undefined;
  readonly webhooks?: Webhooks | undefined;
  /** Streams that facts are taken in from; default none. */
  readonly streams?: readonly Pick<StreamConsumer, 'status'>[];
  /** Absent where there are no facts to verify memberships against. */
  readonly verifier?: Verifier | undefined;
  /** The segment types that definitions may have; default the built-in ones. */
  readonly types?: SegmentTypes;
  readonly options?: Partial<ServerOptions>;
  readonly logger?: Logger;
}

/**
 * Builds a server that is ready to listen. `close()` lets requests under way end and answers those that
 * come on open connections, each with `Connection: close`; see `close-server.ts` for a limit in time.
 */
export async function createServer(parts: ServerParts): Promise<Api> {
  const options: ServerOptions = { ...SERVER_DEFAULTS, ...parts.options };
  const metrics = new Metrics(parts.store, parts.core);
  if (parts.ingest !== undefined) metrics.watchIngest(parts.ingest);
  if (parts.verifier !== undefined) metrics.watchVerifier(parts.verifier);
  const streams = parts.streams ?? [];
  metrics.watchStreams(streams);
  const types = parts.types ?? SEGMENT_TYPES;
  const { store, core, ingest, feed, webhooks } = parts;
  const context: RouteContext = {
    store,
    core,
    ingest,
    feed,
    webhooks,
    streams,
    verifier: parts.verifier,
    types,
    options,
    metrics,
  };
  const api = bareServer(options, parts.logger, metrics);
  observeRoutes(api, context);
  await addGuards(api, options);
  await describeRoutes(api, types, options.version);
  await api.register(async (checks) => {
    checks.addHook('onRequest', (_request, reply, done) => {
      reply.raw.setHeader('x-content-type-options', 'nosniff');
      done();
    });
    addCheckRoutes(checks.withTypeProvider<TypeBoxTypeProvider>(), context);
  });
  await api.register(async (others) => {
    await others.register(helmet, { contentSecurityPolicy: API_POLICY, strictTransportSecurity: false });
    const routes = others.withTypeProvider<TypeBoxTypeProvider>();
    addCustomerRoutes(routes, context);
    addErasureRoutes(routes, context);
    await addDefinitionRoutes(routes, context);
    addMemberRoutes(routes, context);
    addCalculationRoutes(routes, context);
    await addFactRoutes(routes, context);
    await addListRoutes(routes, context);
    addModelRoutes(routes, context);
    addStreamRoutes(routes, context);
    addChangeRoutes(routes, context);
    addWebhookRoutes(routes, context);
    addOperationRoutes(routes, context);
    addVerifyRoutes(routes, context);
  });
  await api.register(async (docs) => {
    await addDocs(docs.withTypeProvider<TypeBoxTypeProvider>(), types);
  });
  refreshOften(api, context);
  await api.ready();
  return api;
}

/** How often a server that closes looks for connections that went idle. */
const IDLE_LOOK_MS = 50;

/** Answers of the API are data: nothing in them is to be loaded or run. */
const API_POLICY = {
  useDefaults: false,
  directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
};

/** For every scope, also those that have schemas of their own. Answers are described by theirs, not filtered. */
const COMPILERS = {
  buildValidator: () => compileValidator,
  buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
} as unknown as NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;

function bareServer(options: ServerOptions, logger: Logger | undefined, metrics: Metrics): Api {
  const api = fastify({
    ...(logger === undefined ? {} : { loggerInstance: logger as FastifyBaseLogger }),
    // One log for all requests: a child for each costs more than a check does. Lines name the request.
    childLoggerFactory: (parent) => parent,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIds(),
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    trustProxy: options.trustProxy,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: PATH_PARAMETER_MAX },
    schemaController: { compilersFactory: COMPILERS },
    frameworkErrors: (error, request, reply) => {
      sendProblem(error, request, reply, metrics);
    },
    clientErrorHandler: refuseConnection,
  }).withTypeProvider<TypeBoxTypeProvider>();
  readJson(api);
  api.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, metrics));
  api.setNotFoundHandler((request, reply) =>
    sendProblem(
      new CoterieError(
        'ROUTE_NOT_FOUND',
        `There is no ${request.method} ${request.url.split('?', 1)[0]!.slice(0, 200)}`,
      ),
      request,
      reply,
      metrics,
    ),
  );
  refuseBrokenQueries(api);
  closeWhatGoesIdle(api);
  api.addHook('onClose', (_instance, done) => {
    metrics.close();
    done();
  });
  return api;
}

/** A query that is not well encoded is refused, as a path is; the parser would take it as it stands. */
function refuseBrokenQueries(api: Api): void {
  api.addHook('onRequest', (request, _reply, done) => {
    const start = request.url.indexOf('?');
    if (start < 0 || !request.url.includes('%', start)) return done();
    try {
      decodeURIComponent(request.url.slice(start + 1));
      done();
    } catch {
      const words = 'The query has a % that begins no character in UTF-8';
      done(new CoterieError('REQUEST_INVALID', words, { in: 'query' }));
    }
  });
}

/**
 * Node closes connections that are idle when the server begins to close. One whose request ends after that
 * would stay open as long as its client likes, and keep the server from closing.
 */
function closeWhatGoesIdle(api: Api): void {
  api.addHook('preClose', (done) => {
    if (!api.server.listening) return done();
    const timer = setInterval(() => api.server.closeIdleConnections(), IDLE_LOOK_MS);
    api.server.once('close', () => clearInterval(timer));
    timer.unref();
    done();
  });
}

const REQUEST_ID = /^[\w.:-]{1,100}$/;

/** Takes the caller's `X-Request-Id` where it is harmless, else counts on from a random start. */
function requestIds(): (request: { readonly headers: NodeJS.Dict<string | string[]> }) => string {
  const prefix = randomBytes(5).toString('hex');
  let count = 0;
  return (request) => {
    const given = request.headers['x-request-id'];
    if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
    count++;
    return `${prefix}-${count.toString(36)}`;
  };
}

/** Gives each route an observer of its own; slow requests are logged by route, never by customer. */
function observeRoutes(api: Api, { metrics, options }: RouteContext): void {
  api.addHook('onRoute', (route) => {
    const observe = metrics.observer(String(route.method), route.url);
    const before = route.onResponse === undefined ? [] : [route.onResponse].flat();
    route.onResponse = [
      ...before,
      (request, reply, done) => {
        const ms = reply.elapsedTime;
        observe(reply.statusCode, ms);
        if (ms > options.slowRequestMs) {
          request.log.warn(
            { requestId: request.id, status: reply.statusCode, ms: Math.round(ms) },
            `${request.method} ${route.url} was slow`,
          );
        }
        done();
      },
    ];
  });
}

function refreshOften(api: Api, { store, options }: RouteContext): void {
  let refreshing = false;
  const timer = setInterval(async () => {
    if (refreshing) return;
    refreshing = true;
    try {
      await store.refresh();
    } catch (error) {
      // What is served goes on being served; its age tells.
      api.log.error({ err: error }, 'looking for newer memberships failed');
    } finally {
      refreshing = false;
    }
  }, options.refreshPeriodMs);
  timer.unref();
  api.addHook('onClose', (_instance, done) => {
    clearInterval(timer);
    done();
  });
}
