import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { engineContract } from './engine-contract.ts';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

engineContract('DuckDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-engine-'));
  folders.push(folder);
  return new DuckDbEngine(await openDatabase({ folder }));
});
