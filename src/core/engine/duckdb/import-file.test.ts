/** Files of every source: what they may look like, what becomes of each row, and what refuses a file. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openImporting } from '../../../../test/importing-engine.ts';
import type { ImportReport } from '../engine.ts';

const importing = openImporting('orders', "data 'n' [x]");
const { imported } = importing;

/** What a failed import must leave: nothing. */
async function assertNothing(): Promise<void> {
  const { customers, stores, orders, traits, batchNo } = await importing.engine.counts();
  assert.deepEqual([customers, stores, orders, traits, batchNo], [0, 0, 0, 0, 0]);
  assert.deepEqual(await readdir(join(importing.database.folder, 'spill')).catch(() => []), []);
  assert.equal(existsSync(join(importing.database.folder, 'rejects')), false);
}

const rejectsOf = async (report: ImportReport) =>
  (await readFile(report.rejectsFile!, 'utf8')).trimEnd().split('\n');

const ORDERS = `order_id,customer_id,store_id,ordered_at,total,discount,currency,note
1,a,s,2018-01-15T00:08:46-05:00,6.29,0.0,USD,x
2,a,,2018-01-16,7,,,
3,b,t,2018-01-17 10:00:00Z,-1.5,0.25,eur,"a ""quoted"", note"
`;

describe('an import of orders', () => {
  it('reads times with offsets, amounts, and fields that the source does not have', async () => {
    const report = await imported('orders.csv', ORDERS);
    assert.equal(report.batchNo, 1);
    assert.deepEqual([report.rows, report.added, report.rejected], [3, 3, 0]);
    assert.deepEqual(report.warnings, {
      'negative total, kept': 1,
      'field "note" is not known, and was not read': 3,
    });
    assert.deepEqual((await importing.engine.customerFacts('a')).orders, [
      {
        customerId: 'a',
        orderId: '1',
        storeId: 's',
        orderedAt: 1_515_992_926,
        totalE4: 62_900,
        discountE4: 0,
        currency: 'USD',
        status: 'completed',
      },
      {
        customerId: 'a',
        orderId: '2',
        orderedAt: 1_516_060_800,
        totalE4: 70_000,
        discountE4: 0,
        currency: '',
        status: 'completed',
      },
    ]);
    const [order] = (await importing.engine.customerFacts('b')).orders;
    assert.deepEqual([order!.totalE4, order!.discountE4, order!.currency], [-15_000, 2_500, 'EUR']);
  });

  it('reads the same from gzip, with Windows line ends, a byte order mark and no last line end', async () => {
    await imported('orders.csv', ORDERS);
    const windows = `\ufeff${ORDERS.trimEnd().replaceAll('\n', '\r\n')}`;
    const report = await imported('again.csv.gz', gzipSync(windows));
    assert.deepEqual([report.added, report.replaced, report.unchanged], [0, 0, 3]);
  });

  it('changes nothing when the same file comes again, and says so', async () => {
    await imported('orders.csv', ORDERS);
    await imported('later.csv', ORDERS.replace('6.29', '7'));
    const report = await imported('copy.csv', ORDERS);
    assert.deepEqual([report.batchNo, report.added, report.replaced, report.unchanged], [2, 0, 0, 3]);
    assert.match(Object.keys(report.warnings).join(), /imported before, as batch 1/);
    assert.equal((await importing.engine.customerFacts('a')).orders[0]!.totalE4, 70_000);
  });

  it('takes the same file anew when its columns mean something else', async () => {
    await imported('orders.csv', ORDERS);
    const report = await imported('orders.csv', ORDERS, { map: { total: 'discount' } });
    assert.equal(report.replaced, 3);
  });

  it('counts what overlapping files add, replace and repeat; the last row of a file wins', async () => {
    await imported('one.csv', 'customer_id,order_id,ordered_at,total\na,1,2020-01-01,1\na,2,2020-01-01,1\n');
    const report = await imported(
      'two.csv',
      'customer_id,order_id,ordered_at,total\na,1,2020-01-01,1\na,2,2020-01-01,5\na,2,2020-01-01,2\n' +
        'b,1,2020-01-01,1\nb,1,2020-01-01,1\n',
    );
    assert.deepEqual([report.rows, report.added, report.replaced, report.unchanged], [5, 1, 2, 2]);
    const totals = (await importing.engine.customerFacts('a')).orders.map((order) => [
      order.orderId,
      order.totalE4,
    ]);
    assert.deepEqual(totals.sort(), [
      ['1', 10_000],
      ['2', 20_000],
    ]);
  });

  it('numbers customers and stores by their first appearance', async () => {
    await imported(
      'o.csv',
      'customer_id,order_id,ordered_at,store_id,total\nz,1,2020-01-01,s9,1\na,1,2020-01-01,s1,1\nz,2,2020-01-01,s5,1\n',
    );
    assert.deepEqual(await importing.engine.customerIds(Uint32Array.of(0, 1)), ['z', 'a']);
    assert.deepEqual((await importing.engine.storeTable()).ids, ['s9', 's1', 's5']);
  });

  it('sets every kind of bad row aside by line and loses nothing else', async () => {
    const long = 'i'.repeat(513);
    const rows: readonly (readonly [row: string, reason: string | null])[] = [
      ['a,1,2020-01-01,1,0,completed,s', null],
      [',2,2020-01-01,1,0,,s', 'no customer id'],
      ['a,,2020-01-01,1,0,,s', 'no order id'],
      ['a,3,,1,0,,s', 'no date'],
      ['a,4,yesterday,1,0,,s', 'unreadable date'],
      ['a,5,2018-02-30,1,0,,s', 'unreadable date'],
      ['a,6,1969-12-31,1,0,,s', 'date outside 1970 to 2106'],
      ['a,7,2106-02-07T06:28:16Z,1,0,,s', 'date outside 1970 to 2106'],
      ['a,8,2106-02-07T06:28:15Z,1,0,,s', null],
      ['a,9,2020-01-01,1.x,0,,s', 'total is not a number'],
      ['a,10,2020-01-01,1e3,0,,s', 'total is not a number'],
      ['a,11,2020-01-01,0.00001,0,,s', 'total with more than 4 places'],
      ['a,12,2020-01-01,0.50000,0,,s', null],
      ['a,13,2020-01-01,1000000000,0,,s', 'total of a billion or more'],
      ['a,14,2020-01-01,-999999999.9999,0,,s', null],
      ['a,15,2020-01-01,1,-0.01,,s', 'negative discount'],
      ['a,16,2020-01-01,1,-0,,s', null],
      ['a,17,2020-01-01,1,0,lost,s', 'unknown status'],
      ['a,18,2020-01-01,1,0,Canceled,s', null],
      [`${long},19,2020-01-01,1,0,,s`, 'customer id longer than 512 bytes'],
      ['"a\tb",20,2020-01-01,1,0,,s', 'customer id with control characters'],
      ['a,21,2020-01-01,1,0', 'wrong number of columns'],
      ['a,22,2020-01-01,1,0,,s,,', 'wrong number of columns'],
      ['a,"2"3,2020-01-01,1,0,,s', 'bad quoting'],
      ['a,24,2020-01-01,1,0,,"never closed', 'bad quoting'],
      ['a,25,2020-01-01T10:00+02:00,1,0,,"s, with ""quotes"""', null],
    ];
    const content = `customer_id,order_id,ordered_at,total,discount,status,store_id\n${rows.map(([row]) => row).join('\n')}\n`;
    const report = await imported('bad.csv', content);
    const bad = rows.flatMap(([row, reason], i) => (reason === null ? [] : [{ line: i + 2, row, reason }]));
    assert.equal(report.rejected, bad.length);
    assert.equal(report.added, rows.length - bad.length);
    assert.equal(report.rows, rows.length);
    for (const { reason } of bad) {
      assert.equal(report.reasons[reason], bad.filter((other) => other.reason === reason).length, reason);
    }
    const written = await rejectsOf(report);
    assert.equal(written.shift(), 'line,reason,row');
    assert.deepEqual(
      written.map((text) => text.split(',').slice(0, 2).join()),
      bad.map(({ line, reason }) => `${line},${reason}`),
    );
    assert(written.includes('6,unreadable date,"a,4,yesterday,1,0,,s"'));
    const last = (await importing.engine.customerFacts('a')).orders.find((order) => order.orderId === '25')!;
    assert.deepEqual([last.storeId, last.orderedAt], ['s, with "quotes"', Date.UTC(2020, 0, 1, 8) / 1000]);
  });

  it('names the true line after rows that span several', async () => {
    const report = await imported(
      'lines.csv',
      'customer_id,order_id,ordered_at,note\na,1,2020-01-01,"two\nlines"\n\nb,2,never,\nc,3\n',
      { defaults: { total: '0' } },
    );
    assert.deepEqual((await rejectsOf(report)).slice(1), [
      '5,unreadable date,"b,2,never,"',
      '6,wrong number of columns,"c,3"',
    ]);
  });

  it('reads many long rows that span lines, whole', async () => {
    const note = 'x,"",y\n'.repeat(150);
    const rows = Array.from({ length: 12_000 }, (_, i) => `c${i},${i},2020-01-01,1,"${note}"`);
    const report = await imported(
      'long.csv',
      `customer_id,order_id,ordered_at,total,note\n${rows.join('\n')}\n`,
    );
    assert.deepEqual([report.added, report.rejected], [12_000, 0]);
    assert.equal((await importing.engine.counts()).customers, 12_000);
  });

  it('stops at a bad row when strict, names it, and imports nothing', async () => {
    const value = imported(
      'strict.csv',
      'customer_id,order_id,ordered_at,total\na,1,2020-01-01,1\na,2,never,\n',
      {
        strict: true,
      },
    );
    await assert.rejects(value, { code: 'IMPORT_ROW_REJECTED', message: /line 3: unreadable date/ });
    await assertNothing();
    const structure = imported('strict.csv', 'customer_id,order_id,ordered_at,total\na,1,2020-01-01,1\na\n', {
      strict: true,
    });
    await assert.rejects(structure, {
      code: 'IMPORT_ROW_REJECTED',
      message: /line 3: wrong number of columns/,
    });
    await assertNothing();
  });

  it('writes rejects where it is told to, with formulas disarmed', async () => {
    const rejectsFile = join(importing.folder, 'new', 'rejects.csv');
    const report = await imported('o.csv', 'customer_id,order_id,ordered_at,total\n=1+1,1,never,\n', {
      rejectsFile,
    });
    assert.equal(report.rejectsFile, rejectsFile);
    assert.deepEqual((await rejectsOf(report)).slice(1), [`2,unreadable date,"'=1+1,1,never,"`]);
  });

  it('holds ids and columns that look like SQL', async () => {
    const id = "'; DROP TABLE customer; --";
    const report = await imported(
      "o'rders[1]*.csv",
      `"customer ""id""","order'id",ordered_at,"x'); DROP TABLE batch; --"\n${id},${id},2020-01-01,1\n`,
      { map: { customer_id: 'customer "id"', order_id: "order'id", total: "x'); DROP TABLE batch; --" } },
    );
    assert.equal(report.added, 1);
    assert.equal((await importing.engine.customerFacts(id)).orders[0]!.totalE4, 10_000);
  });

  it('reports its phases, and how much of the file has been read', async () => {
    const file = join(importing.folder, 'o.csv');
    await writeFile(file, ORDERS);
    const steps: { phase: string; done: number; total?: number }[] = [];
    await importing.engine.importFile({ source: 'orders', file, map: {}, strict: false }, (step) =>
      steps.push(step),
    );
    const reading = steps.filter((step) => step.phase === 'reading').at(-1)!;
    assert.equal(reading.done, reading.total);
    assert(steps.some((step) => step.phase === 'writing orders'));
  });

  it('folds a large tail into the base, and keeps what was known before', async () => {
    const row = (customer: string, total: number) => `${customer},1,2020-01-01,${total}\n`;
    const header = 'customer_id,order_id,ordered_at,total\n';
    await imported('1.csv', header + row('a', 1) + row('b', 1));
    await imported('2.csv', header + row('a', 2));
    const sizes = await importing.database.row(`SELECT (SELECT count(*) FROM order_base) AS base,
      (SELECT count(*) FROM order_tail) AS tail, (SELECT count(*) FROM order_archive) AS archive`);
    assert.deepEqual(sizes, { base: 2, tail: 0, archive: 1 });
    assert.equal((await importing.engine.customerFacts('a', 1)).orders[0]!.totalE4, 10_000);
  });
});

