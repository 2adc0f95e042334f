/** The record of as-ofs in the DuckDB file. */
import { UINTEGER } from '@duckdb/node-api';
import type { DuckDbDatabase } from '../../engine/duckdb/database.ts';
import type { AsOfLog, AsOfRun } from '../as-of-log.ts';

/** $1: moment. Of runs that begin at one moment the last is the one that knew most. */
const AT = `
SELECT moment_from AS "from", moment_until AS until, batch_no AS "batchNo", catalog_no AS "catalogNo"
FROM served_as_of WHERE moment_from <= $1 ORDER BY moment_from DESC, batch_no DESC, catalog_no DESC LIMIT 1`;

export class DuckDbAsOfLog implements AsOfLog {
  readonly #database: DuckDbDatabase;

  constructor(database: DuckDbDatabase) {
    this.#database = database;
  }

  append(runs: readonly AsOfRun[]): Promise<void> {
    const column = (value: (run: AsOfRun) => number) => Uint32Array.from(runs, value);
    return this.#database.exclusive((session) =>
      session.append(
        'served_as_of',
        [UINTEGER, UINTEGER, UINTEGER, UINTEGER],
        [
          column((run) => run.from),
          column((run) => run.until),
          column((run) => run.batchNo),
          column((run) => run.catalogNo),
        ],
      ),
    );
  }

  at(moment: number): Promise<AsOfRun | undefined> {
    return this.#database.row<AsOfRun & Record<string, never>>(AT, [moment]);
  }
}
