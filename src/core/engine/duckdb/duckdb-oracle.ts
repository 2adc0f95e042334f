/** The SQL oracle over the DuckDB file, for verifying what is served while it is served. */
import type { SegmentTypes } from '../../../model/segment-type.ts';
import type { BoundSource } from '../../bound-source.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { loadSegments } from '../../catalog/resolve-segments.ts';
import type { VerifierParts } from '../../verify/verifier.ts';
import type { DuckDbDatabase } from './database.ts';
import { openFactsInForce } from './facts-in-force.ts';
import { readCustomers, readStoreTable } from './lookup.ts';

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
    customers: (knownAt) => readCustomers(database, knownAt),
    async segments(asOf) {
      const stores = await readStoreTable(database, asOf.batchNo);
      const segments = await loadSegments({ catalog, stores, types, knownAt: asOf.catalogNo });
      return (await bounds.boundAsOf(segments, stores, asOf)).segments;
    },
    openOracle: (asOf, customers) =>
      openFactsInForce(database, { asOf, ...(customers === undefined ? {} : { customers }) }),
  };
}
