/** Segments, calculations, operations and the description, over HTTP with a real Core. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { closeServer } from '../../src/api/close-server.ts';
import { createServer } from '../../src/api/server.ts';
import { ask, type Coterie, NOW, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
let url: string;
before(async () => {
  coterie = await openCoterie();
  url = coterie.url;
});
after(() => coterie.close());

interface Version {
  readonly key: string;
  readonly version: number;
  readonly author: string;
  readonly at: string;
  readonly reason?: string;
  readonly definition: { readonly key: string; readonly status?: string; readonly name?: string };
}

test('a segment is defined, changed and archived, each with author, time and reason', async () => {
  const path = `${url}/v1/segments/summer`;
  const body = { type: 'recurrent', params: { atLeast: 2 } };
  const made = await ask<Version>(`${path}?author=Mar%C3%ADa&reason=caf%C3%A9`, { method: 'PUT', body });
  assert.equal(made.status, 201);
  assert.deepEqual(
    [made.json.key, made.json.version, made.json.author, made.json.reason],
    ['summer', 1, 'María', 'café'],
  );
  assert.match(made.json.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const same = await ask<Version>(path, { method: 'PUT', body: { key: 'summer', ...body } });
  assert.deepEqual([same.status, same.json.version], [200, 1]);
  const changed = await ask<Version>(path, { method: 'PUT', body: { ...body, name: 'Summer' } });
  assert.deepEqual([changed.status, changed.json.version, changed.json.definition.name], [200, 2, 'Summer']);
  const archived = await ask<Version>(`${path}?author=bo`, { method: 'DELETE' });
  assert.deepEqual(
    [archived.status, archived.json.version, archived.json.definition.status],
    [200, 3, 'archived'],
  );
  assert.equal(
    (await ask<Version>(path, { method: 'DELETE' })).json.version,
    3,
    'archiving twice is one version',
  );
  assert.equal((await ask<Version>(path)).json.version, 3);
  const { json } = await ask<{ versions: Version[] }>(`${path}/versions`);
  assert.deepEqual(
    json.versions.map(({ version, author }) => [version, author]),
    [
      [1, 'María'],
      [2, 'unnamed'],
      [3, 'bo'],
    ],
  );
});

test('many definitions are applied at once, in JSON, NDJSON and YAML', async () => {
  const bodies: readonly (readonly [string, string])[] = [
    ['application/json', '[{"key":"j1","type":"new"},{"key":"j2","type":"new"}]'],
    ['application/x-ndjson', '{"key":"n1","type":"new"}\n{"key":"n2","type":"new"}\n'],
    ['application/yaml', '- key: y1\n  type: new\n- key: y2\n  type: new\n'],
  ];
  for (const [type, body] of bodies) {
    const first = await ask(`${url}/v1/segments`, { body, type });
    assert.deepEqual([first.status, first.json.added, first.json.unchanged], [200, 2, 0], first.text);
    const again = await ask(`${url}/v1/segments`, { body, type });
    assert.deepEqual([again.json.added, again.json.changed, again.json.unchanged], [0, 0, 2]);
  }
});

test('definitions are listed by key, filtered and page by page', async () => {
  const list = (query: string) =>
    ask<{ items: Version[]; next?: string; total: number }>(`${url}/v1/segments?${query}`);
  const { json } = await list('owner=crm');
  assert.deepEqual(
    json.items.map(({ key }) => key),
    ['lapsed', 'regular'],
  );
  assert.equal((await list('q=REGULAR')).json.total, 1);
  assert.equal((await list('tag=vip')).json.items[0]?.key, 'regular');
  assert.equal((await list('status=paused')).json.items[0]?.key, 'resting');
  const first = (await list('owner=crm&limit=1')).json;
  assert.deepEqual([first.items.length, first.total], [1, 2]);
  const second = (await list(`owner=crm&limit=1&cursor=${first.next}`)).json;
  assert.deepEqual([second.items[0]?.key, second.next], ['regular', undefined]);
});

test('a size is exact and says as of when', async () => {
  const { json } = await ask<Record<string, unknown>>(`${url}/v1/segments/regular/size`);
  assert.deepEqual([json.key, json.size, json.customers, json.asOf], ['regular', 1, 3, NOW]);
  assert.equal(typeof (json.mark as { calculationNo: number }).calculationNo, 'number');
});

test('members stream as NDJSON or CSV, up to the limit', async () => {
  const path = `${url}/v1/segments/in-bcn/members`;
  const ndjson = await ask(path);
  assert.match(ndjson.headers.get('content-type') ?? '', /ndjson/);
  assert.equal(ndjson.headers.get('coterie-as-of'), NOW);
  assert.deepEqual(
    ndjson.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).customer)
      .sort(),
    ['a/b, "c" ñ', 'ana'],
  );
  for (const csv of [await ask(`${path}?format=csv`), await ask(path, { headers: { accept: 'text/csv' } })]) {
    assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/);
    assert.deepEqual(csv.text.split('\r\n').sort(), ['', '"a/b, ""c"" ñ"', 'ana', 'customer']);
  }
  assert.equal((await ask(`${path}?limit=1`)).text.trim().split('\n').length, 1);
  assert.equal((await ask(`${url}/v1/segments/resting/members`)).text, '');
});

test('an overlap has pairs, all and any, and takes each segment once', async () => {
  const { json } = await ask(`${url}/v1/overlap`, { body: { segments: ['regular', 'in-bcn'] } });
  assert.deepEqual(json.sizes, [1, 2]);
  assert.deepEqual(json.pairs, [
    [1, 1],
    [1, 2],
  ]);
  assert.deepEqual([json.all, json.any, json.asOf], [1, 2, NOW]);
  const keys = Array.from({ length: 32 }, (_, i) => `k${i}`);
  const many = await ask<{ detail: string }>(`${url}/v1/overlap`, { body: { segments: keys } });
  assert.equal(many.status, 400);
  assert.match(many.json.detail, /at most 31 in the list, found a list of 32/);
  const twice = await ask(`${url}/v1/overlap`, { body: { segments: ['regular', 'regular'] } });
  assert.deepEqual([twice.status, twice.json.code], [400, 'REQUEST_INVALID']);
});

test('a preview says size and sample, and keeps nothing', async () => {
  const body = { type: 'recurrent', params: { atLeast: 1 } };
  const { status, json } = await ask<Record<string, unknown>>(`${url}/v1/segments/preview`, { body });
  assert.equal(status, 200);
  assert.deepEqual([json.size, json.customers, json.asOf], [2, 3, NOW]);
  assert.deepEqual([...(json.sample as string[])].sort(), ['ana', 'bo']);
  assert.equal(json.compared, undefined);
  assert.equal((await ask(`${url}/v1/segments/preview`)).status, 404);
});

test('a preview of a definition in force says who would enter, leave and stay', async () => {
  const preview = async (body: object) => {
    const { json } = await ask<Record<string, unknown>>(`${url}/v1/segments/preview`, { body });
    return [json.size, json.compared];
  };
  const wider = { key: 'regular', type: 'recurrent', params: { atLeast: 1 } };
  const compared = { version: 1, entrants: 1, leavers: 0, stay: 1 };
  assert.deepEqual(await preview(wider), [2, compared]);
  const opposite = { key: 'regular', type: 'rule', params: { not: { orders: { count: { atLeast: 3 } } } } };
  assert.deepEqual(await preview(opposite), [2, { version: 1, entrants: 2, leavers: 1, stay: 0 }]);
  assert.deepEqual(await preview({ ...wider, status: 'paused' }), [
    0,
    { ...compared, entrants: 0, leavers: 1, stay: 0 },
  ]);
  assert.deepEqual(await preview({ ...wider, key: 'resting' }), [2, { ...compared, entrants: 2, stay: 0 }]);
  const family = { key: 'new-at', type: 'new', forEach: 'store', params: { stores: { each: true } } };
  assert.deepEqual(await preview(family), [3, undefined]);
});

test('an explanation has each condition with its value, and another moment on request', async () => {
  const path = `${url}/v1/customers/ana/explain?segment=regular`;
  const now = await ask<{ member: boolean; asOf: string; rule: { condition: { value: number } } }>(path);
  assert.deepEqual([now.json.member, now.json.asOf, now.json.rule.condition.value], [true, NOW, 3]);
  const earlier = await ask(`${path}&at=2026-02-15`);
  assert.deepEqual([earlier.json.member, earlier.json.asOf], [false, '2026-02-15T00:00:00Z']);
});

interface Run {
  readonly id: number;
  readonly state: string;
  readonly report?: { readonly asOf: string };
}

test('a calculation runs behind its answer, and checks see it when it is done', async () => {
  const other = await openCoterie();
  try {
    const started = await ask<Run>(`${other.url}/v1/calculations`, { body: { at: '2026-05-01' } });
    assert.equal(started.status, 202);
    assert.equal(started.json.state, 'running');
    const busy = await ask(`${other.url}/v1/calculations`, { method: 'POST' });
    assert.deepEqual([busy.status, busy.json.code], [409, 'CALCULATION_RUNNING']);
    let run = started.json;
    while (run.state === 'running') run = (await ask<Run>(other.url + started.headers.get('location'))).json;
    assert.deepEqual([run.state, run.report?.asOf], ['done', '2026-05-01T00:00:00Z']);
    const check = await ask(`${other.url}/v1/check?customer=ana&segments=regular,lapsed`);
    assert.deepEqual(check.json.memberships, { regular: false, lapsed: true });
    assert.equal(check.json.asOf, '2026-05-01T00:00:00Z');
    const all = await ask<{ calculating: boolean; last: { asOf: string }; runs: Run[] }>(
      `${other.url}/v1/calculations`,
    );
    assert.deepEqual(
      [all.json.calculating, all.json.last.asOf, all.json.runs.length],
      [false, '2026-05-01T00:00:00Z', 1],
    );
  } finally {
    await other.close();
  }
});

test('facts are counted', async () => {
  const { json } = await ask(`${url}/v1/facts`);
  assert.deepEqual([json.customers, json.stores, json.orders, json.traits], [3, 2, 4, 2]);
  assert.equal(json.lastOrderAt, '2026-02-28T12:00:00Z');
});

test('readiness says how old the answers are', async () => {
  const { status, json } = await ask(`${url}/readyz`);
  assert.deepEqual(
    [status, json.status, json.role, json.asOf, json.customers],
    [200, 'ready', 'all', NOW, 3],
  );
  assert.ok(Number(json.ageSeconds) >= 0);
});

test('those who watch over the process may ask for the head alone', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    const head = await ask(`${url}${path}`, { method: 'HEAD' });
    const whole = await ask(`${url}${path}`);
    assert.deepEqual([head.status, head.text], [whole.status, ''], path);
    assert.equal(head.headers.get('content-type'), whole.headers.get('content-type'));
  }
});

test('metrics count checks, time requests by route, and name no customer', async () => {
  const of = async (name: string) => {
    const { text } = await ask(`${url}/metrics`);
    const line = text.split('\n').find((entry) => entry.startsWith(`${name} `));
    return Number(line?.split(' ').at(-1));
  };
  const before = await of('coterie_checks_total');
  await ask(`${url}/v1/check/batch`, { body: { customers: ['ana', 'bo'], segments: ['regular'] } });
  assert.equal((await of('coterie_checks_total')) - before, 2);
  assert.equal(await of('coterie_customers'), 3);
  const { text } = await ask(`${url}/metrics`);
  assert.match(
    text,
    /coterie_http_request_seconds_count\{method="POST",route="\/v1\/check\/batch",status="2xx"\} \d+/,
  );
  assert.match(text, /process_resident_memory_bytes/);
  assert.doesNotMatch(text, /ana/);
});

test('every route is described, and every reference in the description leads somewhere', async () => {
  const { json } = await ask<{
    openapi: string;
    paths: Record<string, Record<string, unknown>>;
    components: { schemas: object };
  }>(`${url}/openapi.json`);
  assert.match(json.openapi, /^3\.1/);
  const routes = Object.entries(json.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  for (const route of [
    'POST /v1/check',
    'PUT /v1/segments/{key}',
    'GET /v1/customers/{id}/explain',
    'GET /readyz',
  ]) {
    assert.ok(routes.includes(route), `${route} is not described`);
  }
  for (const [, name] of JSON.stringify(json).matchAll(/"\$ref":"([^"]+)"/g)) {
    const schema = /^#\/components\/schemas\/(\w+)$/.exec(name!)?.[1];
    assert.ok(schema !== undefined && schema in json.components.schemas, `${name} leads nowhere`);
  }
});

test('the reference names every route, and no other', async () => {
  const { json } = await ask<{ paths: Record<string, Record<string, unknown>> }>(`${url}/openapi.json`);
  const described = Object.entries(json.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const page = await readFile(new URL('../../docs/reference/http-api.md', import.meta.url), 'utf8');
  const named = [...page.matchAll(/^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \|/gm)].map(([, route]) => route!);
  assert.deepEqual(named.sort(), described.sort());
});

test('the page of the API loads nothing from elsewhere', async () => {
  const page = await ask(`${url}/docs/`);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/);
  assert.doesNotMatch(page.text, /(?:src|href)="(?:https?:)?\/\//);
  for (const [, path] of page.text.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)) {
    assert.equal((await ask(new URL(path!, `${url}/docs/`).href)).status, 200, path);
  }
});

test('the schema of definitions is served', async () => {
  const { json, headers } = await ask(`${url}/v1/schema`);
  assert.match(headers.get('content-type') ?? '', /schema\+json/);
  assert.match(String(json.$schema), /2020-12/);
});

test('a server that closes lets requests under way end, and closes connections that wait', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let arrived = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const core = Object.create(coterie.core, {
    factCounts: {
      value: async () => {
        arrived();
        await held;
        return { customers: 1, stores: 0, orders: 0, traits: 0, batchNo: 1 };
      },
    },
  });
  const api = await createServer({ store: coterie.store, core });
  const address = await api.listen({ host: '127.0.0.1', port: 0 });
  const idle = connect(Number(new URL(address).port), '127.0.0.1');
  await once(idle, 'connect');
  idle.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(idle, 'data');
  const slow = ask(`${address}/v1/facts`);
  await arrival;
  const ended = once(idle, 'close');
  const closed = closeServer(api, { timeoutMs: 60_000 });
  await ended;
  release();
  const answer = await slow;
  assert.deepEqual([answer.status, answer.json.customers], [200, 1]);
  assert.equal(await closed, true);
  await assert.rejects(ask(`${address}/healthz`));
});

test('a request that does not end is cut off when the time is over', async () => {
  const core = Object.create(coterie.core, { factCounts: { value: () => new Promise(() => {}) } });
  const api = await createServer({ store: coterie.store, core });
  const address = await api.listen({ host: '127.0.0.1', port: 0 });
  const slow = assert.rejects(ask(`${address}/v1/facts`));
  while ((await connectionsOf(api.server)) === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await closeServer(api, { timeoutMs: 50 }), false);
  await slow;
});

function connectionsOf(server: {
  getConnections(done: (error: Error | null, count: number) => void): unknown;
}) {
  return new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
