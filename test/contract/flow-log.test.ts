/** The record of flows: one suite over its drivers. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import { DuckDbFlowLog } from '../../src/core/history/duckdb/duckdb-flow-log.ts';
import type { FlowLog } from '../../src/core/history/flow-log.ts';
import { MemoryFlowLog } from '../../src/core/history/memory/memory-flow-log.ts';

async function withDuckDb(work: (log: FlowLog) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-flows-'));
  const database = await openDatabase({ folder });
  try {
    await work(new DuckDbFlowLog(database));
  } finally {
    await database.close();
    await rm(folder, { recursive: true });
  }
}

const DRIVERS = {
  duckdb: withDuckDb,
  memory: (work: (log: FlowLog) => Promise<void>) => work(new MemoryFlowLog()),
};
const H = 3600;

async function fill(log: FlowLog): Promise<void> {
  const state = (exceptions: number, isDefault = false) => ({ state: { isDefault, exceptions } });
  const block = (at: number, position: number, customers: number) => ({
    hour: at - (at % H),
    at,
    position,
    customers,
  });
  await log.append({
    ...block(H + 10, 5, 100),
    flows: [
      { segmentNo: 3, entries: 2, exits: 0, ...state(12) },
      { segmentNo: 4, entries: 1, exits: 1, ...state(7, true) },
    ],
  });
  await log.append({
    ...block(H + 70, 9, 101),
    flows: [
      { segmentNo: 3, entries: 0, exits: 5, ...state(7) },
      { segmentNo: 4, entries: 2, exits: 0 },
    ],
  });
  await log.append({
    ...block(3 * H, 10, 102),
    flows: [{ segmentNo: 4, entries: 0, exits: 1, ...state(8, true) }],
  });
  await log.append({ ...block(3 * H + 9, 10, 103), flows: [] });
}

for (const [name, withLog] of Object.entries(DRIVERS)) {
  describe(`the record of flows, ${name}`, () => {
    it('knows nothing at first', () =>
      withLog(async (log) => {
        assert.equal(await log.mark(), undefined);
        assert.deepEqual(await log.flows(3, 9 * H), []);
        assert.deepEqual(await log.customers(9 * H), []);
      }));

    it('adds the blocks of an hour up, before and after the hour has ended', () =>
      withLog(async (log) => {
        await fill(log);
        const third = {
          hour: H,
          entries: 2,
          exits: 5,
          state: { at: H + 70, isDefault: false, exceptions: 7 },
        };
        const fourth = {
          hour: H,
          entries: 3,
          exits: 1,
          state: { at: H + 10, isDefault: true, exceptions: 7 },
        };
        assert.deepEqual(await log.flows(3, 9 * H), [third]);
        assert.deepEqual(await log.flows(4, 3 * H), [fourth], 'hours from the limit on are left out');
        const later = {
          hour: 3 * H,
          entries: 0,
          exits: 1,
          state: { at: 3 * H, isDefault: true, exceptions: 8 },
        };
        assert.deepEqual(await log.flows(4, 9 * H), [fourth, later]);
        assert.deepEqual(await log.flows(5, 9 * H), []);
        assert.deepEqual(await log.customers(9 * H), [
          { at: H + 70, customers: 101 },
          { at: 3 * H + 9, customers: 103 },
        ]);
        assert.deepEqual(await log.mark(), { at: 3 * H + 9, position: 10 });
      }));

    it('goes back to the end of an earlier hour, and on from there', () =>
      withLog(async (log) => {
        await fill(log);
        await log.rewind(3 * H);
        assert.deepEqual(await log.mark(), { at: H + 70, position: 9 });
        assert.equal((await log.flows(4, 9 * H)).length, 1);
        await log.rewind(H);
        assert.equal(await log.mark(), undefined);
        await fill(log);
        assert.equal((await log.flows(4, 9 * H)).length, 2);
      }));
  });
}
