/** The data folder's marker and the note of the server that has it open. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  DATA_FORMAT,
  prepareDataFolder,
  readServerNote,
  removeServerNote,
  writeServerNote,
} from './data-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'coterie-folder-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a missing folder is made with a marker, or refused where nothing may be made', async () => {
  const data = join(folder, 'a/b');
  await assert.rejects(prepareDataFolder(data, { ifMissing: 'refuse', version: '0' }), {
    code: 'DATA_FOLDER_MISSING',
  });
  await prepareDataFolder(data, { ifMissing: 'create', version: '1.2.3' });
  const marker = JSON.parse(readFileSync(join(data, 'coterie.json'), 'utf8'));
  assert.equal(marker.format, DATA_FORMAT);
  assert.equal(marker.createdBy, 'coterie 1.2.3');
  await prepareDataFolder(data, { ifMissing: 'refuse', version: '0' });
});

test('a folder of a newer version and an unreadable marker are refused', async () => {
  const data = join(folder, 'newer');
  await prepareDataFolder(data, { ifMissing: 'create', version: '0' });
  for (const ifMissing of ['create', 'refuse'] as const) {
    writeFileSync(join(data, 'coterie.json'), JSON.stringify({ format: DATA_FORMAT + 1 }));
    await assert.rejects(prepareDataFolder(data, { ifMissing, version: '0' }), { code: 'DATA_FOLDER_NEWER' });
    writeFileSync(join(data, 'coterie.json'), '{"format":');
    await assert.rejects(prepareDataFolder(data, { ifMissing, version: '0' }), {
      code: 'DATA_FOLDER_CORRUPT',
    });
  }
});

test('a folder below a file cannot be written', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await assert.rejects(prepareDataFolder(join(file, 'data'), { ifMissing: 'create', version: '0' }), {
    code: 'DATA_FOLDER_UNWRITABLE',
  });
});

test('a folder that the system refuses to make ends in words, not in a loop', {
  skip: existsSync('/proc/self') ? false : 'SKIPPED: there is no /proc here',
}, async () => {
  for (const data of ['/proc/coterie', '/proc/coterie/data']) {
    await assert.rejects(prepareDataFolder(data, { ifMissing: 'create', version: '0' }), {
      code: 'DATA_FOLDER_UNWRITABLE',
    });
  }
});

test('the note of a server counts while its process is alive, and only that process takes it back', async () => {
  await writeServerNote(folder, { pid: process.pid, url: 'http://127.0.0.1:1' });
  assert.deepEqual(await readServerNote(folder), { pid: process.pid, url: 'http://127.0.0.1:1' });
  await removeServerNote(folder);
  assert.equal(await readServerNote(folder), undefined);
  // No process has this number: it is above every limit of the kernel.
  await writeServerNote(folder, { pid: 2 ** 30, url: 'http://127.0.0.1:1' });
  assert.equal(await readServerNote(folder), undefined);
});
