/**
 * What every driver of the change-log port must do. Each driver's test file runs this suite against the
 * real thing, with a factory that opens logs on one and the same place.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type {
  ChangeLog,
  LoggedChange,
  MembershipChange,
  TickChanges,
} from '../../src/core/change/change-log.ts';

export interface ChangeLogPlace {
  readonly log: ChangeLog;
  /** Closes the log and opens it again; absent where a log lives and dies with its process. */
  openAgain?(): Promise<ChangeLog>;
  close(): Promise<void>;
}

export function change(
  customerNo: number,
  entered: readonly number[],
  exited: readonly number[] = [],
): MembershipChange {
  return { customerNo, customerId: `customer-${customerNo}`, entered, exited };
}

export function tick(
  at: number,
  changes: readonly MembershipChange[],
  more: Partial<TickChanges> = {},
): TickChanges {
  return { at, batchNo: 1, catalogNo: 1, changes, ...more };
}

const positions = (changes: readonly LoggedChange[]) => changes.map(({ position }) => position);

export function changeLogContract(driver: string, open: () => Promise<ChangeLogPlace>): void {
  describe(`the change-log port, driven by ${driver}`, () => {
    let place: ChangeLogPlace;
    let log: ChangeLog;
    beforeEach(async () => {
      place = await open();
      log = place.log;
    });
    afterEach(() => place.close());

    test('an empty log has position 0, and everything is still to come', async () => {
      assert.equal(log.position, 0);
      assert.equal(await log.oldestPosition(), 1);
      assert.deepEqual(await log.read(0, 10), []);
      assert.deepEqual(await log.ofCustomer(1), []);
      await log.truncate({ moment: 0, batchNo: 0, catalogNo: 0 });
      await log.retain(1_000);
      await log.forget(1);
      assert.equal(log.position, 0);
    });

    test('changes read back as they were appended, at positions from 1 without gaps', async () => {
      const first = [
        change(7, [1, 4_294_967_295], [0]),
        { ...change(4_294_967_295, [], [3]), customerId: 'ü日\u{1f354}\u0000x' },
      ];
      await log.append(tick(1_700_000_000, first, { batchNo: 9_007_199_254_740_991 }));
      await log.append(tick(1_700_000_001, [change(7, [], [1])], { batchNo: 2, catalogNo: 5 }));
      assert.equal(log.position, 3);
      assert.deepEqual(await log.read(0, 10), [
        { ...first[0]!, position: 1, at: 1_700_000_000, batchNo: 9_007_199_254_740_991 },
        { ...first[1]!, position: 2, at: 1_700_000_000, batchNo: 9_007_199_254_740_991 },
        { ...change(7, [], [1]), position: 3, at: 1_700_000_001, batchNo: 2 },
      ]);
    });

    test('a tick without changes takes no position', async () => {
      await log.append(tick(1, []));
      await log.append(tick(2, [change(1, [1])]));
      assert.deepEqual(positions(await log.read(0, 10)), [1]);
    });

    test('a reader goes on after any position, at most as far as its limit', async () => {
      for (let at = 0; at < 3; at++) {
        await log.append(
          tick(
            at,
            Array.from({ length: 700 }, (_, i) => change(i, [at])),
          ),
        );
      }
      for (const after of [0, 1, 255, 256, 257, 699, 700, 701, 1_400, 2_098, 2_099, 2_100, 5_000]) {
        for (const limit of [1, 300, 5_000]) {
          const length = Math.max(0, Math.min(limit, 2_100 - after));
          const expected = Array.from({ length }, (_, i) => after + 1 + i);
          assert.deepEqual(positions(await log.read(after, limit)), expected, `${limit} after ${after}`);
        }
      }
      assert.deepEqual(await log.read(0, 0), []);
    });

    test('what leads beyond the as-of is cut off, in moment, facts or definitions, and its positions with it', async () => {
      const done = { moment: 100, batchNo: 10, catalogNo: 3 };
      await log.append(tick(100, [change(1, [1]), change(2, [1])], done));
      for (const beyond of [{ at: 101 }, { batchNo: 11 }, { catalogNo: 4 }]) {
        const before = log.position;
        await log.append(tick(100, [change(1, [], [1]), change(3, [9])], { ...done, ...beyond }));
        await log.truncate(done);
        assert.deepEqual(positions(await log.read(0, 10)), [1, 2]);
        assert.deepEqual(positions(await log.ofCustomer(1)), [1]);
        assert.equal(log.position, before + 2, 'positions are never given again');
      }
      await log.append(tick(101, [change(3, [9])], { batchNo: 11 }));
      assert.deepEqual(positions(await log.read(2, 10)), [9]);
      assert.equal(await log.oldestPosition(), 1);
    });

    test('old changes go as a whole from the oldest on, and the oldest position says so', async () => {
      for (let at = 1; at <= 5; at++) await log.append(tick(at * 10, [change(1, [at]), change(2, [at])]));
      await log.retain(30);
      assert.equal(await log.oldestPosition(), 5);
      assert.deepEqual(positions(await log.read(0, 100)), [5, 6, 7, 8, 9, 10]);
      assert.deepEqual(positions(await log.ofCustomer(1)), [5, 7, 9]);
      await log.retain(1_000);
      assert.equal(await log.oldestPosition(), 11);
      assert.equal(log.position, 10);
      await log.append(tick(60, [change(1, [9])]));
      assert.deepEqual(positions(await log.read(10, 100)), [11]);
    });

    test('a customer is forgotten, and the others keep their positions', async () => {
      const many = Array.from({ length: 600 }, (_, i) => change(i, [i, i + 1], [i + 2]));
      await log.append(tick(1, many));
      await log.append(tick(2, [change(300, [7])]));
      await log.append(tick(3, [change(5, [7]), change(300, [], [7])]));
      assert.deepEqual(positions(await log.ofCustomer(300)), [301, 601, 603]);
      await log.forget(300);
      assert.deepEqual(await log.ofCustomer(300), []);
      const left = await log.read(0, 1_000);
      assert.equal(left.length, 600);
      assert.deepEqual(
        left.filter(({ position }) => position > 298 && position < 304).map(({ customerNo }) => customerNo),
        [298, 299, 301, 302],
      );
      assert.deepEqual(positions(left).slice(-2), [600, 602]);
      assert.deepEqual(left[299], { ...many[299]!, position: 300, at: 1, batchNo: 1 });
      assert.equal(log.position, 603);
      await log.forget(300);
    });

    test('a long tick keeps its order and its positions', async () => {
      const count = 45_000;
      await log.append(
        tick(
          1,
          Array.from({ length: count }, (_, i) => change((i * 7_919) % count, [i % 97])),
        ),
      );
      assert.equal(log.position, count);
      const all = await log.read(0, count + 1);
      assert.equal(all.length, count);
      for (const [i, { position, customerNo }] of all.entries()) {
        if (position !== i + 1 || customerNo !== (i * 7_919) % count)
          assert.fail(`position ${position} at ${i}`);
      }
      await log.append(tick(2, [change(11, [1])]));
      await log.append(
        tick(
          3,
          Array.from({ length: 30_000 }, (_, i) => change(i, [1])),
        ),
      );
      assert.deepEqual(positions(await log.ofCustomer(11)), [
        1 + all.findIndex(({ customerNo }) => customerNo === 11),
        count + 1,
        count + 13,
      ]);
      await log.truncate({ moment: 2, batchNo: 1, catalogNo: 1 });
      assert.equal((await log.read(count, 10)).length, 1);
    });

    test('changes of thousands of segments each read back, and can be forgotten', async () => {
      const numbers = Array.from({ length: 3_000 }, (_, i) => i * 40);
      const changes = Array.from({ length: 300 }, (_, i) => change(i, numbers, [i]));
      await log.append(tick(1, changes));
      await log.forget(7);
      const found = await log.read(0, 1_000);
      assert.equal(found.length, 299);
      for (const one of found) assert.deepEqual([one.entered, one.exited], [numbers, [one.customerNo]]);
    });

    test('a log that is opened again goes on where it was', async (t) => {
      if (!place.openAgain) return t.skip('a log of this driver lives and dies with its process');
      await log.append(tick(1, [change(1, [1]), change(2, [1])]));
      await log.append(tick(2, [change(1, [], [1])]));
      log = await place.openAgain();
      assert.equal(log.position, 3);
      await log.truncate({ moment: 1, batchNo: 1, catalogNo: 1 });
      log = await place.openAgain();
      assert.equal(log.position, 3);
      await log.append(tick(2, [change(2, [], [1])]));
      assert.deepEqual(positions(await log.read(0, 10)), [1, 2, 4]);
      assert.deepEqual(positions(await log.ofCustomer(2)), [2, 4]);
    });
  });
}