describe('a file that cannot be imported', () => {
  const cases: readonly (readonly [what: string, name: string, content: string | Buffer, message: RegExp])[] =
    [
      [
        'is cut off inside its gzip',
        'o.csv.gz',
        gzipSync(ORDERS.repeat(500)).subarray(0, 200),
        /not complete/,
      ],
      ['was damaged inside its gzip', 'o.csv.gz', damaged(gzipSync(ORDERS)), /damaged/],
      ['is named .gz and is not', 'o.csv.gz', ORDERS, /not packed/],
      ['is empty', 'o.csv', '', /empty/],
      ['is a spreadsheet', 'o.csv', 'PK\x03\x04', /not CSV/],
      ['is UTF-16', 'o.csv', Buffer.from('\ufeffcustomer_id', 'utf16le'), /UTF-8/],
      ['is not the Parquet file it is named', 'o.parquet', 'customer_id', /not a Parquet file/],
      ['is a Parquet file cut short', 'o.parquet', 'PAR1 and then nothing', /Parquet/],
      ['has a name that tells no format', 'o.dat', ORDERS, /format/],
    ];
  for (const [what, name, content, message] of cases) {
    it(`because it ${what}`, async () => {
      await assert.rejects(imported(name, content), { code: 'IMPORT_FILE_UNREADABLE', message });
      await assertNothing();
    });
  }

  it('because it does not exist or is a folder', async () => {
    const request = { source: 'orders', map: {}, strict: false } as const;
    const missing = importing.engine.importFile({ ...request, file: join(importing.folder, 'none.csv') });
    await assert.rejects(missing, { code: 'IMPORT_FILE_UNREADABLE', message: /does not exist/ });
    await mkdir(join(importing.folder, 'folder.csv'));
    const directory = importing.engine.importFile({ ...request, file: join(importing.folder, 'folder.csv') });
    await assert.rejects(directory, { code: 'IMPORT_FILE_UNREADABLE', message: /folder/ });
    await assertNothing();
  });

  it('because columns are missing, which are named with those found', async () => {
    await assert.rejects(imported('o.csv', 'customer_id,when\na,1\n'), {
      code: 'IMPORT_COLUMNS_MISSING',
      message: /no column "order_id", "ordered_at", "total"; it has "customer_id", "when"/,
    });
    await assert.rejects(imported('o.csv', ORDERS, { map: { total: 'amount' } }), {
      code: 'IMPORT_COLUMNS_MISSING',
      message: /"amount"/,
    });
    await assert.rejects(imported('o.csv', ORDERS, { map: { totl: 'total' } }), {
      code: 'IMPORT_COLUMNS_MISSING',
      message: /no field "totl"/,
    });
    await assert.rejects(imported('o.csv', 'customer_id,order_id,order_id,ordered_at,total\n'), {
      code: 'IMPORT_COLUMNS_MISSING',
      message: /two columns named "order_id"/,
    });
    await assertNothing();
  });

  for (const [delimiter, shown] of [
    [';', ';'],
    ['\t', '\\t'],
    ['|', '|'],
  ] as const) {
    it(`because its columns are separated by ${JSON.stringify(delimiter)}, which is suggested and then works`, async () => {
      const content = ORDERS.replaceAll(',', delimiter);
      const failure = await imported('o.csv', content).catch((error: unknown) => error);
      assert.equal((failure as { code: string }).code, 'IMPORT_COLUMNS_MISSING');
      assert((failure as Error).message.includes(`--delimiter '${shown}'`), (failure as Error).message);
      await assertNothing();
      assert.equal((await imported('o.csv', content, { delimiter: shown })).added, 3);
    });
  }
});

