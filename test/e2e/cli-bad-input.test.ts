/** Bad input at the command line: each is refused in words, with exit code 3, and nothing of it is kept. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { coterie, coterieJson, temporaryFolder } from './coterie-process.ts';

const { folder, remove } = temporaryFolder();
after(remove);
const data = ['--data', join(folder, 'data')];

before(async () => {
  await coterieJson(['simulate', '--customers', '2', '--orders', '2', '--stores', '1', ...data]);
});

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function refuses(args: readonly string[], message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await coterie([...args, ...data]);
  assert.equal(code, 3, `${args.join(' ').slice(0, 200)}: ${stderr.slice(0, 2000)}`);
  assert.equal(stdout, '');
  assert.match(stderr, message);
  assert.doesNotMatch(stderr, /\n {4}at /, 'no stack for bad input');
  assert.ok(stderr.length < 10_000, 'what is told of hostile input is bounded');
}

const DEFINITIONS: readonly (readonly [string, string, RegExp])[] = [
  ['malformed YAML', '- key: a\n  type: "new\n', /^error DEFINITION_SYNTAX: .*malformed\.yaml:\d+:\d+/],
  ['unknown type', 'key: a\ntype: newish\n', /^error SEGMENT_TYPE_UNKNOWN: .*\.yaml:2:\d+: .*newish/],
  ['unknown field', 'key: a\ntype: new\nparms: {}\n', /^error DEFINITION_INVALID: .*\.yaml:3:\d+: .*parms/],
  [
    'a cycle',
    '- {key: a, type: rule, params: {segment: b}}\n- {key: b, type: rule, params: {not: {segment: a}}}\n',
    /^error SEGMENT_CYCLE: .*a → b → a|^error SEGMENT_CYCLE: .*b → a → b/,
  ],
  [
    'a window of 0',
    'key: a\ntype: inactive\nparams: {within: 0d}\n',
    /^error \w+: .*\.yaml:3:\d+: .*within.*"0d"/,
  ],
  [
    'a window of -1 d',
    'key: a\ntype: inactive\nparams: {within: -1d}\n',
    /^error \w+: .*\.yaml:3:\d+: .*within.*"-1d"/,
  ],
  [
    'a key with control characters',
    'key: "a\\u0007b"\ntype: new\n',
    /^error (SEGMENT_KEY_INVALID|DEFINITION_INVALID): .*\.yaml:1:\d+/,
  ],
  [
    'an unknown segment',
    'key: a\ntype: rule\nparams: {segment: nowhere}\n',
    /^error SEGMENT_REFERENCE_UNKNOWN: .*nowhere/,
  ],
  [
    '10 MB of nested not',
    `{"key":"a","type":"rule","params":${'{"not":'.repeat(1_400_000)}{"orders":{}}${'}'.repeat(1_400_000)}}`,
    /^error DEFINITION_TOO_LARGE: /,
  ],
];

for (const [name, content, message] of DEFINITIONS) {
  test(`definitions: ${name}`, async () => {
    const path = file(`${name.split(' ')[0]}.yaml`, content);
    await refuses(['apply', path], message);
    await refuses(['apply', path, '--dry-run'], message);
    assert.equal((await coterieJson(['segments', ...data])).total, 0, 'nothing was kept');
  });
}

test('definitions: several problems are told one a line', async () => {
  const path = file('several.yaml', '- {key: a, type: new, x: 1}\n- {key: b, type: old}\n');
  const { code, stderr } = await coterie(['apply', path, ...data]);
  assert.equal(code, 3);
  assert.match(stderr, /^error \w+: 2 problems\n {2}- .*several\.yaml:1:.*\n {2}- .*several\.yaml:2:/);
});

test('definitions: a path that does not exist, and a folder without definitions', async () => {
  await refuses(
    ['apply', join(folder, 'nowhere.yaml')],
    /^error IMPORT_FILE_UNREADABLE: .*nowhere\.yaml does not exist/,
  );
  mkdirSync(join(folder, 'empty'));
  await refuses(['apply', join(folder, 'empty')], /^error IMPORT_FILE_UNREADABLE: .* holds no definitions/);
});

const HEADER = 'customer_id,order_id,ordered_at,total\n';

test('facts: a wrong delimiter, a truncated gzip, a file that is missing', async () => {
  const semicolons = file('semicolons.csv', 'customer_id;order_id;ordered_at;total\nc1;1;2026-01-01;5\n');
  await refuses(['import', semicolons, '--as', 'orders'], /^error IMPORT_COLUMNS_MISSING: /);
  const rows = Array.from({ length: 20_000 }, (_, i) => `c${i},${i * 7},2026-01-01,${i % 97}.5\n`).join('');
  const whole = gzipSync(HEADER + rows);
  const cut = file('cut.csv.gz', whole.subarray(0, whole.length / 2));
  await refuses(['import', cut, '--as', 'orders'], /^error IMPORT_FILE_UNREADABLE: /);
  await refuses(['import', join(folder, 'none.csv'), '--as', 'orders'], /^error IMPORT_FILE_UNREADABLE: /);
  assert.equal(
    (await coterieJson<{ facts: { orders: number } }>(['status', ...data])).facts.orders,
    2,
    'nothing was kept',
  );
});

test('facts: --strict stops at the first bad row and keeps nothing', async () => {
  const path = file('strict.csv', `${HEADER}c1,1,2026-01-01,5\nc2,2,someday,5\n`);
  await refuses(
    ['import', path, '--as', 'orders', '--strict'],
    /^error IMPORT_ROW_REJECTED: .*(line 3|row 3|:3)/,
  );
  assert.equal((await coterieJson<{ facts: { orders: number } }>(['status', ...data])).facts.orders, 2);
});

test('facts: a file of nothing but bad rows fails after they were set aside', async () => {
  const path = file('bad.csv', `${HEADER},1,2026-01-01,5\nc2,2,someday,5\n`);
  const { code, stdout, stderr } = await coterie(['import', path, '--as', 'orders', ...data]);
  assert.equal(code, 3);
  assert.match(stdout, /set aside +2/);
  assert.match(
    stderr,
    /^error IMPORT_NOTHING_USABLE: no row of .*bad\.csv can be used: the first: line 2: no customer id/m,
  );
});

test('facts: --strict fails for a file of which rows were set aside before', async () => {
  const path = file('before.csv', `${HEADER}c1,1,2026-01-01,5\nc2,2,someday,5\n`);
  assert.equal((await coterie(['import', path, '--as', 'orders', ...data])).code, 0);
  await refuses(
    ['import', path, '--as', 'orders', '--strict'],
    /^error IMPORT_ROW_REJECTED: .*before without --strict.*line 3: unreadable date/,
  );
});

test('an id of 10 kB is refused', async () => {
  await refuses(['check', 'x'.repeat(10_240), 'a'], /^error CUSTOMER_ID_INVALID: /);
});

test('explain refuses the ids that check refuses', async () => {
  for (const id of ['', 'x'.repeat(513)]) {
    for (const command of ['check', 'explain']) {
      await refuses([command, id, 'any'], /^error CUSTOMER_ID_INVALID: <customer>: .*1 to 512 bytes/);
    }
  }
});
