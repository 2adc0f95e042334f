/** The record of bounds that the population set: one suite over its drivers. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import type { BoundLog } from '../../src/core/history/bound-log.ts';
import { DuckDbBoundLog } from '../../src/core/history/duckdb/duckdb-bound-log.ts';
import { MemoryBoundLog } from '../../src/core/history/memory/memory-bound-log.ts';
import type { PopulationBound } from '../../src/core/population-bound.ts';

function bound(key: string, calculationNo: number, rest: Partial<PopulationBound> = {}): PopulationBound {
  return { key, calculationNo, moment: 100, batchNo: 5, customers: 3, values: [1, 2, 3, 4], ...rest };
}

async function withDuckDb(test: (log: BoundLog) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-bounds-'));
  const database = await openDatabase({ folder });
  try {
    await test(new DuckDbBoundLog(database));
  } finally {
    await database.close();
    await rm(folder, { recursive: true });
  }
}

const DRIVERS = {
  duckdb: withDuckDb,
  memory: (test: (log: BoundLog) => Promise<void>) => test(new MemoryBoundLog()),
};

for (const [name, withLog] of Object.entries(DRIVERS)) {
  describe(`the record of bounds, ${name}`, () => {
    it('begins empty', () =>
      withLog(async (log) => {
        assert.equal(await log.last(), undefined);
        assert.deepEqual(await log.inForce({ moment: 1_000, batchNo: 9 }), new Map());
      }));

    it('gives back bounds as they were, empty ones and exact ones too', () =>
      withLog(async (log) => {
        const bounds = [
          bound('{"it\'s":"a key"}', 1),
          bound('b', 1, { customers: 0, values: [] }),
          bound('c', 1, { values: [0.1 + 0.2, -1.5, 1e300, 5e-324] }),
        ];
        await log.append(bounds);
        const found = await log.inForce({ moment: 100, batchNo: 5 });
        assert.deepEqual(found, new Map(bounds.map((each) => [each.key, each])));
        assert.deepEqual(await log.last(), { calculationNo: 1, moment: 100, batchNo: 5, count: 3 });
      }));

    it('forgets what was taken for an as-of that was never reached, and nothing of earlier calculations', () =>
      withLog(async (log) => {
        const ahead = { moment: 300, batchNo: 9 };
        await log.append([bound('a', 1, ahead), bound('a', 2), bound('a', 2, { moment: 101 })]);
        await log.append([bound('a', 2, { batchNo: 6 }), bound('a', 3, ahead)]);
        await log.truncate({ moment: 100, batchNo: 5, calculationNo: 2 });
        assert.deepEqual(await log.inForce({ moment: 100, batchNo: 5 }), new Map([['a', bound('a', 2)]]));
        assert.deepEqual(await log.inForce(ahead), new Map([['a', bound('a', 1, ahead)]]));
        const { count } = (await log.last())!;
        await log.append([bound('b', 2)]);
        assert.ok((await log.last())!.count > count);
      }));

    it('keeps those of the past: in force is the last that was taken by a moment and a batch', () =>
      withLog(async (log) => {
        const early = bound('a', 1);
        const late = bound('a', 2, { moment: 200, batchNo: 7 });
        await log.append([early]);
        await log.append([late, bound('b', 2, { moment: 200, batchNo: 7 })]);
        const inForce = async (moment: number, batchNo: number, calculationNo?: number) => {
          const at = { moment, batchNo, ...(calculationNo === undefined ? {} : { calculationNo }) };
          return (await log.inForce(at)).get('a')?.calculationNo;
        };
        assert.equal(await inForce(99, 9), undefined);
        assert.equal(await inForce(100, 9), 1);
        assert.equal(await inForce(100, 4), undefined);
        assert.equal(await inForce(199, 9), 1);
        assert.equal(await inForce(200, 6), 1);
        assert.equal(await inForce(200, 7), 2);
        assert.equal(await inForce(199, 9, 2), undefined, 'only one of an earlier calculation');
        assert.equal(await inForce(200, 7, 2), 2);
      }));

    it('takes the last appended where moment and batch are equal', () =>
      withLog(async (log) => {
        await log.append([bound('a', 1, { values: [1] })]);
        await log.append([bound('a', 1, { values: [2] })]);
        assert.deepEqual((await log.inForce({ moment: 100, batchNo: 5 })).get('a')?.values, [2]);
      }));
  });
}
