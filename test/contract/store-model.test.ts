/**
 * Random lives of a store: loads that are committed or given up, ticks, stores opened again, on LMDB and on
 * the in-memory oracle at once, with a second store on the same place that only reads. After each step both must answer alike, and as the plain reading of the
 * design has it. `COTERIE_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MembershipChanges, SegmentEntry } from '../../src/model/membership.ts';
import { decodeRow } from '../../src/model/row.ts';
import { check, checkBatch } from '../../src/store/check.ts';
import { openLmdbStore } from '../../src/store/lmdb/lmdb-store.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { type SegmentsOfFilter, segmentsOf } from '../../src/store/segments-of.ts';
import type { Store } from '../../src/store/store.ts';
import {
  asOf,
  exceptionsOf,
  type LoadedCustomers,
  plainEntries,
  put,
  rowBatch,
  segmentEntry,
} from './store-contract.ts';

const RUNS = Number(process.env.COTERIE_RUNS ?? 20);
const SEED = Number(process.env.COTERIE_SEED ?? Date.now() % 2 ** 31);

interface Loaded {
  readonly segments: readonly SegmentEntry[];
  readonly customers: LoadedCustomers;
}

type Step =
  | { readonly kind: 'load' | 'give up'; readonly loaded: Loaded }
  | { readonly kind: 'tick'; readonly tick: Tick }
  | { readonly kind: 'open again' };

/** One tick in terms of what is served when it comes. */
interface Tick {
  /** New customers, or other rows of those known. */
  readonly customers: LoadedCustomers;
  /** Positions among the known customers, modulo their number. */
  readonly forgotten: readonly number[];
  readonly segments: readonly SegmentEntry[];
  /** Positions among the segments. */
  readonly removed: readonly number[];
}

const someText = fc.constantFrom('a', 'b', 'c');
const arbitraryId = fc.oneof(
  fc.constantFrom('c1', 'c2', 'c3', 'ü'),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
);
const arbitrarySegmentNo = fc.oneof(fc.nat(40), fc.integer({ min: 0, max: 0xffff_ffff }));

const arbitrarySegment: fc.Arbitrary<SegmentEntry> = fc
  .record({
    segmentNo: arbitrarySegmentNo,
    more: fc.record(
      {
        owner: someText,
        stores: fc.array(someText, { maxLength: 3 }),
        name: someText,
      },
      { requiredKeys: [] },
    ),
    tags: fc.array(someText, { maxLength: 3 }),
    type: fc.constantFrom('new', 'rule'),
    status: fc.constantFrom('active', 'active', 'active', 'paused', 'archived'),
    defaultMember: fc.boolean(),
  })
  .map(({ segmentNo, more, ...rest }) => segmentEntry(segmentNo, { ...more, ...rest }));

const arbitraryLoaded: fc.Arbitrary<Loaded> = fc.record({
  segments: fc.uniqueArray(arbitrarySegment, { selector: ({ segmentNo }) => segmentNo, maxLength: 25 }),
  customers: fc
    .uniqueArray(fc.tuple(arbitraryId, fc.uniqueArray(arbitrarySegmentNo, { maxLength: 25 })), {
      selector: ([id]) => id,
      maxLength: 15,
    })
    .map((all) => new Map(all.map(([id, numbers]) => [id, numbers.sort((a, b) => a - b)]))),
});

const arbitraryTick: fc.Arbitrary<Tick> = fc
  .record({
    loaded: arbitraryLoaded,
    forgotten: fc.array(fc.nat(20), { maxLength: 3 }),
    removed: fc.array(fc.nat(20), { maxLength: 3 }),
  })
  .map(({ loaded, ...rest }) => ({ ...loaded, ...rest }));

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('tick' as const), tick: arbitraryTick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('load' as const), loaded: arbitraryLoaded }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('give up' as const), loaded: arbitraryLoaded }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('open again' as const) }) },
);

