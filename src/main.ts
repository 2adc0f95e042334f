/**
 * The composition root: the only place that picks drivers. Each part is loaded when a command first asks
 * for it, so that `check` and `--help` do not wait for an engine that they do not use.
 */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { COMMANDS } from './cli/commands.ts';
import { changesFolder, rejectsFolder, storeFolder, uploadFolder } from './cli/data-folder.ts';
import { listen } from './cli/listen.ts';
import type { Parts, RunningServer } from './cli/parts.ts';
import { pluginSource } from './cli/plugin-source.ts';
import { runCli } from './cli/run.ts';
import type { Config } from './config/option-table.ts';
import type { ChangeLog } from './core/change/change-log.ts';
import type { Core } from './core/core.ts';
import type { DuckDbDatabase } from './core/engine/duckdb/database.ts';
import type { Progress } from './core/engine/engine.ts';
import type { MessageStream } from './core/stream/message-stream.ts';
import type { StreamConsumer } from './core/stream/stream-consumer.ts';
import type { VerifyRequest } from './core/verify/verify.ts';
import { CoterieError } from './model/error.ts';
import type { SegmentTypes } from './model/segment-type.ts';
import type { Store, StoreView } from './store/store.ts';

const BYTES_A_MIB = 1_048_576;
const STANDARD_ERROR = 2;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Plug-ins as they are named → what they bring: a command asks for every file that it reads. */
const loadedTypes = new WeakMap<Config['plugins'], Promise<SegmentTypes>>();

/** The segment types and sources that are built in, and those of the plug-ins that are named. */
async function segmentTypes({ plugins }: Config): Promise<SegmentTypes> {
  if (plugins.length === 0) return (await import('./model/segment-type.ts')).SEGMENT_TYPES;
  const { loadPlugins } = await import('./core/plugin/load-plugins.ts');
  const types = loadedTypes.get(plugins) ?? loadPlugins(plugins);
  loadedTypes.set(plugins, types);
  return types;
}

async function openDatabase(config: Config) {
  const duckdb = await import('./core/engine/duckdb/database.ts');
  return duckdb.openDatabase({
    folder: config.data,
    memoryMiB: Math.floor(config.engineMemory / BYTES_A_MIB),
    threads: config.threads,
  });
}

async function openStore(config: Config, mode: { readonly readOnly: boolean }): Promise<Store> {
  const { openLmdbStore } = await import('./store/lmdb/lmdb-store.ts');
  return openLmdbStore({ folder: storeFolder(config.data), ...mode });
}

/** A Core on DuckDB that loads into a store. Closing it closes the database, not the store. */
async function openCore(
  config: Config,
  parts: {
    readonly store: Store;
    readonly types: SegmentTypes;
    readonly startThreads: boolean;
    readonly changes?: ChangeLog;
    /** Absent: only dead letters forget customers, since nothing is being delivered. */
    readonly forgetElsewhere?: (customerIds: readonly string[]) => Promise<void>;
  },
): Promise<Core> {
  const [{ DuckDbEngine }, { DuckDbCatalog }, { duckDbRecords }, { openCore: open }] = await Promise.all([
    import('./core/engine/duckdb/duckdb-engine.ts'),
    import('./core/catalog/duckdb/duckdb-catalog.ts'),
    import('./core/history/duckdb/duckdb-records.ts'),
    import('./core/open-core.ts'),
  ]);
  const database = await openDatabase(config);
  return open({
    engine: new DuckDbEngine(database),
    catalog: new DuckDbCatalog(database),
    ...duckDbRecords(database),
    target: parts.store,
    async forgetElsewhere(customerIds) {
      if (parts.forgetElsewhere) return parts.forgetElsewhere(customerIds);
      const { openDuckDbWebhookStore } = await import('./core/webhook/duckdb/duckdb-webhook-store.ts');
      return (await openDuckDbWebhookStore(database)).forget(customerIds);
    },
    ...(parts.changes ? { changes: parts.changes } : {}),
    types: parts.types,
    threads: config.threads,
    startThreads: parts.startThreads,
  });
}

