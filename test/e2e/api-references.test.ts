/** Definitions that refer to each other, over HTTP: tried out, previewed together, and kept while they are referred to. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, type Coterie, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
let url: string;
before(async () => {
  coterie = await openCoterie();
  url = coterie.url;
});
after(() => coterie.close());

const ORDERED = { key: 'ordered', type: 'recurrent', params: { atLeast: 1 } };
const RESTED = { key: 'rested', type: 'inactive', params: { within: '30d' } };
const WIN_BACK = {
  key: 'win-back',
  type: 'rule',
  params: { all: [{ segment: 'ordered' }, { segment: 'rested' }] },
};
const SELFIE = { key: 'selfie', type: 'rule', params: { segment: 'selfie' } };
const CYCLE = [
  { key: 'a', type: 'rule', params: { segment: 'b' } },
  { key: 'b', type: 'rule', params: { not: { segment: 'c' } } },
  { key: 'c', type: 'rule', params: { any: [{ segment: 'a' }, { orders: {} }] } },
];

test('a dry run refuses all that applying refuses, and changes nothing', async () => {
  for (const [body, code] of [
    [[SELFIE], 'SEGMENT_CYCLE'],
    [CYCLE, 'SEGMENT_CYCLE'],
    [[WIN_BACK], 'SEGMENT_REFERENCE_UNKNOWN'],
    [[ORDERED, ORDERED], 'DEFINITION_INVALID'],
    [[{ key: 'x', type: 'nwe' }], 'SEGMENT_TYPE_UNKNOWN'],
  ] as const) {
    const dry = await ask(`${url}/v1/segments/dry-run`, { body });
    const wet = await ask(`${url}/v1/segments`, { body });
    assert.deepEqual([dry.status, dry.json.code], [400, code], dry.text);
    assert.deepEqual([dry.json.detail, dry.json.code], [wet.json.detail, wet.json.code]);
  }
  const regular = { key: 'regular', type: 'recurrent', params: { atLeast: 4, within: '30d' } };
  const lapsed = { ...(await ask<{ definition: object }>(`${url}/v1/segments/lapsed`)).json.definition };
  const body = [WIN_BACK, RESTED, ORDERED, regular, lapsed];
  const { json } = await ask<Record<string, unknown>>(`${url}/v1/segments/dry-run`, { body });
  assert.deepEqual(json, {
    added: ['win-back', 'rested', 'ordered'],
    changed: ['regular'],
    unchanged: ['lapsed'],
  });
  assert.equal((await ask(`${url}/v1/segments/win-back`)).status, 404);
});

test('a preview takes definitions beside it, in place of those in force', async () => {
  const preview = (body: unknown) => ask<Record<string, unknown>>(`${url}/v1/segments/preview`, { body });
  const first = await preview([WIN_BACK, ORDERED, RESTED]);
  assert.deepEqual([first.json.size, first.json.sample], [1, ['bo']], first.text);
  // `regular` is in force, and so is a segment that nobody is in beside it.
  const regulars = { type: 'rule', params: { segment: 'regular' } };
  assert.equal((await preview(regulars)).json.size, 1);
  assert.equal(
    (await preview([regulars, { key: 'regular', type: 'recurrent', params: { atLeast: 4 } }])).json.size,
    0,
  );
  assert.equal((await preview(CYCLE)).json.code, 'SEGMENT_CYCLE');
  assert.equal((await preview([WIN_BACK, ORDERED])).json.code, 'SEGMENT_REFERENCE_UNKNOWN');
  assert.equal(
    (await preview([WIN_BACK, ORDERED, { ...RESTED, params: {} }])).json.code,
    'DEFINITION_INVALID',
  );
  assert.equal((await preview([])).json.code, 'REQUEST_INVALID');
  assert.equal((await ask(`${url}/v1/segments/win-back`)).status, 404);
});

test('a segment that others refer to is not archived, and they are named', async () => {
  const apply = (body: unknown) => ask<Record<string, unknown>>(`${url}/v1/segments`, { body });
  assert.equal((await apply([ORDERED, RESTED, WIN_BACK])).status, 200);
  const refused = await ask<Record<string, string>>(`${url}/v1/segments/ordered`, { method: 'DELETE' });
  assert.deepEqual([refused.status, refused.json.code], [409, 'SEGMENT_IN_USE']);
  assert.equal(refused.json.detail, '"ordered" cannot be archived: "win-back" still refers to it');
  assert.match(refused.json.remedy!, /archive the segments that refer to it first/);
  assert.equal((await apply([{ ...ORDERED, status: 'archived' }])).json.code, 'SEGMENT_IN_USE');
  assert.equal((await ask(`${url}/v1/segments/win-back`, { method: 'DELETE' })).status, 200);
  assert.equal((await ask(`${url}/v1/segments/ordered`, { method: 'DELETE' })).status, 200);
  assert.equal(
    (await apply([WIN_BACK])).json.code,
    'SEGMENT_REFERENCE_UNKNOWN',
    'of what is archived already',
  );
});
