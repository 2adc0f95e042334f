/** The record of calculations: one suite over its drivers. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { CalculationReport } from '../../src/core/core.ts';
import { openDatabase } from '../../src/core/engine/duckdb/database.ts';
import type { CalculationLog } from '../../src/core/history/calculation-log.ts';
import { DuckDbCalculationLog } from '../../src/core/history/duckdb/duckdb-calculation-log.ts';
import { MemoryCalculationLog } from '../../src/core/history/memory/memory-calculation-log.ts';

function reportOf(calculationNo: number): CalculationReport {
  return {
    asOf: { moment: 1_000 + calculationNo, batchNo: 2, catalogNo: 3, calculationNo },
    segments: 2,
    customers: 10,
    orders: 100,
    exceptions: 5,
    memberships: 12,
    isPinned: false,
    seconds: 0.25,
    phases: { compile: 0.1 },
  };
}

async function withDuckDb(test: (log: CalculationLog) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coterie-calculations-'));
  const database = await openDatabase({ folder });
  try {
    await test(new DuckDbCalculationLog(database));
  } finally {
    await database.close();
    await rm(folder, { recursive: true });
  }
}

const DRIVERS = {
  duckdb: withDuckDb,
  memory: (test: (log: CalculationLog) => Promise<void>) => test(new MemoryCalculationLog()),
};

for (const [name, withLog] of Object.entries(DRIVERS)) {
  describe(`the record of calculations, ${name}`, () => {
    it('starts at number 0 and knows nothing', () =>
      withLog(async (log) => {
        assert.equal(await log.lastNo(), 0);
        assert.equal(await log.report(1), undefined);
        assert.equal(await log.size(1, 0), undefined);
      }));

    it('gives back each report and each size as they were', () =>
      withLog(async (log) => {
        await log.append(reportOf(1), { segmentNos: Uint32Array.of(0, 7), sizes: Uint32Array.of(3, 9) });
        await log.append(reportOf(2), { segmentNos: Uint32Array.of(7), sizes: Uint32Array.of(8) });
        assert.equal(await log.lastNo(), 2);
        assert.deepEqual(await log.report(1), reportOf(1));
        assert.equal(await log.size(1, 7), 9);
        assert.equal(await log.size(2, 7), 8);
        assert.equal(await log.size(2, 0), undefined, 'not part of the second');
      }));
  });
}
