/** Bad input over HTTP: each case has a clear problem with a stable code, and nothing shows a stack. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { type Answer, ask, type Coterie, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
let url: string;
before(async () => {
  coterie = await openCoterie({ options: { bodyLimitBytes: 20_000_000 } });
  url = coterie.url;
});
after(() => coterie.close());

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
  readonly instance: string;
  readonly requestId: string;
  readonly details: { readonly field?: string };
  readonly problems?: readonly { readonly path: string; readonly line?: number }[];
}

function isProblem(answer: Answer<unknown>, status: number, code: string, words: RegExp): Problem {
  const problem = answer.json as Problem;
  assert.equal(answer.status, status, answer.text.slice(0, 500));
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.equal(problem.code, code, problem.detail);
  assert.equal(problem.status, status);
  assert.equal(problem.type, `urn:coterie:error:${code}`);
  assert.match(problem.detail, words);
  assert.ok(problem.title && problem.remedy && problem.requestId);
  assert.equal(answer.headers.get('x-request-id'), problem.requestId);
  assert.doesNotMatch(answer.text, /\bat [^"]*\.[jt]s:\d+|node_modules/);
  return problem;
}

const check = (body: unknown, type?: string) => ask(`${url}/v1/check`, { body, ...(type ? { type } : {}) });
const put = (key: string, body: unknown) =>
  ask(`${url}/v1/segments/${encodeURIComponent(key)}`, { method: 'PUT', body });
const apply = (body: string, type: string) => ask(`${url}/v1/segments`, { body, type });

test('a field that is missing, of the wrong kind or not known is named', async () => {
  const cases: readonly (readonly [unknown, string, RegExp])[] = [
    [{ segments: ['a'] }, 'customer', /^customer: expected a value/],
    [{ customer: 5, segments: ['a'] }, 'customer', /expected text, found 5/],
    [{ customer: 'c', segments: 'a' }, 'segments', /expected a list, found "a"/],
    [{ customer: 'c', segments: [] }, 'segments', /at least 1/],
    [{ customer: 'c', segments: ['a', null] }, 'segments[1]', /expected text, found nothing/],
    [{ customer: 'c', segments: ['a'], strickt: true }, 'strickt', /one of customer, segments, strict/],
    [[], '', /^the body: expected an object/],
  ];
  for (const [body, field, words] of cases) {
    const problem = isProblem(await check(body), 400, 'REQUEST_INVALID', words);
    assert.equal(problem.details.field, field);
  }
});

test('more segments, customers or answers than the limits are refused', async () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `k${i}`);
  isProblem(await check({ customer: 'c', segments: many(10_001) }), 400, 'REQUEST_INVALID', /at most 10000/);
  const batch = (customers: number, segments: number) =>
    ask(`${url}/v1/check/batch`, { body: { customers: many(customers), segments: many(segments) } });
  isProblem(await batch(1001, 1), 400, 'REQUEST_INVALID', /^customers: expected at most 1000/);
  isProblem(await batch(1000, 101), 400, 'REQUEST_INVALID', /1000 × 101/);
  assert.equal((await batch(1000, 100)).status, 200);
});

test('a customer id has 1 to 512 bytes of UTF-8, wherever it stands', async () => {
  const ids = ['', 'x'.repeat(513), 'x'.repeat(10_000), 'ñ'.repeat(257), '\ud800'];
  for (const customer of ids) {
    isProblem(await check({ customer, segments: ['regular'] }), 400, 'CUSTOMER_ID_INVALID', /1 to 512 bytes/);
    isProblem(
      await ask(`${url}/v1/check/batch`, { body: { customers: ['ok', customer], segments: ['regular'] } }),
      400,
      'CUSTOMER_ID_INVALID',
      /^customers\[1\]/,
    );
  }
  for (const id of ['x'.repeat(513), 'x'.repeat(10_000)]) {
    const problem = isProblem(
      await ask(`${url}/v1/customers/${id}/segments`),
      400,
      'CUSTOMER_ID_INVALID',
      /512/,
    );
    assert.ok(problem.instance.length < 300);
    isProblem(await ask(`${url}/v1/customers/${id}/explain?segment=a`), 400, 'CUSTOMER_ID_INVALID', /512/);
    isProblem(await ask(`${url}/v1/check?customer=${id}&segments=a`), 400, 'CUSTOMER_ID_INVALID', /512/);
  }
  assert.equal((await check({ customer: 'x'.repeat(512), segments: ['regular'] })).status, 200);
});

test('a body that is not JSON, empty, or of another type is refused', async () => {
  isProblem(await check('{"customer":"c",'), 400, 'REQUEST_INVALID', /not JSON: .*position|not JSON: /);
  isProblem(await check(''), 400, 'REQUEST_INVALID', /empty/);
  isProblem(
    await check('{"customer":"c","segments":["a"],"__proto__":{}}'),
    400,
    'REQUEST_INVALID',
    /__proto__/,
  );
  isProblem(await check('{}', 'text/plain'), 415, 'MEDIA_TYPE_UNSUPPORTED', /text\/plain/);
  isProblem(await check('a: 1', 'application/yaml'), 415, 'MEDIA_TYPE_UNSUPPORTED', /yaml/);
  isProblem(await apply('<a/>', 'application/xml'), 415, 'MEDIA_TYPE_UNSUPPORTED', /xml/);
});

test('a field that could reach a prototype is named', async () => {
  const body = '{"customer":"c","segments":["a"],"more":[{"constructor":{"prototype":{}}}]}';
  const { detail } = isProblem(
    await check(body),
    400,
    'REQUEST_INVALID',
    /field named constructor\.prototype/,
  );
  assert.doesNotMatch(detail, /__proto__/);
  const proto = isProblem(await check('{"a":[{"__proto__":1}]}'), 400, 'REQUEST_INVALID', /named __proto__,/);
  assert.doesNotMatch(proto.detail, /constructor/);
});

test('a body over the limit is refused', async () => {
  const small = await openCoterie({ calculated: false, options: { bodyLimitBytes: 1000 } });
  try {
    const answer = await ask(`${small.url}/v1/check`, {
      body: { customer: 'c', segments: ['x'.repeat(1000)] },
    });
    isProblem(answer, 413, 'BODY_TOO_LARGE', /1000 bytes/);
  } finally {
    await small.close();
  }
});

test('a query that is not well encoded is refused, as a path is', async () => {
  for (const id of ['%', '%zz', 'a%C3', '%ff']) {
    isProblem(
      await ask(`${url}/v1/check?customer=${id}&segments=a`),
      400,
      'REQUEST_INVALID',
      /% that begins/,
    );
    isProblem(await ask(`${url}/v1/customers/${id}/segments`), 400, 'REQUEST_INVALID', /% that begins/);
  }
  assert.equal((await ask(`${url}/v1/check?customer=%C3%B1%25&segments=regular`)).status, 200);
});

test('query parameters are held to their kinds and names', async () => {
  const list = (query: string) => ask(`${url}/v1/customers/ana/segments?${query}`);
  isProblem(
    await list('limit=ten'),
    400,
    'REQUEST_INVALID',
    /^query parameter limit: .* whole number, found "ten"/,
  );
  isProblem(await list('limit=0'), 400, 'REQUEST_INVALID', /at least 1/);
  isProblem(await list('limit=10001'), 400, 'REQUEST_INVALID', /at most 10000/);
  isProblem(await list('tagg=x'), 400, 'REQUEST_INVALID', /tagg: expected one of owner, tag/);
  isProblem(await list('cursor=zzz'), 400, 'REQUEST_INVALID', /cursor/);
  isProblem(
    await ask(`${url}/v1/segments?status=gone`),
    400,
    'REQUEST_INVALID',
    /status: expected one of active/,
  );
  isProblem(await ask(`${url}/v1/segments?cursor=zzz`), 400, 'REQUEST_INVALID', /cursor/);
  isProblem(await ask(`${url}/v1/check?customer=c`), 400, 'REQUEST_INVALID', /segments/);
  isProblem(
    await ask(`${url}/v1/check?customer=c&segments=,`),
    400,
    'REQUEST_INVALID',
    /1 to 10000 keys, found 0/,
  );
  isProblem(
    await ask(`${url}/v1/check?customer=c&segments=a&strict=maybe`),
    400,
    'REQUEST_INVALID',
    /strict/,
  );
  isProblem(
    await ask(`${url}/v1/segments/regular/members?format=xml`),
    400,
    'REQUEST_INVALID',
    /ndjson, csv/,
  );
  isProblem(
    await ask(`${url}/v1/customers/ana/explain?segment=regular&at=yesterday`),
    400,
    'MOMENT_INVALID',
    /yesterday/,
  );
});

test('what is not there is a 404 with a code', async () => {
  isProblem(await ask(`${url}/nope`), 404, 'ROUTE_NOT_FOUND', /GET \/nope/);
  isProblem(await ask(`${url}/v1/check`, { method: 'DELETE' }), 404, 'ROUTE_NOT_FOUND', /DELETE/);
  isProblem(await ask(`${url}/v1/segments/nope`), 404, 'SEGMENT_NOT_FOUND', /nope/);
  isProblem(await ask(`${url}/v1/segments/nope/versions`), 404, 'SEGMENT_NOT_FOUND', /nope/);
  isProblem(await ask(`${url}/v1/segments/nope/size`), 404, 'SEGMENT_NOT_FOUND', /nope/);
  isProblem(await ask(`${url}/v1/segments/nope/members`), 404, 'SEGMENT_NOT_FOUND', /nope/);
  isProblem(await ask(`${url}/v1/segments/nope`, { method: 'DELETE' }), 404, 'SEGMENT_NOT_FOUND', /nope/);
  isProblem(await ask(`${url}/v1/segments/new-at@s1`), 404, 'SEGMENT_NOT_FOUND', /instance of a family/);
  isProblem(
    await ask(`${url}/v1/overlap`, { body: { segments: ['nope'] } }),
    404,
    'SEGMENT_NOT_FOUND',
    /nope/,
  );
  isProblem(await ask(`${url}/v1/calculations/999`), 404, 'CALCULATION_NOT_FOUND', /999/);
});

test('a path that is no UTF-8 is a problem too', async () => {
  isProblem(await ask(`${url}/v1/customers/%ff/segments`), 400, 'REQUEST_INVALID', /%/);
  isProblem(await ask(`${url}/%zz`), 400, 'REQUEST_INVALID', /%/);
});

test('definitions that are wrong are refused with field, expected and found', async () => {
  const cases: readonly (readonly [Record<string, unknown>, string, RegExp])[] = [
    [{ type: 'nwe' }, 'SEGMENT_TYPE_UNKNOWN', /nwe/],
    [{ type: 'new', colour: 'red' }, 'DEFINITION_INVALID', /colour/],
    [{ type: 'inactive', params: { within: '0d' } }, 'DEFINITION_INVALID', /within/],
    [{ type: 'inactive', params: { within: '-1d' } }, 'DEFINITION_INVALID', /within/],
    [{ type: 'rule', params: { segment: 'nope' } }, 'SEGMENT_REFERENCE_UNKNOWN', /nope/],
    [{ type: 'rule', params: { segment: 'wrong' } }, 'SEGMENT_CYCLE', /wrong/],
  ];
  for (const [body, code, words] of cases) isProblem(await put('wrong', body), 400, code, words);
  assert.equal((await ask(`${url}/v1/segments/wrong`)).status, 404, 'nothing of it was kept');
});

test('a segment key with control characters is refused', async () => {
  const answer = await put('a\u0007b', { type: 'new' });
  assert.equal(answer.status, 400, answer.text);
  assert.match(answer.text, /key/);
});

test('a key in the body that differs from the path is refused', async () => {
  const answer = await put('one', { key: 'two', type: 'new' });
  assert.equal(isProblem(answer, 400, 'REQUEST_INVALID', /"one".*"two"/).details.field, 'key');
  isProblem(await put('one', []), 400, 'REQUEST_INVALID', /expected a definition, found a list/);
});

test('many definitions are kept all or none, and every problem has its line', async () => {
  const yaml = '- key: good\n  type: new\n- key: bad\n  type: inactive\n  params: { within: 0d }\n';
  const problem = isProblem(await apply(yaml, 'application/yaml'), 400, 'DEFINITION_INVALID', /body:5/);
  assert.equal(problem.problems?.[0]?.line, 5);
  assert.equal((await ask(`${url}/v1/segments/good`)).status, 404);
  isProblem(await apply('- key: [\n', 'application/yaml'), 400, 'DEFINITION_SYNTAX', /body:/);
  isProblem(await apply('{"key":', 'application/json'), 400, 'DEFINITION_SYNTAX', /body:/);
  isProblem(
    await apply('{"key":"a","type":"new"}\n{"key"\n', 'application/x-ndjson'),
    400,
    'DEFINITION_SYNTAX',
    /body:2/,
  );
  isProblem(await apply('', 'application/json'), 400, 'DEFINITION_INVALID', /nothing/);
});

test('10 MB of nested "not" is refused, and the server answers on', async () => {
  const depth = 10_000_000 / '{"not":}'.length;
  const nested = `${'{"not":'.repeat(depth)}{}${'}'.repeat(depth)}`;
  const body = `{"key":"deep","type":"rule","params":${nested}}`;
  isProblem(await apply(body, 'application/json'), 400, 'DEFINITION_TOO_LARGE', /deep|level/i);
  isProblem(await put('deep', body), 400, 'DEFINITION_TOO_LARGE', /deep|level/i);
  assert.equal((await check({ customer: 'ana', segments: ['regular'] })).status, 200);
});

test('what is no request at all gets a problem and the end of the connection', async () => {
  const port = Number(new URL(url).port);
  const send = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(bytes);
    return text(socket);
  };
  assert.match(await send('hello\r\n\r\n'), /400 Bad Request[\s\S]*problem\+json[\s\S]*REQUEST_INVALID/);
  assert.match(
    await send(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`),
    /REQUEST_INVALID[\s\S]*larger than 16 KiB/,
  );
});

test('a limit by address turns away with the time to wait, but never health and metrics', async () => {
  const limited = await openCoterie({ calculated: false, options: { rateLimitPerMinute: 2 } });
  try {
    for (let i = 0; i < 2; i++) assert.equal((await ask(`${limited.url}/v1/facts`)).status, 200);
    const answer = await ask(`${limited.url}/v1/facts`);
    isProblem(answer, 429, 'RATE_LIMITED', /more than 2 requests/);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    assert.equal((await ask(`${limited.url}/healthz`)).status, 200);
    assert.equal((await ask(`${limited.url}/metrics`)).status, 200);
  } finally {
    await limited.close();
  }
});

test('a request id that the caller gives is kept where it is harmless', async () => {
  const asked = (id: string) => ask(`${url}/nope`, { headers: { 'x-request-id': id } });
  assert.equal((await asked('order-17')).json.requestId, 'order-17');
  assert.notEqual((await asked('a b"c')).json.requestId, 'a b"c');
});
