/**
 * The record of flows in the DuckDB file. Blocks are appended; when an hour has ended, the blocks of it
 * are made one, so that the table grows by what changed in an hour and not by how often it was written.
 */
import { BOOLEAN, type DuckDBValue, UINTEGER } from '@duckdb/node-api';
import type { DuckDbDatabase } from '../../engine/duckdb/database.ts';
import type { DuckDbSession } from '../../engine/duckdb/session.ts';
import type { FlowBlock, FlowLog, FlowMark, HourFlow } from '../flow-log.ts';

/** The blocks of an hour as one row a segment; $1: the hour. */
const HOUR_AS_ONE = `
SELECT hour, max("at") AS "at", segment_no, sum(entries)::UINTEGER AS entries, sum(exits)::UINTEGER AS exits,
  max("at") FILTER (exceptions IS NOT NULL) AS state_at,
  arg_max(is_default, "at") FILTER (exceptions IS NOT NULL) AS is_default,
  arg_max(exceptions, "at") FILTER (exceptions IS NOT NULL) AS exceptions`;

export class DuckDbFlowLog implements FlowLog {
  readonly #database: DuckDbDatabase;

  constructor(database: DuckDbDatabase) {
    this.#database = database;
  }

  append(block: FlowBlock): Promise<void> {
    const { hour, at, position, customers, flows } = block;
    return this.#database.exclusive(async (session) => {
      const last = await session.row<{ hour: number }>(
        'SELECT max(hour) AS hour FROM flow_block HAVING count(*) > 0',
      );
      if (last && last.hour < hour) await joinHour(session, last.hour);
      await session.run('INSERT INTO flow_block VALUES ($1, $2, $3, $4)', [hour, at, position, customers]);
      const fill = (value: number): Uint32Array => new Uint32Array(flows.length).fill(value);
      const states: DuckDBValue[] = flows.map((flow) => flow.state?.isDefault ?? null);
      const exceptions: DuckDBValue[] = flows.map((flow) => flow.state?.exceptions ?? null);
      await session.append(
        'segment_flow',
        [UINTEGER, UINTEGER, UINTEGER, UINTEGER, UINTEGER, BOOLEAN, UINTEGER],
        [
          fill(hour),
          fill(at),
          Uint32Array.from(flows, (flow) => flow.segmentNo),
          Uint32Array.from(flows, (flow) => flow.entries),
          Uint32Array.from(flows, (flow) => flow.exits),
          states,
          exceptions,
        ],
      );
    });
  }

  mark(): Promise<FlowMark | undefined> {
    return this.#database.row<{ at: number; position: number }>(
      'SELECT "at", position::DOUBLE AS position FROM flow_block ORDER BY hour DESC, "at" DESC, position DESC LIMIT 1',
    );
  }

  rewind(hour: number): Promise<void> {
    return this.#database.exclusive(async (session) => {
      await session.run('DELETE FROM flow_block WHERE hour >= $1', [hour]);
      await session.run('DELETE FROM segment_flow WHERE hour >= $1', [hour]);
    });
  }

  async flows(segmentNo: number, until: number): Promise<readonly HourFlow[]> {
    const rows = await this.#database.rows<{
      hour: number;
      entries: number;
      exits: number;
      state_at: number | null;
      is_default: boolean | null;
      exceptions: number | null;
    }>(
      `${HOUR_AS_ONE} FROM segment_flow WHERE segment_no = $1 AND hour < $2 GROUP BY hour, segment_no ORDER BY hour`,
      [segmentNo, until],
    );
    return rows.map(({ hour, entries, exits, state_at: at, is_default, exceptions }) => ({
      hour,
      entries,
      exits,
      ...(at === null ? {} : { state: { at, isDefault: is_default!, exceptions: exceptions! } }),
    }));
  }

  customers(until: number) {
    return this.#database.rows<{ at: number; customers: number }>(
      `SELECT max("at") AS "at", arg_max(customers, "at") AS customers FROM flow_block WHERE hour < $1
       GROUP BY hour ORDER BY hour`,
      [until],
    );
  }
}

/** Makes the blocks of an hour one. Rows without a state keep the moment of the last that has one. */
async function joinHour(session: DuckDbSession, hour: number): Promise<void> {
  const { blocks } = (await session.row<{ blocks: number }>(
    'SELECT count(*)::UINTEGER AS blocks FROM flow_block WHERE hour = $1',
    [hour],
  ))!;
  if (blocks < 2) return;
  await session.run(
    `CREATE OR REPLACE TEMP TABLE joined_flow AS ${HOUR_AS_ONE} FROM segment_flow WHERE hour = $1 GROUP BY hour, segment_no`,
    [hour],
  );
  await session.run('DELETE FROM segment_flow WHERE hour = $1', [hour]);
  await session.run(`INSERT INTO segment_flow
    SELECT hour, coalesce(state_at, "at"), segment_no, entries, exits, is_default, exceptions FROM joined_flow`);
  await session.run('DROP TABLE joined_flow');
  await session.run(
    `DELETE FROM flow_block WHERE hour = $1 AND position < (SELECT max(position) FROM flow_block WHERE hour = $1)`,
    [hour],
  );
}
