/** Files of rows that were set aside do not outlive what was promised. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { openStreamRejects } from '../stream/stream-rejects.ts';
import { removeOldRejects } from './old-rejects.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 2, 1);
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coterie-rejects-'));
});
beforeEach(async () => {
  for (const name of await readdir(folder)) await rm(join(folder, name));
});
after(() => rm(folder, { recursive: true, force: true }));

test('files of imports and streams go when their time is over, and others stay', async () => {
  const ages: Readonly<Record<string, number>> = {
    'batch-1-orders.csv': 10,
    'batch-2-orders.csv': 9.9,
    'stream-before.ndjson': 5,
    'stream.ndjson': 4.9,
    'notes.txt': 99,
  };
  for (const [name, hours] of Object.entries(ages)) {
    await writeFile(join(folder, name), 'x');
    const written = (NOW_MS - hours * HOUR_MS) / 1000;
    await utimes(join(folder, name), written, written);
  }
  assert.equal(await removeOldRejects(folder, 10 * HOUR_MS, NOW_MS), 2);
  assert.deepEqual((await readdir(folder)).sort(), ['batch-2-orders.csv', 'notes.txt', 'stream.ndjson']);
  assert.equal(await removeOldRejects(join(folder, 'nowhere'), HOUR_MS), 0);
});

test('the file of streams gives way when its first row is half of its life old, also after a restart', async () => {
  let nowMs = NOW_MS;
  const open = () => openStreamRejects(folder, { lifeMs: 10 * HOUR_MS, now: () => nowMs });
  const add = (rejects: ReturnType<typeof open>, row: string) =>
    rejects.add([{ stream: 'kafka', subject: 'orders', partition: '0', position: 1, reason: 'bad', row }]);
  const first = open();
  await add(first, 'one');
  nowMs += 4.9 * HOUR_MS;
  await add(first, 'two');
  nowMs += 0.2 * HOUR_MS;
  await add(open(), 'three');
  const rows = async (name: string) =>
    (await readFile(join(folder, name), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).row);
  assert.deepEqual(await rows('stream-before.ndjson'), ['one', 'two']);
  assert.deepEqual(await rows('stream.ndjson'), ['three']);
});
