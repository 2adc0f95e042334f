/** What stops a command in the middle: Ctrl-C, and a disk that is full. Nothing half-done is kept or served. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { coterie, coterieJson, temporaryFolder } from './coterie-process.ts';

const { folder, remove } = temporaryFolder();
after(remove);

test('Ctrl-C in a calculation ends it with 130, keeps what was served, and the next one works', async () => {
  const place = join(folder, 'stopped');
  const data = ['--data', place];
  await coterieJson(['simulate', '--customers', '20k', '--orders', '400k', '--stores', '200', ...data]);
  await coterieJson(['apply', 'examples/definitions', ...data]);
  const child = spawn(process.execPath, ['bin/coterie.mjs', 'calculate', ...data], { stdio: 'pipe' });
  const stderr = text(child.stderr);
  const ended = once(child, 'exit');
  // A generation's folder appears when the load begins, before anything is evaluated.
  while (!existsSync(join(place, 'store', 'gen-1')) && child.exitCode === null) {
    await new Promise((done) => setTimeout(done, 5));
  }
  child.kill('SIGINT');
  await ended;
  const check = await coterie(['check', 'c0000001', 'active', ...data]);
  if (child.exitCode === 130) {
    assert.match(await stderr, /stopped by SIGINT: nothing half-done is kept/);
    assert.equal(check.code, 4, 'nothing is served');
  } else {
    assert.equal(child.exitCode, 0, `it was done before the signal came, or: ${await stderr}`);
    assert.equal(check.code, 0);
  }
  await coterieJson(['calculate', ...data]);
  assert.equal((await coterie(['check', 'c0000001', 'active', ...data])).code, 0);
});

test('a full disk is told by every command that writes, with exit code 4, and what was there stays', async (context) => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
  if (mounted.status !== 0) {
    console.error('SKIPPED: a small disk cannot be mounted here: that takes root');
    context.skip('mounting a small disk takes root');
    return;
  }
  try {
    const data = ['--data', join(disk, 'data')];
    await coterieJson(['simulate', '--customers', '2k', '--orders', '50k', '--stores', '50', ...data]);
    await coterieJson(['apply', 'examples/definitions', ...data]);
    await coterieJson(['calculate', ...data]);
    const before = await coterieJson(['status', ...data]);
    spawnSync('bash', ['-c', `cat /dev/zero > ${disk}/filling 2>/dev/null`]);
    const orders = join(folder, 'orders.csv');
    const rows = Array.from({ length: 5_000 }, (_, i) => `k${i},${i},2026-01-01,5\n`).join('');
    writeFileSync(orders, `customer_id,order_id,ordered_at,total\n${rows}`);
    const segment = join(folder, 'segment.yaml');
    writeFileSync(segment, `key: another\ntype: new\ndescription: ${'long '.repeat(300)}\n`);
    for (const args of [['import', orders, '--as', 'orders'], ['apply', segment], ['calculate']]) {
      const { code, stderr } = await coterie([...args, ...data]);
      assert.equal(code, 4, `${args[0]}: ${stderr}`);
      assert.match(stderr, /^error DISK_FULL: .*\n {2}Free space where the data folder is/m);
    }
    assert.equal((await coterie(['check', 'c0000001', 'active', ...data])).code, 0, 'serving goes on');
    rmSync(join(disk, 'filling'));
    const after = await coterieJson(['status', ...data]);
    assert.deepEqual([after.facts, after.definitions], [before.facts, before.definitions]);
    await coterieJson(['calculate', ...data]);
  } finally {
    spawnSync('umount', [disk]);
  }
});
