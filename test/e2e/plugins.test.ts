/**
 * Plug-ins in a real server: facts of their source by HTTP, memberships that follow by ticks, and what
 * happens when a plug-in is gone, or throws: what is served stays, and the failure is told.
 */
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../until.ts';
import {
  coterie,
  fetchPatiently,
  getJson,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from './coterie-process.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/plugin-source/points.ts', import.meta.url));
const { folder, remove } = temporaryFolder();
/** In a folder that knows nothing of Coterie's. */
const POINTS = join(folder, 'points.mts');
copyFileSync(EXAMPLE, POINTS);
const data = join(folder, 'data');
const settings = ['--data', data, '--tick-period', '50ms', '--log-level', 'error'];
let server: ServerProcess;

before(async () => {
  server = await startServer(['serve', ...settings, '--plugins', POINTS]);
});
after(async () => {
  await server.stop();
  remove();
});

const GOLD = { type: 'rule', params: { points: { sum: { atLeast: 100 }, within: '30d' } } };
const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();

async function send(method: string, path: string, body?: unknown, type = 'application/json') {
  const response = await fetchPatiently(`${server.url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': type } }),
  });
  const text = await response.text();
  return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
}

async function calculated(): Promise<Record<string, unknown>> {
  const { status, json } = await send('POST', '/v1/calculations', {});
  assert.equal(status, 202, JSON.stringify(json));
  for (;;) {
    const run = await getJson<Record<string, unknown>>(`${server.url}/v1/calculations/${json.id}`);
    if (run.state !== 'running') return run;
    await new Promise((done) => setTimeout(done, 20));
  }
}

const isGold = async (customer: string): Promise<boolean> => {
  const answer = await getJson<{ memberships: Record<string, boolean> }>(
    `${server.url}/v1/check?customer=${customer}&segments=gold`,
  );
  return answer.memberships.gold!;
};

interface Ready {
  readonly live: { readonly state: string; readonly failures: number; readonly failure?: string };
}

const live = async (): Promise<Ready['live']> => (await getJson<Ready>(`${server.url}/readyz`)).live;

test('facts of a source of a plug-in move memberships by ticks, are explained and verified', async () => {
  assert.equal((await send('PUT', '/v1/segments/gold', GOLD)).status, 201);
  assert.equal((await calculated()).state, 'done');
  const rows = [
    { customer_id: 'ana', entry_id: '1', at: hoursAgo(2), points: 90 },
    { customer_id: 'ana', entry_id: '2', at: hoursAgo(1), points: 20 },
    { customer_id: 'ben', entry_id: '1', at: hoursAgo(1), points: 99 },
    { customer_id: 'ben', entry_id: '2', at: hoursAgo(1), points: 'many' },
    { customer_id: 'ben', entry_id: '3', at: hoursAgo(1) },
    { customer_id: 'ben', entry_id: '4', at: hoursAgo(1), points: 0 },
    { customer_id: 'ben', entry_id: '5', at: 'yesterday', points: 1 },
  ];
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const taken = await send('POST', '/v1/facts/points', lines, 'application/x-ndjson');
  assert.equal(taken.json.accepted, 3, JSON.stringify(taken.json));
  assert.deepEqual(Object.keys(taken.json.reasons as object), [
    'points: expected a whole number of points',
    'no points',
    'an entry of no points',
    'unreadable date',
  ]);
  await until('ana is gold', () => isGold('ana'));
  assert.equal(await isGold('ben'), false);
  await send('POST', '/v1/facts/points', [
    { customer_id: 'ana', entry_id: '3', at: hoursAgo(0.5), points: -30 },
    { customer_id: 'ben', entry_id: '9', at: hoursAgo(0.5), points: 1 },
  ]);
  await until('ben is gold', () => isGold('ben'));
  assert.equal(await isGold('ana'), false);
  const why = await getJson<Record<string, never>>(`${server.url}/v1/customers/ben/explain?segment=gold`);
  const text = JSON.stringify(why);
  assert.match(text, /"text":"at least 100 points within 30d","holds":true,"value":100/);
  assert.match(
    text,
    /"condition":\{"kind":"plugin","source":"points","params":\{"atLeast":100,"withinS":2592000\}\}/,
  );
  assert.match(text, /"event":"points\/earned"/);
  assert.match(text, /"nextChange":\{"at":"[^"]+","member":false\}/);
  const preview = await send('POST', '/v1/segments/preview', {
    key: 'any',
    type: 'rule',
    params: { points: { sum: { atLeast: 1 } } },
  });
  assert.equal(preview.json.size, 2, JSON.stringify(preview.json));
  const verified = await send('POST', '/v1/verify', {});
  assert.equal(verified.json.mismatches, 0, JSON.stringify(verified.json));
});

test('the schema and the description of the API have the source of a plug-in', async () => {
  const schema = JSON.stringify(await getJson(`${server.url}/v1/schema`));
  assert.match(schema, /"points":\{"\$ref":"#\/\$defs\/points"\}/);
  const api = JSON.stringify(await getJson(`${server.url}/openapi.json`));
  assert.match(api, /"#\/components\/schemas\/points"/);
  assert.match(api, /Whole number of points/);
  const wrong = await send('PUT', '/v1/segments/x', {
    type: 'rule',
    params: { points: { sum: { atLeast: 1 }, within: '59s' } },
  });
  assert.equal(wrong.status, 400);
  assert.match(String(wrong.json.detail), /expected a window of a minute or more, found 59s/);
});

test('without its plug-in a server answers as before, says what is missing, and goes on once it is archived', async () => {
  await server.stop();
  server = await startServer(['serve', ...settings]);
  await until('ticks fail', async () => (await live()).failures > 0);
  assert.equal(await isGold('ben'), true, 'what is served stays');
  assert.equal((await send('POST', '/v1/facts/points', [])).status, 400);
  const refused = await send('PUT', '/v1/segments/silver', GOLD);
  assert.equal(refused.status, 400);
  assert.match(String(refused.json.detail), /params\.points: expected one of the fields all, any/);
  const failed = await calculated();
  assert.equal(failed.state, 'failed');
  assert.match(
    JSON.stringify(failed),
    /FACT_SOURCE_UNKNOWN.*\\"gold\\" has a condition on the source \\"points\\"/,
  );
  // Nothing else is kept from being defined.
  assert.equal(
    (await send('PUT', '/v1/segments/all', { type: 'recurrent', params: { atLeast: 1 } })).status,
    201,
  );
  assert.ok((await send('DELETE', '/v1/segments/gold')).status < 300);
  assert.equal((await calculated()).state, 'done');
  await until('ticks go on', async () => {
    const { state, failures } = await live();
    return state === 'ticking' && failures === 0;
  });
  const { stderr } = await server.stop();
  assert.match(stderr, /the source \\"points\\", which is not installed/);
  server = await startServer(['serve', ...settings, '--plugins', POINTS]);
});

test('a plug-in that throws while it evaluates fails the pass that met it, and nothing else', async () => {
  await server.stop();
  const broken = join(folder, 'broken.mjs');
  writeFileSync(
    broken,
    `import plugin from ${JSON.stringify(POINTS)};
     const [points] = plugin.sources;
     const accumulator = () => ({ begin() {}, add() { throw new Error('out of points') }, holds: () => false });
     export default { ...plugin, sources: [{ ...points, condition: { ...points.condition, accumulator } }] };`,
  );
  server = await startServer(['serve', ...settings, '--plugins', broken]);
  await send('PUT', '/v1/segments/broken', GOLD);
  const failed = await calculated();
  assert.match(JSON.stringify(failed), /PLUGIN_FAILED.*plug-in loyalty, source points, add: out of points/);
  await send('DELETE', '/v1/segments/broken');
  assert.equal((await calculated()).state, 'done', 'the threads live on');
});

test('a plug-in that cannot be loaded stops the start, and says why', async () => {
  const { code, stderr } = await coterie(['schema', '--plugins', './none.ts'], { folder });
  assert.equal(code, 1);
  assert.match(stderr, /^error PLUGIN_INVALID: plug-in .*none\.ts: there is no file/);
});
