/** A DuckDB engine in a folder of its own for each test of a file, and files that are written and imported. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { type DuckDbDatabase, openDatabase } from '../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../src/core/engine/duckdb/duckdb-engine.ts';
import type { ImportReport, ImportRequest } from '../src/core/engine/engine.ts';

export interface Importing {
  /** Where files to import are written. */
  readonly folder: string;
  readonly database: DuckDbDatabase;
  readonly engine: DuckDbEngine;
  /** Writes a file and imports it. */
  imported(name: string, content: string | Buffer, rest?: Partial<ImportRequest>): Promise<ImportReport>;
}

/**
 * Registers the hooks that open and remove one for each test.
 *
 * @param source - Of the rows, unless an import says otherwise.
 * @param dataFolder - Name of the data folder.
 * @returns That of the test that runs.
 */
export function openImporting(source: ImportRequest['source'], dataFolder = 'data'): Importing {
  let folder: string;
  let database: DuckDbDatabase;
  let engine: DuckDbEngine;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coterie-import-'));
    database = await openDatabase({ folder: join(folder, dataFolder) });
    engine = new DuckDbEngine(database);
  });
  afterEach(async () => {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      return folder;
    },
    get database() {
      return database;
    },
    get engine() {
      return engine;
    },
    async imported(name, content, rest = {}) {
      const file = join(folder, name);
      await writeFile(file, content);
      return engine.importFile({ source, file, map: {}, strict: false, ...rest });
    },
  };
}

/** What a report says has become of the rows: added, replaced, unchanged, rejected. */
export function what({ added, replaced, unchanged, rejected }: ImportReport): readonly number[] {
  return [added, replaced, unchanged, rejected];
}
