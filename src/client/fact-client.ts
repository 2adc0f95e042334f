/**
 * The client's part about facts: rows of every source in, models and their versions, lists of customers.
 * Long uploads are streamed, so that memory does not grow with them.
 */

import type { CallSignal } from './client-options.ts';
import type {
  FactCountsAnswer,
  FactRows,
  FactSource,
  FactsAnswer,
  ListAnswer,
  ListUploadAnswer,
  ModelAnswer,
  ModelVersion,
} from './fact-answer.ts';
import type { CallBody, Transport } from './transport.ts';

export interface SendOptions extends CallSignal {
  /** Whether one bad row refuses all. */
  readonly strict?: boolean;
  /** Of scores: put the versions that the rows bring in force at the end. */
  readonly activate?: boolean;
  /** Of lists: count `unchanged` and `unknown`; the rows then make batches of their own. */
  readonly counts?: boolean;
  /** Most rows set aside that the answer lists, up to 10,000. Default 100. */
  readonly rejects?: number;
}

/** Ids of customers, or of one that is read as it goes: such a one is not sent again after a failure. */
export type CustomerIds = Iterable<string> | AsyncIterable<string>;

export interface ListOptions extends CallSignal {
  /** Whether one bad id refuses all. */
  readonly strict?: boolean;
  /** Most rows set aside that the answer lists, up to 10,000. Default 100. */
  readonly rejects?: number;
  /** Limit for the request, which may bring millions of ids. Default: that for long questions. */
  readonly timeoutMs?: number;
}

/** More ids than this are streamed. */
const IDS_AT_ONCE_MAX = 50_000;
/** Lines and their ends of one chunk of a stream. */
const CHUNK_PARTS = 10_000;
const NDJSON = 'application/x-ndjson';

export class FactClient {
  readonly #transport: Transport;
  readonly #timeoutMs: number;

  /** @param timeoutMs - Limit for one attempt. */
  constructor(transport: Transport, timeoutMs: number) {
    this.#transport = transport;
    this.#timeoutMs = timeoutMs;
  }

  /** How much is known. */
  factCounts(options: CallSignal = {}): Promise<FactCountsAnswer> {
    return this.#ask('/v1/facts', options);
  }

  /**
   * Sends rows of facts; returns when those accepted are durable. Sent again where the server was
   * overloaded or did not answer, which changes nothing. Some hundreds of rows at a time cost least.
   */
  sendFacts<Source extends FactSource>(
    source: Source,
    rows: readonly FactRows[Source][],
    options: SendOptions = {},
  ): Promise<FactsAnswer> {
    return this.sendFactLines(source, rows.map((row) => `${JSON.stringify(row)}\n`).join(''), options);
  }

