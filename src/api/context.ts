/** What every route is given: the ports, the options, the log and the counters of this server. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Core } from '../core/core.ts';
import type { ChangeFeed } from '../core/feed/change-feed.ts';
import type { Ingest } from '../core/ingest/ingest.ts';
import type { StreamConsumer } from '../core/stream/stream-consumer.ts';
import type { Verifier } from '../core/verify/verifier.ts';
import type { Webhooks } from '../core/webhook/webhooks.ts';
import { CoterieError } from '../model/error.ts';
import type { SegmentTypes } from '../model/segment-type.ts';
import type { Store, StoreView } from '../store/store.ts';
import type { Metrics } from './metrics.ts';
import type { ServerOptions } from './server-options.ts';

/** The Fastify instance that routes are put on: bodies and queries are typed by their schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface RouteContext {
  readonly store: Store;
  /** Absent in a process that serves memberships only. */
  readonly core: Core | undefined;
  /** Absent where no facts are taken. */
  readonly ingest: Ingest | undefined;
  /** Absent where there is no log of changes. */
  readonly feed: ChangeFeed | undefined;
  readonly webhooks: Webhooks | undefined;
  /** Streams that facts are taken in from. */
  readonly streams: readonly Pick<StreamConsumer, 'status'>[];
  /** Absent where there are no facts to verify memberships against. */
  readonly verifier: Verifier | undefined;
  readonly types: SegmentTypes;
  readonly options: ServerOptions;
  readonly metrics: Metrics;
}

/**
 * What is served now. Taken once for each request, so that an answer is of one calculation.
 *
 * @throws {CoterieError} `NOT_CALCULATED` before the first calculation.
 */
export function viewOf(context: RouteContext): StoreView {
  const view = context.store.view();
  if (view === undefined) {
    throw new CoterieError('NOT_CALCULATED', 'There are no memberships to serve: nothing was calculated yet');
  }
  return view;
}

/** @throws {CoterieError} `CORE_UNAVAILABLE` in a process that serves memberships only. */
export function coreOf(context: RouteContext): Core {
  if (context.core === undefined) {
    throw new CoterieError(
      'CORE_UNAVAILABLE',
      'This process answers checks and lists of segments; questions about segments go to the Core',
    );
  }
  return context.core;
}

/** @throws {CoterieError} `CORE_UNAVAILABLE` in a process that takes no facts. */
export function ingestOf(context: RouteContext): Ingest {
  if (context.ingest === undefined) {
    throw new CoterieError('CORE_UNAVAILABLE', 'This process takes no facts: send them to the Core');
  }
  return context.ingest;
}
