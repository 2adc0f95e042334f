/** What every engine promises. Each driver runs it against the real thing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Engine } from '../../src/core/engine/engine.ts';
import { NO_FACTS } from '../../src/core/evaluate/naive.ts';
import type { OrderFact } from '../../src/model/fact.ts';
import { readCustomers, readScan, readStores } from './engine-reading.ts';

/** Opens an engine without facts; it is closed by the suite. */
export type OpenEngine = () => Promise<Engine>;

/** An order with everything that a test does not care about. */
export function order(customerId: string, orderId: string, rest: Partial<OrderFact> = {}): OrderFact {
  return {
    customerId,
    orderId,
    orderedAt: 1_000,
    totalE4: 0,
    discountE4: 0,
    currency: '',
    status: 'completed',
    ...rest,
  };
}

const NO_COUNTS = { customers: 0, stores: 0, orders: 0, traits: 0, events: 0, scores: 0, listEntries: 0 };

/** A test over an engine of its own, which is closed after it. */
export function engineTest(open: OpenEngine) {
  return (sentence: string, body: (engine: Engine) => Promise<void>) =>
    it(sentence, async () => {
      const engine = await open();
      try {
        await body(engine);
      } finally {
        await engine.close();
      }
    });
}

/** Defines the suite for one driver. */
export function engineContract(name: string, open: OpenEngine): void {
  const test = engineTest(open);

  describe(`the ${name} engine`, () => {
    test('without facts has no customers, stores or batches', async (engine) => {
      assert.deepEqual(await engine.counts(), { ...NO_COUNTS, batchNo: 0 });
      assert.equal(await engine.lastBatchNo(), 0);
      assert.deepEqual(await readScan(engine), {});
      assert.deepEqual(await readCustomers(engine), []);
      assert.deepEqual(await engine.customerFacts('c'), NO_FACTS);
      assert.equal(await engine.customerNo('c'), undefined);
      assert.equal((await engine.dictionary()).currencies.get(''), 0);
    });

    test('brings an order with its store, time and amounts', async (engine) => {
      const fact = order('c', 'o', {
        storeId: 's',
        orderedAt: 1_700_000_000,
        totalE4: 9_999_999_999_999,
        discountE4: 1,
        currency: 'EUR',
      });
      const { batchNo } = await engine.put({ orders: [fact] });
      assert.equal(batchNo, 1);
      const { customerId: _, orderId: __, storeId, status: ___, ...rest } = fact;
      assert.deepEqual(await readScan(engine), { c: { orders: [{ store: storeId, ...rest }], traits: {} } });
      assert.deepEqual(await engine.customerFacts('c'), { ...NO_FACTS, orders: [fact] });
      assert.deepEqual(await engine.counts(), {
        ...NO_COUNTS,
        customers: 1,
        stores: 1,
        orders: 1,
        batchNo: 1,
        lastOrderAt: 1_700_000_000,
      });
    });

    test('brings neither amounts nor traits when they are not asked for', async (engine) => {
      await engine.put({
        orders: [order('c', 'o')],
        traits: [{ customerId: 'c', name: 'city', value: 'BCN' }],
      });
      for await (const batch of engine.scan({ columns: { amounts: false, traits: false } })) {
        assert.equal(batch.totalE4, undefined);
        assert.equal(batch.traitCustomerNo, undefined);
        assert.equal(batch.traitCount, 0);
        batch.release();
      }
    });

    test('keeps the latest version of an order, also within a batch', async (engine) => {
      await engine.put({ orders: [order('c', 'o', { totalE4: 1 }), order('c', 'o', { totalE4: 2 })] });
      assert.equal((await readScan(engine)).c!.orders[0]!.totalE4, 2);
      await engine.put({ orders: [order('c', 'o', { totalE4: 3, storeId: 'elsewhere' })] });
      const { c } = await readScan(engine);
      assert.deepEqual(
        c!.orders.map((read) => [read.store, read.totalE4]),
        [['elsewhere', 3]],
      );
      assert.equal((await engine.counts()).orders, 1);
    });

    test('takes one order id of two customers for two orders', async (engine) => {
      await engine.put({ orders: [order('a', 'o'), order('b', 'o')] });
      assert.deepEqual(Object.keys(await readScan(engine)), ['a', 'b']);
    });

    test('leaves out cancelled and refunded orders until they are completed again', async (engine) => {
      await engine.put({ orders: [order('c', '1'), order('c', '2', { status: 'refunded' })] });
      await engine.put({ orders: [order('c', '1', { status: 'cancelled' })] });
      assert.deepEqual(await readScan(engine), {});
      assert.equal((await engine.customerFacts('c')).orders.length, 2);
      await engine.put({ orders: [order('c', '1')] });
      assert.equal((await readScan(engine)).c!.orders.length, 1);
    });

    test('reads what was known after an earlier batch', async (engine) => {
      await engine.put({ orders: [order('c', '1', { totalE4: 1 })] });
      await engine.put({
        orders: [order('c', '1', { totalE4: 2 }), order('d', '1')],
        stores: [{ storeId: 's', city: 'BCN' }],
        traits: [{ customerId: 'c', name: 'age', value: '40' }],
      });
      await engine.put({
        stores: [{ storeId: 's', city: 'MAD' }],
        traits: [{ customerId: 'c', name: 'age', value: '41' }],
      });
      assert.deepEqual(await readScan(engine, { knownAt: 0 }), {});
      const first = await readScan(engine, { knownAt: 1 });
      assert.deepEqual(Object.keys(first), ['c']);
      assert.equal(first.c!.orders[0]!.totalE4, 1);
      assert.deepEqual(first.c!.traits, {});
      assert.deepEqual((await readScan(engine, { knownAt: 2 })).c!.traits, { age: ['40', 40] });
      assert.deepEqual(await readCustomers(engine, 1), ['c']);
      assert.deepEqual(await readStores(engine, 1), {});
      assert.deepEqual(await readStores(engine, 2), { s: [null, 'BCN', null, null] });
      assert.deepEqual(await readStores(engine), { s: [null, 'MAD', null, null] });
      assert.equal((await engine.customerFacts('c', 1)).orders[0]!.totalE4, 1);
      assert.equal((await engine.customerFacts('d', 1)).orders.length, 0);
    });

    test('finds the customers with facts in a range of batches, and none for facts known already', async (engine) => {
      await engine.put({ orders: [order('a', '1'), order('b', '1')] });
      await engine.put({ traits: [{ customerId: 'b', name: 'x', value: '1' }] });
      await engine.put({
        orders: [order('a', '1')],
        traits: [{ customerId: 'b', name: 'x', value: '1' }],
      });
      const affected = async (after: number, upTo: number) =>
        engine.customerIds(await engine.affectedCustomers(after, upTo));
      assert.deepEqual(await affected(0, 1), ['a', 'b']);
      assert.deepEqual(await affected(1, 2), ['b']);
      assert.deepEqual(await affected(2, 3), []);
    });

    test('scans only the customers asked for, with their traits', async (engine) => {
      const ids = ['a', 'b', 'c', 'd', 'e'];
      await engine.put({
        orders: ids.map((id) => order(id, '1')),
        traits: ids.map((customerId) => ({ customerId, name: 'x', value: customerId })),
      });
      await engine.put({ orders: [order('d', '2')] });
      const nos = await Promise.all(['a', 'd'].map((id) => engine.customerNo(id)));
      const read = await readScan(engine, { customers: Uint32Array.from(nos as number[]) });
      assert.deepEqual(Object.keys(read), ['a', 'd']);
      assert.deepEqual(
        Object.values(read).map((customer) => [customer.orders.length, customer.traits.x![0]]),
        [
          [1, 'a'],
          [2, 'd'],
        ],
      );
      assert.deepEqual(await readScan(engine, { customers: new Uint32Array() }), {});
    });

    test('scans only orders in the stores asked for, with traits of their customers', async (engine) => {
      await engine.put({
        orders: [order('a', '1', { storeId: 's' }), order('a', '2', { storeId: 't' }), order('b', '1')],
        traits: ['a', 'b', 'c'].map((customerId) => ({ customerId, name: 'x', value: '1' })),
      });
      await engine.put({ orders: [order('b', '2', { storeId: 's' }), order('a', '1', { storeId: 't' })] });
      const storeNo = (await engine.storeTable()).ids.indexOf('s') + 1;
      const read = await readScan(engine, { stores: Uint32Array.of(storeNo) });
      assert.deepEqual(Object.keys(read), ['b']);
      assert.equal(read.b!.orders.length, 1);
      assert.deepEqual(read.b!.traits, { x: ['1', 1] });
    });

    test('never splits a customer over batches, however small they are', async (engine) => {
      const sizes = { a: 1, b: 7, c: 2, d: 3, e: 40 };
      const facts = Object.entries(sizes).flatMap(([id, count]) =>
        Array.from({ length: count }, (_, i) => order(id, `${i}`, { orderedAt: i })),
      );
      await engine.put({
        orders: facts,
        traits: ['a', 'b', 'e', 'f', 'g'].flatMap((customerId) =>
          ['x', 'y', 'z'].map((name) => ({ customerId, name, value: '1' })),
        ),
      });
      const whole = await readScan(engine);
      assert.deepEqual(Object.keys(whole), ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
      for (const batchOrders of [1, 2, 3, 8, 1000]) {
        assert.deepEqual(await readScan(engine, { batchOrders }), whole);
      }
    });

    test('brings customers that have traits only', async (engine) => {
      await engine.put({
        orders: [order('b', '1')],
        traits: ['a', 'b', 'c'].map((customerId) => ({ customerId, name: 'age', value: 'many' })),
      });
      const read = await readScan(engine);
      assert.deepEqual(Object.keys(read), ['a', 'b', 'c']);
      assert.deepEqual(read.c, { orders: [], traits: { age: ['many', null] } });
    });

    test('knows customers who are named and have no facts', async (engine) => {
      const { batchNo } = await engine.put({
        customers: ['bare', 'ana'],
        traits: [{ customerId: 'ana', name: 'city', value: 'BCN' }],
      });
      assert.equal((await engine.counts()).customers, 2);
      assert.notEqual(await engine.customerNo('bare'), undefined);
      assert.equal((await engine.affectedCustomers(0, batchNo)).length, 2);
      await engine.put({ customers: ['bare'] });
      assert.equal((await engine.counts()).customers, 2, 'naming again changes nothing');
      assert.equal((await engine.affectedCustomers(batchNo, batchNo + 1)).length, 0);
    });

    test('keeps where streams stand with the facts of the same batch', async (engine) => {
      const at = (stream: string, partition: string, position: number) => ({ stream, partition, position });
      assert.deepEqual(await engine.streamPositions('s'), new Map());
      await engine.put({ orders: [order('c', '1')] }, [at('s', 'a', 1), at('s', 'b', 7), at('t', 'a', 3)]);
      const { batchNo } = await engine.put({}, [at('s', 'a', Number.MAX_SAFE_INTEGER)]);
      await engine.put({ orders: [order('c', '2')] });
      assert.equal(batchNo, 2, 'positions without facts are a batch too');
      const expected = new Map([
        ['a', Number.MAX_SAFE_INTEGER],
        ['b', 7],
      ]);
      assert.deepEqual(await engine.streamPositions('s'), expected);
      assert.deepEqual(await engine.streamPositions('t'), new Map([['a', 3]]));
    });

    test('lists customers by the bytes of their ids', async (engine) => {
      const ids = ['b', 'a', 'é', 'Z', 'aa', '𝒳', 'ﬀ', '10', '9'];
      await engine.put({ orders: ids.map((id) => order(id, '1')) });
      assert.deepEqual(
        await readCustomers(engine),
        [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
    });

    test('gives numbers once: stores from 1, customers and stores dense', async (engine) => {
      await engine.put({ orders: [order('a', '1', { storeId: 's' })], stores: [{ storeId: 't' }] });
      const before = (await engine.storeTable()).ids;
      await engine.put({
        orders: [order('b', '1', { storeId: 'u' }), order('a', '2', { storeId: 's' })],
        stores: [{ storeId: 's', brand: 'B', tags: ['x', 'y'] }],
      });
      const table = await engine.storeTable();
      assert.deepEqual(table.ids.slice(0, 2), before);
      assert.deepEqual(table.ids[2], 'u');
      const at = table.ids.indexOf('s');
      assert.deepEqual([table.brand[at], table.city[at], table.tags[at]], ['B', undefined, ['x', 'y']]);
      assert.deepEqual((await Promise.all(['a', 'b'].map((id) => engine.customerNo(id)))).sort(), [0, 1]);
    });

    test('numbers currencies, traits and their values for the compiler', async (engine) => {
      await engine.put({
        orders: [order('a', '1', { currency: 'EUR' })],
        traits: [
          { customerId: 'a', name: 'city', value: 'BCN' },
          { customerId: 'b', name: 'city', value: 'MAD' },
          { customerId: 'b', name: 'size', value: 'BCN' },
        ],
      });
      const { traitNames, traitValues, currencies } = await engine.dictionary();
      assert.deepEqual([...currencies.keys()].sort(), ['', 'EUR']);
      assert.deepEqual([...traitNames.keys()].sort(), ['city', 'size']);
      assert.deepEqual([...traitValues.get(traitNames.get('city')!)!.keys()].sort(), ['BCN', 'MAD']);
      assert.deepEqual([...traitValues.get(traitNames.get('size')!)!.keys()], ['BCN']);
    });

    test('holds ids and values that look like anything', async (engine) => {
      const odd = ["'; DROP TABLE customer; --", '"quoted"', '=1+1', ' spaced ', 'NULL', '0x1', 'e\u0301'];
      await engine.put({
        orders: odd.map((id) => order(id, id, { storeId: id })),
        traits: odd.map((id) => ({ customerId: id, name: id, value: id })),
      });
      const read = await readScan(engine);
      assert.deepEqual(Object.keys(read).sort(), [...odd].sort());
      for (const id of odd) {
        assert.equal(read[id]!.orders[0]!.store, id);
        assert.equal(read[id]!.traits[id]![0], id);
      }
    });

    test('moves an order to another customer whole, and says where there was nothing to move', async (engine) => {
      const left = async (customer: string) =>
        (await engine.customerFacts(customer)).orders
          .map(({ orderId, status }) => `${orderId} ${status}`)
          .sort();
      const move = (to: string, from: string, orderId = '1') =>
        order(to, orderId, { previousCustomerId: from });
      await engine.put({ orders: [order('ann', '1'), order('ann', '2')] });
      assert.deepEqual(await engine.put({ orders: [move('bob', 'ann')] }), { batchNo: 2, newCustomers: 1 });
      assert.deepEqual(
        [await left('ann'), await left('bob')],
        [['1 cancelled', '2 completed'], ['1 completed']],
      );
      const affected = [await engine.customerNo('ann'), await engine.customerNo('bob')];
      assert.deepEqual([...(await engine.affectedCustomers(1, 2))], affected, 'a tick looks at both');
      await engine.put({ orders: [move('bob', 'ann')] });
      assert.deepEqual([...(await engine.affectedCustomers(2, 3))], [], 'sent again it changes nothing');
      const none = await engine.put({ orders: [move('bob', 'cid', '3'), move('eve', 'eve', '4')] });
      assert.deepEqual(none.unmoved, [{ previousCustomerId: 'cid', orderId: '3' }]);
      assert.equal(await engine.customerNo('cid'), undefined, 'nobody comes into being by being named');
      await engine.put({ orders: [order('ann', '5'), move('bob', 'ann', '5'), move('ann', 'bob', '5')] });
      assert.ok((await left('ann')).includes('5 completed'), 'there and back again in one batch');
      assert.ok((await left('bob')).includes('5 cancelled'));
      await engine.eraseCustomer('bob');
      const gone = await engine.put({ orders: [move('bob', 'ann', '2')] });
      assert.deepEqual(gone.erasedCustomers, ['bob']);
      assert.ok((await left('ann')).includes('2 cancelled'), 'also to somebody who was erased');
    });

    test('a moved order is cancelled as its old customer had it, whatever the correction says', async (engine) => {
      const had = order('ann', '1', { storeId: 'sA', orderedAt: 1000, totalE4: 50_000, currency: 'EUR' });
      const says = { storeId: 'sB', orderedAt: 9000, totalE4: 9_990_000, discountE4: 7, currency: 'USD' };
      const cancelled = async (customer: string) =>
        (await engine.customerFacts(customer)).orders.filter(({ status }) => status === 'cancelled');
      await engine.put({ orders: [order('ann', '1', { totalE4: 1 })] });
      await engine.put({ orders: [had, order('cid', '1')] });
      await engine.put({ orders: [order('bob', '1', { ...says, previousCustomerId: 'ann' })] });
      assert.deepEqual(await cancelled('ann'), [{ ...had, status: 'cancelled' }]);
      const later = order('cid', '1', { orderedAt: 5, totalE4: 3 });
      const { unmoved } = await engine.put({
        orders: [later, order('bob', '1', { ...says, previousCustomerId: 'cid' }), had].concat(
          order('dan', '2', { ...says, previousCustomerId: 'eve' }),
          order('eve', '2'),
        ),
      });
      assert.deepEqual(await cancelled('cid'), [{ ...later, status: 'cancelled' }], 'as the batch has it');
      assert.deepEqual(unmoved, [{ previousCustomerId: 'eve', orderId: '2' }]);
      assert.deepEqual(await cancelled('eve'), [], 'what comes after the move is the order of its customer');
    });

    test('goes on after a scan that was left in the middle', async (engine) => {
      await engine.put({ orders: Array.from({ length: 50 }, (_, i) => order(`c${i}`, '1')) });
      for await (const batch of engine.scan({ columns: { amounts: true, traits: true }, batchOrders: 2 })) {
        batch.release();
        break;
      }
      await engine.put({ orders: [order('late', '1')] });
      assert.equal(Object.keys(await readScan(engine)).length, 51);
    });
  });
}
