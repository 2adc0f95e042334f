/** Messages gathered for one put: their facts, the positions that they reach, and the rows set aside. */
import { FACT_SOURCES } from '../../model/fact.ts';
import type { InstalledSource } from '../../model/plugin-source.ts';
import { addRow, emptyChunk, type FactChunk } from '../ingest/fact-chunk.ts';
import { UnreadableRow } from '../ingest/row-tally.ts';
import { type Positions, type StreamMessage, sourceOf } from './message-stream.ts';
import { readMessage } from './read-message.ts';
import type { StreamReject } from './stream-rejects.ts';

export interface StreamBatch {
  readonly stream: string;
  /** Where the stream stood before. */
  readonly before: Positions;
  readonly chunk: FactChunk;
  /** The last message of each partition in it. */
  readonly positions: Map<string, number>;
  messages: number;
  /** Messages that were taken in before, and are dropped. */
  redelivered: number;
  bytes: number;
  /** The first rows set aside, at most {@link REJECTS_KEPT_MAX}; all are counted. */
  readonly rejects: StreamReject[];
  rejected: number;
  readonly reasons: Map<string, number>;
}

const REJECTS_KEPT_MAX = 1000;
const REJECT_CHARACTERS_MAX = 4000;

export function emptyBatch(stream: string, before: Positions): StreamBatch {
  return {
    stream,
    before,
    chunk: emptyChunk(),
    positions: new Map(),
    messages: 0,
    redelivered: 0,
    bytes: 0,
    rejects: [],
    rejected: 0,
    reasons: new Map(),
  };
}

export function isFull(
  batch: StreamBatch,
  most: { readonly batchRows: number; readonly batchBytes: number },
): boolean {
  return (
    batch.chunk.rows + batch.rejected >= most.batchRows ||
    Math.max(batch.bytes, batch.chunk.bytes) >= most.batchBytes
  );
}

/**
 * Adds a message whole, unless it or a later one of its partition was taken in before.
 *
 * @param plugins - Sources of plug-ins, by name.
 */
export function addMessage(
  batch: StreamBatch,
  message: StreamMessage,
  plugins: ReadonlyMap<string, InstalledSource> = new Map(),
): void {
  const { partition, position } = message;
  if (position <= (batch.positions.get(partition) ?? batch.before.get(partition) ?? -1)) {
    batch.redelivered++;
    return;
  }
  batch.positions.set(partition, position);
  batch.messages++;
  batch.bytes += message.body.byteLength;
  const source = sourceOf(message.subject, plugins);
  if (source === undefined) {
    const names = [...FACT_SOURCES, ...plugins.keys()];
    setAside(batch, message, {
      reason: `subject says none of ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`,
    });
    return;
  }
  const rows = readMessage(message.body);
  for (const row of rows) {
    const reason = row instanceof UnreadableRow ? row.reason : addRow(batch.chunk, source, row);
    if (reason !== undefined) setAside(batch, message, { reason, row });
  }
}

function setAside(
  batch: StreamBatch,
  message: StreamMessage,
  { reason, row }: { readonly reason: string; readonly row?: unknown },
): void {
  batch.rejected++;
  batch.reasons.set(reason, (batch.reasons.get(reason) ?? 0) + 1);
  if (batch.rejects.length >= REJECTS_KEPT_MAX) return;
  const { subject, partition, position, body } = message;
  const isUnreadable = row === undefined || row instanceof UnreadableRow;
  const text = isUnreadable
    ? new TextDecoder().decode(body.subarray(0, REJECT_CHARACTERS_MAX))
    : JSON.stringify(row).slice(0, REJECT_CHARACTERS_MAX);
  batch.rejects.push({ stream: batch.stream, subject, partition, position, reason, row: text });
}
