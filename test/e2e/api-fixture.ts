/** A whole Coterie in this process for tests over HTTP: DuckDB, LMDB, Core and server, in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeServer } from '../../src/api/close-server.ts';
import type { Api } from '../../src/api/context.ts';
import { createServer } from '../../src/api/server.ts';
import type { ServerOptions } from '../../src/api/server-options.ts';
import { BoundSource } from '../../src/core/bound-source.ts';
import { DuckDbCatalog } from '../../src/core/catalog/duckdb/duckdb-catalog.ts';
import type { ChangeLog } from '../../src/core/change/change-log.ts';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import type { Core } from '../../src/core/core.ts';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { duckDbOracle } from '../../src/core/engine/duckdb/duckdb-oracle.ts';
import { ChangeFeed } from '../../src/core/feed/change-feed.ts';
import { duckDbRecords } from '../../src/core/history/duckdb/duckdb-records.ts';
import { createIngest, type Ingest, type IngestOptions } from '../../src/core/ingest/ingest.ts';
import { openCore } from '../../src/core/open-core.ts';
import { Verifier } from '../../src/core/verify/verifier.ts';
import type { DeliveryOptions } from '../../src/core/webhook/delivery.ts';
import { openDuckDbWebhookStore } from '../../src/core/webhook/duckdb/duckdb-webhook-store.ts';
import { openWebhooks, type Webhooks } from '../../src/core/webhook/webhooks.ts';
import type { OrderFact } from '../../src/model/fact.ts';
import type { Definition } from '../../src/model/segment.ts';
import { SEGMENT_TYPES } from '../../src/model/segment-type.ts';
import { parseMoment } from '../../src/model/time.ts';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import { servedSample } from '../../src/store/served-sample.ts';
import type { Store } from '../../src/store/store.ts';

export const NOW = '2026-03-01T12:00:00Z';
const NOW_S = parseMoment(NOW);
const DAY_S = 86_400;

export const DEFINITIONS: readonly Definition[] = [
  {
    key: 'new-at',
    type: 'new',
    forEach: 'store',
    owner: 'growth',
    tags: ['new'],
    params: { stores: { each: true } },
  },
  {
    key: 'regular',
    name: 'Regular customers',
    type: 'recurrent',
    owner: 'crm',
    tags: ['loyal', 'vip'],
    params: { atLeast: 3, within: '30d' },
  },
  { key: 'lapsed', type: 'inactive', owner: 'crm', tags: ['loyal'], params: { within: '30d' } },
  { key: 'in-bcn', type: 'rule', params: { trait: { name: 'city', equals: 'BCN' } } },
  { key: 'resting', type: 'recurrent', status: 'paused', params: { atLeast: 1 } },
];

export interface Coterie {
  readonly api: Api;
  readonly core: Core;
  readonly store: Store;
  readonly url: string;
  readonly folder: string;
  /** Where long uploads wait. */
  readonly uploadFolder: string;
  readonly ingest: Ingest;
  /** In memory: tests append what ticks would. */
  readonly changes: ChangeLog;
  readonly feed: ChangeFeed;
  readonly webhooks: Webhooks;
  close(): Promise<void>;
}

/** Opens one, with facts, and unless told otherwise with definitions and a calculation. */
export async function openCoterie(
  wanted: {
    readonly options?: Partial<ServerOptions>;
    readonly calculated?: boolean;
    readonly ingest?: Partial<IngestOptions>;
    readonly delivery?: Partial<DeliveryOptions>;
  } = {},
): Promise<Coterie> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-api-'));
  const database = await openDatabase({ folder, memoryMiB: 256, threads: 1 });
  const engine = new DuckDbEngine(database);
  const store = await openLmdbStore({ folder: join(folder, 'store') });
  const changes = openMemoryChangeLog();
  const records = duckDbRecords(database);
  const core = openCore({
    changes,
    engine,
    catalog: new DuckDbCatalog(database),
    ...records,
    target: store,
    forgetElsewhere: (ids) => webhooks.forget(ids),
    threads: 1,
  });
  await engine.put({
    orders: orders(),
    stores: [
      { storeId: 's1', city: 'BCN', brand: 'b' },
      { storeId: 's2', city: 'MAD', brand: 'b' },
    ],
    traits: [
      { customerId: 'ana', name: 'city', value: 'BCN' },
      { customerId: 'a/b, "c" ñ', name: 'city', value: 'BCN' },
    ],
  });
  if (wanted.calculated !== false) {
    await core.apply(DEFINITIONS, { author: 'test', at: NOW_S });
    await core.calculate({ moment: NOW_S });
  }
  // On a busy machine the event loop is late, and a server that turns requests away for it is no test.
  const uploadFolder = join(folder, 'uploads');
  const options = { eventLoopDelayMaxMs: 0, uploadFolder, ...wanted.options };
  const ingest = createIngest({ engine, options: { gatherMs: 1, ...wanted.ingest } });
  const served = () => {
    const view = store.view();
    return view && { asOf: view.asOf, entries: view.directory.entries };
  };
  const feed = new ChangeFeed({ changes, served, pollMs: 5 });
  const webhooks = await openWebhooks({
    store: await openDuckDbWebhookStore(database),
    feed,
    options: wanted.delivery ?? {},
  });
  const verifier = new Verifier({
    ...duckDbOracle(
      database,
      new DuckDbCatalog(database),
      SEGMENT_TYPES,
      new BoundSource({ engine, log: records.bounds }),
    ),
    served: (ids, draw) => servedSample(store, ids, draw),
  });
  const api = await createServer({ store, core, ingest, feed, webhooks, verifier, options });
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  return {
    api,
    core,
    store,
    url,
    folder,
    uploadFolder,
    ingest,
    changes,
    feed,
    webhooks,
    async close() {
      await closeServer(api, { timeoutMs: 5000 });
      await webhooks.close();
      await ingest.close();
      feed.close();
      await core.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** ana orders three times at s1 within the month; bo once at s2 long ago. */
function orders(): OrderFact[] {
  const order = (customerId: string, orderId: string, storeId: string, daysAgo: number): OrderFact => ({
    customerId,
    orderId,
    storeId,
    orderedAt: NOW_S - daysAgo * DAY_S,
    totalE4: 100_000,
    discountE4: 0,
    currency: 'EUR',
    status: 'completed',
  });
  return [
    order('ana', '1', 's1', 1),
    order('ana', '2', 's1', 10),
    order('ana', '3', 's1', 20),
    order('bo', '4', 's2', 100),
  ];
}

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: T;
}

/** Asks over HTTP; a body that is no text is sent as JSON. */
export async function ask<T = Record<string, never>>(
  url: string,
  request: {
    readonly method?: string;
    readonly body?: unknown;
    readonly type?: string;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<Answer<T>> {
  const { body, type = 'application/json' } = request;
  const response = await fetch(url, {
    method: request.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...request.headers, ...(body === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json: json as T };
}
