/** Scans of every kind of fact, over tables that are filled by hand. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { EventColumns, ScanRequest } from '../engine.ts';
import { type DuckDbDatabase, openDatabase } from './database.ts';
import { scanFacts } from './scan.ts';

/** Properties with names and values that look like anything. */
const ODD = '"~1/\'$.*[0]\\';
const PROPERTIES = [
  { city: 'BCN', amount: '5' },
  { city: 'MAD', amount: '5.50' },
  { city: ODD, [ODD]: ODD, 'a/b': '1', 'a~b': '2', '': 'empty', 'é\u0000x': '-0.5' },
  {},
];

/** Customers 0 to 9 by what they have; see `FILL`. */
const FILL = `
INSERT INTO batch SELECT batch_no, 0, 'put', 'put', NULL, 0, 0, 0, 0, 0, NULL FROM range(1, 5) t(batch_no);
INSERT INTO order_base VALUES
  (0, 1, 100, 10000, 0, 1, 0, 1, 'a'), (0, 1, 200, 20000, 5, 1, 1, 1, 'b'), (0, 2, 50, 1, 0, 0, 2, 1, 'c'),
  (1, 1, 100, 10000, 0, 1, 0, 1, 'a'),
  (2, 2, 100, 10000, 0, 1, 2, 1, 'a'), (2, 2, 300, 10000, 0, 1, 0, 2, 'b'),
  (4, 1, 10, 0, 0, 0, 1, 1, 'a');
-- Customer 1's order is cancelled by batch 2 and refunded by 3; 2's counts again since 3.
INSERT INTO order_tail VALUES
  (1, 1, 100, 10000, 0, 1, 1, 2, 'a'), (1, 1, 100, 10000, 0, 1, 2, 3, 'a'), (2, 2, 100, 10000, 0, 1, 0, 3, 'a');
INSERT INTO order_archive VALUES (2, 2, 300, 10000, 0, 1, 1, 1, 'b', 2);
INSERT INTO trait_name VALUES (0, 'city'), (3, 'born');
INSERT INTO trait_value VALUES (0, 0, 'BCN', NULL, NULL), (3, 0, '1970-01-02', NULL, 86400), (3, 1, '7', 7, NULL);
INSERT INTO trait VALUES (0, 0, 0, 1), (0, 3, 0, 1), (0, 3, 1, 3), (5, 3, 0, 1);
INSERT INTO model_version VALUES (1, 'churn', 'v1', 1), (2, 'churn', 'v2', 2), (4, 'ltv', '', 1);
INSERT INTO model_activation VALUES ('churn', 1, 1), ('ltv', 4, 1), ('churn', 2, 3);
INSERT INTO score VALUES (0, 1, 0.5, 1000, 1), (0, 2, 0.25, NULL, 2), (3, 1, 0.75, NULL, 1), (3, 1, 0.125, 9, 2),
  (3, 4, -1, NULL, 1), (3, 4, -2, 77, 2);
INSERT INTO list VALUES (5, 'vip', 1);
INSERT INTO list_entry VALUES (0, 5, true, 1), (0, 5, false, 3), (6, 5, true, 2);
INSERT INTO event_name VALUES (0, 'seen'), (1, 'bought');
INSERT INTO event VALUES
  (0, 0, 500, 1, 1, 'e1', $p0), (0, 0, 400, 2, 2, 'e2', $p1), (0, 1, 450, 1, 3, 'e3', $p2),
  (7, 1, 5, 3, 4, 'e1', $p3), (8, 0, 5, 3, 5, 'e1', $p0);
`;

interface Read {
  orders?: number[][];
  uncounted?: number[][];
  traits?: number[][];
  events?: unknown[][];
}

