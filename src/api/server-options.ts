/** What can be set about a server, with its defaults. `main.ts` fills it from the option table. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ServerOptions {
  /** Shown in `/openapi.json` and `/readyz`. */
  readonly version: string;
  /** Largest body of a request. */
  readonly bodyLimitBytes: number;
  /** Requests a minute from one address; 0 is no limit, and then costs nothing. */
  readonly rateLimitPerMinute: number;
  /** How often to look for memberships that another process calculated. */
  readonly refreshPeriodMs: number;
  /** A request that takes longer is logged. */
  readonly slowRequestMs: number;
  /** Requests are turned away while the event loop is later than this, on the mean of a second; 0 is never. */
  readonly eventLoopDelayMaxMs: number;
  /** How long a client may take to send a whole request. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept. More than the idle time of common load balancers (60 s). */
  readonly keepAliveTimeoutMs: number;
  /** Whether `X-Forwarded-For` is believed: only behind a proxy that sets it. */
  readonly trustProxy: boolean;
  /** Where long uploads wait until they are taken in; made when needed. */
  readonly uploadFolder: string;
}

export const SERVER_DEFAULTS: ServerOptions = {
  version: '0.0.0',
  bodyLimitBytes: 16 * 1_048_576,
  rateLimitPerMinute: 0,
  refreshPeriodMs: 1000,
  slowRequestMs: 1000,
  eventLoopDelayMaxMs: 1000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 72_000,
  trustProxy: false,
  uploadFolder: join(tmpdir(), 'coterie-uploads'),
};

/** Most customers of one batch. */
export const BATCH_CUSTOMERS_MAX = 1000;
/** Most segments of one check. */
export const CHECK_SEGMENTS_MAX = 10_000;
/** Most (customer, segment) pairs of one batch: about 25 ms of the event loop and 3 MB of answer. */
export const BATCH_PAIRS_MAX = 100_000;
/** Most entries of one page of a list, and how many there are when nothing is said. */
export const PAGE_ITEMS_MAX = 10_000;
export const PAGE_ITEMS_DEFAULT = 100;
/** Most definitions of one request; the limit of the body is usually met first. */
export const APPLY_DEFINITIONS_MAX = 200_000;
/**
 * Longest parameter of a path, percent-encoded: longer than any head of a request that Node reads, so that
 * an id that is too long is told so, and not that there is no such route.
 */
export const PATH_PARAMETER_MAX = 65_536;
/** How long a client should wait after it was turned away, for `Retry-After`. */
export const RETRY_AFTER_S = 1;
