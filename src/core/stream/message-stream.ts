/**
 * The port of brokers that facts stream in from. A driver brings messages in the order of each partition,
 * from just after given positions on, only as fast as it is asked; it commits nothing at the broker, since
 * the position is kept with the facts.
 */
import { FACT_SOURCES, type FactSource } from '../../model/fact.ts';
import type { InstalledSource } from '../../model/plugin-source.ts';

export interface StreamMessage {
  /** NATS's subject, Kafka's topic: it says which facts the message holds. */
  readonly subject: string;
  /** Names an ordered part of the stream. One that is made anew under an old name is another partition. */
  readonly partition: string;
  /** Safe integers, growing within the partition. */
  readonly position: number;
  readonly body: Uint8Array;
}

/** Partition → position. */
export type Positions = ReadonlyMap<string, number>;

export interface MessageStream {
  /** What positions are kept under: `nats:FACTS`, `kafka`. */
  readonly name: string;
  /**
   * Connects and reads on after these positions, from the first message that is kept where there is none.
   *
   * @throws {CoterieError} `STREAM_UNREACHABLE`, `STREAM_NOT_FOUND`, `STREAM_POSITION_LOST`.
   */
  open(after: Positions): Promise<StreamReader>;
}

export interface StreamReader {
  /**
   * Messages as they come, in blocks of one or more. While no block is asked for, little more is read.
   * It ends when the reader is closed.
   *
   * @throws {CoterieError} `STREAM_UNREACHABLE`, `STREAM_NOT_FOUND`, `STREAM_POSITION_LOST`.
   */
  readonly blocks: AsyncIterable<readonly StreamMessage[]>;
  /** Messages that the broker has after these positions; an estimate where some were deleted. */
  lag(at: Positions): Promise<number>;
  /** Ends `blocks`, soon. */
  close(): Promise<void>;
}

/**
 * Which facts a subject or topic brings: its first word that is one of them, as in `shop.orders.v1`.
 * `events` is a word for much, so it counts where no other is there: `events.orders` brings orders.
 *
 * @param plugins - Sources of plug-ins, by name.
 */
export function sourceOf(
  subject: string,
  plugins: ReadonlyMap<string, InstalledSource> = new Map(),
): FactSource | InstalledSource | undefined {
  const found = subject
    .split(/[^a-z]+/)
    .filter((word) => FACT_SOURCES.includes(word as FactSource) || plugins.has(word));
  const name = found.find((word) => word !== 'events') ?? found[0];
  return name === undefined ? undefined : (plugins.get(name) ?? (name as FactSource));
}
