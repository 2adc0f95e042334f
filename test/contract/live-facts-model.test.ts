/**
 * Live facts of the DuckDB engine and the oracle's, over the same random facts: whatever is put, corrected,
 * folded in, closed and opened in between, a tick reads the same from both.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DuckDbDatabase, openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbEngine } from '../../src/core/engine/duckdb/duckdb-engine.ts';
import { openLiveFacts } from '../../src/core/engine/duckdb/ledger/duckdb-live-facts.ts';
import type { Engine } from '../../src/core/engine/engine.ts';
import type { LiveFacts, TimeOffsets } from '../../src/core/engine/live-facts.ts';
import { MemoryEngine } from '../../src/core/engine/memory/memory-engine.ts';
import {
  type EventFact,
  type ListEntryFact,
  type OrderFact,
  type ScoreFact,
  type TraitFact,
  traitMoment,
} from '../../src/model/fact.ts';
import { type Asked, EVERYTHING, readEngine, readLive } from './live-facts-reading.ts';

const RUNS = Number(process.env.COTERIE_LIVE_RUNS ?? 20);
const NOON = 1_700_000_000;
const HOUR_S = 3_600;
const DAY_S = 86_400;
const WINDOWS_S = [0, 60, HOUR_S, DAY_S, 30 * DAY_S, 365 * DAY_S];
const ALL_OFFSETS: TimeOffsets = {
  orders: WINDOWS_S,
  events: WINDOWS_S,
  traits: [-30 * DAY_S, -60, 0, 1, HOUR_S, 365 * DAY_S],
  scores: [0],
};

/** Times are given by their distance from the clock. */
interface Placed extends Omit<OrderFact, 'orderedAt'> {
  readonly distanceS: number;
}

const placed: fc.Arbitrary<Placed> = fc.record(
  {
    customerId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'é', '𝒳'),
    orderId: fc.constantFrom('1', '2', '3', '4', '5', '6'),
    storeId: fc.constantFrom('s', 't', 'u'),
    distanceS: fc.oneof(
      fc.constantFrom(
        0,
        -60,
        -HOUR_S,
        -DAY_S,
        -30 * DAY_S,
        1,
        60,
        2 * HOUR_S,
        400 * DAY_S,
        -NOON,
        2_594_967_295,
      ),
      fc.integer({ min: -2 * DAY_S, max: HOUR_S }),
    ),
    totalE4: fc.constantFrom(0, -5, 199_500, 9_999_999_999_999, -9_999_999_999_999),
    discountE4: fc.constantFrom(0, 100, 7, 9_999_999_999_999),
    currency: fc.constantFrom('', 'EUR', 'USD'),
    status: fc.constantFrom('completed', 'completed', 'completed', 'cancelled', 'refunded'),
  },
  { requiredKeys: ['customerId', 'orderId', 'distanceS', 'totalE4', 'discountE4', 'currency', 'status'] },
);
const traits: fc.Arbitrary<TraitFact> = fc.record({
  customerId: fc.constantFrom('a', 'b', 'only-traits'),
  name: fc.constantFrom('city', 'age', 'size'),
  value: fc.constantFrom(
    'BCN',
    '40',
    '-0.5',
    '',
    ...[0, HOUR_S, -HOUR_S, 30 * DAY_S].map((distanceS) =>
      new Date((NOON + distanceS) * 1_000).toISOString().replace('.000', ''),
    ),
  ),
});
const customerId = fc.constantFrom('a', 'b', 'c', 'only-others');
const distanceS = fc.constantFrom(-DAY_S, -HOUR_S, -60, 0, 1, 60, 2 * HOUR_S, DAY_S);
const events: fc.Arbitrary<Omit<EventFact, 'occurredAt'> & { readonly distanceS: number }> = fc.record({
  customerId,
  eventId: fc.constantFrom('1', '2', '3', '4', '5'),
  name: fc.constantFrom('seen', 'bought'),
  distanceS,
  properties: fc.dictionary(
    fc.constantFrom('city', 'amount', 'é'),
    fc.constantFrom('BCN', 'é', '5', '5.0', ''),
    {
      maxKeys: 3,
    },
  ),
});
const version = fc.constantFrom('', 'v1', 'v2', 'v3');
const model = fc.constantFrom('churn', 'churn', 'ltv');
const scores: fc.Arbitrary<Omit<ScoreFact, 'validUntil'> & { readonly distanceS?: number | undefined }> =
  fc.record({
    customerId,
    model,
    version,
    value: fc.constantFrom(0, -0.5, 0.1, 1e300),
    distanceS: fc.option(distanceS, { nil: undefined }),
  });
