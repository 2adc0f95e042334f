/**
 * What every driver of the store port must do. Each driver's test file runs this suite against the real
 * thing, with a factory that opens stores on one and the same place.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { CoterieError } from '../../src/model/error.ts';
import type { AsOf, MembershipLoad, RowBatch, SegmentEntry } from '../../src/model/membership.ts';
import { decodeRow, EXCEPTION_BYTES_MAX, encodeRow } from '../../src/model/row.ts';
import { check, checkBatch } from '../../src/store/check.ts';
import { segmentsOf } from '../../src/store/segments-of.ts';
import type { Store, StoreView } from '../../src/store/store.ts';

/** A place that stores are opened on, emptied when it is closed. */
export interface StorePlace {
  /** Opens one more store on this place; absent where a place is one store. */
  openAnother?(): Promise<Store>;
  readonly store: Store;
  close(): Promise<void>;
}

/** Customers of one load: id → exceptions. Those with none are known all the same. */
export type LoadedCustomers = ReadonlyMap<string, readonly number[]>;

export function segmentEntry(segmentNo: number, more: Partial<SegmentEntry> = {}): SegmentEntry {
  return {
    segmentNo,
    key: `s${segmentNo}`,
    tags: [],
    type: 'rule',
    status: 'active',
    defaultMember: false,
    exceptions: 0,
    ...more,
  };
}

/** The entries of a view as plain objects: drivers may make `stores` only when they are read. */
export function plainEntries(view: StoreView): SegmentEntry[] {
  return JSON.parse(JSON.stringify(view.directory.entries));
}

export function asOf(calculationNo: number): AsOf {
  return { moment: 1_700_000_000 + calculationNo, batchNo: 1, catalogNo: 1, calculationNo };
}

/** Makes one batch of rows, ascending by customer number. */
export function rowBatch(
  rows: readonly (readonly [customerNo: number, exceptions: readonly number[]])[],
): RowBatch {
  const exceptionCount = rows.reduce((sum, [, exceptions]) => sum + exceptions.length, 0);
  const bytes = new Uint8Array(exceptionCount * EXCEPTION_BYTES_MAX);
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, [, exceptions]] of rows.entries()) {
    offsets[i + 1] = encodeRow(Uint32Array.from(exceptions), exceptions.length, bytes, offsets[i]!);
  }
  return { count: rows.length, customerNos: Uint32Array.from(rows, ([no]) => no), offsets, rows: bytes };
}

