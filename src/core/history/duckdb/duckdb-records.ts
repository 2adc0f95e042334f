/** The records of history in a DuckDB file. */
import type { DuckDbDatabase } from '../../engine/duckdb/database.ts';
import { DuckDbAsOfLog } from './duckdb-as-of-log.ts';
import { DuckDbBoundLog } from './duckdb-bound-log.ts';
import { DuckDbCalculationLog } from './duckdb-calculation-log.ts';
import { DuckDbFlowLog } from './duckdb-flow-log.ts';

/** All of them, as a Core takes them. They open nothing, and the database stays the caller's. */
export function duckDbRecords(database: DuckDbDatabase) {
  return {
    calculations: new DuckDbCalculationLog(database),
    bounds: new DuckDbBoundLog(database),
    flows: new DuckDbFlowLog(database),
    asOfs: new DuckDbAsOfLog(database),
  };
}
