/**
 * Takes facts in from a broker: gathers messages into batches and puts each with the positions that it
 * reaches, in one transaction. Invariant: the facts of a message are durable exactly when its position is,
 * so a process that is killed at any moment and reads on from the positions loses and doubles nothing.
 * It reads only as fast as batches become durable.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CoterieError } from '../../model/error.ts';
import type { InstalledSource } from '../../model/plugin-source.ts';
import type { Engine } from '../engine/engine.ts';
import { Intake } from './intake.ts';
import type { MessageStream, StreamReader } from './message-stream.ts';
import { addMessage, emptyBatch, isFull, type StreamBatch } from './stream-batch.ts';
import type { StreamRejects } from './stream-rejects.ts';

export interface StreamStatus {
  /** The stream's name. */
  readonly source: string;
  /** `failing`: connecting, reading or writing failed, and is tried again. */
  readonly state: 'connecting' | 'following' | 'failing' | 'stopped';
  /** Partition → the last position that is durable. */
  readonly position: Readonly<Record<string, number>>;
  /**
   * Messages that the broker held when it was last asked, every few seconds, and that are not durable here by
   * now; absent until it was asked.
   */
  readonly lagMessages?: number;
  /** When the last message became durable, in seconds since 1970; absent before the first since the start. */
  readonly lastMessageAt?: number;
  /** Since the start: messages taken in, those dropped because they were taken in before, and rows. */
  readonly messages: number;
  readonly redelivered: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Reason → rejected rows. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What fails, in words. */
  readonly failure?: string;
}

export interface StreamConsumer {
  status(): StreamStatus;
  /** Reads no more, and returns when the batch that is being written is durable. */
  close(): Promise<void>;
}

export interface StreamConsumerOptions {
  /** How long the first message of a batch waits for others; longer while writing takes long. */
  readonly gatherMs: number;
  /** A batch with so many rows, or so many bytes of messages, takes no further message. */
  readonly batchRows: number;
  readonly batchBytes: number;
  /** After a failure, doubled with each further one up to the most. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** How often the broker is asked how much it holds. */
  readonly lagPeriodMs: number;
}

const DEFAULTS: StreamConsumerOptions = {
  gatherMs: 20,
  batchRows: 5000,
  batchBytes: 8 * 1_048_576,
  retryMs: 500,
  retryMsMax: 30_000,
  lagPeriodMs: 5000,
};

/** After a write the next batch gathers for twice its time unless it is full: at most a third of a core. */
const REST_SHARE = 2;
const REST_MS_MAX = 500;

export interface StreamConsumerParts {
  readonly stream: MessageStream;
  /** Stays the caller's to close, after the consumer. */
  readonly engine: Pick<Engine, 'put' | 'streamPositions'>;
  readonly rejects: StreamRejects;
  /** Sources of plug-ins, by name. */
  readonly plugins?: ReadonlyMap<string, InstalledSource>;
  /** Told of every failure; what failed is tried again. */
  readonly onFailure?: (error: unknown) => void;
  readonly options?: Partial<StreamConsumerOptions>;
}

/** Begins to take facts in, and goes on until it is closed, whatever fails in between. */
export function startStreamConsumer(parts: StreamConsumerParts): StreamConsumer {
  const consumer = new Consumer(parts);
  consumer.start();
  return consumer;
}

class Consumer implements StreamConsumer {
  readonly #parts: StreamConsumerParts;
  readonly #options: StreamConsumerOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #reader: StreamReader | undefined;
  #state: StreamStatus['state'] = 'connecting';
  #failure: string | undefined;
  #failures = 0;
  #positions = new Map<string, number>();
  /** What the broker had when it was asked, and how many messages had been taken in by then. */
  #lag: { readonly messages: number; readonly taken: number } | undefined;
  #lastMessageAt: number | undefined;
  #lastPutMs = 0;
  #messages = 0;
  #redelivered = 0;
  #accepted = 0;
  #rejected = 0;
  readonly #reasons = new Map<string, number>();

  constructor(parts: StreamConsumerParts) {
    this.#parts = parts;
    this.#options = { ...DEFAULTS, ...parts.options };
  }

  start(): void {
    this.#running = this.#run();
  }