let database: DuckDbDatabase;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coterie-scan-'));
  database = await openDatabase({ folder });
  const texts = PROPERTIES.map((properties) => `'${JSON.stringify(properties).replaceAll("'", "''")}'`);
  await database.exclusive((session) => session.run(FILL.replace(/\$p(\d)/g, (_, i) => texts[Number(i)]!)));
});
after(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** Everything a scan brings, by customer. */
async function read(request: ScanRequest): Promise<Record<number, Read>> {
  const found: Record<number, Read> = {};
  let lastNo = -1;
  for await (const batch of scanFacts(database, request)) {
    const seen: number[] = [];
    const add = (customerNo: number, kind: keyof Read, row: unknown[]) => {
      assert(customerNo > lastNo, 'a customer is in one batch only');
      seen.push(customerNo);
      const of = (found[customerNo] ?? {}) as Record<keyof Read, unknown[][] | undefined>;
      found[customerNo] = { ...of, [kind]: [...(of[kind] ?? []), row] } as Read;
    };
    for (let i = 0; i < batch.orderCount; i++)
      add(batch.customerNo[i]!, 'orders', [batch.storeNo[i], batch.orderedAt[i]]);
    for (let i = 0; i < (batch.uncounted?.count ?? 0); i++) {
      const of = batch.uncounted!;
      add(of.customerNo[i]!, 'uncounted', [
        of.storeNo[i],
        of.orderedAt[i],
        of.totalE4[i],
        of.discountE4[i],
        of.currencyNo[i],
        of.status[i],
      ]);
    }
    for (let i = 0; i < batch.traitCount; i++) {
      add(batch.traitCustomerNo![i]!, 'traits', [
        batch.traitNameNo![i],
        batch.traitValueNo![i],
        batch.traitNumber![i],
        batch.traitMoment![i],
      ]);
    }
    for (let i = 0; i < (batch.events?.count ?? 0); i++) {
      const of = batch.events!;
      add(of.customerNo[i]!, 'events', [
        of.nameNo[i],
        of.occurredAt[i],
        ...of.properties.map(({ valueNo, number }) => [valueNo[i], number[i]]),
      ]);
    }
    assert(seen.length > 0, 'a batch is not empty');
    lastNo = Math.max(...seen);
    batch.release();
    batch.release();
  }
  return found;
}

const NAN = Number.NaN;
const EVENTS: EventColumns = { names: [0, 1], properties: [] };
const NOTHING = { orders: false, amounts: false, traits: false };

describe('a scan of every kind of fact', () => {
  test('brings orders that do not count, with their status, as they were known', async () => {
    const columns = { ...NOTHING, uncounted: true };
    assert.deepEqual(await read({ columns }), {
      0: {
        uncounted: [
          [1, 200, 20000, 5, 1, 1],
          [2, 50, 1, 0, 0, 2],
        ],
      },
      1: { uncounted: [[1, 100, 10000, 0, 1, 2]] },
      4: { uncounted: [[1, 10, 0, 0, 0, 1]] },
    });
    const first = await read({ columns, knownAt: 1 });
    assert.deepEqual(first[2], {
      uncounted: [
        [2, 100, 10000, 0, 1, 2],
        [2, 300, 10000, 0, 1, 1],
      ],
    });
    assert.equal(first[1], undefined);
    assert.deepEqual((await read({ columns, knownAt: 2 }))[1], { uncounted: [[1, 100, 10000, 0, 1, 1]] });
  });

  test('brings traits, scores of the versions in force and lists as one, ascending by name', async () => {
    const columns = { ...NOTHING, traits: true };
    assert.deepEqual(await read({ columns }), {
      0: {
        traits: [
          [0, 0, NAN, NAN],
          [2, 0, 0.25, Number.POSITIVE_INFINITY],
          [3, 1, 7, NAN],
        ],
      },
      3: { traits: [[4, 0, -2, 77]] },
      5: { traits: [[3, 0, NAN, 86400]] },
      6: { traits: [[5, 0, NAN, NAN]] },
    });
    assert.deepEqual(await read({ columns, knownAt: 2 }), {
      0: {
        traits: [
          [0, 0, NAN, NAN],
          [1, 0, 0.5, 1000],
          [3, 0, NAN, 86400],
          [5, 0, NAN, NAN],
        ],
      },
      3: {
        traits: [
          [1, 0, 0.125, 9],
          [4, 0, -2, 77],
        ],
      },
      5: { traits: [[3, 0, NAN, 86400]] },
      6: { traits: [[5, 0, NAN, NAN]] },
    });
    assert.deepEqual(await read({ columns: { ...columns, traitNames: [2, 5] } }), {
      0: { traits: [[2, 0, 0.25, Number.POSITIVE_INFINITY]] },
      6: { traits: [[5, 0, NAN, NAN]] },
    });
    assert.deepEqual(await read({ columns: { ...columns, traitNames: [] } }), {});
  });

  test('brings events of the names asked for, by name and time', async () => {
    assert.deepEqual(await read({ columns: { ...NOTHING, events: EVENTS } }), {
      0: {
        events: [
          [0, 400],
          [0, 500],
          [1, 450],
        ],
      },
      7: { events: [[1, 5]] },
      8: { events: [[0, 5]] },
    });
    const columns = { ...NOTHING, events: { ...EVENTS, names: [1] } };
    assert.deepEqual(await read({ columns }), { 0: { events: [[1, 450]] }, 7: { events: [[1, 5]] } });
    assert.deepEqual(await read({ columns, knownAt: 2 }), { 0: { events: [[1, 450]] } });
    assert.deepEqual(await read({ columns: { ...NOTHING, events: { ...EVENTS, names: [] } } }), {});
  });

  test('says of a property which of the texts asked for it is, and its number', async () => {
    const properties = [
      { name: 'city', values: ['MAD', ODD, 'nowhere'] },
      { name: 'amount', values: [] },
      { name: ODD, values: [ODD] },
      { name: 'a/b', values: ['2', '1'] },
      { name: 'a~b', values: ['2'] },
      { name: '', values: ['empty'] },
      { name: 'é\u0000x', values: ['-0.5'] },
      { name: 'missing', values: ['x'] },
    ];
    const found = await read({ columns: { ...NOTHING, events: { names: [0, 1], properties } } });
    const none = [0, NAN];
    assert.deepEqual(found[0], {
      events: [
        [0, 400, [2, NAN], [1, 5.5], none, none, none, none, none, none],
        [0, 500, [1, NAN], [1, 5], none, none, none, none, none, none],
        [1, 450, [3, NAN], none, [2, NAN], [3, 1], [2, 2], [2, NAN], [2, -0.5], none],
      ],
    });
    assert.deepEqual(found[7], { events: [[1, 5, none, none, none, none, none, none, none, none]] });
  });

  test('brings all kinds together, each customer in one batch, however small batches are', async () => {
    const columns = { amounts: true, traits: true, uncounted: true, events: EVENTS };
    const whole = await read({ columns });
    assert.deepEqual(Object.keys(whole), ['0', '1', '2', '3', '4', '5', '6', '7', '8']);
    assert.deepEqual(whole[2], {
      orders: [
        [2, 100],
        [2, 300],
      ],
    });
    assert.deepEqual(Object.keys(whole[0]!).sort(), ['events', 'orders', 'traits', 'uncounted']);
    for (const batchOrders of [1, 2, 3, 1000]) assert.deepEqual(await read({ columns, batchOrders }), whole);
    const customers = Uint32Array.of(0, 4, 6, 7);
    for (const batchOrders of [1, 1000]) {
      assert.deepEqual(
        await read({ columns, customers, batchOrders }),
        Object.fromEntries([...customers].map((no) => [no, whole[no]!])),
      );
    }
    const range = Uint32Array.of(6, 7, 8);
    assert.deepEqual(Object.keys(await read({ columns, customers: range })), ['6', '7', '8']);
  });

  test('with stores given brings customers with an order there of a status that was asked for', async () => {
    const stores = Uint32Array.of(1);
    const columns = { amounts: false, traits: true, uncounted: true, events: EVENTS };
    for (const batchOrders of [1, 2, 1000]) {
      const found = await read({ columns, stores, batchOrders });
      assert.deepEqual(Object.keys(found), ['0', '1', '4']);
      assert.deepEqual(found[0]!.orders, [[1, 100]]);
      assert.deepEqual(found[0]!.uncounted, [[1, 200, 20000, 5, 1, 1]]);
      assert.equal(found[0]!.traits!.length + found[0]!.events!.length, 6);
      const counting = await read({ columns: { ...columns, uncounted: false }, stores, batchOrders });
      assert.deepEqual(Object.keys(counting), ['0']);
    }
  });

  test('is left in the middle without harm', async () => {
    const columns = { amounts: true, traits: true, uncounted: true, events: EVENTS };
    for await (const batch of scanFacts(database, { columns, batchOrders: 1 })) {
      batch.release();
      break;
    }
    assert.equal(Object.keys(await read({ columns })).length, 9);
  });
});
