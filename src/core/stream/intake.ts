/** Asks a stream for its next block without losing one that comes too late for the one who asked. */
import type { StreamMessage } from './message-stream.ts';

type Block = readonly StreamMessage[];

export class Intake {
  readonly #blocks: AsyncIterator<Block>;
  #asked: Promise<Block | undefined> | undefined;

  constructor(blocks: AsyncIterable<Block>) {
    this.#blocks = blocks[Symbol.asyncIterator]();
  }

  /** The next block, undefined at the end, or `late` if that comes first: the block then waits. */
  async next(late?: Promise<'late'>): Promise<Block | undefined | 'late'> {
    this.#asked ??= this.#ask();
    const asked = this.#asked;
    const block = await (late ? Promise.race([asked, late]) : asked);
    if (block !== 'late') this.#asked = undefined;
    return block;
  }

  #ask(): Promise<Block | undefined> {
    const asked = this.#blocks.next().then((result) => (result.done ? undefined : result.value));
    // Whoever asks next is told of a failure; nobody may ask again.
    asked.catch(() => {});
    return asked;
  }
}
