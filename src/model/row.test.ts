import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeRow, EXCEPTION_BYTES_MAX, encodeRow, findInRow } from './row.ts';

function encode(segmentNos: readonly number[]): Uint8Array {
  const into = new Uint8Array(segmentNos.length * EXCEPTION_BYTES_MAX);
  const end = encodeRow(Uint32Array.from(segmentNos), segmentNos.length, into, 0);
  return into.slice(0, end);
}

function find(row: Uint8Array, wanted: readonly number[]): number[] {
  const found = new Uint8Array(wanted.length).fill(9);
  findInRow(row, Uint32Array.from(wanted), found);
  return [...found];
}

/** Ascending numbers without doubles, near each other, far apart, and at the ends of the range. */
const ascending = fc
  .uniqueArray(
    fc.oneof(
      fc.nat(300),
      fc.nat(100_000),
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: 0xffff_ff00, max: 0xffff_ffff }),
    ),
    { maxLength: 60 },
  )
  .map((numbers) => numbers.sort((a, b) => a - b));

test('a row reads back as what was written', () => {
  fc.assert(fc.property(ascending, (numbers) => assert.deepEqual(decodeRow(encode(numbers)), numbers)));
});

test('numbers at the ends of the range and at the edges of bytes read back', () => {
  for (const numbers of [
    [],
    [0],
    [0xffff_ffff],
    [0, 0xffff_ffff],
    [0xffff_fffe, 0xffff_ffff],
    [0x7fff_ffff, 0x8000_0000, 0xffff_ffff],
    [126, 127, 128, 254, 255, 256, 383, 384, 16_510, 16_511, 32_895, 2_113_661, 270_549_116],
  ]) {
    assert.deepEqual(decodeRow(encode(numbers)), numbers);
    assert.deepEqual(
      find(encode(numbers), numbers),
      numbers.map(() => 1),
    );
  }
});

test('an exception takes one byte up to a distance of 127, and five at the most', () => {
  assert.equal(encode([126]).length, 1);
  assert.equal(encode([127]).length, 2);
  assert.equal(encode([126, 253]).length, 2);
  assert.equal(encode([0xffff_ffff]).length, EXCEPTION_BYTES_MAX);
});

test('writing begins where it is told and returns where it ended', () => {
  const into = new Uint8Array(12).fill(0xaa);
  const end = encodeRow(Uint32Array.of(3, 1_000, 77), 2, into, 5);
  assert.deepEqual([...into.subarray(0, 5)], [0xaa, 0xaa, 0xaa, 0xaa, 0xaa]);
  assert.deepEqual(decodeRow(into.subarray(5, end)), [3, 1_000]);
  assert.equal(into[end], 0xaa);
});

test('finding marks exactly the wanted numbers that are in the row', () => {
  fc.assert(
    fc.property(ascending, ascending, fc.array(fc.nat(59)), (numbers, others, picked) => {
      const wanted = new Set([
        ...others,
        ...picked.flatMap((i) => (i < numbers.length ? [numbers[i]!] : [])),
      ]);
      const asked = [...wanted].sort((a, b) => a - b);
      const inRow = new Set(numbers);
      assert.deepEqual(
        find(encode(numbers), asked),
        asked.map((no) => (inRow.has(no) ? 1 : 0)),
      );
    }),
  );
});

test('a number that is wanted twice is marked twice', () => {
  assert.deepEqual(find(encode([4, 9]), [4, 4, 5, 9, 9]), [1, 1, 0, 1, 1]);
});
