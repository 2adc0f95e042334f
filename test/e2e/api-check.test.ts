/** Checks and lists of a customer's segments, over HTTP with a real store. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createServer } from '../../src/api/server.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { ask, type Coterie, NOW, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
let url: string;
/** Beside every as-of: so whoever got a batch number sees whether an answer reflects it. */
const mark = { batchNo: 1, catalogNo: 5, calculationNo: 1 };
before(async () => {
  coterie = await openCoterie();
  url = coterie.url;
});
after(() => coterie.close());

test('a check answers for each segment and says as of when', async () => {
  const answer = await ask(`${url}/v1/check`, {
    body: { customer: 'ana', segments: ['regular', 'lapsed', 'new-at@s1', 'new-at@s2', 'in-bcn'] },
  });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  assert.deepEqual(answer.json, {
    customer: 'ana',
    memberships: { regular: true, lapsed: false, 'new-at@s1': false, 'new-at@s2': true, 'in-bcn': true },
    unknown: [],
    asOf: NOW,
    mark,
  });
});

test('a customer never heard of gets what holds for someone without facts', async () => {
  const answer = await ask<{ memberships: unknown }>(`${url}/v1/check`, {
    body: { customer: 'nobody', segments: ['regular', 'new-at@s1'] },
  });
  assert.deepEqual(answer.json.memberships, { regular: false, 'new-at@s1': true });
});

test('a paused segment holds nobody', async () => {
  const answer = await ask<{ memberships: unknown }>(`${url}/v1/check`, {
    body: { customer: 'ana', segments: ['resting'] },
  });
  assert.deepEqual(answer.json.memberships, { resting: false });
});

test('a check by GET is the same, with keys joined by commas or repeated', async () => {
  for (const query of ['segments=regular,lapsed', 'segments=regular&segments=lapsed']) {
    const answer = await ask(`${url}/v1/check?customer=bo&${query}`);
    assert.deepEqual(answer.json, {
      customer: 'bo',
      memberships: { regular: false, lapsed: true },
      unknown: [],
      asOf: NOW,
      mark,
    });
  }
});

test('unknown segments are listed, and are an error only when strict is asked for', async () => {
  const body = { customer: 'ana', segments: ['regular', 'nope'] };
  const lenient = await ask(`${url}/v1/check`, { body });
  assert.deepEqual([lenient.status, lenient.json.unknown], [200, ['nope']]);
  for (const answer of [
    await ask(`${url}/v1/check`, { body: { ...body, strict: true } }),
    await ask(`${url}/v1/check?strict=true`, { body }),
    await ask(`${url}/v1/check?customer=ana&segments=regular,nope&strict=true`),
    await ask(`${url}/v1/check/batch`, { body: { customers: ['ana'], segments: ['nope'], strict: true } }),
  ]) {
    assert.equal(answer.status, 404);
    assert.equal(answer.json.code, 'SEGMENTS_UNKNOWN');
    assert.deepEqual(answer.json.details, { unknown: ['nope'] });
  }
});

test('keys that objects have by nature are keys like others', async () => {
  const answer = await ask(`${url}/v1/check`, {
    body: { customer: 'ana', segments: ['__proto__', 'constructor', 'toString'] },
  });
  assert.deepEqual([answer.status, answer.json.unknown], [200, ['__proto__', 'constructor', 'toString']]);
});

test('a batch answers for each customer in their order', async () => {
  const answer = await ask(`${url}/v1/check/batch`, {
    body: { customers: ['bo', 'ana', 'bo'], segments: ['lapsed', 'nope'] },
  });
  assert.deepEqual(answer.json, {
    results: [
      { customer: 'bo', memberships: { lapsed: true } },
      { customer: 'ana', memberships: { lapsed: false } },
      { customer: 'bo', memberships: { lapsed: true } },
    ],
    unknown: ['nope'],
    asOf: NOW,
    mark,
  });
});

test('ids with any character travel in bodies and percent-encoded in paths', async () => {
  const id = 'a/b, "c" ñ';
  const check = await ask(`${url}/v1/check`, { body: { customer: id, segments: ['in-bcn'] } });
  assert.deepEqual(check.json.memberships, { 'in-bcn': true });
  const list = await ask(`${url}/v1/customers/${encodeURIComponent(id)}/segments?type=rule`);
  assert.deepEqual([list.json.customer, list.json.known], [id, true]);
  assert.deepEqual(list.json.segments, [{ key: 'in-bcn', tags: [], type: 'rule' }]);
});

interface SegmentsPage {
  readonly segments: readonly { readonly key: string }[];
  readonly next?: string;
}

test("a customer's segments are listed, narrowed by owner, tag, type and store", async () => {
  const keys = async (query: string) => {
    const { json } = await ask<SegmentsPage>(`${url}/v1/customers/ana/segments?${query}`);
    return json.segments.map(({ key }) => key).sort();
  };
  assert.deepEqual(await keys(''), ['in-bcn', 'new-at@s2', 'regular']);
  assert.deepEqual(await keys('owner=crm'), ['regular']);
  assert.deepEqual(await keys('tag=vip'), ['regular']);
  assert.deepEqual(await keys('type=new'), ['new-at@s2']);
  assert.deepEqual(await keys('store=s2'), ['new-at@s2']);
  assert.deepEqual(await keys('store=s1'), []);
  assert.deepEqual(await keys('owner=crm&type=new'), []);
});

test('pages of a list follow one another through the cursor and end', async () => {
  const found: string[] = [];
  let cursor = '';
  for (let page = 0; page < 5; page++) {
    const { json } = await ask<SegmentsPage>(`${url}/v1/customers/ana/segments?limit=1${cursor}`);
    found.push(...json.segments.map(({ key }) => key));
    if (json.next === undefined) break;
    cursor = `&cursor=${json.next}`;
  }
  assert.deepEqual(found.sort(), ['in-bcn', 'new-at@s2', 'regular']);
});

test('before the first calculation checks say so, and the server is alive but not ready', async () => {
  const empty = await openCoterie({ calculated: false });
  try {
    const check = await ask(`${empty.url}/v1/check`, { body: { customer: 'ana', segments: ['regular'] } });
    assert.deepEqual([check.status, check.json.code], [503, 'NOT_CALCULATED']);
    assert.ok(check.headers.get('retry-after'));
    assert.equal((await ask(`${empty.url}/healthz`)).status, 200);
    assert.equal((await ask(`${empty.url}/readyz`)).status, 503);
  } finally {
    await empty.close();
  }
});

test('a process without a Core answers checks, and for the rest names what is missing', async () => {
  const api = await createServer({ store: coterie.store });
  try {
    const alone = await api.listen({ host: '127.0.0.1', port: 0 });
    const check = await ask(`${alone}/v1/check?customer=ana&segments=regular`);
    assert.deepEqual(check.json.memberships, { regular: true });
    assert.equal((await ask(`${alone}/readyz`)).json.role, 'store');
    for (const path of ['/v1/segments', '/v1/segments/regular/size', '/v1/calculations', '/v1/facts']) {
      const answer = await ask(alone + path);
      assert.deepEqual([answer.status, answer.json.code], [503, 'CORE_UNAVAILABLE'], path);
    }
  } finally {
    await api.close();
  }
});

test('a server picks up what another process calculated', async () => {
  const store = openMemoryStore();
  let refreshed = 0;
  const api = await createServer({
    store: Object.assign(store, {
      async refresh() {
        refreshed++;
        return false;
      },
    }),
    options: { refreshPeriodMs: 5 },
  });
  while (refreshed < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  await api.close();
});