test('LMDB, the in-memory oracle and the plain reading answer alike through any series of loads and ticks', async (t) => {
  t.diagnostic(`seed ${SEED}, ${RUNS} lives`);
  await fc.assert(fc.asyncProperty(fc.array(arbitraryStep, { minLength: 1, maxLength: 12 }), live), {
    seed: SEED,
    numRuns: RUNS,
  });
});

async function live(steps: readonly Step[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-model-'));
  let lmdb = await openLmdbStore({ folder });
  const reader = await openLmdbStore({ folder });
  const memory = openMemoryStore();
  const model = new Model();
  try {
    for (const [i, step] of steps.entries()) {
      if (step.kind === 'open again') {
        await lmdb.close();
        lmdb = await openLmdbStore({ folder });
      } else if (step.kind === 'tick') {
        if (!model.served) continue;
        const changes = model.tick(step.tick, i);
        for (const store of [lmdb, memory]) await store.apply(changes);
      } else {
        for (const store of [lmdb, memory]) await load(store, i, step);
        if (step.kind === 'load') model.load(step.loaded, i);
      }
      await reader.refresh();
      await compare(lmdb, memory, model);
      await compare(reader, memory, model);
    }
  } finally {
    await lmdb.close();
    await reader.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What should be served, and how it is written to a store. */
class Model {
  served: Loaded | undefined;
  #calculationNo = 0;
  #customerNos = new Map<string, number>();
  #nextCustomerNo = 0;

  load(loaded: Loaded, calculationNo: number): void {
    this.served = loaded;
    this.#calculationNo = calculationNo;
    // As `put` gives them.
    const ids = byBytes(loaded.customers.keys());
    this.#customerNos = new Map(ids.map((id, i) => [id, (ids.length - 1 - i) * 3]));
    this.#nextCustomerNo = ids.length * 3 + 1;
  }

  tick({ customers, forgotten, segments, removed }: Tick, moment: number): MembershipChanges {
    const served = this.served!;
    const known = [...served.customers.keys()];
    const forgottenCustomers = known.length === 0 ? [] : forgotten.map((i) => known[i % known.length]!);
    const removedSegments = removed.flatMap((i) => served.segments[i]?.segmentNo ?? []);
    for (const id of forgottenCustomers) this.#customerNos.delete(id);
    const newIds = byBytes([...customers.keys()].filter((id) => !this.#customerNos.has(id)));
    for (const id of newIds) this.#customerNos.set(id, this.#nextCustomerNo++);
    const rows = [...customers].map(([id, exceptions]) => [this.#customerNos.get(id)!, exceptions] as const);

    const nowCustomers = new Map(served.customers);
    for (const id of forgottenCustomers) nowCustomers.delete(id);
    for (const [id, exceptions] of customers) nowCustomers.set(id, exceptions);
    const nowSegments = new Map(served.segments.map((segment) => [segment.segmentNo, segment]));
    for (const segmentNo of removedSegments) nowSegments.delete(segmentNo);
    for (const segment of segments) nowSegments.set(segment.segmentNo, segment);
    this.served = { customers: nowCustomers, segments: [...nowSegments.values()] };
    return {
      asOf: { ...asOf(this.#calculationNo), moment },
      newCustomers: {
        ids: newIds,
        customerNos: Uint32Array.from(newIds, (id) => this.#customerNos.get(id)!),
      },
      rows: rowBatch(rows.sort(([a], [b]) => a - b)),
      segments,
      removedSegments,
      forgottenCustomers,
    };
  }

  async checkRows(store: Store): Promise<void> {
    const ids = [...this.#customerNos.keys()];
    const rows = await store.rows(Uint32Array.from(ids, (id) => this.#customerNos.get(id)!));
    for (const [i, id] of ids.entries()) {
      assert.deepEqual(rows[i] ? decodeRow(rows[i]) : [], this.served!.customers.get(id));
    }
  }
}

function byBytes(ids: Iterable<string>): string[] {
  return [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

async function load(
  store: Store,
  calculationNo: number,
  step: Step & { kind: 'load' | 'give up' },
): Promise<void> {
  const { segments, customers } = step.loaded;
  const begun = await store.beginLoad();
  await put(begun, customers);
  if (step.kind === 'give up') await begun.abort();
  else await begun.commit({ asOf: asOf(calculationNo), segments, customers: customers.size });
}

async function compare(lmdb: Store, memory: Store, model: Model): Promise<void> {
  const { served } = model;
  const expected = memory.view();
  const found = lmdb.view();
  if (!served || !expected || !found) {
    assert.deepEqual([found, expected], [undefined, undefined]);
    return;
  }
  assert.deepEqual(found.asOf, expected.asOf);
  assert.equal(found.customers, served.customers.size);
  assert.equal(expected.customers, served.customers.size);
  await model.checkRows(lmdb);
  assert.deepEqual(plainEntries(found), plainEntries(expected));
  for (const { key, stores } of served.segments) {
    const entry = found.directory.byKey.get(key);
    if (entry) assert.deepEqual(entry.stores, stores);
  }
  const keys = [
    ...served.segments.map(({ key }) => key),
    'unheard',
    ...served.segments.map(({ key }) => key),
  ];
  const ids = [...served.customers.keys(), 'nobody', 'c1'];
  const batch = await checkBatch(found, ids, keys);
  for (const [i, id] of ids.entries()) {
    assert.equal(await found.isKnown(id), served.customers.has(id));
    assert.deepEqual(await exceptionsOf(found, id), await exceptionsOf(expected, id));
    const answer = await check(found, id, keys);
    assert.deepEqual(answer, await check(expected, id, keys));
    assert.deepEqual(answer, batch[i]);
    assert.deepEqual({ ...answer.memberships }, plainCheck(served, id));
    await compareLists(lmdb, served, id);
  }
}

async function compareLists(store: Store, served: Loaded, id: string): Promise<void> {
  for (const filter of [
    {},
    { owner: 'a' },
    { tag: 'b' },
    { store: 'c' },
    { type: 'new', store: 'a' },
    { tag: 'a', owner: 'b' },
  ]) {
    const keys: string[] = [];
    let after: number | undefined;
    do {
      const page = await segmentsOf(store.view()!, id, {
        ...filter,
        limit: 3,
        ...(after === undefined ? {} : { after }),
      });
      assert(page.entries.length <= 3 && (page.entries.length > 0 || after === undefined));
      keys.push(...page.entries.map(({ key }) => key));
      after = page.next;
    } while (after !== undefined);
    assert.deepEqual(keys, plainList(served, id, filter));
  }
}

function plainMember(served: Loaded, id: string, entry: SegmentEntry): boolean {
  if (entry.status === 'paused') return false;
  return entry.defaultMember !== (served.customers.get(id) ?? []).includes(entry.segmentNo);
}

function plainCheck(served: Loaded, id: string): Record<string, boolean> {
  const known = served.segments.filter(({ status }) => status !== 'archived');
  return Object.fromEntries(known.map((entry) => [entry.key, plainMember(served, id, entry)]));
}

function plainList(served: Loaded, id: string, filter: Omit<SegmentsOfFilter, 'limit'>): string[] {
  return served.segments
    .filter((entry) => entry.status === 'active' && plainMember(served, id, entry))
    .filter(({ owner }) => filter.owner === undefined || owner === filter.owner)
    .filter(({ tags }) => filter.tag === undefined || tags.includes(filter.tag))
    .filter(({ type }) => filter.type === undefined || type === filter.type)
    .filter(({ stores }) => filter.store === undefined || stores?.includes(filter.store))
    .sort((a, b) => a.segmentNo - b.segmentNo)
    .map(({ key }) => key);
}
