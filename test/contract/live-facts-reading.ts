/** Reads live facts into the plain values of `engine-reading.ts`. */
import type { Engine, ScanRequest } from '../../src/core/engine/engine.ts';
import type { LiveFacts } from '../../src/core/engine/live-facts.ts';
import { type ReadCustomer, readScan } from './engine-reading.ts';

/** What live facts say of these customers, by id; checks what every scan promises on the way. */
export function readLive(
  engine: Engine,
  facts: LiveFacts,
  customers: Uint32Array,
): Promise<Record<string, ReadCustomer>> {
  // The engine with its scan replaced: dictionaries and ids are the engine's own.
  const reading = Object.create(engine, {
    scan: { value: ({ columns }: ScanRequest) => facts.scan(customers, columns) },
    storeTable: { value: () => engine.storeTable() },
    dictionary: { value: () => engine.dictionary() },
    customerIds: { value: (customerNos: Uint32Array) => engine.customerIds(customerNos) },
  }) as Engine;
  return readScan(reading);
}
