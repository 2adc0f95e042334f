/** The whole job by the real program: facts in, definitions in, calculated, asked, served, asked again. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { coterie, coterieJson, getJson, startServer, temporaryFolder } from './coterie-process.ts';

const { folder, remove } = temporaryFolder();
after(remove);
const data = ['--data', join(folder, 'data')];

const ORDERS = [
  'household,basket,shop,when,paid,off',
  'ana,1,s1,2026-02-01T12:00:00Z,10.50,0',
  'ana,2,s1,2026-02-20T12:00:00Z,20,1.5',
  'ana,3,s2,2026-02-25,5,0',
  'ben,1,s2,2025-06-01T09:00:00+02:00,99.9999,0',
  'cid,1,,2026-02-27T00:00:00Z,7,0',
  ',9,s1,2026-02-01,1,0',
  'dan,1,s1,yesterday,1,0',
].join('\n');

const DEFINITIONS = `
- { key: new-at, type: new, forEach: store, params: { stores: { each: true } } }
- { key: twice-in-a-month, type: recurrent, params: { atLeast: 2, within: 30d }, owner: crm, tags: [loyal] }
- { key: lapsed, type: inactive, params: { within: 90d } }
- key: plus-without-s1
  type: rule
  params:
    all:
      - trait: { name: plan, equals: plus }
      - not: { orders: { stores: [s1] } }
`;

const AT = ['--at', '2026-03-01T00:00:00Z'];

interface Check {
  readonly memberships: Record<string, boolean>;
  readonly unknown: readonly string[];
  readonly asOf: string;
}

before(async () => {
  writeFileSync(join(folder, 'orders.csv'), `${ORDERS}\n`);
  writeFileSync(join(folder, 'customers.csv'), 'customer_id,plan\nana,plus\nben,plus\neve,free\n');
  writeFileSync(join(folder, 'segments.yaml'), DEFINITIONS);
});

const MAPPING = [
  'household=customer_id',
  'basket=order_id',
  'shop=store_id',
  'when=ordered_at',
  'paid=total',
  'off=discount',
]
  .map((pair) => pair.split('='))
  .flatMap(([column, field]) => ['--map', `${field}=${column}`]);

test('1: orders are imported by mapping, bad rows are set aside with line and reason', async () => {
  const { code, stdout, stderr } = await coterie([
    'import',
    join(folder, 'orders.csv'),
    '--as',
    'orders',
    ...MAPPING,
    '--default',
    'currency=EUR',
    '--rejects',
    join(folder, 'rejects.csv'),
    ...data,
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /7 rows of orders/);
  assert.match(stdout, /added +5\n/);
  assert.match(stdout, /set aside +2, in .*rejects\.csv\n/);
  assert.match(stderr, /^next: .*coterie\.mjs apply <definitions> --data .*\n {6}.* calculate --data/m);
});

test('2: importing the same file again changes nothing; customers bring traits', async () => {
  const again = await coterieJson([
    'import',
    join(folder, 'orders.csv'),
    '--as',
    'orders',
    ...MAPPING,
    '--default',
    'currency=EUR',
    ...data,
  ]);
  assert.deepEqual([again.added, again.replaced, again.rejected], [0, 0, 2]);
  const customers = await coterieJson([
    'import',
    join(folder, 'customers.csv'),
    '--as',
    'customers',
    ...data,
  ]);
  assert.equal(customers.rows, 3);
  assert.equal(customers.rejected, 0);
});

test('3: a dry run changes nothing; definitions come from files, folders and standard input', async () => {
  const dry = await coterieJson(['apply', join(folder, 'segments.yaml'), '--dry-run', ...data]);
  assert.deepEqual(dry.added, ['new-at', 'twice-in-a-month', 'lapsed', 'plus-without-s1']);
  assert.equal((await coterieJson(['segments', ...data])).total, 0);
  const applied = await coterieJson([
    'apply',
    join(folder, 'segments.yaml'),
    '--author',
    'ana',
    '--reason',
    'start',
    ...data,
  ]);
  assert.deepEqual([applied.added, applied.changed, applied.unchanged], [4, 0, 0]);
  const more = await coterieJson(['apply', '-', ...data], {
    input: '{"key":"once","type":"rule","params":{"orders":{"count":{"equals":1}}}}',
  });
  assert.equal(more.added, 1);
  const { code, stdout } = await coterie(['segments', ...data, '--tag', 'loyal']);
  assert.equal(code, 0);
  assert.match(stdout, /^KEY +TYPE .*\ntwice-in-a-month +recurrent +active +crm +loyal +1$/m);
});

test('4: before the first calculation a check says so, with exit code 4', async () => {
  const { code, stderr } = await coterie(['check', 'ana', 'lapsed', ...data]);
  assert.equal(code, 4);
  assert.match(stderr, /^error NOT_CALCULATED: /);
});

test('5: a calculation as of a moment, and what it gives each customer', async () => {
  const report = await coterieJson(['calculate', ...AT, ...data]);
  assert.equal(report.segments, 6);
  assert.equal(report.customers, 4);
  const keys = ['new-at@s1', 'new-at@s2', 'twice-in-a-month', 'lapsed', 'plus-without-s1', 'once', 'nothing'];
  const expected: Record<string, readonly boolean[]> = {
    ana: [false, false, true, false, false, false],
    ben: [true, false, false, true, true, true],
    cid: [true, true, false, false, false, true],
    eve: [true, true, false, false, false, false],
    nobody: [true, true, false, false, false, false],
  };
  for (const [customer, memberships] of Object.entries(expected)) {
    const answer = await coterieJson<Check>(['check', customer, ...keys, ...data]);
    assert.deepEqual(
      keys.slice(0, 6).map((key) => answer.memberships[key]),
      memberships,
      customer,
    );
    assert.deepEqual(answer.unknown, ['nothing']);
    assert.equal(answer.asOf, '2026-03-01T00:00:00Z');
  }
  const strict = await coterie(['check', 'ana', 'nothing', '--strict', ...data]);
  assert.equal(strict.code, 3);
  assert.match(strict.stderr, /^error SEGMENTS_UNKNOWN: .*nothing/);
});

test('6: questions about segments: size, members, overlap, preview, explain, status', async () => {
  assert.equal((await coterieJson(['size', 'once', ...data])).size, 2);
  const members = await coterie(['members', 'new-at@s1', ...data]);
  assert.deepEqual(members.stdout.trim().split('\n').sort(), ['ben', 'cid', 'eve']);
  const overlap = await coterieJson(['overlap', 'once', 'lapsed', ...data]);
  assert.deepEqual([overlap.all, overlap.any], [1, 2]);
  const preview = await coterieJson(['preview', '-', ...data], {
    input: '{key: idea, type: recurrent, params: {atLeast: 1, within: 7d}}',
  });
  assert.equal(preview.size, 2);
  await previewsTogether();
  const explain = await coterie(['explain', 'ana', 'twice-in-a-month', ...data]);
  assert.match(explain.stdout, /^ana is IN twice-in-a-month, as of 2026-03-01T00:00:00Z\n/);
  assert.match(explain.stdout, /order 3 .*store s2/);
  assert.match(explain.stdout, /leaves at 2026-03-22T12:00:00Z if nothing happens/);
  const status = await coterie(['status', ...data]);
  assert.equal(status.code, 0);
  assert.match(status.stdout, /^orders +5$/m);
  assert.match(status.stdout, /^server +none$/m);
  assert.match(status.stdout, /^served as of +2026-03-01T00:00:00Z$/m);
  const verified = await coterieJson(['verify', ...data]);
  assert.deepEqual([verified.segments, verified.compared, verified.mismatches], [6, 24, 0]);
  const missing = await coterie(['size', 'nothing', ...data]);
  assert.equal(missing.code, 3);
  assert.match(missing.stderr, /^error SEGMENT_NOT_FOUND: /);
});

/** Previews a file whose segments refer to each other, in any order. */
async function previewsTogether(): Promise<void> {
  const { code, stdout, stderr } = await coterie(['preview', '-', ...data], {
    input: `- {key: back, type: rule, params: {all: [{segment: calm}, {segment: buyer}]}}
- {key: buyer, type: recurrent, params: {atLeast: 1}}
- {key: calm, type: inactive, params: {within: 7d}}
`,
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^back: 1 customer of 4 .*\n {2}such as ben\nbuyer: 3 .*\n.*\ncalm: 1 /);
}

test('7: while a server has the folder open, check reads it and the other commands ask the server', async () => {
  const server = await startServer(['serve', '--ingest-waiting-rows', '1000', ...data]);
  try {
    const tooMany = await fetch(`${server.url}/v1/facts/customers?strict=true`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(Array.from({ length: 1001 }, (_, i) => ({ customer_id: `c${i}` }))),
    });
    assert.equal(tooMany.status, 413, 'settings reach what takes facts in');
    const answer = await getJson<Check>(
      `${server.url}/v1/check?customer=ana&segments=twice-in-a-month,lapsed`,
    );
    assert.deepEqual(answer.memberships, { 'twice-in-a-month': true, lapsed: false });
    assert.equal((await coterieJson<Check>(['check', 'ben', 'lapsed', ...data])).memberships.lapsed, true);
    assert.equal(
      (await coterieJson<Check>(['check', 'ben', 'lapsed', '--url', server.url])).memberships.lapsed,
      true,
    );
    assert.equal((await coterieJson(['size', 'once', ...data])).size, 2);
    const { server: url, servedAsOf } = await coterieJson(['status', ...data]);
    assert.deepEqual([url, servedAsOf], [server.url, '2026-03-01T00:00:00Z']);
    const members = await coterie(['members', 'new-at@s1', '--json', ...data]);
    assert.deepEqual(
      members.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).customer)
        .sort(),
      ['ben', 'cid', 'eve'],
    );
    await previewsTogether();
    const explained = await coterieJson(['explain', 'ana', 'twice-in-a-month', ...data]);
    assert.equal(explained.member, true);
    const compared = await coterieJson(['verify', '--customers', '3', ...data]);
    assert.deepEqual([compared.customers, compared.mismatches], [3, 0]);
    assert.ok(Number(compared.compared) > 0);
    const applied = await coterieJson(['apply', '-', ...data], {
      input: '{key: any-order, type: recurrent, params: {atLeast: 1}}',
    });
    assert.equal(applied.added, 1);
    const calculated = await coterieJson(['calculate', ...AT, ...data]);
    assert.equal(calculated.segments, 7);
    assert.equal(
      (await coterieJson<Check>(['check', 'ana', 'any-order', ...data])).memberships['any-order'],
      true,
    );
    const imported = await coterie([
      'import',
      join(folder, 'orders.csv'),
      '--as',
      'orders',
      ...MAPPING,
      ...data,
    ]);
    assert.equal(imported.code, 0, imported.stderr);
    assert.match(imported.stdout, /rows of orders sent to http:\/\/127\.0\.0\.1:\d+/);
  } finally {
    const { code, stderr } = await server.stop();
    assert.equal(code, 0, stderr);
  }
});

