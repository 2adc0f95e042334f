/** The log of changes over HTTP: NDJSON, server-sent events, resuming, filters, and its bounds. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CoterieClient } from '../../src/client/client.ts';
import { parseMoment } from '../../src/model/time.ts';
import { ask, type Coterie, NOW, openCoterie } from './api-fixture.ts';

const NOW_S = parseMoment(NOW);
let coterie: Coterie;
let numbers: ReadonlyMap<string, number>;
before(async () => {
  coterie = await openCoterie();
  const { entries } = coterie.store.view()!.directory;
  numbers = new Map(entries.map((entry) => [entry.key, entry.segmentNo]));
  await tick(NOW_S - 100, [change('ana', ['regular', 'new-at@s1'], [])]);
  await tick(NOW_S - 50, [change('bo', ['lapsed'], ['new-at@s2']), change('ana', [], ['regular'])]);
});
after(() => coterie.close());

function change(customer: string, entered: readonly string[], exited: readonly string[]) {
  const nos = (keys: readonly string[]) => keys.map((key) => numbers.get(key)!).sort((a, b) => a - b);
  return {
    customerNo: customer === 'ana' ? 0 : 1,
    customerId: customer,
    entered: nos(entered),
    exited: nos(exited),
  };
}

function tick(at: number, changes: readonly ReturnType<typeof change>[], batchNo = 1): Promise<void> {
  return coterie.changes.append({ at, batchNo, catalogNo: 1, changes });
}

interface Line {
  readonly position: number;
  readonly at: string;
  readonly customer: string;
  readonly entered: readonly string[];
  readonly exited: readonly string[];
}

async function read(query: string) {
  const { status, text, headers } = await ask(`${coterie.url}/v1/changes${query}`);
  assert.equal(status, 200, text);
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
  return { lines, position: Number(headers.get('coterie-position')) };
}

test('changes come in order, by keys, from any position', async () => {
  const { lines, position } = await read('');
  assert.deepEqual(lines[1], {
    position: 2,
    at: '2026-03-01T11:59:10Z',
    customer: 'bo',
    entered: ['lapsed'],
    exited: ['new-at@s2'],
  });
  assert.deepEqual(
    lines.map((line) => line.position),
    [1, 2, 3],
  );
  assert.equal(position, 3);
  assert.deepEqual(
    (await read('?after=2')).lines.map((line) => line.position),
    [3],
  );
  assert.deepEqual((await read('?after=3')).lines, []);
  assert.deepEqual((await read('?after=latest')).lines, []);
  assert.deepEqual(
    (await read('?limit=1')).lines.map((line) => line.position),
    [1],
  );
});

test('a filter leaves only what is asked for, and a family stands for its instances', async () => {
  assert.deepEqual(
    (await read('?customer=bo')).lines.map((line) => line.position),
    [2],
  );
  const { lines } = await read('?segment=new-at');
  assert.deepEqual(
    lines.map(({ position, entered, exited }) => [position, entered, exited]),
    [
      [1, ['new-at@s1'], []],
      [2, [], ['new-at@s2']],
    ],
  );
  assert.deepEqual((await read('?segment=regular&customer=bo')).lines, []);
});

test('a change that is not served yet is not told', async () => {
  await tick(NOW_S + 5, [change('bo', ['regular'], [])]);
  const { lines, position } = await read('');
  assert.deepEqual([lines.at(-1)!.position, position], [3, 3]);
  const { moment, batchNo, catalogNo } = coterie.store.view()!.asOf;
  await coterie.changes.truncate({ moment, batchNo, catalogNo });
});

test('questions that make no sense are refused', async () => {
  for (const query of ['?after=-1', '?after=x', '?limit=0', '?afte=1']) {
    const { status, json } = await ask<{ code: string }>(`${coterie.url}/v1/changes${query}`);
    assert.deepEqual([status, json.code], [400, 'REQUEST_INVALID'], query);
  }
});

/** Reads events until so many came. */
async function follow(query: string, count: number, headers: Record<string, string> = {}) {
  const leaving = new AbortController();
  const response = await fetch(`${coterie.url}/v1/changes${query}`, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: leaving.signal,
  });
  assert.match(response.headers.get('content-type')!, /^text\/event-stream/);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const events = () => [...text.matchAll(/^id: (\d+)\ndata: (.*)\n\n/gm)];
  return {
    async until(): Promise<readonly string[]> {
      while (events().length < count) {
        const { done, value } = await reader.read();
        if (done) break;
        text += value;
      }
      leaving.abort();
      return events().map((match) => match[1]!);
    },
    async end(): Promise<string> {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return text;
        text += value;
      }
    },
  };
}