const listEntries: fc.Arbitrary<ListEntryFact> = fc.record({
  customerId,
  list: fc.constantFrom('vip', 'staff'),
  isListed: fc.boolean(),
});

type Step =
  | {
      readonly kind: 'put';
      readonly orders: Placed[];
      readonly traits: TraitFact[];
      readonly stores: { readonly storeId: string; readonly city?: string }[];
      readonly events: (Omit<EventFact, 'occurredAt'> & { readonly distanceS: number })[];
      readonly scores: (Omit<ScoreFact, 'validUntil'> & { readonly distanceS?: number | undefined })[];
      readonly listEntries: ListEntryFact[];
      readonly emptiedLists: string[];
    }
  | { readonly kind: 'activate'; readonly model: string; readonly version: string }
  | { readonly kind: 'compact' | 'reopen' }
  | { readonly kind: 'tick'; readonly stepS: number; readonly offsets: TimeOffsets; readonly fails: boolean };

const some = (offsetsS: readonly number[]) => fc.uniqueArray(fc.constantFrom(...offsetsS));

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      orders: fc.array(placed, { maxLength: 8 }),
      traits: fc.array(traits, { maxLength: 3 }),
      stores: fc.array(
        fc.record({ storeId: fc.constantFrom('s', 'v'), city: fc.constantFrom('BCN', 'MAD') }),
        { maxLength: 1 },
      ),
      events: fc.array(events, { maxLength: 4 }),
      scores: fc.array(scores, { maxLength: 4 }),
      listEntries: fc.array(listEntries, { maxLength: 3 }),
      emptiedLists: fc.array(fc.constantFrom('vip', 'staff'), { maxLength: 1 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('activate' as const), model, version }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('compact' as const, 'reopen' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('tick' as const),
      stepS: fc.constantFrom(1, 1, 1, 59, 60, HOUR_S, HOUR_S, DAY_S, DAY_S, 31 * DAY_S),
      offsets: fc.record({
        orders: some(ALL_OFFSETS.orders),
        events: some(ALL_OFFSETS.events),
        traits: some(ALL_OFFSETS.traits),
        scores: some(ALL_OFFSETS.scores),
      }),
      fails: fc.boolean(),
    }),
  },
);

interface World {
  readonly database: DuckDbDatabase;
  readonly engine: DuckDbEngine;
  readonly oracle: MemoryEngine;
  readonly options: { readonly agendaEntriesMax: number; readonly rebuildRowsMin: number };
  readonly expected: LiveFacts;
  /** Times of all facts ever put. */
  readonly timed: {
    readonly source: keyof TimeOffsets;
    readonly customerId: string;
    readonly time: number;
  }[];
  facts: LiveFacts;
  /** What the last tick that succeeded had reached. */
  moment: number;
  batchNo: number;
}

const everyone = async (engine: Engine) =>
  Uint32Array.from({ length: (await engine.counts()).customers }, (_, i) => i);

/** All that a tick asks, at the marks that both stand at. */
async function tick(world: World, to: number, offsets: TimeOffsets): Promise<void> {
  const { engine, oracle, facts, expected } = world;
  await Promise.all([facts.advance(), expected.advance()]);
  await assertSameFacts(world);
  for (const after of new Set([0, world.batchNo])) {
    const [ours, theirs] = [await facts.received(after), await expected.received(after)];
    assert.deepEqual(
      (await engine.customerIds(ours.customers)).sort(),
      (await oracle.customerIds(theirs.customers)).sort(),
    );
    assert.deepEqual(ours.newCustomers.ids, theirs.newCustomers.ids);
    assert.deepEqual(await engine.customerIds(ours.newCustomers.customerNos), ours.newCustomers.ids);
  }
  const found = await engine.customerIds(await facts.crossing(offsets, world.moment, to));
  const wanted = await oracle.customerIds(await expected.crossing(offsets, world.moment, to));
  assert.equal(new Set(found).size, found.length);
  for (const id of wanted) assert(found.includes(id), `${id} crosses an edge, and was left out`);
  for (const id of found) {
    const isDue = ({ source, time }: World['timed'][number]) =>
      ALL_OFFSETS[source].some((offset) => time + offset > world.moment && time + offset <= to);
    assert(
      world.timed.some((fact) => fact.customerId === id && isDue(fact)),
      `${id} was named for nothing`,
    );
  }
}

/** Columns that the ledger brings as the engine does. */
const ASKED: readonly Asked[] = [
  EVERYTHING,
  { amounts: false, traits: false },
  { orders: false, amounts: false, traits: true, names: ['trait city', 'score churn', 'list vip'] },
  { orders: false, amounts: false, traits: false, uncounted: true, eventNames: ['bought'], properties: [] },
];

