/** The record of bounds in the DuckDB file. */

import type { DuckDbDatabase } from '../../engine/duckdb/database.ts';
import type { PopulationBound } from '../../population-bound.ts';
import type { BoundLog, BoundMark } from '../bound-log.ts';

/** $1: moment, $2: batch, $3: calculation. */
const IN_FORCE = `
SELECT key, unnest(last({'calculationNo': calculation_no, 'moment': moment, 'batchNo': batch_no,
  'customers': customers, 'values': bound_values} ORDER BY moment, batch_no, bound_no))
FROM population_bound WHERE moment <= $1 AND batch_no <= $2 AND calculation_no >= $3 GROUP BY key`;

export class DuckDbBoundLog implements BoundLog {
  readonly #database: DuckDbDatabase;

  constructor(database: DuckDbDatabase) {
    this.#database = database;
  }

  append(bounds: readonly PopulationBound[]): Promise<void> {
    return this.#database.exclusive(async (session) => {
      const { count } = (await session.row<{ count: number }>(
        'SELECT coalesce(max(bound_no), 0)::INTEGER AS count FROM population_bound',
      ))!;
      for (const [i, { key, calculationNo, moment, batchNo, customers, values }] of bounds.entries()) {
        // Numbers as text: a double is read back as the one that was written.
        await session.run(
          `INSERT INTO population_bound VALUES ($1, $2, $3, $4, $5, $6, [${values.map(doubleSql).join(', ')}]::DOUBLE[])`,
          [count + i + 1, key, calculationNo, moment, batchNo, customers],
        );
      }
    });
  }

  async inForce({
    moment,
    batchNo,
    calculationNo = 0,
  }: Parameters<BoundLog['inForce']>[0]): Promise<ReadonlyMap<string, PopulationBound>> {
    const rows = await this.#database.rows<PopulationBound & Record<string, never>>(IN_FORCE, [
      moment,
      batchNo,
      calculationNo,
    ]);
    return new Map(rows.map((bound) => [bound.key, bound]));
  }

  async truncate({ moment, batchNo, calculationNo }: BoundMark): Promise<void> {
    await this.#database.exclusive((session) =>
      session.run(
        'DELETE FROM population_bound WHERE (moment > $1 OR batch_no > $2) AND calculation_no >= $3',
        [moment, batchNo, calculationNo],
      ),
    );
  }

  last(): Promise<(BoundMark & { readonly count: number }) | undefined> {
    return this.#database.row(
      `SELECT calculation_no AS "calculationNo", moment, batch_no AS "batchNo", bound_no AS count
       FROM population_bound ORDER BY bound_no DESC LIMIT 1`,
    );
  }
}

const doubleSql = (value: number) => `'${value}'::DOUBLE`;
