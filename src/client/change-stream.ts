/** Reads changes: lines of NDJSON, or server-sent events that are gone on with when a connection breaks. */
import { CoterieError } from '../model/error.ts';
import type { Change } from './answer.ts';
import { readLineBlocks } from './line-stream.ts';
import { errorFromProblem } from './transport.ts';

type Signal = AbortSignal | undefined;
type Position = number | 'latest' | undefined;

/** A connection that breaks at once is not made again at once. */
const PAUSE_MS = 1000;
const PROBLEM_STATUS = 410;

/** Changes of NDJSON, one by one. */
export async function* readChanges(
  stream: ReadableStream<Uint8Array>,
  signal: Signal,
): AsyncGenerator<Change> {
  for await (const lines of readLineBlocks(stream, signal)) {
    for (const line of lines) yield JSON.parse(line) as Change;
  }
}

/** Changes as they come, without an end of its own. */
export async function* followChanges(
  open: (after: Position) => Promise<ReadableStream<Uint8Array>>,
  from: Position,
  signal: Signal,
): AsyncGenerator<Change> {
  let after = from;
  for (;;) {
    try {
      for await (const event of readEvents(await open(after), signal)) {
        if (event.id !== undefined) after = event.id;
        if (event.change !== undefined) yield event.change;
      }
    } catch (error) {
      if (signal?.aborted || !(error instanceof CoterieError) || error.code !== 'SERVER_UNREACHABLE')
        throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (signal?.aborted) throw signal.reason;
  }
}

interface Event {
  readonly id?: number;
  readonly change?: Change;
}

/** Events as the server writes them: one line of data each. */
async function* readEvents(stream: ReadableStream<Uint8Array>, signal: Signal): AsyncGenerator<Event> {
  let id: number | undefined;
  let isProblem = false;
  for await (const lines of readLineBlocks(stream, signal)) {
    for (const line of lines) {
      if (line.startsWith('id: ')) id = Number(line.slice(4));
      else if (line === 'event: problem') isProblem = true;
      else if (line.startsWith('data: ')) {
        const data = JSON.parse(line.slice(6)) as unknown;
        if (isProblem) throw errorFromProblem(data, PROBLEM_STATUS);
        yield { ...(id === undefined ? {} : { id }), change: data as Change };
      } else if (line.startsWith(': changes after ')) yield { id: Number(line.slice(16)) };
      else if (line === '' && id !== undefined) yield { id };
    }
  }
}