  status(): StreamStatus {
    return {
      source: this.#parts.stream.name,
      state: this.#state,
      position: Object.fromEntries(this.#positions),
      ...(this.#lag && { lagMessages: Math.max(0, this.#lag.messages - (this.#messages - this.#lag.taken)) }),
      ...(this.#lastMessageAt === undefined ? {} : { lastMessageAt: this.#lastMessageAt }),
      messages: this.#messages,
      redelivered: this.#redelivered,
      accepted: this.#accepted,
      rejected: this.#rejected,
      reasons: Object.fromEntries(this.#reasons),
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reader?.close();
    await this.#running;
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#follow();
      } catch (error) {
        await this.#failed(error);
      }
    }
    this.#state = 'stopped';
  }

  /** One connection, until it is closed or fails. */
  async #follow(): Promise<void> {
    const { stream, engine } = this.#parts;
    this.#positions = new Map(await engine.streamPositions(stream.name));
    const reader = await stream.open(this.#positions);
    this.#reader = reader;
    const lagTimer = setInterval(() => void this.#askLag(reader), this.#options.lagPeriodMs).unref();
    try {
      // It may have been closed while it was being opened.
      if (this.#stopped) return;
      this.#succeeded();
      void this.#askLag(reader);
      const intake = new Intake(reader.blocks);
      for (;;) {
        const batch = await this.#gather(intake);
        if (batch === undefined || this.#stopped) break;
        await this.#put(batch);
      }
      if (!this.#stopped) throw new CoterieError('STREAM_UNREACHABLE', `${stream.name} ended by itself`);
    } finally {
      clearInterval(lagTimer);
      this.#reader = undefined;
      await reader.close();
    }
  }

  /** The next messages: from the first one on, as many as come in time; undefined at the end. */
  async #gather(intake: Intake): Promise<StreamBatch | undefined> {
    const batch = emptyBatch(this.#parts.stream.name, this.#positions);
    let block = await intake.next();
    if (block === undefined) return undefined;
    const rest = Math.min(REST_MS_MAX, this.#lastPutMs * REST_SHARE);
    const late = delay(Math.max(this.#options.gatherMs, rest), 'late' as const);
    while (block !== undefined && block !== 'late') {
      for (const message of block) addMessage(batch, message, this.#parts.plugins);
      if (isFull(batch, this.#options)) break;
      block = await intake.next(late);
    }
    return batch;
  }

  /** Tries until the batch is durable: what follows it must not overtake it. */
  async #put(batch: StreamBatch): Promise<void> {
    this.#redelivered += batch.redelivered;
    if (batch.messages === 0) return;
    const stream = this.#parts.stream.name;
    const positions = [...batch.positions].map(([partition, position]) => ({ stream, partition, position }));
    // A place for rejects that cannot be written must not stop the facts.
    await this.#parts.rejects.add(batch.rejects).catch((error) => this.#parts.onFailure?.(error));
    for (;;) {
      try {
        const began = performance.now();
        await this.#parts.engine.put(batch.chunk, positions);
        this.#lastPutMs = performance.now() - began;
        break;
      } catch (error) {
        await this.#failed(error);
        if (this.#stopped) return;
      }
    }
    this.#succeeded();
    for (const { partition, position } of positions) this.#positions.set(partition, position);
    this.#messages += batch.messages;
    this.#accepted += batch.chunk.rows;
    this.#rejected += batch.rejected;
    for (const [reason, rows] of batch.reasons) {
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + rows);
    }
    this.#lastMessageAt = Math.floor(Date.now() / 1000);
  }

  async #askLag(reader: StreamReader): Promise<void> {
    // A broker that does not answer shows in reading, and is told there.
    const taken = this.#messages;
    const messages = await reader.lag(new Map(this.#positions)).catch(() => undefined);
    if (reader === this.#reader) this.#lag = messages === undefined ? undefined : { messages, taken };
  }

  #succeeded(): void {
    this.#state = 'following';
    this.#failure = undefined;
    this.#failures = 0;
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#stopped) return;
    this.#state = 'failing';
    this.#failure = error instanceof Error ? error.message : String(error);
    this.#parts.onFailure?.(error);
    const { retryMs, retryMsMax } = this.#options;
    const pauseMs = Math.min(retryMsMax, retryMs * 2 ** Math.min(this.#failures++, 20));
    await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {});
  }
}
