/**
 * A simulated marketplace on an accelerated clock, killed at random moments. After every hour a random
 * sample of what is served is held to the SQL oracle; after every day all of it, and the log of changes
 * replayed over the baseline. `npm run soak` lives two days of a small market; `npm run soak -- --month`
 * a month of 100,000 customers and 10,000 segments. The last line is JSON with the totals.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { randomFrom } from '../../bench/benchmark-segments.ts';
import { readFlags } from '../../bench/flags.ts';
import { parseMoment } from '../../src/model/time.ts';
import type { HourLine } from './soak-process.ts';

const SHORT = {
  hours: 48,
  customers: 10_000,
  history: 200_000,
  stores: 300,
  segments: 1_000,
  ordersPerHour: 150,
  eventsPerHour: 150,
  /** 0: facts and definitions are of orders, traits and stores alone. */
  everyKind: 1,
  sampleSegments: 100,
  sampleCustomers: 1_000,
  dailySegments: 1_000_000,
  compactHours: 10,
  /** Everything is calculated again once in so many hours. */
  calculateHours: 15,
  /** One kill in each stretch of so many hours; 0: none. */
  killHours: 6,
  seed: 1,
};
const MONTH: typeof SHORT = {
  ...SHORT,
  hours: 720,
  customers: 100_000,
  history: 3_000_000,
  stores: 2_000,
  segments: 10_000,
  ordersPerHour: 200,
  eventsPerHour: 200,
  compactHours: 48,
  calculateHours: 36,
  killHours: 12,
};
/** Of an hour that ended, as a guess for the next of its kind. */
const SECONDS_FIRST = 3;

const isMonth = process.argv.includes('--month');
if (isMonth) process.argv.splice(process.argv.indexOf('--month'), 1);
const flags = readFlags(isMonth ? MONTH : SHORT);
const folder = await mkdtemp(join(tmpdir(), 'coterie-soak-'));
const random = randomFrom(flags.seed);
const totals = {
  hours: 0,
  ticks: 0,
  compared: 0,
  mismatches: 0,
  replayed: 0,
  replayCompared: 0,
  kills: 0,
  cpuSeconds: 0,
};
/** Step → kills that hit it. */
const killsByStep: Record<string, number> = {};
/** Seconds by step over all hours that ended. */
const seconds: Record<string, number> = {};
/** How long an ordinary hour and the last of a day took. */
const lastSeconds = { hour: SECONDS_FIRST, day: SECONDS_FIRST };
const started = performance.now();
let failure = '';
/** Stretches of `killHours` that have had their kill, and the hour after which the next one falls. */
let stretch = 0;
let killAfter = hourOfStretch(stretch);
/** When the soak itself is told to end, nothing of it stays behind. */
let stop: (signal: NodeJS.Signals) => void = () => {};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(signal));
try {
  while (totals.hours < flags.hours && failure === '') {
    const code = await runUntilKilled();
    if (code !== 0 && code !== null) failure = `failed in or after hour ${totals.hours}: see above`;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(
  JSON.stringify({
    soak: failure === '' ? 'done' : failure,
    ...totals,
    cpuSeconds: Math.round(totals.cpuSeconds),
    seconds: Math.round((performance.now() - started) / 1000),
    killsByStep,
    secondsByStep: Object.fromEntries(Object.entries(seconds).map(([step, s]) => [step, Math.round(s)])),
  }),
);
process.exitCode = failure === '' ? 0 : 1;

/** An hour of a stretch, at random; never, without kills. */
function hourOfStretch(index: number): number {
  if (flags.killHours === 0) return Number.POSITIVE_INFINITY;
  return index * flags.killHours + 1 + Math.floor(random() * flags.killHours);
}

/** @returns The exit code; null when it was killed as planned: a crash by a signal of its own is a 1. */
function runUntilKilled(): Promise<number | null> {
  const file = fileURLToPath(new URL('./soak-process.ts', import.meta.url));
  const options = { ...flags, folder, start: parseMoment('2026-03-01T00:00:00Z') };
  const child = spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  stop = (signal) => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  let step = 'start';
  let isKilled = false;
  let timer: NodeJS.Timeout | undefined;
  let isDue = false;
  const kill = () => {
    if (isKilled || !child.kill('SIGKILL')) return;
    isKilled = true;
    totals.kills++;
    killsByStep[step] = (killsByStep[step] ?? 0) + 1;
  };
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as HourLine | { readonly step: string };
    if ('step' in line) {
      step = line.step;
      if (isDue) kill();
      return;
    }
    console.log(text);
    add(line);
    // An hour that ended before its kill came leaves it to the step that follows.
    isDue = timer !== undefined;
    if (isKilled || line.hour < killAfter || line.hour >= flags.hours) return;
    killAfter = hourOfStretch(++stretch);
    const next = (line.hour + 1) % 24 === 0 ? lastSeconds.day : lastSeconds.hour;
    // Anywhere within the next hour, so that any step of it is hit.
    timer = setTimeout(kill, random() * next * 1_000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === null) resolve(code!);
      else resolve(isKilled && signal === 'SIGKILL' ? null : 1);
    });
  });
}

function add(line: HourLine): void {
  totals.hours = line.hour;
  totals.ticks += line.ticks;
  totals.compared += line.compared;
  totals.mismatches += line.mismatches;
  totals.replayed += line.replayed;
  totals.replayCompared += line.replayCompared;
  totals.cpuSeconds += line.cpuSeconds;
  const { open: _, ...steps } = line.seconds;
  const took = Object.values(steps).reduce((sum, one) => sum + one, 0);
  if (line.hour % 24 === 0) lastSeconds.day = took;
  else lastSeconds.hour = took;
  for (const [name, value] of Object.entries(line.seconds)) seconds[name] = (seconds[name] ?? 0) + value;
}
