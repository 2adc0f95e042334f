/** The SQL oracle over the DuckDB file, for verifying what is served while it is served. */
import type { SegmentTypes } from '../../../model/segment-type.ts';
import type { BoundSource } from '../../bound-source.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { loadSegments } from '../../catalog/resolve-segments.ts';
import { segmentSql } from '../../verify/segment-sql.ts';
import type { VerifierParts } from '../../verify/verifier.ts';
import type { DuckDbDatabase } from './database.ts';
import { readCustomers, readStoreTable } from './lookup.ts';
import { readNumbers } from './scan.ts';

/**
 * All that a `Verifier` asks but what is served.
 *
 * @param bounds - Those that the population sets.
 */
export function duckDbOracle(
  database: DuckDbDatabase,
  catalog: Catalog,
  types: SegmentTypes,
  bounds: BoundSource,
): Omit<VerifierParts, 'served'> {
  return {
    customers: () => readCustomers(database),
    async segments(asOf) {
      const stores = await readStoreTable(database, asOf.batchNo);
      const segments = await loadSegments({ catalog, stores, types, knownAt: asOf.catalogNo });
      return (await bounds.boundAsOf(segments, stores, asOf)).segments;
    },
    membersBySql(rule, asOf) {
      const { sql, params } = segmentSql(rule, {
        moment: asOf.moment,
        knownAt: asOf.batchNo,
        dialect: 'duckdb',
      });
      return readNumbers(database.stream(sql, params));
    },
  };
}