/** A Core for one command, with the store that it answers as of. */
const openCommandCore: Parts['openCore'] = async (config, { removesOldRejects = false } = {}) => {
  const types = await segmentTypes(config);
  const store = await openStore(config, { readOnly: false });
  let core: Core;
  try {
    core = await openCore(config, { store, types, startThreads: false });
    if (removesOldRejects) {
      const { removeOldRejects } = await import('./core/ingest/old-rejects.ts');
      await removeOldRejects(rejectsFolder(config.data), config.rejectsLife);
    }
  } catch (error) {
    await store.close();
    throw error;
  }
  const close = core.close.bind(core);
  core.close = async () => {
    await close();
    await store.close();
  };
  return core;
};

/** Consumers of the brokers that are named in the configuration; none is the default. */
async function openStreams(
  config: Config,
  { database, types, logger }: { database: DuckDbDatabase; types: SegmentTypes; logger: Logger },
): Promise<StreamConsumer[]> {
  const streams: MessageStream[] = [];
  if (config.natsUrl !== undefined) {
    const { natsMessageStream } = await import('./core/stream/nats/nats-message-stream.ts');
    streams.push(natsMessageStream({ url: config.natsUrl, stream: config.natsStream }));
  }
  if (config.kafkaBrokers.length > 0) {
    const { kafkaMessageStream } = await import('./core/stream/kafka/kafka-message-stream.ts');
    streams.push(kafkaMessageStream({ brokers: config.kafkaBrokers, topics: config.kafkaTopics }));
  }
  if (streams.length === 0) return [];
  const [{ startStreamConsumer }, { openStreamRejects }, { DuckDbEngine }] = await Promise.all([
    import('./core/stream/stream-consumer.ts'),
    import('./core/stream/stream-rejects.ts'),
    import('./core/engine/duckdb/duckdb-engine.ts'),
  ]);
  const engine = new DuckDbEngine(database);
  const rejects = openStreamRejects(rejectsFolder(config.data), { lifeMs: config.rejectsLife });
  return streams.map((stream) =>
    startStreamConsumer({
      stream,
      engine,
      rejects,
      plugins: types.sources,
      onFailure: (error) =>
        logger.error({ err: error, source: stream.name }, 'a stream failed; it is tried again'),
    }),
  );
}

/**
 * What a server with a Core has besides its store: questions, facts in, changes out. Each part is added to
 * `opened`, to be closed in the reverse order.
 */
async function openCoreParts(
  config: Config,
  parts: { store: Store; types: SegmentTypes; logger: Logger; opened: { close(): Promise<void> }[] },
) {
  const { store, types, logger, opened } = parts;
  const [
    { openLmdbChangeLog },
    { DuckDbEngine },
    { createIngest },
    { keepRejectsShort },
    { ChangeFeed },
    webhook,
    webhookStore,
  ] = await Promise.all([
    import('./core/change/lmdb/lmdb-change-log.ts'),
    import('./core/engine/duckdb/duckdb-engine.ts'),
    import('./core/ingest/ingest.ts'),
    import('./core/ingest/old-rejects.ts'),
    import('./core/feed/change-feed.ts'),
    import('./core/webhook/webhooks.ts'),
    import('./core/webhook/duckdb/duckdb-webhook-store.ts'),
  ]);
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    opened.push(part);
    return part;
  };
  const changes = keep(await openLmdbChangeLog({ folder: changesFolder(config.data) }));
  // Customers are erased by requests and ticks, which begin later than the webhooks.
  const forgetElsewhere = (customerIds: readonly string[]) => webhooks.forget(customerIds);
  const core = keep(await openCore(config, { store, types, changes, startThreads: true, forgetElsewhere }));
  const database = keep(await openDatabase(config));
  keep(keepRejectsShort(rejectsFolder(config.data), config.rejectsLife));
  const ingest = keep(
    createIngest({
      engine: new DuckDbEngine(database),
      options: {
        batchRowsMax: config.ingestBatchRows,
        waitingRowsMax: config.ingestWaitingRows,
        waitingBytesMax: config.ingestWaitingBytes,
      },
    }),
  );
  const streams = await openStreams(config, { database, types, logger });
  for (const stream of streams) keep(stream);
  const feed = new ChangeFeed({
    changes,
    served: () => {
      const view = store.view();
      return view && { asOf: view.asOf, entries: view.directory.entries };
    },
  });
  const webhooks = keep(
    await webhook.openWebhooks({
      store: await webhookStore.openDuckDbWebhookStore(database),
      feed,
      onFailure: (error: unknown) => logger.error({ err: error }, 'webhooks failed'),
    }),
  );
  const verifier = keep(
    await openVerifier({ database, store, types, logger, periodMs: config.verifyPeriod }),
  );
  return { core, ingest, feed, webhooks, streams, verifier };
}

