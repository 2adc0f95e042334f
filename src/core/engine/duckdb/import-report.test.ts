/** What an import says of rows set aside, of totals that are missing, and of a file that comes again. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openImporting } from '../../../../test/importing-engine.ts';

const importing = openImporting('orders');
const { imported } = importing;

const ORDERS = `order_id,customer_id,store_id,ordered_at,total,discount,currency,note
1,a,s,2018-01-15T00:08:46-05:00,6.29,0.0,USD,x
2,a,,2018-01-16,7,,,
3,b,t,2018-01-17 10:00:00Z,-1.5,0.25,eur,"a ""quoted"", note"
`;

describe('an import', () => {
  it('moves orders to other customers, and says which of them were nowhere', async () => {
    await imported('orders.csv', ORDERS);
    const report = await imported(
      'moved.csv',
      'order_id,customer_id,ordered_at,total,previous_customer_id\n1,c,2018-01-15,6.29,a\n9,c,2018-01-15,1,a\n3,b,2018-01-17,5,\n',
    );
    const { rows, added, replaced, unchanged, moved, warnings } = report;
    assert.deepEqual([rows, added, replaced, unchanged, moved], [3, 2, 1, 0, 1]);
    assert.deepEqual(warnings, { 'previous_customer_id has no such order, so that nothing was moved': 1 });
    const orders = async (customer: string) =>
      (await importing.engine.customerFacts(customer)).orders
        .map((fact) => `${fact.orderId} ${fact.status}`)
        .sort();
    assert.deepEqual(await orders('a'), ['1 cancelled', '2 completed']);
    assert.deepEqual(await orders('c'), ['1 completed', '9 completed']);
  });

  it('takes values for columns that the file does not have', async () => {
    await imported('o.csv', 'customer_id,order_id,ordered_at\na,1,2020-01-01\n', {
      defaults: { currency: 'EUR', store_id: 'web', total: '0' },
    });
    const [order] = (await importing.engine.customerFacts('a')).orders;
    assert.deepEqual([order!.currency, order!.storeId], ['EUR', 'web']);
  });

  it('fails a strict import of a file of which rows were set aside before, and nothing changes', async () => {
    const content = 'customer_id,order_id,ordered_at,total\na,1,2020-01-01,1\na,2,never,1\n';
    const first = await imported('o.csv', content);
    assert.deepEqual([first.added, first.firstReject], [1, { line: 3, reason: 'unreadable date' }]);
    await assert.rejects(imported('o.csv', content, { strict: true }), {
      code: 'IMPORT_ROW_REJECTED',
      message: /imported before without --strict, as batch 1, and 1 of its rows .* line 3: unreadable date/,
    });
    const again = await imported('o.csv', content);
    assert.equal(again.rejectsFile, first.rejectsFile, 'the rejects are where they were');
    await rm(first.rejectsFile!);
    assert.equal((await imported('o.csv', content)).rejectsFile, undefined);
    const good = ORDERS.split('\n').slice(0, 2).join('\n');
    await imported('good.csv', good);
    assert.equal((await imported('good.csv', good, { strict: true })).rejected, 0);
  });

  it('names rejects after the whole name of the file', async () => {
    const bad = 'customer_id,order_id,ordered_at,total\n,1,2020-01-01,1\n';
    const names: string[] = [];
    for (const [name, content] of [
      ['o.csv', bad],
      ['o.tsv', bad.replaceAll(',', '\t')],
      ['o.csv.gz', gzipSync(bad.replace('1,2020', '2,2020'))],
    ] as const) {
      names.push(basename((await imported(name, content)).rejectsFile!));
    }
    assert.deepEqual(names, ['batch-1-o.csv', 'batch-2-o.tsv.csv', 'batch-3-o.csv.gz.csv']);
  });

  it('needs a column of totals, or a value for all rows; an empty one is taken as 0, with a warning', async () => {
    const without = 'customer_id,order_id,ordered_at,amount\na,1,2020-01-01,7\n';
    await assert.rejects(imported('o.csv', without), {
      code: 'IMPORT_COLUMNS_MISSING',
      message: /no column "total"; it has .*--map field=column.*--default/,
    });
    const leftOut = imported('o.csv', without, { map: { total: '' } });
    await assert.rejects(leftOut, { code: 'IMPORT_COLUMNS_MISSING' });
    const row = '{"customer_id":"a","order_id":"1","ordered_at":"2020-01-01"}\n';
    await assert.rejects(imported('o.ndjson', row), { code: 'IMPORT_COLUMNS_MISSING' });
    assert.equal((await importing.engine.counts()).batchNo, 0, 'nothing was taken');
    assert.equal((await imported('o.csv', without, { map: { total: 'amount' } })).added, 1);
    const empty = await imported('e.csv', 'customer_id,order_id,ordered_at,total\na,2,2020-01-01,\n');
    assert.deepEqual([empty.added, empty.warnings], [1, { 'no total, taken as 0': 1 }]);
  });

  it('says of NDJSON that is not UTF-8 that it is not, where, and nothing of columns', async () => {
    const row = (id: string) =>
      `{"customer_id":"${id}","order_id":"1","ordered_at":"2020-01-01","total":1}\n`;
    const none = await imported('latin.ndjson', Buffer.from(row('jos\xe9') + row('mar\xeda'), 'latin1'));
    assert.deepEqual([none.rows, none.reasons], [2, { 'not UTF-8': 2 }]);
    assert.deepEqual(none.firstReject, { line: 1, reason: 'not UTF-8' });
    const some = await imported('some.ndjson', Buffer.from(`\n${row('ana')}${row('jos\xe9')}`, 'latin1'));
    assert.deepEqual([some.added, some.firstReject], [1, { line: 3, reason: 'not UTF-8' }]);
    await assert.rejects(imported('blank.ndjson', '\n\n'), {
      code: 'IMPORT_FILE_UNREADABLE',
      message: /is empty/,
    });
  });

  it('names fields that orders do not have, with the rows that have them', async () => {
    const rows = [{ curency: 'EUR' }, { curency: null, 'a"b': 1 }, {}].map((more, i) =>
      JSON.stringify({ customer_id: 'a', order_id: `${i}`, ordered_at: '2020-01-01', total: 1, ...more }),
    );
    const { warnings } = await imported('typo.ndjson', rows.join('\n'));
    assert.deepEqual(warnings, {
      'field "a\\"b" is not known, and was not read': 1,
      'field "curency" is not known, and was not read': 2,
    });
    const wide = Array.from({ length: 12 }, (_, i) => `x${i}`).join();
    const csv = `customer_id,order_id,ordered_at,total,${wide}\na,9,2020-01-01,1${','.repeat(12)}\n`;
    const told = (await imported('wide.csv', csv)).warnings;
    assert.equal(Object.keys(told).length, 11);
    assert.equal(told['further fields are not known, and were not read'], 1);
  });

  it('counts the first traits of a customer known by orders as added', async () => {
    await imported('o.csv', ORDERS);
    const first = await imported('c.csv', 'customer_id,city\na,BCN\nb,\n', { source: 'customers' });
    assert.deepEqual([first.added, first.replaced, first.unchanged], [1, 0, 1]);
    const next = await imported('c.csv', 'customer_id,city\na,MAD\nb,\n', { source: 'customers' });
    assert.deepEqual([next.added, next.replaced, next.unchanged], [0, 1, 1]);
  });
});
