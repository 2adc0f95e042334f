/** Verification finds what is served wrongly, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CustomerBatch, SegmentEntry } from '../../model/membership.ts';
import { encodeRow } from '../../model/row.ts';
import type { Rule } from '../../model/rule.ts';
import type { Segment } from '../../model/segment.ts';
import { type ServedReader, servedByAnswers, servedByRows } from './served-reader.ts';
import { type MemberOracle, type VerifyParts, verify } from './verify.ts';

const BOUGHT: Rule = { kind: 'orders', stores: { kind: 'all' }, measure: 'count', atLeast: 1 };
const NEVER_BOUGHT: Rule = { kind: 'not', rule: BOUGHT };
const SEGMENTS: readonly Segment[] = [
  segment(3, 's', BOUGHT),
  segment(4, 't', NEVER_BOUGHT),
  segment(5, 'resting', BOUGHT, 'paused'),
];

function segment(
  segmentNo: number,
  key: string,
  rule: Rule,
  status: 'active' | 'paused' = 'active',
): Segment {
  return { segmentNo, key, definition: { key, type: 'rule', status }, rule };
}

async function* batches(): AsyncGenerator<CustomerBatch> {
  yield { ids: ['a', 'b'], customerNos: Uint32Array.of(1, 7_000) };
  yield { ids: ['c'], customerNos: Uint32Array.of(2) };
}

/** Customers 1 and 7,000 have bought, and so has one who is not known yet. */
function oracle(asked: Rule[] = []): MemberOracle {
  return {
    queriesAtOnce: 2,
    members: async (rule) => {
      asked.push(rule);
      return { customerNos: Uint32Array.of(7_000, 1, 9_999_999), isComplement: rule.kind === 'not' };
    },
    close: async () => {},
  };
}

function partsThatServe(served: VerifyParts['served'], segments = SEGMENTS): VerifyParts {
  return { segments, customers: batches, oracle: oracle(), served };
}

type Answers = Readonly<Record<string, Readonly<Record<string, boolean>>>>;

/** The same memberships as the Store would hold them: `t` is everybody's default. */
function byRows(answers: Answers): VerifyParts['served'] {
  const row = (id: string): Uint8Array => {
    const answer = answers[id]!;
    const exceptions = [...(answer.s ? [3] : []), ...(answer.t ? [] : [4]), ...(answer.resting ? [5] : [])];
    const bytes = new Uint8Array(exceptions.length * 5);
    return bytes.subarray(0, encodeRow(Uint32Array.from(exceptions), exceptions.length, bytes, 0));
  };
  const entry = (segmentNo: number, key: string, defaultMember: boolean): [string, SegmentEntry] => [
    key,
    { segmentNo, key, defaultMember, status: 'active', tags: [], type: 'rule', exceptions: 0 },
  ];
  const listed = [entry(3, 's', false), entry(4, 't', true), entry(5, 'resting', false)];
  const byKey = new Map(listed.filter(([key]) => key in answers.a!));
  return (keys) => servedByRows({ directory: { byKey }, row }, keys);
}

function byAnswers(answers: Answers): VerifyParts['served'] {
  return (keys) => servedByAnswers(new Map(Object.entries(answers)), keys);
}

const RIGHT: Answers = {
  a: { s: true, t: false, resting: false },
  b: { s: true, t: false, resting: false },
  c: { s: false, t: true, resting: false },
};

for (const [name, read] of [
  ['rows', byRows],
  ['answers', byAnswers],
] as const) {
  describe(`verification of ${name}`, () => {
    test('what is served as the facts say has no mismatch', async () => {
      const { seconds: _, ...report } = await verify(partsThatServe(read(RIGHT)), { segments: 10, seed: 1 });
      assert.deepEqual(report, {
        segments: 3,
        customers: 3,
        compared: 9,
        mismatches: 0,
        mismatchRate: 0,
        examples: [],
      });
    });

    test('a wrong membership and one in a paused segment are found', async () => {
      const wrong = { ...RIGHT, a: { ...RIGHT.a!, s: false }, c: { s: false, t: false, resting: true } };
      const report = await verify(partsThatServe(read(wrong)), { segments: 10, seed: 1 });
      assert.equal(report.mismatches, 3);
      assert.equal(report.mismatchRate, 3 / 9);
      assert.deepEqual(
        [...report.examples].sort((x, y) => (x.customer + x.segment < y.customer + y.segment ? -1 : 1)),
        [
          { customer: 'a', segment: 's', served: false, expected: true },
          { customer: 'c', segment: 'resting', served: true, expected: false },
          { customer: 'c', segment: 't', served: false, expected: true },
        ],
      );
    });

    test('a segment that is not served at all is wrong for everybody', async () => {
      const lacking = Object.fromEntries(
        Object.entries(RIGHT).map(([id, { s, resting }]) => [id, { s: s!, resting: resting! }]),
      );
      const report = await verify(partsThatServe(read(lacking)), { segments: 10, seed: 1 });
      assert.equal(report.mismatches, 3);
      assert.deepEqual(report.examples, [
        { customer: 'a', segment: 't', served: undefined, expected: false },
        { customer: 'b', segment: 't', served: undefined, expected: false },
        { customer: 'c', segment: 't', served: undefined, expected: true },
      ]);
    });
  });
}

test('a row that still holds a paused segment is of nobody in it', async () => {
  const paused = { ...SEGMENTS[2]!, key: 'resting' };
  const entry = { segmentNo: 5, key: 'resting', tags: [], type: 'rule', exceptions: 1, defaultMember: true };
  const view = {
    directory: { byKey: new Map([['resting', { ...entry, status: 'paused' as const }]]) },
    row: () => Uint8Array.of(6),
  };
  const report = await verify(
    partsThatServe((keys) => servedByRows(view, keys), [paused]),
    { segments: 1, seed: 1 },
  );
  assert.deepEqual([report.compared, report.mismatches], [3, 0]);
});

test('segments of the same rule cost one query', async () => {
  const asked: Rule[] = [];
  const segments = Array.from({ length: 5 }, (_, i) => segment(i, `s${i}`, i % 2 ? BOUGHT : NEVER_BOUGHT));
  const served = (keys: readonly string[]): ServedReader => ({ defaults: keys.map(() => false), read() {} });
  const report = await verify(
    { segments, customers: batches, oracle: oracle(asked), served },
    { segments: 5, seed: 1 },
  );
  assert.equal(asked.length, 2);
  // Two segments lack two members each, three lack the one customer who never bought.
  assert.equal(report.mismatches, 2 * 2 + 3);
});

test('as many segments are drawn as asked for, each once, the same for the same seed', async () => {
  const segments = Array.from({ length: 50 }, (_, i) => segment(i, `s${i}`, BOUGHT));
  const drawn = async (seed: number): Promise<readonly string[]> => {
    let asked: readonly string[] = [];
    const served = (keys: readonly string[]): ServedReader => {
      asked = keys;
      return { defaults: keys.map(() => false), read() {} };
    };
    await verify({ segments, customers: batches, oracle: oracle(), served }, { segments: 10, seed });
    return asked;
  };
  const first = await drawn(1);
  assert.equal(new Set(first).size, 10);
  assert.deepEqual(await drawn(1), first);
  assert.notDeepEqual(await drawn(2), first);
});