describe('an import of other formats and sources', () => {
  it('reads NDJSON: numbers, long ids, absent fields, and lines that are no objects', async () => {
    const report = await imported(
      'o.ndjson',
      [
        '{"customer_id":"a","order_id":12345678901234567890,"ordered_at":"2020-01-01T00:00:00Z","total":1.5}',
        '{"order_id":"2","customer_id":"a","ordered_at":"2020-01-01","total":1,"extra":{"x":[1]},"store_id":"é\\n"}',
        'nonsense',
        '[1]',
        '{"customer_id":"b","order_id":"3","ordered_at":"2020-01-01","total":null,"store_id":"sé"}',
        '',
      ].join('\n'),
    );
    assert.equal(report.added, 2);
    assert.deepEqual(report.reasons, { 'not a JSON object': 2, 'store id with control characters': 1 });
    const [order] = (await importing.engine.customerFacts('a')).orders;
    assert.deepEqual([order!.orderId, order!.totalE4], ['12345678901234567890', 15_000]);
    const rejects = await rejectsOf(report);
    assert.match(rejects[1]!, /^2,store id with control characters,"\{""order_id"":""2""/);
    assert.deepEqual(rejects.slice(2), ['3,not a JSON object,nonsense', '4,not a JSON object,[1]']);
  });

  it('reads Parquet with its own types', async () => {
    const file = join(importing.folder, 'o.parquet');
    await importing.database.withSession((session) =>
      session.run(`COPY (SELECT 1::BIGINT AS customer_id, x AS order_id, TIMESTAMPTZ '2020-01-01 00:00:00+01' AS ordered_at,
        1.50::DECIMAL(18, 6) AS total, CASE x WHEN 2 THEN -0.25 ELSE 0.25 END::DOUBLE AS discount FROM range(4) AS t(x))
        TO '${file}' (FORMAT parquet)`),
    );
    const report = await importing.engine.importFile({ source: 'orders', file, map: {}, strict: false });
    assert.deepEqual([report.added, report.reasons], [3, { 'negative discount': 1 }]);
    const [order] = (await importing.engine.customerFacts('1')).orders;
    assert.deepEqual([order!.orderedAt, order!.totalE4, order!.discountE4], [1_577_833_200, 15_000, 2_500]);
    assert.match((await rejectsOf(report))[1]!, /^3,negative discount/);
  });

  it('reads stores with attributes, and only writes those that changed', async () => {
    const content = 'store_id,brand,city,tags,opened_at\ns,B,BCN,"y; x;;x",2020-01-01\nt,,,,\n,B,,,\n';
    const report = await imported('s.csv', content, { source: 'stores' });
    assert.deepEqual([report.added, report.reasons], [2, { 'no store id': 1 }]);
    const table = await importing.engine.storeTable();
    assert.deepEqual(
      [table.ids, table.brand, table.tags],
      [
        ['s', 't'],
        ['B', undefined],
        [['x', 'y'], undefined],
      ],
    );
    const again = await imported('s.csv', content.replace('t,,', 't,C,'), { source: 'stores' });
    assert.deepEqual([again.added, again.replaced, again.unchanged], [0, 1, 1]);
    assert.deepEqual((await importing.engine.storeTable(1)).brand, ['B', undefined]);
  });

  it('makes traits of the columns of customers, renamed or left out by the mapping', async () => {
    const content = 'household,age,"odd\'name",notes,city\n1,40,x,secret,\n2,,,,BCN\n,1,1,1,1\n3,,,,\n';
    const map = { customer_id: 'household', notes: '', years: 'age' };
    const report = await imported('c.csv', content, { source: 'customers', map });
    assert.deepEqual([report.added, report.reasons], [3, { 'no customer id': 1 }]);
    assert.deepEqual(
      (await importing.engine.customerFacts('1')).traits,
      new Map(
        [
          ["odd'name", 'x'],
          ['years', '40'],
        ].sort() as [string, string][],
      ),
    );
    assert.deepEqual((await importing.engine.customerFacts('2')).traits, new Map([['city', 'BCN']]));
    assert.equal((await importing.engine.counts()).customers, 3);
    const again = await imported('c.csv', content.replace('40', '41'), { source: 'customers', map });
    assert.deepEqual([again.added, again.replaced, again.unchanged], [0, 1, 2]);
  });
});

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 20]! ^= 0xff;
  return copy;
}
