/**
 * Several sessions that see the same state of the facts, so that one reader can stream from several
 * queries at once while imports and compactions go on. No lock: sessions are opened until all of them
 * report the same mark.
 */
import type { DuckDbDatabase } from './database.ts';
import type { DuckDbSession } from './session.ts';

const MARK = `SELECT (SELECT coalesce(max(batch_no), 0) FROM batch) AS batch_no,
  coalesce((SELECT max(value) FROM meta WHERE key = 'compaction_no'), '') AS compaction_no`;

export interface Snapshot {
  readonly sessions: readonly DuckDbSession[];
  /** The last batch of facts that the sessions see; 0 when there is none. */
  readonly batchNo: number;
  close(): Promise<void>;
}

/**
 * Opens sessions that are inside transactions on the same state.
 *
 * @param prepare - Run in each session before its transaction, such as making temporary tables.
 */
export async function openSnapshot(
  database: DuckDbDatabase,
  count: number,
  prepare?: (session: DuckDbSession) => Promise<void>,
): Promise<Snapshot> {
  const sessions: DuckDbSession[] = [];
  const close = async () => {
    await Promise.all(sessions.map((session) => session.close()));
  };
  try {
    for (let i = 0; i < count; i++) {
      const session = await database.connect();
      sessions.push(session);
      await prepare?.(session);
    }
    for (;;) {
      const marks = [];
      for (const session of sessions) {
        await session.run('BEGIN');
        marks.push(await session.row<{ batch_no: number; compaction_no: string }>(MARK));
      }
      const [first] = marks;
      if (marks.every((mark) => JSON.stringify(mark) === JSON.stringify(first))) {
        return { sessions, batchNo: first!.batch_no, close };
      }
      // A write came between the first and the last: these states are let go, and newer ones taken.
      for (const session of sessions) await session.run('ROLLBACK');
    }
  } catch (error) {
    await close();
    throw error;
  }
}