test('server-sent events bring what there is and then what comes, and resume after the last id', async () => {
  const whole = await follow('?after=1', 3);
  const resumed = await follow('?after=0', 2, { 'last-event-id': '2' });
  await tick(NOW_S - 10, [change('bo', [], ['lapsed'])]);
  const positions = (await read('?after=3')).lines.map((line) => String(line.position));
  assert.deepEqual(await whole.until(), ['2', '3', ...positions]);
  assert.deepEqual(await resumed.until(), ['3', ...positions]);
});

test('a reader at a position that was never given is told so; one at the very end waits for what comes', async () => {
  const { position } = await read('');
  assert.deepEqual((await read(`?after=${position}`)).lines, []);
  const { status, json } = await ask<{ code: string; details: object }>(
    `${coterie.url}/v1/changes?after=${position + 1}`,
  );
  assert.deepEqual([status, json.code], [410, 'CHANGES_EXPIRED']);
  assert.deepEqual(json.details, { after: position + 1, oldest: 1, newest: position });
});

test('a reader further behind than what is kept is told so, and where to begin', async () => {
  const { position } = await read('');
  await coterie.changes.retain(NOW_S - 20);
  const { status, json } = await ask<{ code: string; details: { oldest: number } }>(
    `${coterie.url}/v1/changes?after=1`,
  );
  assert.deepEqual([status, json.code], [410, 'CHANGES_EXPIRED']);
  assert.ok(json.details.oldest > 3 && json.details.oldest <= position);
  assert.equal(
    (await read('')).lines[0]?.position,
    json.details.oldest,
    'without after, from the oldest kept',
  );
});

test('streams end cleanly when the server stops', async () => {
  const other = await openCoterie();
  const response = await fetch(`${other.url}/v1/changes`, { headers: { accept: 'text/event-stream' } });
  const text = response.text();
  await other.close();
  assert.match(await text, /^retry: \d+\n: changes after 0\n\n$/);
});

test('the client reads changes, follows them, and sends facts', async () => {
  const other = await openCoterie();
  try {
    const client = new CoterieClient({ url: other.url });
    const enter = (customerId: string) =>
      other.changes.append({
        at: NOW_S,
        batchNo: 1,
        catalogNo: 1,
        changes: [{ customerNo: 0, customerId, entered: [numbers.get('regular')!], exited: [] }],
      });
    await enter('a');
    const read: string[] = [];
    for await (const { customer, entered } of client.changes()) read.push(`${customer} ${entered}`);
    assert.deepEqual(read, ['a regular']);
    const followed: number[] = [];
    for await (const { position } of client.changes({ after: 0, follow: true })) {
      followed.push(position);
      if (followed.length === 3) break;
      await enter(`b${position}`);
    }
    assert.deepEqual(followed, [1, 2, 3]);
    const row = { customer_id: 'z', order_id: '1', ordered_at: '2026-01-01', total: 1 };
    const report = await client.sendFacts('orders', [row, {}]);
    assert.deepEqual([report.accepted, report.rejected], [1, 1]);
    await assert.rejects(client.sendFacts('orders', [row, {}], { strict: true }), {
      code: 'IMPORT_ROW_REJECTED',
    });
  } finally {
    await other.close();
  }
});
