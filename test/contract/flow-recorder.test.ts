/** The record of flows is made to agree with what is served, whichever of the two a crash left behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryChangeLog } from '../../src/core/change/memory/memory-change-log.ts';
import { FlowRecorder, HOUR_S } from '../../src/core/history/flow-recorder.ts';
import { MemoryFlowLog } from '../../src/core/history/memory/memory-flow-log.ts';

const T = 500 * HOUR_S;
const SEGMENT = 3;
const stateOf = () => ({ isDefault: false, exceptions: 77 });

/** A log of changes and a record, and ticks that one customer each enters in; not all of them are recorded. */
function open() {
  const changes = openMemoryChangeLog();
  const log = new MemoryFlowLog();
  const restart = () => new FlowRecorder({ log, changes });
  let recorder = restart();
  let customerNo = 0;
  return {
    async tick(at: number, batchNo: number, isRecorded = true) {
      const entered = [SEGMENT];
      const change = { customerNo, customerId: `c${customerNo++}`, entered, exited: [] };
      await changes.append({ at, batchNo, catalogNo: 1, changes: [change] });
      if (!isRecorded) return;
      const flows = new Map([[SEGMENT, { entries: 1, exits: 0 }]]);
      const tick = { at, position: changes.position, customers: 9, flows, changed: [], isUrgent: true };
      await recorder.note(tick, stateOf);
    },
    /** What a start does where the Store is at this as-of. */
    async resume(moment: number, batchNo: number) {
      const asOf = { moment, batchNo, catalogNo: 1, calculationNo: 1 };
      await changes.truncate(asOf);
      recorder = restart();
      await recorder.resume(asOf, 9, stateOf);
    },
    async entries() {
      const hours = await log.flows(SEGMENT, Number.POSITIVE_INFINITY);
      return hours.map(({ hour, entries }) => [(hour - T) / HOUR_S, entries]);
    },
    log,
  };
}

test('a record that is behind is caught up, each change once', async () => {
  const { tick, resume, entries, log } = open();
  await tick(T, 1);
  await tick(T + 1, 2, false);
  await tick(T + HOUR_S, 3, false);
  for (let start = 0; start < 2; start++) {
    await resume(T + HOUR_S, 3);
    assert.deepEqual(await entries(), [
      [0, 2],
      [1, 1],
    ]);
  }
  assert.deepEqual((await log.flows(SEGMENT, Number.POSITIVE_INFINITY)).at(-1)!.state, {
    at: T + HOUR_S,
    ...stateOf(),
  });
});

test('a record that is ahead is cut to what is served, within the hour and over its end', async () => {
  const { tick, resume, entries } = open();
  await tick(T, 1);
  await tick(T + 10, 2);
  await tick(T + HOUR_S, 3);
  await resume(T + 10, 2);
  assert.deepEqual(await entries(), [[0, 2]]);
  await tick(T + 20, 3);
  await resume(T + 10, 2);
  assert.deepEqual(await entries(), [[0, 2]]);
  await tick(T + 30, 3);
  assert.deepEqual(await entries(), [[0, 3]]);
});

test('a record that is ahead by a tick of the same second is cut too, and the tick counts once when it is done again', async () => {
  const { tick, resume, entries } = open();
  await tick(T, 1);
  await tick(T, 2);
  await resume(T, 1);
  assert.deepEqual(await entries(), [[0, 1]]);
  await tick(T, 2);
  assert.deepEqual(await entries(), [[0, 2]]);
  await resume(T, 2);
  assert.deepEqual(await entries(), [[0, 2]]);
});
