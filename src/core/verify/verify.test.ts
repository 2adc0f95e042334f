/** Verification finds what is served wrongly, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomerBatch } from '../../model/membership.ts';
import type { Rule } from '../../model/rule.ts';
import type { Segment } from '../../model/segment.ts';
import { type VerifyParts, verify } from './verify.ts';

const RULE: Rule = { kind: 'orders', stores: { kind: 'all' }, measure: 'count', atLeast: 1 };

function segment(key: string, status: 'active' | 'paused' = 'active'): Segment {
  return { segmentNo: 0, key, definition: { key, type: 'rule', status }, rule: RULE };
}

async function* batches(): AsyncGenerator<CustomerBatch> {
  yield { ids: ['a', 'b'], customerNos: Uint32Array.of(1, 70) };
  yield { ids: ['c'], customerNos: Uint32Array.of(2) };
}

/** Customers 1 and 70 are in every active segment. */
function partsThatServe(served: Record<string, Record<string, boolean>>): VerifyParts {
  return {
    segments: [segment('s'), segment('t'), segment('resting', 'paused')],
    customers: batches(),
    membersBySql: async () => Uint32Array.of(70, 1),
    served: async (customer) => served[customer] ?? {},
  };
}

const RIGHT = {
  a: { s: true, t: true, resting: false },
  b: { s: true, t: true, resting: false },
  c: { s: false, t: false, resting: false },
};

test('what is served as the facts say has no mismatch', async () => {
  const { seconds: _, ...report } = await verify(partsThatServe(RIGHT), { segments: 10, seed: 1 });
  assert.deepEqual(report, {
    segments: 3,
    customers: 3,
    compared: 9,
    mismatches: 0,
    mismatchRate: 0,
    examples: [],
  });
});

test('a wrong membership, a segment that is not served and a paused one that is are found', async () => {
  const wrong = {
    a: { ...RIGHT.a, s: false },
    b: { s: true, resting: false },
    c: { ...RIGHT.c, resting: true },
  };
  const report = await verify(partsThatServe(wrong as typeof RIGHT), { segments: 10, seed: 1 });
  assert.equal(report.mismatches, 3);
  assert.equal(report.mismatchRate, 3 / 9);
  assert.deepEqual(
    [...report.examples].sort((x, y) => (x.customer < y.customer ? -1 : 1)),
    [
      { customer: 'a', segment: 's', served: false, expected: true },
      { customer: 'b', segment: 't', served: undefined, expected: true },
      { customer: 'c', segment: 'resting', served: true, expected: false },
    ],
  );
});

test('as many segments are drawn as asked for, each once, the same for the same seed', async () => {
  const segments = Array.from({ length: 50 }, (_, i) => segment(`s${i}`));
  const drawn = async (seed: number): Promise<string[]> => {
    const keys: string[] = [];
    const parts: VerifyParts = {
      segments,
      customers: batches(),
      membersBySql: async () => Uint32Array.of(),
      served: async (_, asked) => {
        if (keys.length === 0) keys.push(...asked);
        return Object.fromEntries(asked.map((key) => [key, false]));
      },
    };
    await verify(parts, { segments: 10, seed });
    return keys;
  };
  const first = await drawn(1);
  assert.equal(new Set(first).size, 10);
  assert.deepEqual(await drawn(1), first);
  assert.notDeepEqual(await drawn(2), first);
});
