import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeptNumbers } from './kept-numbers.ts';

const LAST = 2 ** 21 - 3;
const MAX_S = 2 ** 32 - 1;

function kept(...numbers: readonly (readonly [tally: number, number: number])[]): KeptNumbers {
  const all = new KeptNumbers(LAST + 1);
  for (const [tally, number] of numbers) all.add(tally, number);
  all.arrange();
  return all;
}

describe('kept numbers', () => {
  it('are counted once, by tally, in whatever order and number they come', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => [i % 3, (i * 7_919) % 100] as const);
    const all = kept(...many);
    assert.deepEqual(
      [0, 1, 2, 3].map((tally) => all.countOf(tally)),
      [100, 100, 100, 0],
    );
    all.clear();
    all.add(3, 1);
    all.arrange();
    assert.deepEqual(
      [0, 3].map((tally) => all.countOf(tally)),
      [0, 1],
      'what was cleared is gone',
    );
  });

  it('are exact for the last tally and the last moment', () => {
    const all = kept([LAST, MAX_S], [LAST, MAX_S - 1], [LAST - 1, MAX_S]);
    assert.equal(all.countOf(LAST), 2);
    assert.equal(all.isFollowedWithin(LAST, LAST, 1), true);
    assert.equal(all.isFollowedWithin(LAST - 1, LAST, MAX_S), false, 'a second at the same time is none');
    assert.equal(all.isMissedWithin(LAST - 1, LAST, 0, MAX_S), true);
  });

  it('are followed by any second in time, and missed by every first without one', () => {
    const all = kept([0, 10], [0, 20], [0, 30], [1, 15], [1, 31]);
    assert.equal(all.isFollowedWithin(0, 1, 1), true);
    assert.equal(all.isFollowedWithin(1, 0, 5), true);
    assert.equal(all.isFollowedWithin(1, 0, 4), false);
    assert.equal(all.isMissedWithin(0, 1, 5, 25), true, 'nothing came after 20');
    assert.equal(all.isMissedWithin(0, 1, 5, 24), false, 'it may still come');
    assert.equal(all.isMissedWithin(0, 1, 11, 100), false);
    assert.equal(all.isMissedWithin(0, 2, 11, 100), true, 'no seconds at all');
    assert.equal(all.isMissedWithin(2, 0, 1, 100), false, 'no firsts at all');
  });
});
