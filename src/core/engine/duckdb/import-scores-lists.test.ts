/** Files of scores and of lists: versions that come in force, lists that are replaced, and what is counted. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openImporting, what } from '../../../../test/importing-engine.ts';
import { readListEntry, readScore } from '../../../model/read-fact.ts';
import type { ImportRequest } from '../engine.ts';

const importing = openImporting('scores');
const imported = (
  source: 'scores' | 'lists',
  name: string,
  content: string,
  rest: Partial<ImportRequest> = {},
) => importing.imported(name, content, { source, ...rest });

const scoreOf = async (customerId: string, model = 'churn') =>
  (await importing.engine.customerFacts(customerId)).scores.get(model);
const listsOf = async (customerId: string) =>
  [...(await importing.engine.customerFacts(customerId)).lists].sort();
const inForce = async () =>
  (await importing.engine.models()).map(({ model, versions }) => [
    model,
    versions.find((one) => one.isInForce)?.version,
  ]);

describe('an import of scores', () => {
  it('reads values, versions and ends of validity, from columns or for all rows', async () => {
    const report = await imported(
      'scores',
      's.csv',
      'customer_id,value,valid_until\na,0.7,2026-01-01\nb,1e-3,\n',
      {
        defaults: { model: 'churn', version: '2026-01' },
      },
    );
    assert.deepEqual([what(report), report.newCustomers], [[2, 0, 0, 0], 2]);
    assert.deepEqual(await scoreOf('a'), {
      customerId: 'a',
      model: 'churn',
      value: 0.7,
      version: '2026-01',
      validUntil: 1767225600,
    });
    assert.deepEqual(await scoreOf('b'), {
      customerId: 'b',
      model: 'churn',
      value: 0.001,
      version: '2026-01',
    });
  });

  it('puts the versions that it brings in force at its end, or only stages them', async () => {
    const file = (version: string, value: number) =>
      `customer_id,model,value,version\na,churn,${value},${version}\n`;
    await imported('scores', '1.csv', file('v1', 1));
    await imported('scores', '2.csv', file('v2', 2), { activateVersions: false });
    assert.deepEqual([await inForce(), (await scoreOf('a'))!.value], [[['churn', 'v1']], 1]);
    const third = await imported('scores', '3.csv', file('v3', 3));
    assert.deepEqual([await inForce(), (await scoreOf('a'))!.value], [[['churn', 'v3']], 3]);
    assert.equal(
      (await importing.engine.customerFacts('a', third.batchNo - 1)).scores.get('churn')!.value,
      1,
    );
    const back = await imported('scores', '1.csv', file('v1', 1));
    assert.deepEqual(
      [what(back), await inForce()],
      [[0, 0, 1, 0], [['churn', 'v1']]],
      'an earlier file again',
    );
    const last = await importing.engine.lastBatchNo();
    await imported('scores', '1.csv', file('v1', 1));
    assert.equal(await importing.engine.lastBatchNo(), last, 'the same file twice in a row changes nothing');
    await imported('scores', '2.csv', file('v2', 2));
    assert.deepEqual(await inForce(), [['churn', 'v2']], 'what was staged is put in force by the same file');
  });

  it('of several versions of one model puts the last in force, a new model included', async () => {
    await imported(
      'scores',
      's.csv',
      'customer_id,model,value,version\na,churn,1,v1\na,ltv,9,x\nb,churn,2,v2\nb,churn,3,v2\n',
    );
    assert.deepEqual(await inForce(), [
      ['churn', 'v2'],
      ['ltv', 'x'],
    ]);
    assert.deepEqual([await scoreOf('a'), (await scoreOf('b'))!.value], [undefined, 3]);
    assert.deepEqual(
      (await importing.engine.models())[0]!.versions.map(({ version, scores, activatedBatchNo }) => [
        version,
        scores,
        activatedBatchNo,
      ]),
      [
        ['v1', 1, undefined],
        ['v2', 1, 1],
      ],
    );
  });

  it('sets bad rows aside with the reasons of JSON rows', async () => {
    const values = [
      null,
      '',
      0.5,
      '0.5',
      '-1e3',
      -0,
      'NaN',
      'Infinity',
      '1e999',
      'x',
      '0x1',
      '.5',
      true,
      ' 7 ',
      1e21,
    ];
    const rows: Record<string, unknown>[] = [
      ...values.map((value, i) => ({ customer_id: `c${i}`, model: 'm', value })),
      { customer_id: '', model: 'm', value: 1 },
      { customer_id: 'd', value: 1 },
      { customer_id: 'd', model: true, value: 1 },
      { customer_id: 'd', model: 'm', version: { v: 1 }, value: 1 },
      { customer_id: 'd', model: 'm', value: 1, valid_until: 'later' },
      { customer_id: 'd', model: 'm', value: 1, valid_until: '2200-01-01' },
      { customer_id: 'e', model: 'm', version: 2, value: 1, valid_until: '2026-01-01T00:00+01:00' },
    ];
    const report = await imported(
      'scores',
      's.ndjson',
      rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
      {
        activateVersions: false,
      },
    );
    const reasons: Record<string, number> = {};
    for (const [i, row] of rows.entries()) {
      const reading = readScore(row);
      if ('reason' in reading) reasons[reading.reason] = (reasons[reading.reason] ?? 0) + 1;
      else if (reading.fact.version === '') {
        assert.deepEqual(await scoreOf(`c${i}`, 'm'), reading.fact);
      }
    }
    assert.deepEqual({ ...report.reasons }, reasons);
    assert.ok(report.reasons['value is not a finite number']! >= 5);
  });

  it('takes no other fields', async () => {
    await assert.rejects(
      imported('scores', 's.csv', 'customer_id,model,value\n', { map: { score: 'value' } }),
      { code: 'IMPORT_COLUMNS_MISSING', message: /scores have no field "score"/ },
    );
  });
});

describe('an import of lists', () => {
  it('counts who came onto a list, who was on it, and blanks; a file of ids alone will do', async () => {
    await importing.engine.put({ customers: ['known'] });
    const report = await imported('lists', 'vip.csv', 'customer_id\nknown\n\nnew\nnew\n""\nother\n\n\n', {
      defaults: { list: 'vip' },
    });
    assert.deepEqual([report.rows, what(report), report.newCustomers], [6, [3, 0, 1, 2], 2]);
    assert.deepEqual({ ...report.reasons }, { 'no customer id': 2 });
    assert.deepEqual(report.firstReject, { line: 3, reason: 'no customer id' });
    assert.deepEqual(await importing.engine.lists(), [{ list: 'vip', customers: 3 }]);
    const rejects = (await readFile(report.rejectsFile!, 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      rejects.map((line) => line.split(',')[0]),
      ['line', '3', '6'],
    );
  });

  it('takes customers off a list where the file says so, and never makes them known by it', async () => {
    await imported('lists', 'on.csv', 'customer_id,list\na,vip\nb,vip\n');
    const report = await imported(
      'lists',
      'off.csv',
      'customer_id,list,listed\na,vip,false\nnobody,vip,0\nb,vip,TRUE\nc,vip,1\nc,vip,maybe\n',
    );
    assert.deepEqual([what(report), report.newCustomers], [[1, 1, 2, 1], 1]);
    assert.deepEqual({ ...report.reasons }, { 'listed is neither true nor false': 1 });
    assert.deepEqual([await listsOf('a'), await listsOf('b'), await listsOf('c')], [[], ['vip'], ['vip']]);
    assert.equal(await importing.engine.customerNo('nobody'), undefined);
  });

  it('replaces the lists that the file names, and only those; who stays is written once', async () => {
    await imported('lists', 'one.csv', 'customer_id,list\na,vip\nb,vip\na,other\n');
    const report = await imported('lists', 'two.csv', 'customer_id,list\nb,vip\nc,vip\n', {
      replaceLists: true,
    });
    assert.deepEqual([what(report), report.delisted], [[1, 0, 1, 0], 1]);
    assert.deepEqual(
      [await listsOf('a'), await listsOf('b'), await listsOf('c')],
      [['other'], ['vip'], ['vip']],
    );
    assert.deepEqual([...(await importing.engine.customerFacts('a', 1)).lists].sort(), ['other', 'vip']);
    const stays = await importing.engine.affectedCustomers(1, 2);
    assert.deepEqual((await importing.engine.customerIds(stays)).sort(), ['a', 'c']);
  });

  it('brings an older list back when its file comes again, and changes nothing when nothing changed', async () => {
    const first = 'customer_id,list\na,vip\n';
    const second = 'customer_id,list\nb,vip\n';
    const replace = { replaceLists: true };
    await imported('lists', 'one.csv', first, replace);
    await imported('lists', 'two.csv', second, replace);
    const back = await imported('lists', 'one.csv', first, replace);
    assert.deepEqual([what(back), back.delisted, back.batchNo], [[1, 0, 0, 0], 1, 3]);
    const again = await imported('lists', 'one.csv', first, replace);
    assert.deepEqual([what(again), again.delisted, again.batchNo], [[0, 0, 1, 0], undefined, 3]);
    assert.deepEqual([await listsOf('a'), await listsOf('b')], [['vip'], []]);
  });

  it('empties a list by a file without rows, but not by one whose every row is bad', async () => {
    await imported('lists', 'one.csv', 'customer_id\na\n', { defaults: { list: 'vip' } });
    const replace = { replaceLists: true, defaults: { list: 'vip' } };
    const bad = await imported('lists', 'bad.csv', 'customer_id,note\n,x\n', replace);
    assert.deepEqual([what(bad), bad.delisted, await listsOf('a')], [[0, 0, 0, 1], 0, ['vip']]);
    const none = await imported('lists', 'none.csv', 'customer_id\n', replace);
    assert.deepEqual([what(none), none.delisted, await listsOf('a')], [[0, 0, 0, 0], 1, []]);
  });

  it('reads rows of JSON as the reader that HTTP uses, and Parquet', async () => {
    const rows: Record<string, unknown>[] = [
      ...[undefined, null, true, false, 'true', ' False ', 1, 0, '1', 'yes', 2, {}].map((listed, i) => ({
        customer_id: `c${i}`,
        list: 'l',
        listed,
      })),
      { customer_id: 'd', list: '' },
      { customer_id: 'd', list: [1] },
      { customer_id: 7, list: 8 },
    ];
    await imported('lists', 'l.ndjson', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    for (const row of rows) {
      const reading = readListEntry(row);
      const isListed = 'fact' in reading && reading.fact.isListed;
      assert.deepEqual(
        await listsOf(String(row.customer_id)),
        isListed ? [String(row.list)] : [],
        JSON.stringify(row),
      );
    }
    const file = join(importing.folder, 'l.parquet');
    await importing.database.run(`COPY (SELECT 'p' || i AS customer_id, 'pq' AS list, i < 3 AS listed FROM range(5) AS t(i))
      TO '${file}' (FORMAT parquet)`);
    await importing.engine.importFile({ source: 'lists', file, map: {}, strict: true });
    assert.equal((await importing.engine.lists()).find(({ list }) => list === 'pq')!.customers, 3);
  });

  it('drops rows about erased customers, and brings nobody back', async () => {
    await imported('lists', 'one.csv', 'customer_id,list\na,vip\nb,vip\n');
    await importing.engine.eraseCustomer('a');
    const report = await imported('lists', 'two.csv', 'customer_id,list\na,vip\nc,vip\n', {
      replaceLists: true,
    });
    assert.deepEqual([report.rows, what(report), report.erased, report.delisted], [2, [1, 0, 0, 0], 1, 1]);
    assert.deepEqual(await importing.engine.lists(), [{ list: 'vip', customers: 1 }]);
  });
});
