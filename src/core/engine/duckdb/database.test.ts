import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DATABASE_FILE, openDatabase } from './database.ts';

describe('the DuckDB file of a data folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coterie-database-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps what a transaction wrote, and nothing of one that failed', async () => {
    const database = await openDatabase({ folder });
    await database.exclusive((session) => session.run(`INSERT INTO currency VALUES (1, 'USD')`));
    const failing = database.exclusive(async (session) => {
      await session.run(`INSERT INTO currency VALUES (2, 'EUR')`);
      throw new Error('stop');
    });
    await assert.rejects(failing, /stop/);
    await database.close();

    const again = await openDatabase({ folder });
    assert.deepEqual(await again.rows('SELECT * FROM currency'), [
      { currency_no: 0, code: '' },
      { currency_no: 1, code: 'USD' },
    ]);
    await again.close();
  });

  it('is shared within the process and closes with its last user', async () => {
    const [first, second] = await Promise.all([openDatabase({ folder }), openDatabase({ folder })]);
    assert.equal(first, second);
    await first.close();
    assert.deepEqual(await second.row('SELECT count(*) AS n FROM store'), { n: 0 });
    const closing = second.close();
    const third = await openDatabase({ folder });
    await closing;
    assert.deepEqual(await third.row('SELECT 1 AS one'), { one: 1 });
    await third.close();
  });

  it('runs transactions one after the other and refuses one inside another', async () => {
    const database = await openDatabase({ folder });
    await Promise.all(
      Array.from({ length: 5 }, () =>
        database.exclusive(async (session) => {
          const next = await session.row<{ n: number }>(
            'SELECT coalesce(max(currency_no) + 1, 0) AS n FROM currency',
          );
          await session.run('INSERT INTO currency VALUES ($1, $2)', [next!.n, `C${next!.n}`]);
        }),
      ),
    );
    assert.deepEqual(
      (await database.rows<{ code: string }>('SELECT code FROM currency ORDER BY 1')).map((r) => r.code),
      ['', 'C1', 'C2', 'C3', 'C4', 'C5'],
    );
    await assert.rejects(
      database.exclusive(() => database.run('SELECT 1')),
      /inside/,
    );
    await database.close();
  });

  it('streams a long result in order, and survives a stream that is left early', async () => {
    const database = await openDatabase({ folder });
    let sum = 0;
    for await (const chunk of database.stream('SELECT range::UINTEGER FROM range(10000)')) {
      for (let i = 0; i < chunk.rowCount; i++) sum += chunk.getColumnVector(0).getItem(i) as number;
    }
    assert.equal(sum, 49_995_000);
    for await (const _ of database.stream('SELECT range FROM range(100000)')) break;
    assert.deepEqual(await database.row('SELECT 1 AS one'), { one: 1 });
    await database.close();
  });

  it('names the process that holds the file', async () => {
    const source = fileURLToPath(new URL('./database.ts', import.meta.url));
    const script = `import(${JSON.stringify(source)}).then(async (m) => {
      await m.openDatabase({ folder: process.argv[1] }); console.log('open'); setInterval(() => {}, 1000); })`;
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', script, folder]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await assert.rejects(openDatabase({ folder }), {
      code: 'DATA_FOLDER_LOCKED',
      message: new RegExp(`process ${child.pid}`),
    });
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await (await openDatabase({ folder })).close();
  });

  it('refuses a file of a newer version', async () => {
    const database = await openDatabase({ folder });
    await database.run(`UPDATE meta SET value = '99' WHERE key = 'schema_version'`);
    await database.close();
    await assert.rejects(openDatabase({ folder }), { code: 'DATA_FOLDER_NEWER', message: /99/ });
  });

  it('refuses a file that is not a database', async () => {
    await writeFile(join(folder, DATABASE_FILE), 'x'.repeat(20_000));
    await assert.rejects(openDatabase({ folder }), { code: 'DATA_FOLDER_CORRUPT' });
  });

  it('refuses a folder that cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(openDatabase({ folder: join(folder, 'file', 'data') }), {
      code: 'DATA_FOLDER_UNWRITABLE',
    });
  });

  it('says which statement failed', async () => {
    const database = await openDatabase({ folder });
    await assert.rejects(database.rows('SELECT nothing FROM nowhere'), {
      code: 'ENGINE_FAILED',
      message: /in: SELECT nothing FROM nowhere/,
    });
    await database.close();
  });
});
