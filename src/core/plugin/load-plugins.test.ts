/** What is wrong with a plug-in is told by name before anything starts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CoterieError } from '../../model/error.ts';
import { checkDefinition } from '../catalog/check-definition.ts';
import { readCheckedRule } from '../catalog/normal-form.ts';
import { addMessage, emptyBatch } from '../stream/stream-batch.ts';
import { loadPlugins } from './load-plugins.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));
const POINTS = join(EXAMPLES, 'plugin-source/points.ts');
const WIN_BACK = join(EXAMPLES, 'plugin-segment-type/win-back.ts');
const folder = mkdtempSync(join(tmpdir(), 'coterie-plugins-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function moduleOf(text: string): string {
  const name = `./m${Math.random()}.mjs`;
  writeFileSync(join(folder, name), text);
  return name;
}

/** The example's source with some of it replaced. */
function pointsWith(source: string, condition = ''): string {
  return moduleOf(
    `import plugin from ${JSON.stringify(POINTS)};
     const [points] = plugin.sources;
     export default { name: 'other', sources: [{ ...points, ${source} condition: { ...points.condition, ${condition} } }] };`,
  );
}

async function refused(modules: readonly string[], code: string, message: RegExp): Promise<void> {
  await assert.rejects(loadPlugins(modules, folder), (error) => {
    assert.ok(error instanceof CoterieError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

test('a module that is not there, that throws, or that is no plug-in is refused by name', async () => {
  await refused(['./none.mjs'], 'PLUGIN_INVALID', /plug-in \.\/none\.mjs: there is no file .*none\.mjs/);
  await refused(['no-such-package'], 'PLUGIN_INVALID', /no package of this name/);
  await refused([moduleOf("throw new Error('no luck');")], 'PLUGIN_INVALID', /it threw: no luck/);
  await refused(
    [moduleOf("import './gone.mjs';")],
    'PLUGIN_INVALID',
    /the module, or one it needs, is not there/,
  );
  await refused([moduleOf('export const a = 1;')], 'PLUGIN_INVALID', /not a plug-in: expected an object/);
  await refused([moduleOf('export default { name: "Big" };')], 'PLUGIN_INVALID', /found "Big"/);
  await refused(
    [moduleOf('export default { name: "a", segmentTypes: [{ name: "b", description: "c", params: {} }] };')],
    'PLUGIN_INVALID',
    /expected segmentTypes\[0\]\.rule to be a function/,
  );
  await refused([pointsWith('', 'sql: undefined,')], 'PLUGIN_INVALID', /condition\.sql to be a function/);
});

test('names that are taken are refused', async () => {
  const again = `import plugin from ${JSON.stringify(WIN_BACK)}; export default plugin;`;
  await refused([WIN_BACK, moduleOf(again)], 'PLUGIN_INVALID', /there is a segment type "win-back" already/);
  await refused(
    [POINTS, pointsWith('')],
    'PLUGIN_INVALID',
    /"points" cannot name a source: the name is taken/,
  );
  for (const name of ['orders', 'event', 'segment', 'lists']) {
    await refused([pointsWith(`name: '${name}',`)], 'PLUGIN_INVALID', /the name is taken/);
  }
  await refused([pointsWith("name: 'app-visit',")], 'PLUGIN_INVALID', /expected 2 to 40 lower-case letters/);
});

test('a source that fails on its own examples does not start', async () => {
  const bad = (condition: string, message: RegExp, code = 'PLUGIN_INVALID') =>
    refused([pointsWith('', condition)], code, message);
  await bad("schema: { type: 'object' },", /expected a title, a description and examples/);
  await bad(
    'schema: { ...points.condition.schema, examples: [{ sum: {} }] },',
    /the example \{"sum":\{\}\} does not follow the schema/,
  );
  await bad(
    "schema: { ...points.condition.schema, type: 'objet' },",
    /a schema of the source "points" is none/,
  );
  await bad(
    'normalize: () => ({ at: new Date() }),',
    /normalize: expected parameters that are plain JSON/,
    'PLUGIN_FAILED',
  );
  await bad(
    'naive: () => ({ holds: true, value: 0 }),',
    /naive: "at least 100 points within 30d" holds for customers without a fact/,
    'PLUGIN_FAILED',
  );
  await bad(
    'offsets: () => [0.5],',
    /offsets: expected whole seconds, 0 or more, found 0\.5/,
    'PLUGIN_FAILED',
  );
  await bad('looksAt: () => ({ names: [] }),', /looksAt: expected at least one name/, 'PLUGIN_FAILED');
  await bad('accumulator: () => ({}),', /its accumulator has no begin/);
  await bad("sql: () => { throw new Error('no SQL') },", /source points, sql: no SQL/, 'PLUGIN_FAILED');
});

test('what begins with "." or "/" is a path, and anything else a package, whatever file has its name', async () => {
  const inPackage = join(folder, 'node_modules', 'coterie-plugin-a');
  mkdirSync(inPackage, { recursive: true });
  writeFileSync(join(inPackage, 'package.json'), '{"name":"coterie-plugin-a","type":"module","main":"a.js"}');
  const type = `{ name: 'everybody', description: 'All.', params: { type: 'object' }, paramsOptional: true, rule: () => ({ not: { orders: { count: { atLeast: 1000000 } } } }) }`;
  writeFileSync(join(inPackage, 'a.js'), `export default { name: 'a', segmentTypes: [${type}] };`);
  mkdirSync(join(folder, 'coterie-plugin-a'));
  const name = moduleOf('export default { name: "b" };').slice('./'.length);
  await refused([name], 'PLUGIN_INVALID', /no package of this name in .*; a path begins with/);
  await loadPlugins([`./${name}`], folder);
  const types = await loadPlugins(['coterie-plugin-a', WIN_BACK, POINTS], folder);
  assert.deepEqual([...types.keys()].slice(-2), ['everybody', 'win-back']);
  assert.deepEqual([...types.sources.keys()], ['points']);
});

test('`coterie/plugin` is there for a plug-in wherever it lies', async () => {
  const away = moduleOf(
    "import { definePlugin, formatDuration } from 'coterie/plugin'; export default definePlugin({ name: 'a' + formatDuration(60) });",
  );
  await loadPlugins([away], folder);
  await refused([moduleOf("import 'coterie/engine';")], 'PLUGIN_INVALID', /Cannot find package 'coterie'/);
});

test('a row that breaks a bound of the schema is told the bound', async () => {
  const row =
    "{ type: 'object', properties: { stars: { type: 'integer', title: 'Number of stars', maximum: 5 } }, required: ['stars'] }";
  const { sources } = await loadPlugins([pointsWith(`row: ${row},`)], folder);
  const read = (value: unknown) => sources.get('points')!.readRow(value);
  assert.deepEqual(read({ stars: 9 }), { reason: 'stars: expected a number of at most 5' });
  assert.deepEqual(read({ stars: 'many' }), { reason: 'stars: expected a number of stars' });
  assert.deepEqual(read({}), { reason: 'no stars' });
  assert.deepEqual(read(7), { reason: 'the row: expected another value' });
});

test('definitions by plug-ins are checked and read like any other', async () => {
  const types = await loadPlugins([WIN_BACK, POINTS]);
  const definition = { key: 'k', type: 'win-back', params: { orders: 0, silent: 'soon' } };
  assert.throws(() => checkDefinition(definition, types), /expected a whole number of orders from 1|orders/);
  const rule = readCheckedRule(
    { key: 'k', type: 'rule', params: { points: { sum: { atLeast: 5 } } } },
    types,
  );
  assert.equal(JSON.stringify(rule), '{"kind":"plugin","source":"points","params":{"atLeast":5}}');
  assert.throws(
    () =>
      checkDefinition(
        { key: 'k', type: 'rule', params: { points: { sum: { atLeast: 5 }, within: '1s' } } },
        types,
      ),
    /k: params\.points\.within: expected a window of a minute or more, found 1s/,
  );
});

test('a message of a stream whose subject says a source of a plug-in is read by it', async () => {
  const { sources } = await loadPlugins([POINTS]);
  const batch = emptyBatch('s', new Map());
  const row = { customer_id: 'ana', entry_id: '7', at: '2026-03-01', points: 5 };
  const message = (subject: string, body: unknown, position: number) => ({
    subject,
    partition: '0',
    position,
    body: new TextEncoder().encode(JSON.stringify(body)),
  });
  addMessage(batch, message('shop.points.v1', [row, { ...row, points: 0 }], 1), sources);
  addMessage(batch, message('shop.visits', [row], 2), sources);
  assert.deepEqual(batch.chunk.events, [
    {
      customerId: 'ana',
      eventId: 'points/7',
      name: 'points/earned',
      occurredAt: 1_772_323_200,
      properties: { points: '5' },
    },
  ]);
  assert.deepEqual(
    [...batch.reasons.keys()],
    [
      'an entry of no points',
      'subject says none of orders, customers, stores, events, scores, lists and points',
    ],
  );
});