test('8: a process that serves memberships only sees what another calculates', async () => {
  const server = await startServer(['serve', '--role', 'store', '--refresh-period', '50ms', ...data]);
  try {
    const ask = async () => await getJson<Check>(`${server.url}/v1/check?customer=ana&segments=lapsed`);
    assert.equal((await ask()).asOf, '2026-03-01T00:00:00Z');
    await coterieJson(['calculate', '--at', '2027-01-01', ...data]);
    for (;;) {
      const { asOf, memberships } = await ask();
      if (asOf === '2027-01-01T00:00:00Z') {
        assert.equal(memberships.lapsed, true);
        break;
      }
      await new Promise((done) => setTimeout(done, 50));
    }
    const core = await fetch(`${server.url}/v1/segments/lapsed/size`);
    assert.equal(core.status, 503);
  } finally {
    assert.equal((await server.stop('SIGINT')).code, 0);
  }
});

test('9: a port that is taken is told, with exit code 4; an address of another machine, with exit code 2', async () => {
  const server = await startServer(['serve', ...data]);
  try {
    const port = new URL(server.url).port;
    const second = await coterie(['serve', '--role', 'store', '--port', port, ...data]);
    assert.equal(second.code, 4);
    assert.match(second.stderr, /^error PORT_IN_USE: .*\n {2}Choose another with --port/m);
    const elsewhere = await coterie([
      'serve',
      '--role',
      'store',
      '--port',
      '0',
      '--host',
      '203.0.113.7',
      ...data,
    ]);
    assert.equal(elsewhere.code, 2);
    assert.match(
      elsewhere.stderr,
      /^error CONFIG_INVALID: --host: expected an address of this machine, found "203/m,
    );
  } finally {
    await server.stop();
  }
});
