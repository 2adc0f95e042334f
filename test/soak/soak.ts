/**
 * A simulated month on an accelerated clock, killed at random moments: what is served is held to the SQL
 * oracle after every hour. `npm run soak -- --hours 720`; without flags, two days in some minutes.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { randomFrom } from '../../bench/benchmark-segments.ts';
import { readFlags } from '../../bench/flags.ts';
import { parseMoment } from '../../src/model/time.ts';

const flags = readFlags({
  hours: 48,
  customers: 20_000,
  history: 400_000,
  stores: 500,
  segments: 2_000,
  ordersPerHour: 200,
  hourlySegments: 20,
  dailySegments: 200,
  /** Kills on average in so many hours; 0: none. */
  kills: 8,
  seed: 1,
});

interface HourLine {
  readonly hour: number;
  readonly compared: number;
  readonly mismatches: number;
}

const folder = await mkdtemp(join(tmpdir(), 'coterie-soak-'));
const random = randomFrom(flags.seed);
const totals = { hours: 0, compared: 0, mismatches: 0, kills: 0 };
const started = performance.now();
try {
  while (totals.hours < flags.hours) {
    const code = await runUntilKilled();
    if (code !== 0 && code !== null) throw new Error(`hour ${totals.hours + 1} failed: see above`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(
  JSON.stringify({ soak: 'done', ...totals, seconds: Math.round((performance.now() - started) / 1000) }),
);

/** @returns The exit code; null when it was killed. */
function runUntilKilled(): Promise<number | null> {
  const file = fileURLToPath(new URL('./soak-process.ts', import.meta.url));
  const options = { ...flags, folder, start: parseMoment('2026-03-01T00:00:00Z') };
  const child = spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(line);
    const { hour, compared, mismatches } = JSON.parse(line) as HourLine;
    totals.hours = hour;
    totals.compared += compared;
    totals.mismatches += mismatches;
    // Somewhere in the next hour, so that any step of it is hit.
    if (flags.kills > 0 && random() < 1 / flags.kills) {
      setTimeout(() => {
        if (child.kill('SIGKILL')) totals.kills++;
      }, random() * 3_000);
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code));
  });
}
