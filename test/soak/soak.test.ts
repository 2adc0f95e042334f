/** The short form of the soak: twelve hours of a small market, killed at random, held to SQL and to its log. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SEED = String(Number(process.env.COTERIE_SEED ?? Date.now() % 2 ** 31));
const HOURS = {
  hours: 12,
  customers: 300,
  history: 3_000,
  stores: 25,
  segments: 45,
  ordersPerHour: 15,
  eventsPerHour: 15,
  sampleSegments: 10,
  sampleCustomers: 50,
  calculateHours: 5,
  killHours: 6,
};

test('hours with kills end without a mismatch, and the log replayed leads to what is served', async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const flags = Object.entries({ ...HOURS, seed: SEED }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
  const { code, output } = await run(fileURLToPath(new URL('./soak.ts', import.meta.url)), flags);
  assert.equal(code, 0, output);
  const totals = JSON.parse(output.trim().split('\n').at(-1)!) as Record<string, number>;
  t.diagnostic(JSON.stringify(totals));
  const { soak, hours, mismatches } = totals;
  assert.deepEqual({ soak, hours, mismatches }, { soak: 'done', hours: HOURS.hours, mismatches: 0 });
  for (const shown of ['kills', 'compared', 'replayed', 'replayCompared'])
    assert.ok(totals[shown]! > 0, shown);
});

function run(file: string, flags: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...flags]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
