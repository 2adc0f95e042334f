/** Scores over HTTP: versions of models, staged and put in force, validity, bad values. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CoterieClient } from '../../src/client/client.ts';
import { CoterieError } from '../../src/model/error.ts';
import { ask, type Coterie, NOW, openCoterie } from './api-fixture.ts';

let coterie: Coterie;
let client: CoterieClient;
before(async () => {
  coterie = await openCoterie();
  client = new CoterieClient({ url: coterie.url, timeoutMs: 30_000 });
});
after(() => coterie.close());

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => assert.fail('expected a failure'),
    (error: unknown) => (error instanceof CoterieError ? error.code : assert.fail(String(error))),
  );
const scores = (model: string, version: string, values: Readonly<Record<string, number>>) =>
  Object.entries(values).map(([customer, value]) => ({ customer_id: customer, model, value, version }));

async function inForce(model: string): Promise<readonly string[]> {
  const found = (await client.models()).find((one) => one.model === model);
  return (found?.versions ?? []).filter((one) => one.isInForce).map((one) => one.version);
}

test('the first version counts at once; the next one waits, and replaces it whole when activated', async () => {
  await client.apply(
    [
      { key: 'leaving', type: 'rule', params: { score: { model: 'churn', atLeast: 0.7 } } },
      {
        key: 'leaving-or-unknown',
        type: 'rule',
        params: { score: { model: 'churn', atLeast: 0.7, whenMissing: true } },
      },
    ],
    { author: 'test' },
  );
  const first = await client.sendFacts('scores', scores('churn', '1', { ana: 0.9, bo: 0.1 }));
  assert.deepEqual(first.versions, [{ model: 'churn', version: '1' }]);
  assert.deepEqual(await inForce('churn'), ['1']);
  await client.calculate({ at: NOW });
  assert.deepEqual(await memberships('ana'), { leaving: true, 'leaving-or-unknown': true });
  assert.deepEqual(await memberships('stranger'), { leaving: false, 'leaving-or-unknown': true });

  await client.sendFacts('scores', scores('churn', '2', { bo: 0.8 }));
  assert.deepEqual(await inForce('churn'), ['1'], 'a later version waits');
  await client.calculate({ at: NOW });
  assert.deepEqual(await memberships('bo'), { leaving: false, 'leaving-or-unknown': false });

  const { batchNo } = await client.activateModelVersion('churn', '2');
  await client.calculate({ at: NOW });
  assert.ok((await client.size('leaving')).mark.batchNo >= batchNo);
  assert.deepEqual(await memberships('bo'), { leaving: true, 'leaving-or-unknown': true });
  assert.deepEqual(await memberships('ana'), { leaving: false, 'leaving-or-unknown': true });

  assert.deepEqual(
    await client.activateModelVersion('churn', '2'),
    { model: 'churn', version: '2', batchNo },
    'again changes nothing',
  );
  await client.activateModelVersion('churn', '1');
  assert.deepEqual(await inForce('churn'), ['1'], 'and back');
});

async function memberships(customer: string) {
  return (await client.check(customer, ['leaving', 'leaving-or-unknown'])).memberships;
}

test('with activate, the versions that a request brings are in force when it is answered', async () => {
  await client.sendFacts('scores', scores('ltv', '1', { ana: 5 }));
  const rows = [...scores('ltv', '2', { ana: 6 }), ...scores('basket/ñ "x"', 'v 1', { ana: 1 })];
  const report = await client.sendFacts('scores', rows, { activate: true });
  assert.deepEqual(
    report.activated?.map(({ model, version }) => [model, version]),
    [
      ['ltv', '2'],
      ['basket/ñ "x"', 'v 1'],
    ],
  );
  assert.deepEqual(await inForce('ltv'), ['2']);
  assert.deepEqual((await client.activateModelVersion('basket/ñ "x"', 'v 1')).version, 'v 1');
  const orders = await ask<{ code: string }>(`${coterie.url}/v1/facts/orders?activate=true`, { body: [] });
  assert.deepEqual([orders.status, orders.json.code], [400, 'REQUEST_INVALID']);
});

test('with strict and activate, a bad row leaves the version before in force', async () => {
  await client.sendFacts('scores', scores('risk', '1', { ana: 1 }));
  const rows = [...scores('risk', '2', { ana: 2 }), { customer_id: 'bo', model: 'risk', value: Number.NaN }];
  assert.equal(
    await codeOf(client.sendFacts('scores', rows, { strict: true, activate: true })),
    'IMPORT_ROW_REJECTED',
  );
  assert.deepEqual(await inForce('risk'), ['1']);
});

test('values that are no finite numbers, and fields that are none, are set aside by reason', async () => {
  const row = { customer_id: 'ana', model: 'bad', value: 1 };
  const lines = [
    { ...row, value: 'NaN' },
    { ...row, value: 'Infinity' },
    { ...row, value: '1e999' },
    { ...row, value: '0x10' },
    { ...row, value: true },
    { ...row, value: '' },
    { ...row, model: ' '.repeat(600) },
    { ...row, model: null },
    { ...row, valid_until: 'never' },
    { ...row, value: '-1.5e-3' },
    { ...row, value: 0, valid_until: '2027-01-01', version: 7 },
  ].map((one) => JSON.stringify(one));
  const { json } = await ask<{ accepted: number; reasons: object }>(`${coterie.url}/v1/facts/scores`, {
    body: `${lines.join('\n')}\n{"customer_id":"ana","model":"bad","value":NaN}\n`,
    type: 'application/x-ndjson',
  });
  assert.deepEqual(json.reasons, {
    'value is not a finite number': 5,
    'no value': 1,
    'model longer than 512 bytes': 1,
    'no model': 1,
    'unreadable end of validity': 1,
    'not a JSON object': 1,
  });
  assert.equal(json.accepted, 2);
});

test('a score counts before its end of validity, and not at it', async () => {
  await client.sendFacts('scores', [
    { customer_id: 'ana', model: 'offer', value: 1, valid_until: '2026-03-01T12:00:00Z' },
    { customer_id: 'bo', model: 'offer', value: 1, valid_until: '2026-03-01T12:00:01Z' },
  ]);
  await client.apply(
    [{ key: 'offered', type: 'rule', params: { score: { model: 'offer', exists: true } } }],
    {
      author: 'test',
    },
  );
  await client.calculate({ at: NOW });
  assert.equal(await client.isMember('ana', 'offered'), false);
  assert.equal(await client.isMember('bo', 'offered'), true);
  const { nextChange, rule } = await client.explain('bo', 'offered');
  assert.deepEqual(nextChange, { at: '2026-03-01T12:00:01Z', member: false });
  assert.equal(rule.condition?.facts[0]?.model, 'offer', JSON.stringify(rule));
});

test('a version without scores, or a body that names none, is refused', async () => {
  assert.equal(await codeOf(client.activateModelVersion('churn', '9')), 'MODEL_VERSION_NOT_FOUND');
  assert.equal(await codeOf(client.activateModelVersion('no such model', '1')), 'MODEL_VERSION_NOT_FOUND');
  for (const body of [{}, { version: 2 }, { version: '1', model: 'churn' }, 'churn']) {
    const { status, json } = await ask<{ code: string }>(`${coterie.url}/v1/models/churn/activate`, {
      method: 'POST',
      body,
    });
    assert.deepEqual([status, json.code], [400, 'REQUEST_INVALID'], JSON.stringify(body));
  }
});
