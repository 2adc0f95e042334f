/** How numbers and tables read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describePhase } from './progress-display.ts';
import {
  countOf,
  formatAge,
  formatBytes,
  formatRough,
  formatSeconds,
  layOutTable,
  visible,
} from './words.ts';

test('numbers read at a glance', () => {
  assert.equal(countOf(1, 'row'), '1 row');
  assert.equal(countOf(12_345, 'row'), '12,345 rows');
  assert.equal(formatRough(9_999), '9,999');
  assert.equal(formatRough(12_345), '12.3 k');
  assert.equal(formatRough(100_000_000), '100 M');
  assert.equal(formatSeconds(0.4213), '0.42 s');
  assert.equal(formatSeconds(185), '3 min 05 s');
  assert.equal(formatSeconds(7_800), '2 h 10 min');
  assert.equal(formatAge(98_751), '1 day 3 hours');
  assert.equal(formatAge(2 * 86_400 + 5), '2 days');
  assert.equal(formatAge(61), '1 minute 1 second');
  assert.equal(formatAge(0), '0 seconds');
  assert.equal(formatBytes(5 * 1024 * 1024 + 300_000), '5.3 MiB');
});

test('a table puts numbers to the right and text to the left', () => {
  const rows = [
    { key: 'a', size: 5 },
    { key: 'longer', size: 12_345 },
  ];
  assert.deepEqual(
    layOutTable(rows, [
      { title: 'KEY', value: (row) => row.key },
      { title: 'SIZE', value: (row) => row.size },
    ]),
    ['KEY       SIZE', 'a            5', 'longer  12,345'],
  );
});

test('data cannot move the cursor or break a line', () => {
  assert.equal(visible('a\nb\u001b[2Jc\u0007'), 'a\\u000ab\\u001b[2Jc\\u0007');
});

test('a phase tells share, rate and time left, and only what is known', () => {
  const phase = { name: 'scan', startedAtMs: 0, done: 25_000, total: 100_000 };
  assert.equal(describePhase(phase, 1000), 'scan        25 %  25.0 k of 100 k  25.0 k/s  3.00 s left');
  assert.match(describePhase(phase, 1000, 8), /^scan {7}██░░░░░░ {2}25 %/);
  assert.equal(describePhase({ ...phase, total: undefined }, 2000), 'scan       25.0 k  12.5 k/s  2.00 s');
  assert.equal(describePhase({ ...phase, done: 0 }, 1000), 'scan         0 %  0 of 100 k  1.00 s');
});