async function assertSameFacts({ engine, oracle, facts, expected }: World): Promise<void> {
  assert.deepEqual(
    [facts.batchNo, facts.storesBatchNo, facts.dictionarySize],
    [expected.batchNo, expected.storesBatchNo, expected.dictionarySize],
  );
  const customers = await everyone(engine);
  const live = await readLive(engine, facts, customers);
  assert.deepEqual(live, await readLive(oracle, expected, await everyone(oracle)));
  // Some columns and some customers, in turn.
  const asked = ASKED[facts.batchNo % ASKED.length]!;
  const some = customers.filter((customerNo) => customerNo % 2 === facts.batchNo % 2);
  assert.deepEqual(
    await readLive(engine, facts, some, asked),
    await readEngine(engine, { knownAt: facts.batchNo, customers: some }, asked),
  );
}

function placedFacts(put: Extract<Step, { kind: 'put' }>, moment: number) {
  const at = (distanceS: number) => Math.min(0xffff_ffff, Math.max(0, moment + distanceS));
  const { kind: _, ...facts } = put;
  return {
    ...facts,
    orders: put.orders.map(({ distanceS, ...fact }) => ({ ...fact, orderedAt: at(distanceS) })),
    events: put.events.map(({ distanceS, ...fact }) => ({ ...fact, occurredAt: at(distanceS) })),
    scores: put.scores.map(({ distanceS, ...fact }) => ({
      ...fact,
      ...(distanceS === undefined ? {} : { validUntil: at(distanceS) }),
    })),
  };
}

function note({ timed }: World, facts: ReturnType<typeof placedFacts>): void {
  for (const { customerId, orderedAt } of facts.orders) {
    timed.push({ source: 'orders', customerId, time: orderedAt });
  }
  for (const { customerId, occurredAt } of facts.events) {
    timed.push({ source: 'events', customerId, time: occurredAt });
  }
  for (const { customerId, value } of facts.traits) {
    timed.push({ source: 'traits', customerId, time: traitMoment(value) ?? Number.NaN });
  }
  for (const { customerId, validUntil } of facts.scores as ScoreFact[]) {
    timed.push({ source: 'scores', customerId, time: validUntil ?? Number.NaN });
  }
}

async function take(world: World, each: Step): Promise<void> {
  if (each.kind === 'compact') await world.engine.compact();
  if (each.kind === 'reopen') {
    await world.facts.close();
    world.facts = await openLiveFacts(world.database, world.options);
    await world.expected.advance();
  }
  if (each.kind === 'put') {
    const facts = placedFacts(each, world.moment);
    note(world, facts);
    assert.deepEqual(await world.engine.put(facts), await world.oracle.put(facts));
    // Nothing moves before the next tick.
    await assertSameFacts(world);
  }
  if (each.kind === 'activate') {
    const activate = (engine: Engine) =>
      engine.activateModelVersion(each.model, each.version).catch((error) => error.code);
    assert.deepEqual(await activate(world.engine), await activate(world.oracle));
  }
  if (each.kind === 'tick') {
    const to = world.moment + each.stepS;
    await tick(world, to, each.offsets);
    if (each.fails) return;
    world.moment = to;
    world.batchNo = world.facts.batchNo;
  }
}

test('live facts of DuckDB are those of the oracle, whatever happens between two ticks', async (context) => {
  const seed = Number(process.env.COTERIE_SEED ?? Date.now() % 0x7fffffff);
  context.diagnostic(`seed ${seed}, ${RUNS} runs`);
  const options = fc.record({
    agendaEntriesMax: fc.constantFrom(1, 3, 10, 1_000),
    rebuildRowsMin: fc.constantFrom(0, 1_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 16 }), options, async (steps, options) => {
      const folder = await mkdtemp(join(tmpdir(), 'coterie-live-facts-model-'));
      const database = await openDatabase({ folder });
      const engine = new DuckDbEngine(database);
      const oracle = new MemoryEngine();
      const world: World = {
        database,
        engine,
        oracle,
        options,
        expected: await oracle.openLiveFacts(),
        timed: [],
        facts: await openLiveFacts(database, options),
        moment: NOON,
        batchNo: 0,
      };
      try {
        for (const each of steps) await take(world, each);
        await tick(world, world.moment + 1, ALL_OFFSETS);
      } finally {
        await world.facts.close();
        await engine.close();
        await rm(folder, { recursive: true, force: true });
      }
    }),
    { seed, numRuns: RUNS, endOnFailure: true },
  );
});