/** Puts customers and rows; numbers are given so that they run against the order of the ids. */
export async function put(load: MembershipLoad, customers: LoadedCustomers): Promise<void> {
  const ids = [...customers.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const customerNo = (i: number) => (ids.length - 1 - i) * 3;
  await load.putCustomers({ ids, customerNos: Uint32Array.from(ids, (_, i) => customerNo(i)) });
  const rows = ids.map((id, i) => [customerNo(i), customers.get(id)!] as const).reverse();
  await load.putRows(rowBatch(rows.filter(([, exceptions]) => exceptions.length > 0)));
}

/** A whole load, from begin to commit. */
export async function loadAll(
  store: Store,
  calculationNo: number,
  segments: readonly SegmentEntry[],
  customers: LoadedCustomers,
): Promise<void> {
  const load = await store.beginLoad();
  await put(load, customers);
  await load.commit({ asOf: asOf(calculationNo), segments, customers: customers.size });
}

export async function exceptionsOf(view: StoreView, customerId: string): Promise<number[] | undefined> {
  const row = await view.row(customerId);
  return row && decodeRow(row);
}

const isCode = (code: string) => (error: unknown) => error instanceof CoterieError && error.code === code;

export function storeContract(driver: string, open: () => Promise<StorePlace>): void {
  describe(`the store port, driven by ${driver}`, () => {
    let place: StorePlace;
    let store: Store;
    beforeEach(async () => {
      place = await open();
      store = place.store;
    });
    afterEach(() => place.close());

    const segments = [
      segmentEntry(7, { key: 'big-spender', owner: 'crm', tags: ['money'] }),
      segmentEntry(2, { key: 'new@s1', type: 'new', defaultMember: true, stores: ['s1'] }),
      segmentEntry(4_294_967_295, { key: 'last', owner: 'crm', tags: ['money', 'x'], stores: ['s1', 's2'] }),
      segmentEntry(9, { key: 'stopped', status: 'paused', defaultMember: true, stores: ['s1'] }),
      segmentEntry(11, { key: 'gone', status: 'archived', defaultMember: true, owner: 'crm' }),
    ];
    const customers: LoadedCustomers = new Map([
      ['ann', [2, 7]],
      ['bob', [7, 9, 11, 4_294_967_295]],
      ['cat', []],
    ]);

    test('nothing is served before the first load', async () => {
      assert.equal(store.view(), undefined);
      assert.equal(await store.refresh(), false);
      assert.equal(store.view(), undefined);
    });

    test('what was loaded is served: as-of, directory, rows, known customers', async () => {
      await loadAll(store, 3, segments, customers);
      const view = store.view()!;
      assert.deepEqual(view.asOf, asOf(3));
      assert.equal(view.customers, 3);
      assert.deepEqual(
        plainEntries(view),
        [segments[1], segments[0], segments[3], segments[2]],
        'ascending by number, without archived ones',
      );
      assert.deepEqual([...view.directory.byKey.keys()].sort(), ['big-spender', 'last', 'new@s1', 'stopped']);
      assert.equal(view.directory.byKey.get('last'), view.directory.entries[3]);
      assert.deepEqual(await exceptionsOf(view, 'ann'), [2, 7]);
      assert.deepEqual(await exceptionsOf(view, 'bob'), [7, 9, 11, 4_294_967_295]);
      assert.equal(await exceptionsOf(view, 'cat'), undefined);
      assert.equal(await exceptionsOf(view, 'dan'), undefined);
      assert.deepEqual(await Promise.all(['ann', 'cat', 'dan'].map((id) => view.isKnown(id))), [
        true,
        true,
        false,
      ]);
    });

    test('a check is the default XOR the exception; paused is false, archived is unknown', async () => {
      await loadAll(store, 1, segments, customers);
      const keys = ['last', 'new@s1', 'nowhere', 'stopped', 'gone', 'big-spender', 'nowhere', 'last'];
      const unknown = ['nowhere', 'gone'];
      const expected: Record<string, object> = {
        ann: { last: false, 'new@s1': false, stopped: false, 'big-spender': true },
        bob: { last: true, 'new@s1': true, stopped: false, 'big-spender': true },
        cat: { last: false, 'new@s1': true, stopped: false, 'big-spender': false },
        'never heard of': { last: false, 'new@s1': true, stopped: false, 'big-spender': false },
      };
      const ids = Object.keys(expected);
      const batch = await checkBatch(store.view()!, ids, keys);
      for (const [i, id] of ids.entries()) {
        const answer = await check(store.view()!, id, keys);
        assert.deepEqual({ ...answer.memberships }, expected[id], id);
        assert.deepEqual(answer.unknown, unknown);
        assert.deepEqual(batch[i], answer);
      }
    });

    test('names that objects have are safe as customers and as segments', async () => {
      const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
      const entries = names.map((key, i) => segmentEntry(i, { key }));
      await loadAll(store, 1, entries, new Map([['__proto__', [0, 2]]]));
      const { memberships, unknown } = await check(store.view()!, '__proto__', [
        ...names,
        'valueOf',
        'isPrototypeOf',
      ]);
      assert.deepEqual(Object.entries(memberships), [
        ['__proto__', true],
        ['constructor', false],
        ['toString', true],
        ['hasOwnProperty', false],
      ]);
      assert.deepEqual(unknown, ['valueOf', 'isPrototypeOf']);
      assert.equal(await store.view()!.isKnown('constructor'), false);
    });

    test('the segments of a customer are listed page by page, narrowed by every filter', async () => {
      await loadAll(store, 1, segments, customers);
      const view = store.view()!;
      const keys = async (id: string, filter: object) =>
        (await segmentsOf(view, id, { limit: 10, ...filter })).entries.map(({ key }) => key);
      assert.deepEqual(await keys('ann', {}), ['big-spender']);
      assert.deepEqual(await keys('bob', {}), ['new@s1', 'big-spender', 'last']);
      assert.deepEqual(await keys('cat', {}), ['new@s1']);
      assert.deepEqual(await keys('never heard of', {}), ['new@s1']);
      assert.deepEqual(await keys('bob', { owner: 'crm' }), ['big-spender', 'last']);
      assert.deepEqual(await keys('bob', { store: 's1' }), ['new@s1', 'last']);
      assert.deepEqual(await keys('bob', { store: 's1', tag: 'money' }), ['last']);
      assert.deepEqual(await keys('bob', { type: 'new', owner: 'crm' }), []);
      assert.deepEqual(await keys('bob', { tag: 'nobody has this' }), []);

      const first = await segmentsOf(view, 'bob', { limit: 2 });
      assert.deepEqual(
        first.entries.map(({ key }) => key),
        ['new@s1', 'big-spender'],
      );
      assert.equal(first.next, 7);
      const second = await segmentsOf(view, 'bob', { limit: 2, after: first.next });
      assert.deepEqual(
        second.entries.map(({ key }) => key),
        ['last'],
      );
      assert.equal(second.next, undefined);
      assert.deepEqual(await keys('bob', { after: 4_294_967_295 }), []);
    });

    test('customer ids of 512 bytes and of any script keep apart and keep their order', async () => {
      const ids = [
        '\u{10ffff}',
        '\uffff',
        'é',
        'e\u0301',
        'A',
        'a',
        ' ',
        'a b',
        '日'.repeat(170),
        'x'.repeat(512),
      ];
      ids.push(`${'x'.repeat(511)}y`, '\u{1f354}', '\u0001', 'a\u0000', 'a\u0000b', '10', '9', 'ﬀ', '\u200b');
      const exceptions = new Map(ids.map((id, i) => [id, [i, i + 100]] as const));
      await loadAll(store, 1, [], exceptions);
      for (const id of ids) assert.deepEqual(await exceptionsOf(store.view()!, id), exceptions.get(id), id);
      for (const id of ['', 'x'.repeat(511), 'x'.repeat(513), 'y'.repeat(100_000), '日'.repeat(512), 'E']) {
        assert.equal(await store.view()!.row(id), undefined);
        assert.equal(await store.view()!.isKnown(id), false);
      }
    });

    test('several batches make one load, and their memory may be used again', async () => {
      const load = await store.beginLoad();
      const batch = rowBatch([
        [5, [1]],
        [6, [2, 3]],
      ]);
      const shared = {
        ...batch,
        customerNos: new Uint32Array(new SharedArrayBuffer(8)),
        rows: new Uint8Array(new SharedArrayBuffer(64)),
      };
      shared.customerNos.set(batch.customerNos);
      shared.rows.set(batch.rows);
      await load.putCustomers({ ids: ['a', 'b'], customerNos: Uint32Array.of(6, 5) });
      await load.putRows(shared);
      shared.rows.fill(0);
      shared.customerNos.fill(0);
      await load.putCustomers({ ids: [], customerNos: new Uint32Array() });
      await load.putRows(rowBatch([]));
      await load.putCustomers({ ids: ['c', 'd'], customerNos: Uint32Array.of(9, 8) });
      await load.putRows(
        rowBatch([
          [8, [4]],
          [9, []],
        ]),
      );
      await load.commit({ asOf: asOf(1), segments: [], customers: 4 });
      const view = store.view()!;
      const rows = await Promise.all(['a', 'b', 'c', 'd'].map((id) => exceptionsOf(view, id)));
      assert.deepEqual(rows, [[2, 3], [1], undefined, [4]]);
    });

    test('nothing of a load is seen before its commit, and all of it after', async () => {
      await loadAll(store, 1, segments, customers);
      const before = store.view()!;
      const load = await store.beginLoad();
      await put(
        load,
        new Map([
          ['ann', [1]],
          ['eve', [2]],
        ]),
      );
      assert.equal(await store.refresh(), false);
      assert.equal(store.view(), before);
      assert.deepEqual(await exceptionsOf(before, 'ann'), [2, 7]);
      await load.commit({ asOf: asOf(2), segments: [segmentEntry(1)], customers: 2 });
      const after = store.view()!;
      assert.equal(after.asOf.calculationNo, 2);
      assert.deepEqual(await exceptionsOf(after, 'ann'), [1]);
      assert.equal(await after.isKnown('bob'), false);
      assert.deepEqual(await exceptionsOf(before, 'ann'), [2, 7], 'a view in use stays what it was');
      assert.equal(before.asOf.calculationNo, 1);
    });

    test('a load that is aborted leaves no trace, and makes way for the next', async () => {
      await loadAll(store, 1, segments, customers);
      const load = await store.beginLoad();
      await put(load, new Map([['eve', [2]]]));
      await load.abort();
      await load.abort();
      await assert.rejects(async () => load.putRows(rowBatch([[1, [1]]])), /ended/);
      await assert.rejects(load.commit({ asOf: asOf(2), segments: [], customers: 0 }), /ended/);
      assert.equal(await store.refresh(), false);
      assert.deepEqual(await exceptionsOf(store.view()!, 'ann'), [2, 7]);
      await loadAll(store, 2, segments, new Map([['eve', [2]]]));
      assert.deepEqual(await exceptionsOf(store.view()!, 'eve'), [2]);
    });

    test('a second load at the same time is refused', async () => {
      const load = await store.beginLoad();
      await assert.rejects(store.beginLoad(), isCode('CALCULATION_RUNNING'));
      await load.commit({ asOf: asOf(1), segments: [], customers: 0 });
      await (await store.beginLoad()).abort();
    });

    test('customers or rows out of order fail the load rather than being lost', async () => {
      const misplaced: ((load: MembershipLoad) => unknown)[] = [
        (load) => load.putCustomers({ ids: ['b', 'a'], customerNos: Uint32Array.of(1, 2) }),
        (load) => load.putCustomers({ ids: ['a', 'a'], customerNos: Uint32Array.of(1, 2) }),
        (load) =>
          load.putRows(
            rowBatch([
              [2, [1]],
              [1, [1]],
            ]),
          ),
        (load) =>
          load.putRows(
            rowBatch([
              [2, [1]],
              [2, [1]],
            ]),
          ),
      ];
      for (const wrong of misplaced) {
        const load = await store.beginLoad();
        await assert.rejects(async () => wrong(load), /ascend|above the one before/);
        await load.abort();
      }
      assert.equal(store.view(), undefined);
    });
  });

  describe(`several stores on one place, driven by ${driver}`, () => {
    test('each sees a load by another after a refresh, and only one may load', async (t) => {
      const place = await open();
      t.after(() => place.close());
      if (!place.openAnother) return t.skip('a place of this driver is one store');
      const reader = await place.openAnother();
      assert.equal(reader.view(), undefined);
      const load = await place.store.beginLoad();
      await assert.rejects(reader.beginLoad(), isCode('CALCULATION_RUNNING'));
      await put(load, new Map([['ann', [5]]]));
      await load.commit({ asOf: asOf(1), segments: [segmentEntry(5)], customers: 1 });
      assert.equal(await reader.refresh(), true);
      assert.equal(await reader.refresh(), false);
      assert.deepEqual(await exceptionsOf(reader.view()!, 'ann'), [5]);
      await loadAll(reader, 2, [segmentEntry(6)], new Map([['ann', [6]]]));
      assert.deepEqual(await exceptionsOf(place.store.view()!, 'ann'), [5]);
      assert.equal(await place.store.refresh(), true);
      assert.deepEqual(await exceptionsOf(place.store.view()!, 'ann'), [6]);
      await reader.close();
    });
  });
}