/** Holds what is served to the SQL oracle, when asked to and, with a period, by itself. */
async function openVerifier(parts: {
  readonly database: DuckDbDatabase;
  readonly store: Store;
  readonly types: SegmentTypes;
  readonly logger: Logger;
  readonly periodMs: number;
}) {
  const [{ Verifier }, { servedSample }, oracle] = await Promise.all([
    import('./core/verify/verifier.ts'),
    import('./store/served-sample.ts'),
    sqlOracle(parts.database, parts.types),
  ]);
  return new Verifier({
    ...oracle,
    served: (customerIds, draw) => servedSample(parts.store, customerIds, draw),
    periodMs: parts.periodMs,
    onResult: (result) => {
      if (result instanceof Error) parts.logger.error({ err: result }, 'a verification failed');
      else if (result.mismatches > 0)
        parts.logger.error({ ...result, examples: undefined }, 'memberships differ from what the facts say');
    },
  });
}

async function serve(config: Config): Promise<RunningServer> {
  const [{ createServer }, { closeServer }, { pino }] = await Promise.all([
    import('./api/server.ts'),
    import('./api/close-server.ts'),
    import('pino'),
  ]);
  const logger = pino({ level: config.logLevel }, pino.destination(STANDARD_ERROR));
  const opened: { close(): Promise<void> }[] = [];
  const closeAll = async () => {
    for (const part of opened.splice(0).reverse()) await part.close();
  };
  try {
    const types = await segmentTypes(config);
    const store = await openStore(config, { readOnly: config.role === 'store' });
    opened.push(store);
    const parts =
      config.role === 'all' ? await openCoreParts(config, { store, types, logger, opened }) : undefined;
    const api = await createServer({
      store,
      ...parts,
      types,
      options: {
        version,
        bodyLimitBytes: config.bodyLimit,
        rateLimitPerMinute: config.rateLimit,
        refreshPeriodMs: config.refreshPeriod,
        requestTimeoutMs: config.requestTimeout,
        slowRequestMs: config.slowRequest,
        trustProxy: config.trustProxy,
        uploadFolder: uploadFolder(config.data),
      },
      logger,
    });
    opened.push({
      close: async () => {
        await closeServer(api, { timeoutMs: config.shutdownPeriod });
      },
    });
    const url = await listen(api, config);
    if (parts !== undefined && config.tickPeriod > 0) startTicks(parts.core, config.tickPeriod, logger);
    return { url, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** In the background: the server answers from what is there meanwhile. */
function startTicks(core: Core, periodMs: number, logger: Logger): void {
  const onFailure = (error: unknown) => logger.error({ err: error }, 'a tick failed; it is tried again');
  core.startLive({ periodMs, onFailure }).then(() => {
    if (core.liveStatus()?.state !== 'pinned') return;
    logger.warn(
      'memberships are pinned to the moment of the last calculation; one without a moment lets them follow',
    );
  }, onFailure);
}

/** The SQL oracle over a database, with the bounds that the population sets as they are on record there. */
async function sqlOracle(database: DuckDbDatabase, types: SegmentTypes) {
  const [{ BoundSource }, { DuckDbCatalog }, { DuckDbEngine }, { duckDbOracle }, { DuckDbBoundLog }] =
    await Promise.all([
      import('./core/bound-source.ts'),
      import('./core/catalog/duckdb/duckdb-catalog.ts'),
      import('./core/engine/duckdb/duckdb-engine.ts'),
      import('./core/engine/duckdb/duckdb-oracle.ts'),
      import('./core/history/duckdb/duckdb-bound-log.ts'),
    ]);
  const bounds = new BoundSource({ engine: new DuckDbEngine(database), log: new DuckDbBoundLog(database) });
  return duckDbOracle(database, new DuckDbCatalog(database), types, bounds);
}

/** What a view serves against plain SQL over the facts that it was calculated from. */
async function verifyView(config: Config, view: StoreView, request: VerifyRequest, progress: Progress) {
  const [{ servedByRows }, core] = await Promise.all([
    import('./core/verify/served-reader.ts'),
    import('./core/verify/verify.ts'),
  ]);
  const { asOf } = view;
  const database = await openDatabase(config);
  try {
    const { customers, segments, openOracle } = await sqlOracle(database, await segmentTypes(config));
    const found = await segments(asOf);
    progress({ phase: 'facts', done: 0 });
    const oracle = await openOracle(asOf);
    const report = await core
      .verify(
        {
          segments: found,
          customers: () => customers(asOf.batchNo),
          oracle,
          served: (keys) => servedByRows(view, keys),
        },
        request,
        progress,
      )
      .finally(() => oracle.close());
    return { ...report, asOf };
  } finally {
    await database.close();
  }
}

const parts: Parts = {
  openCore: openCommandCore,
  openStore: (config) => openStore(config, { readOnly: true }),
  serve,

  async connect(url) {
    const { remoteServer } = await import('./cli/remote-server.ts');
    return remoteServer(url);
  },

  async simulate(config, request, progress) {
    const { simulate } = await import('./core/engine/duckdb/simulate.ts');
    const database = await openDatabase(config);
    try {
      await simulate(database, request, progress);
    } finally {
      await database.close();
    }
  },

  async verify(config, request, progress) {
    const store = await openStore(config, { readOnly: true });
    try {
      const view = store.view();
      if (view === undefined) {
        throw new CoterieError('NOT_CALCULATED', `nothing was calculated in ${config.data} yet`);
      }
      return await verifyView(config, view, request, progress);
    } finally {
      await store.close();
    }
  },

  async readDefinitions(config, text, source) {
    const { readDefinitions } = await import('./core/catalog/read-definitions.ts');
    return readDefinitions(text, source, await segmentTypes(config));
  },

  async takeRows(config, { source: name, rows, strict }) {
    const source = pluginSource((await segmentTypes(config)).sources, name);
    const [{ DuckDbEngine }, { createIngest }] = await Promise.all([
      import('./core/engine/duckdb/duckdb-engine.ts'),
      import('./core/ingest/ingest.ts'),
    ]);
    const database = await openDatabase(config);
    const ingest = createIngest({ engine: new DuckDbEngine(database) });
    try {
      return await ingest.submit(source, rows, { strict });
    } finally {
      await ingest.close();
      await database.close();
    }
  },

  async schema(config) {
    const { publishedSchema } = await import('./model/definition-schema.ts');
    return publishedSchema(await segmentTypes(config));
  },
};

const code = await runCli({ argv: process.argv.slice(2), commands: COMMANDS, parts, version });
// Native handles may keep the process alive; everything is closed and flushed by now.
process.exit(code);
