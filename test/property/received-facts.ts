/** Random facts in a real engine, in a temporary data folder that goes when it is closed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDbDatabase, openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import type { Engine } from '../../src/core/engine/engine.ts';
import type { FactsReceived, World } from './arbitrary/world.ts';

export interface ReceivedFacts {
  readonly engine: DuckDbEngine;
  /** The tables beneath, for the oracle in SQL. */
  readonly database: DuckDbDatabase;
  close(): Promise<void>;
}

/** Puts one batch, or carries out the activation that it is. */
export async function receive(engine: Engine, { activates, ...facts }: FactsReceived): Promise<void> {
  if (activates) await engine.activateModelVersion(activates.model, activates.version);
  else await engine.put(facts);
}

/**
 * Puts the batches of a history into an engine, one after the other.
 *
 * @param compactedAfter - After so many batches the tail is folded into the base; 0: never.
 */
export async function receiveFacts(world: World, compactedAfter: number): Promise<ReceivedFacts> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-facts-'));
  // One thread: these tables are tiny, and starting threads costs more than they bring.
  const database = await openDatabase({ folder, threads: 1 });
  const engine = new DuckDbEngine(database);
  for (const [i, facts] of world.received.entries()) {
    await receive(engine, facts);
    if (i + 1 === compactedAfter) await engine.compact();
  }
  return {
    engine,
    database,
    async close() {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
