/** The client against a real server, and against servers that fail as networks and proxies do. */
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { CoterieClient } from '../../src/client/client.ts';
import { CoterieError } from '../../src/model/error.ts';
import { type Coterie, NOW, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
let client: CoterieClient;
before(async () => {
  coterie = await openCoterie();
  client = new CoterieClient({ url: `${coterie.url}/`, timeoutMs: 30_000 });
});
after(() => coterie.close());

const isError = (code: string, words?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CoterieError, String(error));
  assert.equal(error.code, code, error.message);
  if (words) assert.match(error.message, words);
  return true;
};

/** A server that answers as told, for as long as `use` takes. */
async function withServer(listener: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('checks, batches and lists come back typed, with where they are from', async () => {
  const one = await client.check('ana', ['regular', 'nope']);
  assert.deepEqual(one, {
    customer: 'ana',
    memberships: { regular: true },
    unknown: ['nope'],
    asOf: NOW,
    mark: { batchNo: 1, catalogNo: 5, calculationNo: 1 },
    source: 'coterie',
  });
  assert.equal(await client.isMember('bo', 'lapsed'), true);
  assert.equal(await client.isMember('bo', 'nope'), false);
  const batch = await client.checkBatch(['ana', 'bo'], ['lapsed']);
  assert.deepEqual(
    batch.map(({ customer, memberships }) => [customer, memberships.lapsed]),
    [
      ['ana', false],
      ['bo', true],
    ],
  );
  const list = await client.segmentsOf('a/b, "c" ñ', { type: 'rule' });
  assert.deepEqual(list.segments, [{ key: 'in-bcn', tags: [], type: 'rule' }]);
});

test('segments are written, read, listed and archived', async () => {
  const definition = { key: 'from-client', type: 'new' };
  const made = await client.putSegment(definition, { author: 'cléo', reason: 'why not' });
  assert.deepEqual([made.version, made.author, made.reason], [1, 'cléo', 'why not']);
  assert.deepEqual((await client.segment('from-client'))?.definition.type, 'new');
  assert.equal(await client.segment('nope'), undefined);
  const report = await client.apply([definition, { key: 'from-client-2', type: 'new' }], { author: 'cléo' });
  assert.deepEqual([report.added, report.unchanged], [1, 1]);
  assert.deepEqual(
    (await client.segments({ q: 'from-client' })).items.map(({ key }) => key),
    ['from-client', 'from-client-2'],
  );
  assert.equal((await client.archiveSegment('from-client')).definition.status, 'archived');
  assert.equal((await client.versions('from-client')).length, 2);
});

test('sizes, members, overlaps, previews, explanations and counts come back', async () => {
  assert.equal((await client.size('in-bcn')).size, 2);
  const members: string[] = [];
  for await (const id of client.members('in-bcn')) members.push(id);
  assert.deepEqual(members.sort(), ['a/b, "c" ñ', 'ana']);
  for await (const id of client.members('in-bcn')) {
    assert.ok(id);
    break;
  }
  assert.equal((await client.overlap(['regular', 'in-bcn'])).all, 1);
  assert.equal((await client.preview({ type: 'recurrent', params: { atLeast: 1 } })).size, 2);
  assert.equal((await client.explain('ana', 'regular')).member, true);
  assert.equal((await client.factCounts()).orders, 4);
});

test('the past, and whether what is served is right, come back', async () => {
  const { points, step, key } = await client.history('in-bcn', { from: '2026-03-01T10:00:00Z', step: '1h' });
  assert.deepEqual([key, step], ['in-bcn', '1h']);
  assert.ok(points.length >= 1, 'a point for each hour');
  assert.deepEqual(Object.keys(points[0]!).sort(), ['entries', 'exits', 'from', 'size', 'to']);
  const before = await client.segmentsOf('ana', { at: '2000-01-01' });
  assert.deepEqual([before.known, before.segments, before.asOf], [false, [], '2000-01-01T00:00:00Z']);
  const then = await client.explain('ana', 'regular', { at: NOW, knowledge: 'now' });
  assert.equal(then.member, true);
  const { mismatches, compared } = await client.verify({ segments: 3, customers: 10, seed: 7 });
  assert.equal(mismatches, 0);
  assert.ok(compared > 0);
});

test('a calculation is waited for', async () => {
  const report = await client.calculate({ at: NOW });
  assert.deepEqual([report.asOf, report.customers], [NOW, 3]);
  assert.equal((await client.calculations()).last?.asOf, NOW);
});

test("the server's errors come back as they were thrown", async () => {
  await assert.rejects(client.check('', ['regular']), isError('CUSTOMER_ID_INVALID', /1 to 512/));
  await assert.rejects(client.check('ana', ['nope'], { strict: true }), isError('SEGMENTS_UNKNOWN'));
  await assert.rejects(client.size('nope'), isError('SEGMENT_NOT_FOUND'));
  await assert.rejects(client.putSegment({ key: 'x', type: 'nwe' }), (error: unknown) => {
    assert.ok(error instanceof CoterieError);
    assert.ok(Array.isArray(error.details.problems));
    return isError('SEGMENT_TYPE_UNKNOWN')(error);
  });
  assert.throws(() => new CoterieClient({ url: 'localhost:8080' }), isError('CONFIG_INVALID'));
});

test('a failure that passes is tried again, and one that does not is not', async () => {
  let asked = 0;
  const listener =
    (status: number, code: string): RequestListener =>
    (_request, response) => {
      asked++;
      const last = asked === 3;
      response.writeHead(last ? 200 : status, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(
          last ? { customer: 'c', memberships: {}, unknown: [], asOf: NOW } : { code, detail: 'x' },
        ),
      );
    };
  await withServer(listener(503, 'OVERLOADED'), async (url) => {
    const answer = await new CoterieClient({ url, timeoutMs: 30_000 }).check('c', ['a']);
    assert.deepEqual([answer.asOf, asked], [NOW, 3]);
  });
  asked = 0;
  await withServer(listener(400, 'REQUEST_INVALID'), async (url) => {
    await assert.rejects(
      new CoterieClient({ url, timeoutMs: 30_000 }).check('c', ['a']),
      isError('REQUEST_INVALID'),
    );
    assert.equal(asked, 1);
  });
  asked = 0;
  await withServer(listener(503, 'OVERLOADED'), async (url) => {
    const once = new CoterieClient({ url, timeoutMs: 30_000, retries: 0 });
    await assert.rejects(once.check('c', ['a']), isError('OVERLOADED'));
    assert.equal(asked, 1);
  });
});

test('what stands before a server, or a newer one, is told by its status', async () => {
  const answering =
    (status: number, body: string): RequestListener =>
    (_request, response) => {
      response.writeHead(status).end(body);
    };
  await withServer(answering(502, '<html>'), async (url) => {
    await assert.rejects(
      new CoterieClient({ url, retries: 0 }).size('a'),
      isError('SERVER_UNREACHABLE', /502/),
    );
  });
  await withServer(answering(418, '{"code":"TEAPOT","detail":"short and stout"}'), async (url) => {
    await assert.rejects(
      new CoterieClient({ url }).size('a'),
      isError('INTERNAL', /418 \(TEAPOT\): short and stout/),
    );
  });
});

test('a check with a fallback answers whatever happens, and says that it is one', async () => {
  const failures: CoterieError[] = [];
  // Of a server that is gone.
  let url = '';
  await withServer(
    () => {},
    async (address) => {
      url = address;
    },
  );
  const options = {
    url,
    retries: 0,
    onFallback: (error: CoterieError) => failures.push(error),
  };
  const answers = [
    await new CoterieClient({ ...options, fallback: true }).check('c', ['a', 'b']),
    await new CoterieClient({ ...options, fallback: { a: true } }).check('c', ['a', 'b']),
    await new CoterieClient({ ...options, fallback: ({ segments }) => ({ [segments[1]!]: true }) }).check(
      'c',
      ['a', 'b'],
    ),
    await new CoterieClient(options).check('c', ['a'], { fallback: false }),
    ...(await new CoterieClient({ ...options, fallback: false }).checkBatch(['c', 'd'], ['a'])),
  ];
  assert.deepEqual(
    answers.map(({ memberships }) => memberships),
    [{ a: true, b: true }, { a: true, b: false }, { b: true }, { a: false }, { a: false }, { a: false }],
  );
  for (const answer of answers) {
    assert.deepEqual(
      [answer.source, answer.asOf, answer.error?.code],
      ['fallback', null, 'SERVER_UNREACHABLE'],
    );
  }
  assert.equal(failures.length, 5);
  await assert.rejects(
    new CoterieClient(options).check('c', ['a']),
    isError('SERVER_UNREACHABLE', /ECONNREFUSED/),
  );
});

test('a server that does not answer is given up on in time, and an abort is an abort', async () => {
  await withServer(
    () => {},
    async (url) => {
      const waiting = new CoterieClient({ url, timeoutMs: 30, retries: 0, fallback: false });
      const answer = await waiting.check('c', ['a']);
      assert.deepEqual([answer.source, answer.memberships], ['fallback', { a: false }]);
      assert.match(answer.error?.message ?? '', /within 30 ms/);
      const abort = new AbortController();
      const patient = new CoterieClient({ url, fallback: false, timeoutMs: 60_000 });
      const check = patient.check('c', ['a'], { signal: abort.signal });
      abort.abort(new Error('enough'));
      await assert.rejects(check, /enough/);
    },
  );
});

test('a stream of members that breaks off is an error, never a short list', async () => {
  const breaking: RequestListener = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write('{"customer":"a"}\n{"cust', () => response.destroy());
  };
  await withServer(breaking, async (url) => {
    const read = async () => {
      for await (const id of new CoterieClient({ url, retries: 0 }).members('a')) assert.equal(id, 'a');
    };
    await assert.rejects(read(), isError('SERVER_UNREACHABLE', /broke off/));
  });
});
