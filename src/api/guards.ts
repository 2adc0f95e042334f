/**
 * What stands before the routes: turning requests away while the process cannot keep up, and a limit by
 * address where one is set. Both work at once and cost a comparison; the limit is not there unless set.
 */
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CoterieError } from '../model/error.ts';
import type { Api } from './context.ts';
import { RETRY_AFTER_S, type ServerOptions } from './server-options.ts';

/** For routes that answer whatever the load, as those do that watch over the process. */
export const ALWAYS_ANSWERED = { alwaysAnswered: true, rateLimit: false } as const;

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly alwaysAnswered?: boolean;
  }
}

/** Puts the guards on a server, for all routes added after. */
export async function addGuards(api: Api, options: ServerOptions): Promise<void> {
  await api.register(underPressure, {
    maxEventLoopDelay: options.eventLoopDelayMaxMs,
    sampleInterval: 1000,
    retryAfter: RETRY_AFTER_S,
    pressureHandler(request: FastifyRequest, reply: FastifyReply, _type: string, value: number | undefined) {
      if (request.routeOptions.config.alwaysAnswered === true) return;
      reply.send(
        new CoterieError(
          'OVERLOADED',
          `The event loop is ${Math.round(value ?? 0)} ms late: expected at most ${options.eventLoopDelayMaxMs} ms`,
          { eventLoopDelayMs: Math.round(value ?? 0) },
        ),
      );
    },
  });
  if (options.rateLimitPerMinute === 0) return;
  await api.register(rateLimit, {
    max: options.rateLimitPerMinute,
    timeWindow: 60_000,
    errorResponseBuilder: (_request, { max, ttl }) =>
      new CoterieError(
        'RATE_LIMITED',
        `This address sent more than ${max} requests within a minute; the next is taken in ${Math.ceil(ttl / 1000)} s`,
        { max, retryAfterSeconds: Math.ceil(ttl / 1000) },
      ),
  });
}
