/** Folders that benchmarks measure over: simulated facts, and catalogs of different sizes over them. */
import { join } from 'node:path';
import { DuckDbCatalog } from '../src/core/catalog/duckdb/duckdb-catalog.ts';
import { openDatabase } from '../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../src/core/engine/duckdb/duckdb-engine.ts';
import { SIMULATION_TO_S, simulate } from '../src/core/engine/duckdb/simulate.ts';
import { benchmarkDefinitions, type StoreSpread } from './benchmark-segments.ts';
import { mixedDefinitions } from './mixed-segments.ts';

/** Simulates facts into a folder, unless it has some. */
export async function prepareFacts(
  folder: string,
  market: {
    readonly customers: number;
    readonly orders: number;
    readonly stores: number;
    readonly seed: number;
    /** How many, over all customers; with some there are scores and lists, too. */
    readonly events?: number;
  },
): Promise<void> {
  const { customers, orders, stores, seed, events = 0 } = market;
  const database = await openDatabase({ folder });
  const found = (await database.row<{ orders: number }>(
    'SELECT count(*)::INTEGER AS orders FROM order_base',
  ))!;
  if (found.orders === 0) {
    console.log(`Simulating ${orders.toLocaleString('en')} orders …`);
    await simulate(database, {
      customers,
      orders,
      stores,
      seed,
      events,
      scores: events > 0,
      lists: events > 0,
    });
  }
  await database.close();
}

/**
 * A catalog in a file of its own, so that one folder of facts serves any number of segments.
 *
 * @returns Its folder.
 */
export async function prepareCatalog(
  factFolder: string,
  wanted: { readonly segments: number; readonly seed: number; readonly spread: string },
): Promise<string> {
  const { segments, seed, spread } = wanted;
  const folder = join(factFolder, `catalog-${segments}-${spread}-${seed}`);
  const facts = await openDatabase({ folder: factFolder });
  const stores = await new DuckDbEngine(facts).storeTable();
  await facts.close();
  const database = await openDatabase({ folder });
  const definitions =
    spread === 'mixed'
      ? mixedDefinitions({ segments, stores, seed })
      : benchmarkDefinitions({ segments, stores, seed, spread: spread as StoreSpread });
  await new DuckDbCatalog(database).apply(definitions, { author: 'bench', at: SIMULATION_TO_S });
  await database.close();
  return folder;
}
