/**
 * What every driver of the store port must do with ticks: changes applied on top of a load. Each driver's
 * test file runs this suite against the real thing.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { CoterieError } from '../../src/model/error.ts';
import { decodeRow } from '../../src/model/row.ts';
import { check } from '../../src/store/check.ts';
import { segmentsOf } from '../../src/store/segments-of.ts';
import type { Store } from '../../src/store/store.ts';
import {
  asOf,
  exceptionsOf,
  loadAll,
  plainEntries,
  rowBatch,
  type StorePlace,
  segmentEntry,
} from './store-contract.ts';

const isCode = (code: string) => (error: unknown) => error instanceof CoterieError && error.code === code;

/** An as-of some seconds after a load. */
export function tickAsOf(calculationNo: number, tick: number) {
  return { ...asOf(calculationNo), moment: asOf(calculationNo).moment + tick, batchNo: 1 + tick };
}

export function storeTickContract(driver: string, open: () => Promise<StorePlace>): void {
  describe(`ticks through the store port, driven by ${driver}`, () => {
    let place: StorePlace;
    let store: Store;
    beforeEach(async () => {
      place = await open();
      store = place.store;
      await loadAll(store, 1, segments, customers);
    });
    afterEach(() => place.close());

    const segments = [
      segmentEntry(2, { key: 'new@s1', type: 'new', defaultMember: true, stores: ['s1'] }),
      segmentEntry(7, { key: 'big-spender', owner: 'crm', tags: ['money'] }),
      segmentEntry(9, { key: 'lapsed' }),
    ];
    /** As `put` numbers them: ann 6, bob 3, cat 0. */
    const customers = new Map([
      ['ann', [2, 7]],
      ['bob', [7]],
      ['cat', []],
    ]);

    test('a tick replaces rows, takes empty ones away, and leaves the others', async () => {
      const before = store.view()!;
      await store.apply({
        asOf: tickAsOf(1, 1),
        rows: rowBatch([
          [0, [9]],
          [3, []],
        ]),
      });
      const view = store.view()!;
      assert.deepEqual(view.asOf, tickAsOf(1, 1));
      assert.deepEqual(store.asOf(), tickAsOf(1, 1));
      assert.deepEqual(await exceptionsOf(view, 'ann'), [2, 7]);
      assert.equal(await exceptionsOf(view, 'bob'), undefined);
      assert.deepEqual(await exceptionsOf(view, 'cat'), [9]);
      assert.equal(view.customers, 3);
      assert.deepEqual(await exceptionsOf(before, 'bob'), [7], 'a view in use stays what it was');
      assert.deepEqual(before.asOf, asOf(1));
    });

    test('a tick of a new as-of alone moves the as-of and nothing else', async () => {
      const { directory } = store.view()!;
      await store.apply({ asOf: tickAsOf(1, 5) });
      const view = store.view()!;
      assert.deepEqual(view.asOf, tickAsOf(1, 5));
      assert.deepEqual(plainEntries(view), segments);
      assert.equal(view.directory.entries.length, directory.entries.length);
      assert.deepEqual(await exceptionsOf(view, 'ann'), [2, 7]);
    });

    test('customers who are new have their row from the same tick on; those forgotten are as never heard of', async () => {
      await store.apply({
        asOf: tickAsOf(1, 1),
        newCustomers: { ids: ['amy', 'ann', 'dan'], customerNos: Uint32Array.of(10, 11, 12) },
        rows: rowBatch([
          [3, [2]],
          [6, [9]],
          [10, [2, 9]],
          [11, [7]],
        ]),
        forgottenCustomers: ['ann', 'bob', 'nobody'],
      });
      const view = store.view()!;
      const known = await Promise.all(['amy', 'ann', 'bob', 'cat', 'dan'].map((id) => view.isKnown(id)));
      assert.deepEqual(known, [true, true, false, true, true]);
      assert.equal(view.customers, 4);
      assert.deepEqual(await exceptionsOf(view, 'amy'), [2, 9]);
      assert.deepEqual(await exceptionsOf(view, 'ann'), [7], 'known anew, by another number');
      assert.equal(await exceptionsOf(view, 'bob'), undefined);
      const rows = await store.rows(Uint32Array.of(3, 6, 10, 11, 99));
      assert.deepEqual(
        rows.map((row) => row && decodeRow(row)),
        [undefined, undefined, [2, 9], [7], undefined],
        'a forgotten number holds nothing, even where the tick brought a row for it',
      );
    });

    test('segments are added, changed and removed; checks and lists follow', async () => {
      const before = store.view()!;
      await store.apply({
        asOf: tickAsOf(1, 1),
        segments: [
          segmentEntry(12, { key: 'vip', owner: 'crm', tags: ['money'], stores: ['s1', 's9'] }),
          segmentEntry(7, { key: 'big-spender', owner: 'sales', defaultMember: true }),
        ],
        removedSegments: [9, 1_000],
        rows: rowBatch([[6, [2, 12]]]),
      });
      const view = store.view()!;
      assert.deepEqual([...view.directory.byKey.keys()].sort(), ['big-spender', 'new@s1', 'vip']);
      assert.equal(view.directory.byKey.size, 3);
      assert.equal(view.directory.byKey.has('lapsed'), false);
      assert.deepEqual(
        plainEntries(view).map(({ segmentNo }) => segmentNo),
        [2, 7, 12],
      );
      assert.deepEqual(view.directory.byKey.get('vip')!.stores, ['s1', 's9']);
      const answer = await check(view, 'ann', ['big-spender', 'vip', 'lapsed', 'new@s1']);
      assert.deepEqual({ ...answer.memberships }, { 'big-spender': true, vip: true, 'new@s1': false });
      assert.deepEqual(answer.unknown, ['lapsed']);
      const listed = async (id: string, filter: object) =>
        (await segmentsOf(view, id, { limit: 10, ...filter })).entries.map(({ key }) => key);
      assert.deepEqual(await listed('ann', {}), ['big-spender', 'vip']);
      assert.deepEqual(await listed('ann', { owner: 'crm' }), ['vip']);
      assert.deepEqual(await listed('ann', { owner: 'sales' }), ['big-spender']);
      assert.deepEqual(await listed('bob', { store: 's1' }), ['new@s1']);
      assert.deepEqual(await listed('ann', { store: 's9' }), ['vip']);
      assert.deepEqual([...before.directory.byKey.keys()].sort(), ['big-spender', 'lapsed', 'new@s1']);
    });

    test('a segment that is removed alone is in no check and no list', async () => {
      await store.apply({ asOf: tickAsOf(1, 1), removedSegments: [2, 7] });
      const view = store.view()!;
      assert.deepEqual((await check(view, 'bob', ['new@s1', 'big-spender'])).unknown, [
        'new@s1',
        'big-spender',
      ]);
      assert.deepEqual((await segmentsOf(view, 'bob', { limit: 10 })).entries, []);
      assert.deepEqual((await segmentsOf(view, 'bob', { limit: 10, store: 's1' })).entries, []);
    });

    test('a key goes over to another segment when its own is archived', async () => {
      await store.apply({
        asOf: tickAsOf(1, 1),
        segments: [
          segmentEntry(9, { key: 'lapsed', status: 'archived' }),
          segmentEntry(20, { key: 'lapsed', defaultMember: true }),
        ],
      });
      assert.equal(store.view()!.directory.byKey.get('lapsed')!.segmentNo, 20);
      await store.apply({ asOf: tickAsOf(1, 2), segments: [segmentEntry(20, { key: 'lapsed-2' })] });
      assert.deepEqual(
        plainEntries(store.view()!).map(({ key }) => key),
        ['new@s1', 'big-spender', 'lapsed-2'],
      );
      assert.equal(store.view()!.directory.byKey.get('lapsed'), undefined);
    });

    test('thousands of segments in one tick, and then a few more', async () => {
      const many = Array.from({ length: 3_000 }, (_, i) =>
        segmentEntry(100 + i, { key: `many@${i}`, stores: [`s${i}`, 's1'] }),
      );
      await store.apply({ asOf: tickAsOf(1, 1), segments: many });
      await store.apply({ asOf: tickAsOf(1, 2), removedSegments: [100], rows: rowBatch([[0, [3_099]]]) });
      const view = store.view()!;
      assert.equal(view.directory.entries.length, 3_002);
      assert.equal(view.directory.byKey.size, 3_002);
      assert.deepEqual(view.directory.byKey.get('many@2999')!.stores, ['s2999', 's1']);
      const { entries } = await segmentsOf(view, 'cat', { limit: 10, store: 's1' });
      assert.deepEqual(
        entries.map(({ key }) => key),
        ['new@s1', 'many@2999'],
      );
    });

    test('a tick on top of a load that is no longer served is refused; the next one goes to the new load', async () => {
      await assert.rejects(store.apply({ asOf: tickAsOf(2, 1) }), isCode('CALCULATION_SUPERSEDED'));
      const load = await store.beginLoad();
      await store.apply({ asOf: tickAsOf(1, 1), rows: rowBatch([[0, [9]]]) });
      assert.deepEqual(await exceptionsOf(store.view()!, 'cat'), [9], 'applied while a load is under way');
      await load.putCustomers({ ids: ['eve'], customerNos: Uint32Array.of(1) });
      await load.commit({ asOf: asOf(2), segments, customers: 1 });
      await assert.rejects(store.apply({ asOf: tickAsOf(1, 2) }), isCode('CALCULATION_SUPERSEDED'));
      await store.apply({ asOf: tickAsOf(2, 1), rows: rowBatch([[1, [7]]]) });
      const view = store.view()!;
      assert.deepEqual(view.asOf, tickAsOf(2, 1));
      assert.equal(await view.isKnown('cat'), false);
      assert.deepEqual(await exceptionsOf(view, 'eve'), [7]);
    });

    test('the memory of a tick may be used again once it is applied, and may be shared', async () => {
      const batch = rowBatch([[0, [9]]]);
      const shared = { ...batch, rows: new Uint8Array(new SharedArrayBuffer(16)) };
      shared.rows.set(batch.rows);
      const applied = store.apply({ asOf: tickAsOf(1, 1), rows: shared });
      await applied;
      shared.rows.fill(0);
      shared.customerNos.fill(6);
      assert.deepEqual(await exceptionsOf(store.view()!, 'cat'), [9]);
    });

    test('a tick that cannot be written changes nothing', async () => {
      const ids = ['', 'x'.repeat(513)];
      for (const id of ids) {
        const newCustomers = { ids: [id], customerNos: Uint32Array.of(77) };
        if (driver === 'LMDB')
          await assert.rejects(store.apply({ asOf: tickAsOf(1, 1), newCustomers }), /bytes/);
      }
      const segment = segmentEntry(30, { key: 'lapsed' });
      await assert.rejects(
        store.apply({ asOf: tickAsOf(1, 1), segments: [segment], rows: rowBatch([[0, [1]]]) }),
        /the key lapsed/,
      );
      assert.deepEqual(store.asOf(), asOf(1));
      assert.equal(await exceptionsOf(store.view()!, 'cat'), undefined);
      await store.apply({ asOf: tickAsOf(1, 1) });
      assert.deepEqual(plainEntries(store.view()!), segments);
    });
  });

  test(`before the first load a tick is refused, by ${driver}`, async (t) => {
    const place = await open();
    t.after(() => place.close());
    assert.equal(place.store.asOf(), undefined);
    assert.deepEqual(await place.store.rows(Uint32Array.of(1)), [undefined]);
    await assert.rejects(place.store.apply({ asOf: asOf(1) }), isCode('NOT_CALCULATED'));
  });

  test(`each store on one place sees ticks after a refresh, and may apply the next, driven by ${driver}`, async (t) => {
    const place = await open();
    t.after(() => place.close());
    if (!place.openAnother) return t.skip('a place of this driver is one store');
    await loadAll(place.store, 1, [segmentEntry(5)], new Map([['ann', [5]]]));
    const other = await place.openAnother();
    const renamed = segmentEntry(5, { key: 'five' });
    await place.store.apply({ asOf: tickAsOf(1, 1), rows: rowBatch([[0, [6]]]), segments: [renamed] });
    assert.deepEqual(await exceptionsOf(other.view()!, 'ann'), [5]);
    assert.equal(await other.refresh(), true);
    assert.equal(await other.refresh(), false);
    assert.deepEqual(await exceptionsOf(other.view()!, 'ann'), [6]);
    assert.deepEqual(plainEntries(other.view()!), [renamed]);
    await other.apply({ asOf: tickAsOf(1, 2), segments: [segmentEntry(6)], removedSegments: [5] });
    await place.store.apply({ asOf: tickAsOf(1, 3), rows: rowBatch([[0, [7]]]) });
    assert.deepEqual(plainEntries(place.store.view()!), [segmentEntry(6)]);
    const third = await place.openAnother();
    assert.deepEqual(plainEntries(third.view()!), [segmentEntry(6)]);
    assert.deepEqual(third.asOf(), tickAsOf(1, 3));
    assert.deepEqual(await exceptionsOf(third.view()!, 'ann'), [7]);
  });
}
