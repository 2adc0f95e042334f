/** Changes as lines of NDJSON or as server-sent events, as fast as the reader takes them. */
import type { ChangeFeed, FeedBlock, FeedChange } from '../core/feed/change-feed.ts';
import { CoterieError } from '../model/error.ts';
import type { SegmentEntry } from '../model/membership.ts';
import { formatMoment } from '../model/time.ts';

/** Changes read from the log at a time. */
export const BLOCK_CHANGES = 1000;
/** A stream without changes says this often that it is alive. */
const HEARTBEAT_MS = 15_000;
/** How soon a reader that lost its connection comes back. */
const RETRY_MS = 1000;

export interface ChangeFilter {
  readonly customer?: string | undefined;
  /** A segment, or a family and so all of its instances. */
  readonly segment?: string | undefined;
}

/** One change in the words of the API; undefined where the filter leaves nothing of it. */
export function changeLine(change: FeedChange, filter: ChangeFilter): string | undefined {
  if (filter.customer !== undefined && change.customer !== filter.customer) return undefined;
  const entered = keysOf(change.entered, filter.segment);
  const exited = keysOf(change.exited, filter.segment);
  if (entered.length + exited.length === 0) return undefined;
  const { position, customer } = change;
  return JSON.stringify({ position, at: formatMoment(change.at), customer, entered, exited });
}

function keysOf(entries: readonly SegmentEntry[], segment: string | undefined): string[] {
  const keys = entries.map((entry) => entry.key);
  if (segment === undefined) return keys;
  return keys.filter((key) => key === segment || key.startsWith(`${segment}@`));
}

/**
 * Lines of NDJSON, up to where the log was when they were asked for.
 *
 * @param first - The first block, which was read already.
 */
export async function* ndjsonChanges(
  feed: ChangeFeed,
  first: FeedBlock,
  wanted: { readonly until: number; readonly limit: number; readonly filter: ChangeFilter },
): AsyncGenerator<string> {
  let left = wanted.limit;
  let before = -1;
  for (let block = first; ; block = await feed.read(block.position, BLOCK_CHANGES)) {
    if (block.position === before) return;
    before = block.position;
    let text = '';
    for (const change of block.changes) {
      if (change.position > wanted.until || left === 0) break;
      const line = changeLine(change, wanted.filter);
      if (line === undefined) continue;
      text += `${line}\n`;
      left--;
    }
    if (text !== '') yield text;
    if (left === 0 || block.position >= wanted.until) return;
  }
}

/** Server-sent events: what there is, and then what comes, until the reader leaves or the feed closes. */
export async function* changeEvents(
  feed: ChangeFeed,
  first: FeedBlock,
  wanted: { readonly after: number; readonly filter: ChangeFilter; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n: changes after ${wanted.after}\n\n`;
  let block = first;
  let position = wanted.after;
  let said = performance.now();
  while (!feed.isClosed && !wanted.signal.aborted) {
    let text = '';
    for (const change of block.changes) {
      const line = changeLine(change, wanted.filter);
      if (line !== undefined) text += `id: ${change.position}\ndata: ${line}\n\n`;
    }
    const isNothingNew = block.position === position;
    position = block.position;
    const isQuiet = text === '' && performance.now() - said >= HEARTBEAT_MS;
    // The id lets a reader whose filter finds nothing go on from here, and not from long ago.
    if (isQuiet) text = `id: ${position}\n: alive\n\n`;
    if (text !== '') {
      yield text;
      said = performance.now();
    }
    if (isNothingNew) await feed.wait({ ms: HEARTBEAT_MS, signal: wanted.signal });
    if (feed.isClosed || wanted.signal.aborted) return;
    try {
      block = await feed.read(position, BLOCK_CHANGES);
    } catch (error) {
      if (!(error instanceof CoterieError)) throw error;
      const { code, message, details } = error;
      yield `event: problem\ndata: ${JSON.stringify({ code, detail: message, details })}\n\n`;
      return;
    }
  }
}
