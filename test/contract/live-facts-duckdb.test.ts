import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { liveFactsContract } from './live-facts-contract.ts';
import { liveFactsScoreContract } from './live-facts-score-contract.ts';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const open = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-live-facts-'));
  folders.push(folder);
  const engine = new DuckDbEngine(await openDatabase({ folder }));
  return { engine, compact: () => engine.compact() };
};
liveFactsContract('DuckDB', open);
liveFactsScoreContract('DuckDB', open);
