/**
 * The composition root: the only place that picks drivers. Each part is loaded when a command first asks
 * for it, so that `check` and `--help` do not wait for an engine that they do not use.
 */
import { readFileSync } from 'node:fs';
import { COMMANDS } from './cli/commands.ts';
import { storeFolder } from './cli/data-folder.ts';
import type { Parts } from './cli/parts.ts';
import { runCli } from './cli/run.ts';
import type { Config } from './config/option-table.ts';

const BYTES_A_MIB = 1_048_576;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

async function openDatabase(config: Config) {
  const duckdb = await import('./core/engine/duckdb/database.ts');
  return duckdb.openDatabase({
    folder: config.data,
    memoryMiB: Math.floor(config.engineMemory / BYTES_A_MIB),
    threads: config.threads,
  });
}

async function openStore(config: Config, readOnly: boolean) {
  const { openLmdbStore } = await import('./store/lmdb/lmdb-store.ts');
  return openLmdbStore({ folder: storeFolder(config.data), readOnly });
}

const parts: Parts = {
  openCore: () => Promise.reject(new Error('not there yet')),
  openStore: (config) => openStore(config, true),
  connect: () => Promise.reject(new Error('not there yet')),
  serve: () => Promise.reject(new Error('not there yet')),

  async simulate(config, request, progress) {
    const { simulate } = await import('./core/engine/duckdb/simulate.ts');
    const database = await openDatabase(config);
    try {
      await simulate(database, request, progress);
    } finally {
      await database.close();
    }
  },

  readDefinitions: () => Promise.reject(new Error('not there yet')),

  async schema() {
    const { publishedSchema } = await import('./model/definition-schema.ts');
    const { SEGMENT_TYPES } = await import('./model/segment-type.ts');
    return publishedSchema(SEGMENT_TYPES);
  },
};

const code = await runCli({ argv: process.argv.slice(2), commands: COMMANDS, parts, version });
// Native handles may keep the process alive; everything is closed and flushed by now.
process.exit(code);
