/**
 * Random lives of a store: loads that are committed or given up, stores opened again, on LMDB and on the
 * in-memory oracle at once. After each step both must answer alike, and as the plain reading of the
 * design has it. `COTERIE_SEED` repeats a run.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SegmentEntry } from '../../src/model/membership.ts';
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
  segmentEntry,
} from './store-contract.ts';

const RUNS = Number(process.env.COTERIE_RUNS ?? 20);
const SEED = Number(process.env.COTERIE_SEED ?? Date.now() % 2 ** 31);

interface Loaded {
  readonly segments: readonly SegmentEntry[];
  readonly customers: LoadedCustomers;
}

type Step = { readonly kind: 'load' | 'give up'; readonly loaded: Loaded } | { readonly kind: 'open again' };

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

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('load' as const), loaded: arbitraryLoaded }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('give up' as const), loaded: arbitraryLoaded }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('open again' as const) }) },
);

test('LMDB, the in-memory oracle and the plain reading answer alike through any series of loads', async (t) => {
  t.diagnostic(`seed ${SEED}, ${RUNS} lives`);
  await fc.assert(fc.asyncProperty(fc.array(arbitraryStep, { minLength: 1, maxLength: 6 }), live), {
    seed: SEED,
    numRuns: RUNS,
  });
});

async function live(steps: readonly Step[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-model-'));
  let lmdb = await openLmdbStore({ folder });
  const memory = openMemoryStore();
  let served: Loaded | undefined;
  try {
    for (const [i, step] of steps.entries()) {
      if (step.kind === 'open again') {
        await lmdb.close();
        lmdb = await openLmdbStore({ folder });
      } else {
        for (const store of [lmdb, memory]) await load(store, i, step);
        if (step.kind === 'load') served = step.loaded;
      }
      await compare(lmdb, memory, served);
    }
  } finally {
    await lmdb.close();
    await rm(folder, { recursive: true, force: true });
  }
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

async function compare(lmdb: Store, memory: Store, served: Loaded | undefined): Promise<void> {
  const expected = memory.view();
  const found = lmdb.view();
  if (!served || !expected || !found) {
    assert.deepEqual([found, expected], [undefined, undefined]);
    return;
  }
  assert.deepEqual(found.asOf, expected.asOf);
  assert.equal(found.customers, expected.customers);
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
