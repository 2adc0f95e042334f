/** Which records of Kafka count, with transactions that end in the same answer, in a later one, or not at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { committedRecords, type RecordBatch } from './kafka-records.ts';

const TRANSACTIONAL = 16;
const CONTROL = 32 | TRANSACTIONAL;

function batch(first: number, values: readonly string[], producer = -1, attributes = 0): RecordBatch {
  return {
    firstOffset: BigInt(first),
    lastOffsetDelta: values.length - 1,
    attributes,
    producerId: BigInt(producer),
    records: values.map((value, offsetDelta) => ({ offsetDelta, key: null, value: Buffer.from(value) })),
  };
}

function mark(offset: number, producer: number, type: 'abort' | 'commit'): RecordBatch {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  return { ...batch(offset, [''], producer, CONTROL), records: [{ offsetDelta: 0, key, value: null }] };
}

const aborted = (producer: number, first: number) => ({
  producerId: BigInt(producer),
  firstOffset: BigInt(first),
});
const read = (...args: Parameters<typeof committedRecords>) => {
  const { records, next } = committedRecords(...args);
  return [records.map(({ offset, value }) => `${offset}${value}`).join(' '), Number(next)];
};

test('records before the offset asked for are left out, in the middle of a batch', () => {
  assert.deepEqual(read([batch(5, ['a', 'b', 'c']), batch(9, ['d'])], [], 6n), ['6b 7c 9d', 10]);
  assert.deepEqual(read([], [], 6n), ['', 6]);
});

test('records of an aborted transaction are left out, and those of others are kept', () => {
  const batches = [
    batch(0, ['a', 'b'], 1, TRANSACTIONAL),
    batch(2, ['c'], 2, TRANSACTIONAL),
    batch(3, ['d']),
    mark(4, 1, 'abort'),
    mark(5, 2, 'commit'),
    batch(6, ['e'], 1, TRANSACTIONAL),
    mark(7, 1, 'commit'),
  ];
  assert.deepEqual(read(batches, [aborted(1, 0)], 0n), ['2c 3d 6e', 8]);
});

test('an aborted transaction whose end is not in the answer is left out all the same', () => {
  const batches = [batch(0, ['a'], 1, TRANSACTIONAL), batch(1, ['b'], 2, TRANSACTIONAL)];
  assert.deepEqual(read(batches, [aborted(1, 0)], 0n), ['1b', 2]);
});

test('two aborted transactions of one producer, and an empty one, are told apart', () => {
  const batches = [
    batch(0, ['a'], 1, TRANSACTIONAL),
    mark(1, 1, 'abort'),
    batch(2, ['b'], 1, TRANSACTIONAL),
    mark(3, 1, 'commit'),
    mark(4, 9, 'abort'),
    batch(5, ['c'], 1, TRANSACTIONAL),
    mark(6, 1, 'abort'),
  ];
  assert.deepEqual(read(batches, [aborted(1, 5), aborted(1, 0)], 0n), ['2b', 7]);
});
