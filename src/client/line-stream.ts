/** Reads a stream of lines in blocks as they arrive. */
import { CoterieError } from '../model/error.ts';

/**
 * The lines of each chunk that holds whole ones. Leaving the loop ends the stream.
 *
 * @throws {CoterieError} `SERVER_UNREACHABLE` if it breaks off; or the signal's reason.
 */
export async function* readLineBlocks(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly string[]> {
  const reader = stream.getReader();
  const onAbort = () => void reader.cancel(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (signal?.aborted) throw signal.reason;
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop()!;
      if (lines.length > 0) yield lines;
    }
    if (rest !== '') yield [rest];
  } catch (error) {
    if (signal?.aborted || error instanceof CoterieError) throw error;
    throw new CoterieError(
      'SERVER_UNREACHABLE',
      'The stream broke off: what came is not all',
      {},
      { cause: error },
    );
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await reader.cancel().catch(() => undefined);
  }
}
