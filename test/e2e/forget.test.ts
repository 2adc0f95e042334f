/** A customer is forgotten: by a running server that ticks, and by the data folder alone. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { until } from '../until.ts';
import { coterie, coterieJson, fetchPatiently, startServer, temporaryFolder } from './coterie-process.ts';

const { folder: root, remove } = temporaryFolder();
after(remove);

const GONE = 'customer-quetzalcoatl';
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
const DEFINITIONS = `
- { key: regular, type: recurrent, params: { atLeast: 2, within: 30d } }
- { key: new-here, type: new, params: {} }
- { key: in-bcn, type: rule, params: { trait: { name: city, equals: BCN } } }
`;

async function prepare(name: string) {
  const data = join(root, name);
  const orders = join(root, `${name}.csv`);
  const definitions = join(root, `${name}.yaml`);
  const rows = [`${GONE},1,${daysAgo(3)},5`, `ben,1,${daysAgo(3)},5`, `ben,2,${daysAgo(2)},5`];
  await writeFile(orders, ['customer_id,order_id,ordered_at,total', ...rows, ''].join('\n'));
  await writeFile(definitions, DEFINITIONS);
  await coterieJson(['import', orders, '--as', 'orders', '--data', data]);
  await coterieJson(['apply', definitions, '--data', data]);
  await coterieJson(['calculate', '--data', data]);
  return { data, orders };
}

async function ask<T>(url: string, request: { readonly method?: string; readonly body?: unknown } = {}) {
  const { body, method = body === undefined ? 'GET' : 'POST' } = request;
  const sent =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetchPatiently(url, { method, ...sent });
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  return { text, json: (isJson ? JSON.parse(text) : undefined) as T };
}

interface Segments {
  readonly known: boolean;
  readonly segments: readonly { readonly key: string }[];
}

test('a server that ticks forgets a customer everywhere, and is not reminded', async () => {
  const { data, orders } = await prepare('served');
  let stderr = '';
  const server = await startServer(['serve', '--data', data, '--tick-period', '50ms', '--log-level', 'info']);
  try {
    const url = server.url;
    const segmentsOf = async (id: string) => (await ask<Segments>(`${url}/v1/customers/${id}/segments`)).json;
    const changes = async () => (await ask(`${url}/v1/changes`)).text;
    const size = async (key: string) =>
      (await ask<{ size: number; customers: number }>(`${url}/v1/segments/${key}/size`)).json;
    const rows = [{ customer_id: GONE, order_id: '2', ordered_at: daysAgo(1), total: 1 }];
    await ask(`${url}/v1/facts/orders`, { body: rows });
    await ask(`${url}/v1/facts/customers`, { body: [{ customer_id: GONE, city: 'BCN' }] });
    await until(
      'the customer is in two segments',
      () => segmentsOf(GONE),
      ({ segments }) => segments.length === 2,
    );
    await until('the customer is told of', changes, (text) => text.includes(GONE));
    // Sizes follow a moment after the memberships that they count.
    const becomes = (key: string, wanted: number) =>
      until(
        `${key} has ${wanted} members`,
        () => size(key),
        (found) => found.size === wanted,
      );
    await becomes('regular', 2);

    const { batchNo } = await coterieJson<{ batchNo: number }>(['forget', GONE, '--data', data]);
    assert.ok(batchNo > 0);
    assert.deepEqual((await ask(`${url}/v1/customers/nobody`, { method: 'DELETE' })).json, { batchNo });
    await until(
      'the customer is forgotten',
      () => segmentsOf(GONE),
      ({ known }) => !known,
    );

    const isForgotten = async () => {
      assert.deepEqual(
        (await segmentsOf(GONE)).segments.map(({ key }) => key),
        ['new-here'],
      );
      assert.equal((await becomes('regular', 1)).customers, 1);
      await becomes('in-bcn', 0);
      await becomes('new-here', 0);
      assert.equal((await ask(`${url}/v1/segments/regular/members`)).text.includes(GONE), false);
      assert.equal((await changes()).includes(GONE), false);
      const { json } = await ask<{ known: boolean }>(`${url}/v1/customers/${GONE}/explain?segment=regular`);
      assert.equal(json.known, false);
    };
    await isForgotten();

    const again = await ask<{ accepted: number; erased: number; batchNo: number }>(`${url}/v1/facts/orders`, {
      body: [...rows, { customer_id: 'ben', order_id: '1', ordered_at: daysAgo(3), total: 1 }],
    });
    assert.deepEqual([again.json.accepted, again.json.erased], [1, 1]);
    await coterieJson(['import', orders, '--as', 'orders', '--data', data]);
    const ticks = async () => (await ask<{ live: { ticks: number } }>(`${url}/readyz`)).json.live.ticks;
    const before = await ticks();
    await until('two more ticks', ticks, (count) => count > before + 2);
    await isForgotten();

    await ask(`${url}/v1/customers/${GONE}/readmission`, { method: 'POST' });
    await ask(`${url}/v1/facts/orders`, { body: rows });
    const { segments } = await until(
      'the customer is known again',
      () => segmentsOf(GONE),
      ({ known }) => known,
    );
    assert.deepEqual(segments, []);
    await ask(`${url}/v1/customers/${GONE}`, { method: 'DELETE' });
    await until(
      'the customer is forgotten',
      () => segmentsOf(GONE),
      ({ known }) => !known,
    );
  } finally {
    ({ stderr } = await server.stop());
  }
  assert.equal(stderr.includes(GONE), false, 'the log does not say who');
  assert.equal(stderr.includes('a customer was erased'), true);
  assert.equal(stderr.includes('a tick failed'), false);
  await coterieJson(['import', orders, '--as', 'orders', '--data', data]);
  await coterieJson(['calculate', '--data', data]);
  await isUnknown(data);
});

test('without a server, what is served forgets at once', async () => {
  const { data, orders } = await prepare('alone');
  const { code, stdout } = await coterie(['forget', GONE, 'nobody', '--data', data]);
  assert.equal(code, 0);
  assert.equal(stdout.includes(GONE), false);
  await isUnknown(data);
  await writeFile(orders, `customer_id,order_id,ordered_at,total\n${GONE},9,${daysAgo(9)},5\n`);
  const report = await coterieJson<{ erased: number }>(['import', orders, '--as', 'orders', '--data', data]);
  assert.equal(report.erased, 1);
  await coterieJson(['calculate', '--data', data]);
  await isUnknown(data);
});

async function isUnknown(data: string): Promise<void> {
  const { memberships } = await coterieJson<{ memberships: Record<string, boolean> }>([
    'check',
    GONE,
    'regular',
    'new-here',
    '--data',
    data,
  ]);
  assert.deepEqual(memberships, { regular: false, 'new-here': true });
  const status = await coterieJson<{ facts: { customers: number } }>(['status', '--data', data]);
  assert.equal(status.facts.customers, 1);
}
