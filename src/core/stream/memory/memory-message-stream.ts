/** The oracle of message streams: partitions are lists, a position is an index. */
import { CoterieError } from '../../../model/error.ts';
import type { MessageStream, Positions, StreamMessage, StreamReader } from '../message-stream.ts';

export class MemoryMessageStream implements MessageStream {
  readonly name = 'memory';
  readonly #partitions = new Map<string, StreamMessage[]>();
  #wake: () => void = () => {};

  /** Appends a message to a partition. */
  publish(subject: string, body: string, partition = '0'): void {
    if (!this.#partitions.has(partition)) this.#partitions.set(partition, []);
    const messages = this.#partitions.get(partition)!;
    messages.push({ subject, partition, position: messages.length, body: new TextEncoder().encode(body) });
    this.#wake();
  }

  async open(after: Positions): Promise<StreamReader> {
    const read = new Map(after);
    for (const [partition, position] of after) {
      if (position < (this.#partitions.get(partition)?.length ?? 0)) continue;
      throw new CoterieError('STREAM_POSITION_LOST', `memory has no position ${position} any more`);
    }
    let closed = false;
    const next = () => {
      for (const [partition, messages] of this.#partitions) {
        const block = messages.slice((read.get(partition) ?? -1) + 1);
        if (block.length > 0) return block;
      }
      return undefined;
    };
    const blocks = async function* (this: MemoryMessageStream): AsyncGenerator<readonly StreamMessage[]> {
      while (!closed) {
        const block = next();
        if (block === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          continue;
        }
        const { partition, position } = block.at(-1)!;
        read.set(partition, position);
        yield block;
      }
    };
    return {
      blocks: blocks.call(this),
      lag: async (at) => {
        let lag = 0;
        for (const [partition, { length }] of this.#partitions) lag += length - 1 - (at.get(partition) ?? -1);
        return lag;
      },
      close: async () => {
        closed = true;
        this.#wake();
      },
    };
  }
}
