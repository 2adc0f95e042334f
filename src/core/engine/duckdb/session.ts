/**
 * One DuckDB connection: statements run one after the other, foreign errors become the catalogue's. A
 * connection of DuckDB must not start a statement while another's result is still being fetched, so a
 * stream holds its session until it ends.
 */
import { type DuckDBConnection, DuckDBDataChunk, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';
import { translateError } from './duckdb-error.ts';

/** What a statement's `$1`, `$2` … can be. Use a temporary table for long lists. */
export type Param = string | number | bigint | boolean | null;

/** A value as `rows` brings it: 64-bit integers as numbers (exact below 2^53), lists as arrays. */
export type Cell = string | number | boolean | null | Date | Uint8Array | Cell[] | { [key: string]: Cell };

/** Rows that DuckDB hands over at once, and that the appender takes. */
export const CHUNK_ROWS_MAX = 2048;

export interface SessionHooks {
  onClose(session: DuckDbSession): void;
  /** Told of every failure, as DuckDB throws it. */
  onFailure(error: unknown): void;
}

export class DuckDbSession {
  readonly #connection: DuckDBConnection;
  readonly #folder: string;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  readonly #hooks: SessionHooks;

  constructor(connection: DuckDBConnection, folder: string, hooks: SessionHooks) {
    this.#connection = connection;
    this.#folder = folder;
    this.#hooks = hooks;
  }

  /**
   * Runs one or several statements (parameters only with one).
   *
   * @returns Rows changed by the last one.
   */
  run(sql: string, params: readonly Param[] = []): Promise<number> {
    return this.#serially(sql, async () => {
      const result = await this.#connection.run(sql, params.length === 0 ? undefined : [...params]);
      return result.rowsChanged;
    });
  }

  /** Runs one query and returns all its rows as objects. */
  rows<Row = Record<string, Cell>>(sql: string, params: readonly Param[] = []): Promise<Row[]> {
    return this.#serially(sql, async () => {
      const reader = await this.#connection.runAndReadAll(sql, params.length === 0 ? undefined : [...params]);
      const rows = reader.getRowObjectsJS() as Record<string, unknown>[];
      for (const row of rows) {
        for (const name in row) if (typeof row[name] === 'bigint') row[name] = Number(row[name]);
      }
      return rows as Row[];
    });
  }

  /** The first row of a query, or undefined. */
  async row<Row = Record<string, Cell>>(
    sql: string,
    params: readonly Param[] = [],
  ): Promise<Row | undefined> {
    return (await this.rows<Row>(sql, params))[0];
  }

  /**
   * Runs one query and brings its rows chunk by chunk (at most 2048 rows), in order, without holding
   * them all: `chunk.getColumnVector(i)`. The session is busy until the iteration ends or is left.
   */
  async *stream(sql: string, params: readonly Param[] = []): AsyncGenerator<DuckDBDataChunk> {
    let free: () => void = () => {};
    const turn = this.#last;
    this.#last = new Promise<void>((resolve) => {
      free = resolve;
    });
    try {
      await turn.catch(() => {});
      const result = await this.#connection.stream(sql, params.length === 0 ? undefined : [...params]);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield chunk;
      }
    } catch (error) {
      this.#hooks.onFailure(error);
      throw translateError(error, this.#folder, sql);
    } finally {
      free();
    }
  }

  /** Appends columns of equal length to a table, by far the fastest way to put rows. `null` is NULL. */
  append(
    table: string,
    types: readonly DuckDBType[],
    columns: readonly (ArrayLike<DuckDBValue> & {
      slice(from: number, to: number): ArrayLike<DuckDBValue>;
    })[],
  ): Promise<void> {
    return this.#serially(`append to ${table}`, async () => {
      const count = columns[0]?.length ?? 0;
      if (count === 0) return;
      const appender = await this.#connection.createAppender(table);
      for (let from = 0; from < count; from += CHUNK_ROWS_MAX) {
        const to = Math.min(count, from + CHUNK_ROWS_MAX);
        const chunk = DuckDBDataChunk.create([...types], to - from);
        columns.forEach((column, i) => {
          chunk.setColumnValues(i, Array.from(column.slice(from, to)));
        });
        appender.appendDataChunk(chunk);
      }
      appender.closeSync();
    });
  }

  /** Waits for the running statement and disconnects. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#last.catch(() => {});
    this.disconnect();
  }

  /** Disconnects at once, whatever is running: for a database that has failed. */
  disconnect(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hooks.onClose(this);
    this.#connection.disconnectSync();
  }

  #serially<T>(sql: string, work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work).catch((error: unknown) => {
      this.#hooks.onFailure(error);
      throw translateError(error, this.#folder, sql);
    });
    // The next statement waits for this one, whether it fails or not.
    this.#last = result.catch(() => {});
    return result;
  }
}
