/**
 * Makes HTTP of failures: `application/problem+json` (RFC 9457) with the catalogue's code, words and remedy.
 * Invariant: whatever goes wrong, the answer has this form, and never a stack trace.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { CoterieError, ERROR_CATALOGUE, type ErrorCode } from '../model/error.ts';
import type { Metrics } from './metrics.ts';
import { requestError } from './request-validation.ts';
import { RETRY_AFTER_S } from './server-options.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** A path that holds an id of 10 kB is not repeated whole. */
const INSTANCE_CHARACTERS_MAX = 200;

/** The body of an answer that is an error. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  /** What happened, with the values that matter. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Whether the same request can succeed later, unchanged. */
  readonly retry: boolean;
  /** The path that was asked for. */
  readonly instance: string;
  /** To find this request in the log. */
  readonly requestId: string;
  /** Machine-readable particulars: field, expected, found … */
  readonly details: Readonly<Record<string, unknown>>;
  /** What is wrong with definitions, one by one. */
  readonly problems?: readonly unknown[];
}

export function problemDocument(
  error: CoterieError,
  request: { readonly path: string; readonly id: string },
): ProblemDocument {
  const { problems, ...details } = error.details;
  return {
    type: `urn:coterie:error:${error.code}`,
    title: ERROR_CATALOGUE[error.code].title,
    status: error.status,
    code: error.code,
    detail: error.message,
    remedy: error.remedy,
    retry: error.retry,
    instance: request.path,
    requestId: request.id,
    details,
    ...(Array.isArray(problems) ? { problems } : {}),
  };
}

/** Fastify's own errors, by code. What is not here falls back on the status. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'REQUEST_INVALID',
  FST_ERR_BAD_URL: 'REQUEST_INVALID',
  FST_ERR_NOT_FOUND: 'ROUTE_NOT_FOUND',
  FST_ERR_HANDLER_TIMEOUT: 'OVERLOADED',
};

/** The failure in the words of the catalogue, whatever was thrown. */
export function toCoterieError(thrown: unknown, request: FastifyRequest): CoterieError {
  if (thrown instanceof CoterieError) return thrown;
  const error = thrown as Partial<FastifyError>;
  if (Array.isArray(error.validation))
    return requestError(error.validation, error.validationContext ?? 'body');
  const status = error.statusCode ?? 500;
  const code =
    FASTIFY_CODES[error.code ?? ''] ?? (status >= 400 && status < 500 ? 'REQUEST_INVALID' : 'INTERNAL');
  return new CoterieError(code, wordsFor(code, error, request), {}, { cause: thrown });
}

function wordsFor(code: ErrorCode, error: Partial<FastifyError>, request: FastifyRequest): string {
  switch (code) {
    case 'BODY_TOO_LARGE':
      return `The body is larger than ${request.routeOptions.bodyLimit} bytes`;
    case 'MEDIA_TYPE_UNSUPPORTED':
      return `The body is declared as ${JSON.stringify(request.headers['content-type'] ?? '')}, which this route does not read`;
    case 'INTERNAL':
      return `An unexpected failure; the log has it under ${request.id}`;
    case 'OVERLOADED':
      return 'The request took longer than is allowed';
    default:
      if (error.code === 'FST_ERR_BAD_URL') return 'The path has a % that begins no character in UTF-8';
      return error.message ?? ERROR_CATALOGUE[code].title;
  }
}

/** Answers with a failure, counts it, and logs it if it is ours. */
export function sendProblem(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  metrics: Metrics,
): FastifyReply {
  const error = toCoterieError(thrown, request);
  metrics.countError(error.code);
  if (error.status >= 500 && !error.retry) {
    request.log.error(
      { requestId: request.id, code: error.code, err: error.cause ?? error },
      `${request.method} ${request.routeOptions.url ?? 'unknown route'} failed`,
    );
  }
  if (error.status === 503 || error.status === 429) {
    if (!reply.hasHeader('retry-after')) reply.header('retry-after', RETRY_AFTER_S);
  }
  const path = request.url.split('?', 1)[0]!.slice(0, INSTANCE_CHARACTERS_MAX);
  return reply
    .code(error.status)
    .header('content-type', PROBLEM_TYPE)
    .header('x-request-id', request.id)
    .send(JSON.stringify(problemDocument(error, { path, id: request.id })));
}
