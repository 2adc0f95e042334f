/** What a client is told: where the server is, limits in time, and what a check answers when there is none. */
import type { CoterieError } from '../model/error.ts';

/**
 * What a check answers when Coterie cannot: one answer for every segment, an answer by key (false for others),
 * or a function of the question. Such answers have `source: 'fallback'`.
 */
export type Fallback =
  | boolean
  | Readonly<Record<string, boolean>>
  | ((
      question: { readonly customer: string; readonly segments: readonly string[] },
      error: CoterieError,
    ) => Readonly<Record<string, boolean>>);

export interface ClientOptions {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Limit for one attempt at a check or a list of a customer's segments. Default 1,000. */
  readonly timeoutMs?: number;
  /** Limit for questions that the Core answers, which may read all facts. Default 120,000. */
  readonly longTimeoutMs?: number;
  /** How often a request is sent again after a failure that passes by itself. Default 2. */
  readonly retries?: number;
  /** Without one, a check that fails throws. */
  readonly fallback?: Fallback;
  /** Told of every failure that a fallback stood in for. */
  readonly onFallback?: (error: CoterieError) => void;
  /** Sent with every request: for a proxy that authenticates. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly fetch?: typeof fetch;
}

export interface CallSignal {
  /** Gives up when aborted; the call then throws the signal's reason, fallback or not. */
  readonly signal?: AbortSignal;
}

export interface CheckOptions extends CallSignal {
  /** Whether an unknown segment is an error, `SEGMENTS_UNKNOWN`. */
  readonly strict?: boolean;
  /** Instead of the client's. */
  readonly fallback?: Fallback;
}

export interface WriteNote extends CallSignal {
  readonly author?: string;
  readonly reason?: string;
}
