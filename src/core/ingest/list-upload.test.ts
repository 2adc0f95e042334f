/** Uploads of lists: what is long goes to a file, counts each time that it is sent, and is bounded like all facts. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CoterieError } from '../../model/error.ts';
import { type DuckDbDatabase, openDatabase } from '../engine/duckdb/database.ts';
import { DuckDbEngine } from '../engine/duckdb/duckdb-engine.ts';
import { createIngest, type IngestOptions } from './ingest.ts';
import { uploadList } from './list-upload.ts';
import type { Rows } from './row-tally.ts';

const folder = mkdtempSync(join(tmpdir(), 'coterie-upload-'));
const uploads = join(folder, 'uploads');
let database: DuckDbDatabase;
let engine: DuckDbEngine;
before(async () => {
  database = await openDatabase({ folder, memoryMiB: 256, threads: 1 });
  engine = new DuckDbEngine(database);
});
after(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const parts = (options: Partial<IngestOptions> = {}) => ({
  ingest: createIngest({ engine, options: { gatherMs: 1, ...options } }),
  engine,
  folder: uploads,
});
const replacing = (list: string, rows: Rows) => ({ list, action: 'replace', rows, strict: false }) as const;
const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);

test('a long upload that is sent again counts again, also for somebody forgotten who is back', async () => {
  const long = () => uploadList(parts({ batchRowsMax: 10 }), replacing('again', idsOf(30)));
  const first = await long();
  assert.deepEqual([first.accepted, first.unknown], [30, 30]);
  await engine.eraseCustomer('c7');
  await engine.readmitCustomer('c7');
  const second = await long();
  assert.deepEqual([second.accepted, second.unchanged, second.unknown], [30, 29, 1]);
  assert.deepEqual(await engine.lists(), [{ list: 'again', customers: 30 }]);
  const batches = await database.rows(
    `SELECT origin, content_hash FROM batch WHERE batch_no IN (${first.batchNo}, ${second.batchNo})`,
  );
  const batch = { origin: 'again', content_hash: null };
  assert.deepEqual(batches, [batch, batch]);
});

test('what is long by its rows or its bytes goes to a file, which is gone in the end', async () => {
  let files: readonly string[] = [];
  const seen = async (rows: readonly string[], options: Partial<IngestOptions>) => {
    files = [];
    async function* blocks() {
      yield rows;
      files = existsSync(uploads) ? readdirSync(uploads) : [];
      yield ['last'];
    }
    await uploadList(parts(options), replacing('files', blocks()));
    assert.deepEqual(existsSync(uploads) ? readdirSync(uploads) : [], []);
    return files.length;
  };
  assert.equal(await seen(idsOf(10), { batchRowsMax: 10 }), 0);
  assert.equal(await seen(idsOf(11), { batchRowsMax: 10 }), 1);
  assert.equal(await seen(idsOf(2000), {}), 0);
  const padded = idsOf(4000).map((id) => id.padEnd(500, '.'));
  assert.equal(await seen(padded, {}), 1);
});

test('uploads are streams of facts like others: no more are read at once, and none while it closes', async () => {
  const { ingest, ...rest } = parts({ streamsMax: 1 });
  let go = () => {};
  const gate = new Promise<void>((open) => {
    go = open;
  });
  async function* slow() {
    await gate;
    yield ['a'];
  }
  const first = uploadList({ ingest, ...rest }, replacing('bounded', slow()));
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'taken',
      (error: unknown) => (error instanceof CoterieError ? error.code : String(error)),
    );
  const again = () => codeOf(uploadList({ ingest, ...rest }, replacing('bounded', ['b'])));
  assert.equal(await again(), 'INGEST_OVERLOADED');
  assert.equal(await codeOf(ingest.submit('lists', [])), 'INGEST_OVERLOADED');
  go();
  assert.equal((await first).accepted, 1);
  assert.equal(await again(), 'taken');
  await ingest.close();
  assert.equal(await again(), 'OVERLOADED');
});
