import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDbCatalog } from '../../src/core/catalog/duckdb/duckdb-catalog.ts';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { catalogContract } from './catalog-contract.ts';

catalogContract('DuckDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-catalog-'));
  let database = await openDatabase({ folder, memoryMiB: 256 });
  return {
    catalog: new DuckDbCatalog(database),
    reopen: async () => {
      await database.close();
      database = await openDatabase({ folder, memoryMiB: 256 });
      return new DuckDbCatalog(database);
    },
    close: async () => {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
