/** The command line itself: help, versions, usage errors, settings, the data folder, all by the real program. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { coterie, coterieJson, temporaryFolder } from './coterie-process.ts';

const { folder, remove } = temporaryFolder();
after(remove);

test('without a command, and with --help, the commands are listed and nothing fails', async () => {
  for (const args of [[], ['--help']]) {
    const { code, stdout, stderr } = await coterie(args);
    assert.equal(code, 0);
    assert.equal(stderr, '');
    for (const { name } of COMMANDS) assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
    assert.match(stdout, /Exit codes:/);
  }
});

test('--help of a command shows worked examples', async () => {
  const { code, stdout } = await coterie(['import', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /Examples:\n {2}# .*\n {2}coterie import orders\.csv\.gz --as orders/);
});

test('an unknown command, an unknown option and a missing argument are usage errors with exit code 2', async () => {
  for (const [args, message] of [
    [['frobnicate'], /^error USAGE: unknown command 'frobnicate'/],
    [['calculate', '--when', 'now'], /^error USAGE: unknown option '--when'/],
    [['check', 'c1'], /^error USAGE: missing required argument 'segments'/],
    [['import', 'x.csv'], /^error USAGE: required option '--as <source>' not specified/],
    [['calculate', '--at', 'soon'], /"soon" is not a moment: expected ISO 8601/],
    [['simulate', '--customers', '0'], /Expected a whole number from 1/],
    [['import', 'x.csv', '--as', 'orders', '--map', 'total'], /Expected name=value/],
  ] as const) {
    const { code, stdout, stderr } = await coterie(args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, message);
  }
});

test('a bad setting names itself, its source, what was expected and what was found, with exit code 2', async () => {
  const byFlag = await coterie(['serve', '--port', '70000', '--data', folder]);
  assert.equal(byFlag.code, 2);
  assert.match(
    byFlag.stderr,
    /^error CONFIG_INVALID: --port: expected a whole number from 0 to 65535, found "70000"/,
  );
  const byVariable = await coterie(['status'], { env: { COTERIE_THREADS: 'many' } });
  assert.equal(byVariable.code, 2);
  assert.match(byVariable.stderr, /^error CONFIG_INVALID: COTERIE_THREADS: expected .*, found "many"/);
  const file = join(folder, 'settings.yaml');
  writeFileSync(file, 'prot: 80\n');
  const byFile = await coterie(['status', '--config', file]);
  assert.equal(byFile.code, 2);
  assert.match(byFile.stderr, /found "prot"/);
});

test('coterie.yaml in the working folder is read', async () => {
  const place = join(folder, 'place');
  mkdirSync(place);
  writeFileSync(join(place, 'coterie.yaml'), 'data: elsewhere\n');
  const { code, stderr } = await coterie(['status'], { folder: place });
  assert.equal(code, 1);
  assert.match(stderr, /^error DATA_FOLDER_MISSING: elsewhere is not a data folder/);
});

test('every command refuses a data folder that a newer version made', async () => {
  const data = join(folder, 'newer');
  mkdirSync(data);
  writeFileSync(join(data, 'coterie.json'), '{"format": 999}');
  const definitions = join(folder, 'one.yaml');
  writeFileSync(definitions, 'key: one\ntype: new\n');
  for (const args of [
    ['import', definitions, '--as', 'orders'],
    ['apply', definitions],
    ['calculate'],
    ['serve', '--port', '0'],
    ['serve', '--port', '0', '--role', 'store'],
    ['start', '--port', '0'],
    ['check', 'c1', 'one'],
    ['explain', 'c1', 'one'],
    ['preview', definitions],
    ['segments'],
    ['size', 'one'],
    ['members', 'one'],
    ['overlap', 'one', 'two'],
    ['status'],
    ['simulate', '--orders', '1'],
  ]) {
    const { code, stdout, stderr } = await coterie([...args, '--data', data]);
    assert.equal(code, 1, args.join(' '));
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^error DATA_FOLDER_NEWER: .* has the format 999; this version of Coterie reads up to 1/,
      args[0],
    );
  }
});

test('a data folder that cannot be written is told as such', async () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const { code, stderr } = await coterie(['simulate', '--data', join(file, 'data')]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error DATA_FOLDER_UNWRITABLE: .* cannot be written: .*\n {2}Check that the folder exists/,
  );
});

test('a reader that goes away ends the command quietly', async () => {
  // The shell's pipe closes after the first line; the schema is longer than a pipe's buffer holds at once.
  const { spawnSync } = await import('node:child_process');
  const { status, stderr, stdout } = spawnSync(
    'bash',
    ['-c', 'set -o pipefail; node bin/coterie.mjs schema | head -1'],
    { encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  assert.equal(stdout, '{\n');
  assert.ok(status === 0 || status === 141, `ended with ${status}`);
});

test('the schema is one JSON document', async () => {
  const schema = await coterieJson(['schema']);
  assert.ok('$schema' in schema);
});