  /** As {@link sendFacts}, of rows that are NDJSON already, also of a plug-in's source. */
  sendFactLines(source: string, lines: string, options: SendOptions = {}): Promise<FactsAnswer> {
    return this.#ask(`/v1/facts/${source}`, {
      method: 'POST',
      query: {
        ...(options.strict === true ? { strict: true } : {}),
        ...(options.activate === true ? { activate: true } : {}),
        ...(options.counts === true ? { counts: true } : {}),
        ...(options.rejects === undefined ? {} : { rejects: options.rejects }),
      },
      body: { text: lines, type: NDJSON },
      signal: options.signal,
    });
  }

  /** Models with their versions, by name. */
  async models(options: CallSignal = {}): Promise<readonly ModelAnswer[]> {
    return (await this.#ask<{ readonly models: readonly ModelAnswer[] }>('/v1/models', options)).models;
  }

  /**
   * Puts a version of a model in force, in place of the one before, whole, at once. Throws
   * `MODEL_VERSION_NOT_FOUND` for one without scores.
   */
  activateModelVersion(
    model: string,
    version: string,
    options: CallSignal = {},
  ): Promise<ModelVersion & { readonly batchNo: number }> {
    const path = `/v1/models/${encodeURIComponent(model)}/activate`;
    return this.#ask(path, { method: 'POST', json: { version }, ...options });
  }

  /** Lists with how many customers are on them, by name. */
  async lists(options: CallSignal = {}): Promise<readonly ListAnswer[]> {
    return (await this.#ask<{ readonly lists: readonly ListAnswer[] }>('/v1/lists', options)).lists;
  }

  /** Makes these customers the whole of a list, at once. Throws if there is none among them. */
  replaceList(list: string, customers: CustomerIds, options: ListOptions = {}): Promise<ListUploadAnswer> {
    return this.#upload('PUT', listPath(list), idBody(customers), options);
  }

  /** As {@link replaceList}, of ids or rows that are NDJSON already, as they are read. */
  replaceListLines(
    list: string,
    lines: AsyncIterable<string>,
    options: ListOptions = {},
  ): Promise<ListUploadAnswer> {
    return this.#upload('PUT', listPath(list), { stream: lineStream(lines), type: NDJSON }, options);
  }

  /** Adds customers to a list, which is made if there is none. */
  addToList(list: string, customers: CustomerIds, options: ListOptions = {}): Promise<ListUploadAnswer> {
    return this.#upload('POST', `${listPath(list)}/entries`, idBody(customers), options);
  }

  /** Removes customers from a list. Throws `LIST_NOT_FOUND`. */
  removeFromList(list: string, customers: CustomerIds, options: ListOptions = {}): Promise<ListUploadAnswer> {
    return this.#upload('DELETE', `${listPath(list)}/entries`, idBody(customers), options);
  }

  /** Takes everybody off a list. Throws `LIST_NOT_FOUND`. */
  emptyList(
    list: string,
    options: CallSignal = {},
  ): Promise<{ readonly list: string; readonly removed: number; readonly batchNo: number }> {
    return this.#ask(listPath(list), { method: 'DELETE', ...options });
  }

  #upload(
    method: 'PUT' | 'POST' | 'DELETE',
    path: string,
    body: CallBody,
    { strict, rejects, timeoutMs = this.#timeoutMs, signal }: ListOptions,
  ): Promise<ListUploadAnswer> {
    const query = {
      ...(strict === true ? { strict: true } : {}),
      ...(rejects === undefined ? {} : { rejects }),
    };
    return this.#transport.json(path, { method, query, body, timeoutMs, signal });
  }

  #ask<T>(path: string, call: Omit<Parameters<Transport['json']>[1], 'timeoutMs'>): Promise<T> {
    return this.#transport.json<T>(path, { ...call, timeoutMs: this.#timeoutMs });
  }
}

function listPath(list: string): string {
  return `/v1/lists/${encodeURIComponent(list)}`;
}

function idBody(customers: CustomerIds): CallBody {
  // A text is an iterable too, of its characters.
  const ids = typeof customers === 'string' ? [customers] : customers;
  const count = Array.isArray(ids) ? ids.length : ids instanceof Set ? ids.size : undefined;
  if (count !== undefined && count <= IDS_AT_ONCE_MAX) {
    return { text: idLines([...(ids as Iterable<string>)]), type: NDJSON };
  }
  return { stream: lineStream(idTexts(ids)), type: NDJSON };
}

async function* idTexts(ids: CustomerIds): AsyncGenerator<string> {
  for await (const id of ids) yield JSON.stringify(id);
}

/** Lines as bytes, many at a time. */
function lineStream(lines: AsyncIterable<string>): ReadableStream<Uint8Array> {
  async function* chunks() {
    const encoder = new TextEncoder();
    let gathered: string[] = [];
    for await (const line of lines) {
      gathered.push(line, '\n');
      if (gathered.length < CHUNK_PARTS) continue;
      yield encoder.encode(gathered.join(''));
      gathered = [];
    }
    if (gathered.length > 0) yield encoder.encode(gathered.join(''));
  }
  return ReadableStream.from(chunks());
}

/** As JSON texts, so that every id is told from every other. */
function idLines(ids: readonly string[]): string {
  return ids.map((id) => `${JSON.stringify(id)}\n`).join('');
}
