/** Ticks as those who run a server see them: readiness, metrics, freshness objectives. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, type Coterie, openCoterie } from './api-fixture.ts';

interface Ready {
  readonly segmentsBeyondFreshness: number;
  readonly live?: {
    readonly state: string;
    readonly latenessSeconds?: number;
    readonly ticks: number;
    readonly failures: number;
  };
}

let coterie: Coterie;
before(async () => {
  coterie = await openCoterie();
});
after(() => coterie.close());

const ready = async () => (await ask<Ready>(`${coterie.url}/readyz`)).json;

/** The samples without labels, by name. */
async function metrics(): Promise<Map<string, number>> {
  const { text } = await ask(`${coterie.url}/metrics`);
  return new Map(
    [...text.matchAll(/^(coterie_\w+) (\S+)$/gm)].map(([, name, value]) => [name!, Number(value)]),
  );
}

async function ticked(count: number): Promise<void> {
  while ((coterie.core.liveStatus()?.ticks ?? 0) < count)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

test('without ticks readiness says nothing of them, and old answers are beyond their objective', async () => {
  await coterie.core.apply(
    [
      { key: 'fresh', type: 'recurrent', params: { atLeast: 1 }, freshness: '10s' },
      {
        key: 'fresh-at',
        type: 'new',
        forEach: 'store',
        params: { stores: { each: true } },
        freshness: '9999d',
      },
      { key: 'rests', type: 'new', status: 'paused', freshness: '1s' },
    ],
    { author: 'test', at: 0 },
  );
  await coterie.core.calculate({ moment: 1_700_000_000 });
  const { live, segmentsBeyondFreshness } = await ready();
  assert.equal(live, undefined);
  assert.equal(segmentsBeyondFreshness, 1);
  assert.equal((await metrics()).get('coterie_segments_beyond_freshness'), 1);
});

test('a pinned calculation is told as one: ticks wait', async () => {
  await coterie.core.startLive({ periodMs: 10 });
  assert.equal((await ready()).live?.state, 'pinned');
  assert.equal((await metrics()).has('coterie_tick_lateness_seconds'), false);
});

test('while ticks go on, readiness and metrics tell lateness, work and backlog', async () => {
  await coterie.core.calculate({});
  await ticked(1);
  await coterie.ingest.submit('orders', [
    { customer_id: 'new', order_id: 'o', ordered_at: '2026-02-01', total: 1 },
  ]);
  const before = coterie.core.liveStatus()!.ticks;
  await ticked(before + 2);
  const { live, segmentsBeyondFreshness } = await ready();
  assert.equal(live?.state, 'ticking');
  assert.equal(live?.failures, 0);
  assert.ok(live!.latenessSeconds! >= 0);
  assert.equal(segmentsBeyondFreshness, 0);
  const seen = await metrics();
  assert.ok(seen.get('coterie_ticks_total')! >= before + 2);
  assert.equal(seen.get('coterie_facts_backlog_batches'), 0);
  assert.ok(seen.get('coterie_tick_affected_customers_total')! >= 1);
  assert.ok(seen.get('coterie_entries_total')! + seen.get('coterie_exits_total')! >= 1);
  for (const name of [
    'coterie_tick_seconds',
    'coterie_tick_lateness_seconds',
    'coterie_ticks_seconds_total',
  ]) {
    assert.ok(seen.get(name)! >= 0, name);
  }
  assert.equal(seen.get('coterie_tick_failures_total'), 0);
});

test('the history of a segment tells sizes, entries and exits by the hour', async () => {
  const history = async (query: string) => {
    const { status, json } = await ask<Record<string, unknown>>(`${coterie.url}/v1/segments/${query}`);
    return { status, ...json } as {
      status: number;
      code?: string;
      step?: string;
      points?: Record<string, unknown>[];
    };
  };
  const { status, step, points } = await history('fresh/history');
  assert.deepEqual([status, step, points!.length], [200, '1h', 168]);
  const last = points!.at(-1)!;
  const { size } = (await ask<{ size: number }>(`${coterie.url}/v1/segments/fresh/size`)).json;
  assert.equal(last.size, size);
  assert.deepEqual([last.entries, last.exits], [1, 0], 'the new customer entered');
  const years = await history('fresh/history?from=2023-11-14T22:00:00Z&to=2023-11-15T01:00:00Z');
  // The first pass of this file was pinned to 2023-11-14T22:13:20Z, before any order.
  assert.deepEqual(
    years.points!.map((point) => point.size),
    [0, 0, 0],
  );
  assert.equal((await history('fresh/history?step=5m')).code, 'REQUEST_INVALID');
  assert.equal((await history('fresh/history?from=2100-01-01')).code, 'REQUEST_INVALID');
  assert.equal((await history('fresh-at/history')).code, 'REQUEST_INVALID');
  assert.equal((await history('none/history')).code, 'SEGMENT_NOT_FOUND');
});

test('a running server is held to plain SQL while ticks go on, and tells what differs', async () => {
  const verified = (body: object) =>
    ask<Record<string, number>>(`${coterie.url}/v1/verify`, { body }).then(({ json }) => json);
  const { segments, customers, mismatches, compared } = await verified({ segments: 100 });
  assert.deepEqual([segments, customers, mismatches], [10, 4, 0]);
  assert.equal(compared, 40);
  assert.equal((await verified({ segments: 2, customers: 3, seed: 7 })).compared, 6);
  // What is served is made wrong behind the back of the ticks.
  const asOf = coterie.store.asOf()!;
  const entry = coterie.store.view()!.directory.byKey.get('fresh')!;
  const { stores: _, ...fields } = { ...entry, defaultMember: !entry.defaultMember };
  await coterie.store.apply({ asOf, segments: [fields] });
  const wrong = await verified({ segments: 100 });
  assert.deepEqual([wrong.mismatches, wrong.compared], [4, 40]);
  const seen = await metrics();
  assert.equal(seen.get('coterie_verify_mismatches_total'), 4);
  assert.equal(seen.get('coterie_verify_compared_total'), 86);
  assert.ok(seen.get('coterie_verify_last_seconds')! > 0);
});

test('an order that a correction moves leaves one customer and comes to another in the same tick', async () => {
  await coterie.core.calculate({});
  const send = async (row: object) => {
    const body = JSON.stringify([{ order_id: 'moves', ordered_at: '2026-02-01', total: 1, ...row }]);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${coterie.url}/v1/facts/orders`, { method: 'POST', headers, body });
    return (await response.json()) as { moved?: number; warnings?: object };
  };
  const isIn = async (customer: string) =>
    (await ask<{ memberships: object }>(`${coterie.url}/v1/check?customer=${customer}&segments=fresh`)).json
      .memberships;
  const follow = () => ticked(coterie.core.liveStatus()!.ticks + 2);
  await send({ customer_id: 'ann' });
  await follow();
  assert.deepEqual([await isIn('ann'), await isIn('bob')], [{ fresh: true }, { fresh: false }]);
  const { moved, warnings } = await send({ customer_id: 'bob', previous_customer_id: 'ann' });
  assert.deepEqual([moved, warnings], [1, undefined]);
  await follow();
  assert.deepEqual([await isIn('ann'), await isIn('bob')], [{ fresh: false }, { fresh: true }]);
  const nowhere = await send({ customer_id: 'bob', order_id: 'x', previous_customer_id: 'ann' });
  assert.deepEqual(nowhere.warnings, {
    'previous_customer_id has no such order, so that nothing was moved': 1,
  });
});

test('exceptions are counted of segments that ticks brought, as a full pass counts them', async () => {
  const definition = { key: 'brought', type: 'recurrent', params: { atLeast: 1 } };
  await coterie.core.apply([definition], { author: 'test', at: 0 });
  await ticked(coterie.core.liveStatus()!.ticks + 2);
  const entries = () => coterie.store.view()!.directory.entries;
  const entry = () => entries().find(({ key }) => key === 'brought')!;
  assert.equal(entry().exceptions, undefined, 'a tick does not count them for the directory');
  const byTicks = (await metrics()).get('coterie_exceptions');
  const report = await coterie.core.calculate({});
  assert.equal(byTicks, report.exceptions);
  assert.ok(entry().exceptions! > 0);
});
