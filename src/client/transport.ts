/**
 * Requests with a limit in time, retries with jitter, and errors as the server's own class. Every failure
 * leaves as a `CoterieError`, but for an abort by the caller, which leaves as it is.
 */
import { CoterieError, ERROR_CATALOGUE, type ErrorCode } from '../model/error.ts';

export interface TransportOptions {
  /** Such as `http://127.0.0.1:8080`; a path after it is kept. */
  readonly url: string;
  /** Sent with every request: for a proxy that authenticates. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How often a request that failed is sent again. */
  readonly retries: number;
  /** Default: the platform's, which keeps connections open. */
  readonly fetch?: typeof fetch;
}

/** A stream is read once, so that such a request is not sent again. */
export type CallBody =
  | { readonly text: string; readonly type: string }
  | { readonly stream: ReadableStream<Uint8Array>; readonly type: string };

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: CallBody;
  readonly accept?: string;
  /** For one attempt, until the head of the answer or, of JSON, its end. */
  readonly timeoutMs: number;
  /** Of the caller. */
  readonly signal?: AbortSignal | undefined;
  /** False for what must not happen twice. Default true. */
  readonly repeatable?: boolean;
}

/** Backing off begins here, doubles, and stays below the second. */
const BACK_OFF_MS = 50;
const BACK_OFF_MAX_MS = 2000;
/** What will pass by itself soon; others that may are not worth the wait of a request. */
const PASSING: readonly ErrorCode[] = [
  'OVERLOADED',
  'INGEST_OVERLOADED',
  'RATE_LIMITED',
  'SERVER_UNREACHABLE',
];

export class Transport {
  readonly #base: string;
  readonly #options: TransportOptions;
  readonly #fetch: typeof fetch;

  /** @throws {CoterieError} `CONFIG_INVALID` for an address that is none. */
  constructor(options: TransportOptions) {
    if (!/^https?:\/\//.test(options.url) || !URL.canParse(options.url)) {
      throw new CoterieError(
        'CONFIG_INVALID',
        `"${options.url}" is not the address of a server: expected http://…`,
        {
          field: 'url',
          found: options.url,
        },
      );
    }
    this.#base = options.url.replace(/\/+$/, '');
    this.#options = options;
    this.#fetch = options.fetch ?? globalThis.fetch;
  }

  /** Asks, and reads the answer as JSON. */
  async json<T>(path: string, call: CallOptions): Promise<T> {
    return this.#repeat(path, call, async (response) => (await response.json()) as T);
  }

  /** Asks for a stream; the limit in time is on its head. */
  stream(path: string, call: CallOptions): Promise<ReadableStream<Uint8Array>> {
    return this.#repeat(path, call, async (response) => response.body as ReadableStream<Uint8Array>);
  }

  async #repeat<T>(path: string, call: CallOptions, read: (response: Response) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once(path, call, read);
      } catch (error) {
        const again = error instanceof CoterieError && PASSING.includes(error.code);
        const isOnce = call.repeatable === false || (call.body !== undefined && 'stream' in call.body);
        if (!again || isOnce || attempt >= this.#options.retries) throw error;
        await pause(backOffMs(attempt, error), call.signal);
      }
    }
  }

  async #once<T>(path: string, call: CallOptions, read: (response: Response) => Promise<T>): Promise<T> {
    const late = new AbortController();
    const onAbort = () => late.abort();
    if (call.signal?.aborted) throw call.signal.reason;
    call.signal?.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(onAbort, call.timeoutMs);
    try {
      const response = await this.#fetch(this.#url(path, call.query), this.#init(call, late.signal));
      if (!response.ok) throw await errorOf(response);
      return await read(response);
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      if (error instanceof CoterieError) throw error;
      throw this.#unreachable(
        error,
        late.signal.aborted ? `did not answer within ${call.timeoutMs} ms` : undefined,
      );
    } finally {
      clearTimeout(timer);
      // A stream goes on after this: the caller ends it by leaving its loop.
      call.signal?.removeEventListener('abort', onAbort);
    }
  }

  #url(path: string, query: CallOptions['query']): string {
    const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
    if (given.length === 0) return this.#base + path;
    return `${this.#base}${path}?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`;
  }

  #init(call: CallOptions, signal: AbortSignal): RequestInit {
    const given = call.body && ('stream' in call.body ? call.body.stream : call.body.text);
    const body = call.json === undefined ? given : JSON.stringify(call.json);
    const type = call.json === undefined ? call.body?.type : 'application/json';
    return {
      method: call.method ?? 'GET',
      headers: {
        ...this.#options.headers,
        accept: call.accept ?? 'application/json',
        ...(type === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined ? {} : { body }),
      // What is sent is sent before the answer is read: the only way there is, which must be named.
      ...(body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
      signal,
    };
  }

  #unreachable(error: unknown, words: string | undefined): CoterieError {
    const cause = (error as { cause?: { code?: string; message?: string } }).cause;
    const why = words ?? `cannot be reached: ${cause?.code ?? cause?.message ?? (error as Error).message}`;
    return new CoterieError(
      'SERVER_UNREACHABLE',
      `${this.#base} ${why}`,
      { url: this.#base },
      { cause: error },
    );
  }
}

/** Rebuilds the server's error from a problem document. */
export function errorFromProblem(problem: unknown, status: number): CoterieError {
  const { code, detail, details, problems, requestId } = (problem ?? {}) as Record<string, unknown>;
  const particulars = {
    ...(typeof details === 'object' ? details : {}),
    ...(problems === undefined ? {} : { problems }),
    ...(requestId === undefined || requestId === '' ? {} : { requestId }),
  };
  if (typeof code === 'string' && Object.hasOwn(ERROR_CATALOGUE, code)) {
    return new CoterieError(code as ErrorCode, String(detail), particulars);
  }
  // A newer server's code, or what stands before the server.
  const known = status === 502 || status === 503 || status === 504 ? 'SERVER_UNREACHABLE' : 'INTERNAL';
  return new CoterieError(
    known,
    `The server answered ${status}${code === undefined ? '' : ` (${code})`}: ${detail ?? 'no problem document'}`,
    {
      ...particulars,
      status,
    },
  );
}

async function errorOf(response: Response): Promise<CoterieError> {
  const text = await response.text();
  const error = errorFromProblem(parsed(text), response.status);
  const wait = Number(response.headers.get('retry-after'));
  if (!(wait > 0)) return error;
  return new CoterieError(error.code, error.message, { ...error.details, retryAfterSeconds: wait });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Full jitter, so that clients that failed together do not come back together. */
function backOffMs(attempt: number, error: CoterieError): number {
  const jitter = Math.random() * Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** attempt);
  const wait = Number(error.details.retryAfterSeconds ?? 0) * 1000;
  return Math.min(BACK_OFF_MAX_MS, wait) + jitter;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
