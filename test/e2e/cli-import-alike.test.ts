/** `coterie import` says the same of a file whether it reads it into a folder or a server has the folder open. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { coterie, coterieJson, type ServerProcess, startServer, temporaryFolder } from './coterie-process.ts';

const { folder, remove } = temporaryFolder();
let server: ServerProcess;
const folders = { alone: join(folder, 'alone'), served: join(folder, 'served') };
before(async () => {
  server = await startServer(['serve', '--data', folders.served]);
});
after(async () => {
  await server.stop();
  remove();
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.from(text, 'latin1'));
  return path;
}

interface Report {
  readonly accepted?: number;
  readonly rejected: number;
  readonly unchanged: number;
  readonly unknown?: number;
  readonly newCustomers?: number;
  readonly delisted?: number;
  readonly rejectsFile?: string;
  readonly reasons: Record<string, number>;
  readonly warnings: Record<string, number>;
}

/** Imports a file into both folders. */
async function both(path: string, ...options: readonly string[]): Promise<readonly Report[]> {
  const reports: Report[] = [];
  for (const data of Object.values(folders)) {
    reports.push(await coterieJson<Report>(['import', path, ...options, '--data', data]));
  }
  return reports;
}

test('rows set aside are in a file, with reasons and lines, and what is not UTF-8 is among them', async () => {
  const orders = file(
    'orders.csv',
    [
      'customer_id,order_id,ordered_at,total,curency',
      '"two\nlines",1,2026-02-01,1,EUR',
      'jos\xe9,1,2026-02-01,1,EUR',
      'ana,1,never,1,EUR',
      'ana,2,2026-02-01,,EUR',
      'ana,3,2026-02-01,-4,EUR',
      'ana,4,2026-02-01',
      '',
    ].join('\n'),
  );
  const [alone, served] = await both(orders, '--as', 'orders');
  assert.equal(alone!.rejected, 4);
  assert.deepEqual(
    [served!.rejected, served!.reasons, served!.warnings],
    [alone!.rejected, alone!.reasons, alone!.warnings],
  );
  assert.deepEqual(alone!.warnings, {
    'no total, taken as 0': 1,
    'negative total, kept': 1,
    'field "curency" is not known, and was not read': 2,
  });
  const rejects = readFileSync(served!.rejectsFile!, 'utf8');
  assert.match(served!.rejectsFile!, /served\/rejects\/import-\d{8}T\d+Z-orders\.csv$/);
  assert.equal(rejects, readFileSync(alone!.rejectsFile!, 'utf8'));
  assert.match(rejects, /^4,not UTF-8,"jos\ufffd,1,2026-02-01,1,EUR"$/m);
});

test('more rows than an answer lists are all in the file, and a place for it can be named', async () => {
  const rows = Array.from({ length: 2500 }, (_, i) => `,${i},2026-02-01,1`).join('\n');
  const path = file('bad.csv', `customer_id,order_id,ordered_at,total\n${rows}\nbo,1,2026-02-01,1\n`);
  const to = join(folder, 'set-aside.csv');
  const { stdout } = await coterie(['import', path, '--as', 'orders', '--rejects', to, '--url', server.url]);
  assert.match(stdout, /set aside +2,500, in .*set-aside\.csv\n +2,500 +no customer id, first in line 2\n/);
  assert.equal(readFileSync(to, 'utf8').trimEnd().split('\n').length, 2501);
});

test('lists are counted alike: repeats, customers never heard of, blank lines, who came off', async () => {
  const list = ['--as', 'lists', '--list', 'vip'];
  const counts = ({ rejected, unchanged, unknown, newCustomers, delisted }: Report) => [
    rejected,
    unchanged,
    unknown ?? newCustomers,
    delisted,
  ];
  const added = await both(file('ids.csv', 'customer_id\nnew-1\n\nnew-2\nnew-1\n'), ...list);
  assert.deepEqual(added.map(counts), [
    [1, 1, 2, undefined],
    [1, 1, 2, undefined],
  ]);
  const replaced = await both(file('whole.csv', 'customer_id\nnew-2\n\nnew-3\n'), ...list, '--replace');
  assert.deepEqual(replaced.map(counts), [
    [1, 1, 1, 1],
    [1, 1, 1, 1],
  ]);
  assert.deepEqual(
    replaced.map(({ rejectsFile }) => readFileSync(rejectsFile!, 'utf8')),
    ['line,reason,row\n3,no customer id,\n', 'line,reason,row\n3,no customer id,\n'],
  );
});

test('a list is not replaced by a file without ids, and the words are of the file', async () => {
  const replace = ['--as', 'lists', '--list', 'vip', '--replace', '--data', folders.served];
  const none = await coterie(['import', file('none.csv', 'customer_id\n'), ...replace]);
  assert.match(
    none.stderr,
    /^error IMPORT_NOTHING_USABLE: .*none\.csv has no rows; the list "vip" is as it was/m,
  );
  const blank = await coterie(['import', file('blank.csv', 'customer_id\n\n\n,\n'), ...replace]);
  assert.match(
    blank.stderr,
    /^error IMPORT_NOTHING_USABLE: no row of .*blank\.csv can be used.*line 2: no customer id/m,
  );
  const sizes = await coterieJson<{ lists: unknown }>(['lists', '--data', folders.served]);
  assert.deepEqual(sizes.lists, [{ list: 'vip', customers: 2 }]);
});

test('what a strict import refuses is a line of the file', async () => {
  const path = file(
    'strict.csv',
    'customer_id,order_id,ordered_at,total\n\n"a\n",1,2026-02-01,1\n,2,2026-02-01,1\n',
  );
  for (const data of Object.values(folders)) {
    const { stderr } = await coterie(['import', path, '--as', 'orders', '--strict', '--data', data]);
    assert.match(stderr, /strict\.csv, line 3: customer id with control characters; nothing was imported/);
  }
});
