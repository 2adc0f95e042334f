/** How far streams of messages were taken in: written with their facts, in the same transaction. */
import type { StreamPosition } from '../engine.ts';
import type { DuckDbDatabase } from './database.ts';
import type { DuckDbSession } from './session.ts';

/** Writes positions within the caller's transaction. */
export async function writeStreamPositions(
  session: DuckDbSession,
  positions: readonly StreamPosition[],
): Promise<void> {
  for (const { stream, partition, position } of positions) {
    const params = [stream, partition, BigInt(position)];
    const known = await session.run(
      `UPDATE stream_position SET position = $3 WHERE stream = $1 AND "partition" = $2`,
      params,
    );
    if (known === 0) await session.run('INSERT INTO stream_position SELECT $1, $2, $3', params);
  }
}

/** See `Engine.streamPositions`. */
export async function readStreamPositions(
  database: DuckDbDatabase,
  stream: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await database.rows<{ partition: string; position: number }>(
    'SELECT "partition", position FROM stream_position WHERE stream = $1',
    [stream],
  );
  return new Map(rows.map((row) => [row.partition, row.position]));
}
