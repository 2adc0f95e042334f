import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PairNumbers } from './pair-numbers.ts';

test('each distinct pair has one number, in the order in which pairs come', () => {
  const numbers = new PairNumbers();
  assert.equal(numbers.of(1, 2), 0);
  assert.equal(numbers.of(2, 1), 1);
  assert.equal(numbers.of(1, 2), 0);
  assert.equal(numbers.of(Number.POSITIVE_INFINITY, -0.5), 2);
  assert.equal(numbers.of(0, -0), 3);
  assert.equal(numbers.of(-0, 0), 3);
  assert.equal(numbers.of(Number.NEGATIVE_INFINITY, -0.5), 4);
  assert.equal(numbers.size, 5);
});

test('numbers stay while thousands of pairs are added', () => {
  const numbers = new PairNumbers();
  const given = (i: number): number => numbers.of(i % 1_000, Math.floor(i / 1_000) / 4);
  for (let i = 0; i < 20_000; i++) assert.equal(given(i), i);
  for (let i = 0; i < 20_000; i++) assert.equal(given(i), i);
  assert.equal(numbers.size, 20_000);
});
