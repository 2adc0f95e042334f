/** Events, scores and lists by the command line: from files into a folder, and to a running server. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Coterie, openCoterie } from './api-fixture.ts';
import { coterie, coterieJson, temporaryFolder } from './coterie-process.ts';

const { folder, remove } = temporaryFolder();
const data = ['--data', join(folder, 'data')];
let server: Coterie;
before(async () => {
  server = await openCoterie();
});
after(async () => {
  await server.close();
  remove();
});

function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

interface Models {
  readonly models: readonly {
    readonly model: string;
    readonly versions: readonly { readonly version: string; readonly isInForce: boolean }[];
  }[];
}

async function inForce(where: readonly string[]): Promise<string[]> {
  const { models } = await coterieJson<Models>(['models', ...where]);
  return models.flatMap(({ model, versions }) =>
    versions.filter((one) => one.isInForce).map(({ version }) => `${model} ${version}`),
  );
}

const EVENTS = [
  'customer_id,name,occurred_at,device,items',
  'ana,checkout,2026-02-28T10:00:00Z,phone,3',
  'ben,checkout,2026-02-27T10:00:00Z,laptop,1',
  'ben,,2026-02-27T10:00:00Z,laptop,1',
];
const SCORES = (version: string, ana: number, ben: number) => [
  'customer_id,model,value,version',
  `ana,churn,${ana},${version}`,
  `ben,churn,${ben},${version}`,
  `cid,churn,NaN,${version}`,
];
const DEFINITIONS = `
- { key: big-phone-checkout, type: rule, params: { event: { name: checkout, where: { device: phone, items: { atLeast: 2 } } } } }
- { key: leaving, type: rule, params: { score: { model: churn, atLeast: 0.7 } } }
- { key: contactable, type: rule, params: { not: { listed: { list: do-not-contact } } } }
`;

for (const kind of ['a data folder', 'a running server'] as const) {
  const where = () => (kind === 'a data folder' ? data : ['--url', server.url]);
  const imported = (path: string, ...options: readonly string[]) =>
    coterieJson(['import', path, ...options, ...where()]);

  test(`${kind}: events with properties, scores of a model, a list of customers`, async () => {
    const events = await imported(file('events.csv', EVENTS), '--as', 'events');
    assert.deepEqual([events.rows, events.rejected, events.reasons], [3, 1, { 'no event name': 1 }]);
    const scores = await imported(file('scores.csv', SCORES('1', 0.9, 0.2)), '--as', 'scores');
    assert.deepEqual([scores.rejected, scores.reasons], [1, { 'value is not a finite number': 1 }]);
    assert.deepEqual(await inForce(where()), ['churn 1']);
    const ids = file('optout.csv', ['customer_id', 'ana', 'new-one']);
    await imported(ids, '--as', 'lists', '--list', 'do-not-contact');
    const { lists } = await coterieJson(['lists', ...where()]);
    assert.deepEqual(lists, [{ list: 'do-not-contact', customers: 2 }]);
    const { facts } = await coterieJson<{ facts: Record<string, number> }>(['status', ...where()]);
    assert.deepEqual([facts.events, facts.scores, facts.listEntries], [2, 2, 2]);
  });

  test(`${kind}: a staged version waits to be activated, another is in force at the end of its file`, async () => {
    await imported(file('staged.csv', SCORES('2', 0.1, 0.8)), '--as', 'scores', '--stage');
    assert.deepEqual(await inForce(where()), ['churn 1']);
    const { batchNo } = await coterieJson<{ batchNo: number }>(['activate', 'churn', '2', ...where()]);
    assert.ok(batchNo > 0);
    assert.deepEqual(await inForce(where()), ['churn 2']);
    await imported(file('third.csv', SCORES('3', 0.75, 0.5)), '--as', 'scores');
    assert.deepEqual(await inForce(where()), ['churn 3']);
    const missing = await coterie(['activate', 'churn', '9', ...where()]);
    assert.equal(missing.code, 3);
    assert.match(missing.stderr, /^error MODEL_VERSION_NOT_FOUND: /);
  });

  test(`${kind}: a list is replaced, and customers come off it`, async () => {
    const whole = file('whole.csv', ['customer_id', 'ben', 'cid', 'ben']);
    await imported(whole, '--as', 'lists', '--list', 'do-not-contact', '--replace');
    const sizes = async () => (await coterieJson<{ lists: unknown }>(['lists', ...where()])).lists;
    assert.deepEqual(await sizes(), [{ list: 'do-not-contact', customers: 2 }]);
    const back = file('back.csv', ['customer_id', 'cid']);
    const options = ['--as', 'lists', '--list', 'do-not-contact', '--default', 'listed=false'];
    await imported(back, ...options);
    assert.deepEqual(await sizes(), [{ list: 'do-not-contact', customers: 1 }]);
  });

  test(`${kind}: explain shows the events, scores and lists that decided`, async () => {
    const applied = await coterie(['apply', '-', ...where()], { input: DEFINITIONS });
    assert.equal(applied.code, 0, applied.stderr);
    const calculated = await coterie(['calculate', '--at', '2026-03-01T00:00:00Z', ...where()]);
    assert.equal(calculated.code, 0, calculated.stderr);
    const explain = async (customer: string, key: string) =>
      (await coterie(['explain', customer, key, ...where()])).stdout;
    const event = await explain('ana', 'big-phone-checkout');
    assert.match(event, /^ana is IN big-phone-checkout/);
    assert.match(event, /2026-02-28T10:00:00Z {2}event checkout {2}device = phone {2}items = 3/);
    const score = await explain('ana', 'leaving');
    assert.match(score, /^ana is IN leaving/);
    assert.match(score, /churn 3: 0\.75/);
    const list = await explain('ben', 'contactable');
    assert.match(list, /^ben is NOT IN contactable/);
    assert.match(list, /on the list do-not-contact/);
  });
}

test('tables for people, and what does not go together is refused', async () => {
  const models = await coterie(['models', ...data]);
  assert.match(models.stdout, /^MODEL +VERSION +SCORES +IN FORCE\nchurn +1 +2\n/);
  assert.match(models.stdout, /^churn +3 +2 +yes$/m);
  const lists = await coterie(['lists', ...data]);
  assert.match(lists.stdout, /^LIST +CUSTOMERS\ndo-not-contact +1\n/);
  const path = file('events.csv', EVENTS);
  for (const option of [['--list', 'x'], ['--replace'], ['--stage']]) {
    const { code, stderr } = await coterie(['import', path, '--as', 'events', ...option, ...data]);
    assert.notEqual(code, 0);
    assert.match(stderr, new RegExp(`${option[0]}: expected with --as`));
  }
  const needed = await coterie(['import', path, '--as', 'lists', ...data]);
  assert.match(needed.stderr, /IMPORT_COLUMNS_MISSING.*list/);
});
