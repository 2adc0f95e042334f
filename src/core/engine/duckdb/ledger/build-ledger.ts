/**
 * Builds the ledger anew: one pass over all facts in the order of customers, values appended in order. The
 * mark is written last, so a build that is cut off is simply done again.
 */
import { strict as assert } from 'node:assert';
import type { Progress } from '../../engine.ts';
import { RowCursor } from '../column-block.ts';
import type { DuckDbDatabase } from '../database.ts';
import { openSnapshot } from '../snapshot.ts';
import { addEvents, CustomerRecord } from './customer-record.ts';
import { EventCursor, eventRows } from './event-rows.ts';
import type { LedgerFile } from './ledger-file.ts';
import { BASE_ORDERS, eventsSince, fingerprintSql, TAIL_ORDERS, traitsSince } from './ledger-query.ts';
import { readScoreNames } from './score-names.ts';

/** Values that go to LMDB in one transaction: as many as fit the processor's caches with their pages. */
const SLAB_BYTES = 4 << 20;
/** DuckDB reads ahead this far while values are written; with its default of 1 MB it waits half of the time. */
const STREAM_BUFFER = '32MB';
/** Orders between two reports of progress. */
const PROGRESS_ORDERS = 1_000_000;
const LAST_OF_ALL = 0xffff_ffff;

/** Replaces whatever the ledger holds by the facts of now. */
export async function buildLedger(
  database: DuckDbDatabase,
  ledger: LedgerFile,
  progress: Progress = () => {},
): Promise<void> {
  const snapshot = await openSnapshot(database, 4, async (session) => {
    await session.run(`SET streaming_buffer_size = '${STREAM_BUFFER}'`);
  });
  try {
    const [first, second, third, fourth] = snapshot.sessions;
    const total = (await first!.row<{ orders: number }>(
      `SELECT (SELECT count(*) FROM order_base) + (SELECT count(*) FROM order_tail) AS orders`,
    ))!.orders;
    const batch = await first!.row<{ fingerprint: string }>(fingerprintSql(snapshot.batchNo));
    await ledger.write(0, (change) => change.clear());
    const { dropped } = await readScoreNames(first!, snapshot.batchNo);
    const base = new RowCursor(first!.stream(BASE_ORDERS));
    const tail = new RowCursor(second!.stream(TAIL_ORDERS));
    const traits = new RowCursor(third!.stream(traitsSince(0, dropped)));
    const events = new EventCursor(eventRows(fourth!.stream(eventsSince(0))));
    const report = (done: number) => progress({ phase: 'preparing for ticks', done, total });
    try {
      await appendAll(ledger, { base, tail, traits, events }, report);
    } finally {
      await Promise.all([base.close(), tail.close(), traits.close(), events.close()]);
    }
    await ledger.write(0, (change) =>
      change.setMark({
        batchNo: snapshot.batchNo,
        reachesBatchNo: snapshot.batchNo,
        fingerprint: batch!.fingerprint,
      }),
    );
    report(total);
  } finally {
    await snapshot.close();
  }
}

/** Whether there is a row; the common case without waiting. */
const isReady = (cursor: RowCursor) => cursor.at < cursor.count || cursor.ready();

/** The customer of the row at hand; only when ready. */
const customerAt = (cursor: RowCursor) => cursor.columns[0]![cursor.at]!;

interface Cursors extends Readonly<Record<'base' | 'tail' | 'traits', RowCursor>> {
  readonly events: EventCursor;
}

/** The first customer that any of the cursors stands at; infinite at the end. */
async function nextCustomer({ base, tail, traits, events }: Cursors): Promise<number> {
  let customerNo = Number.POSITIVE_INFINITY;
  for (const cursor of [base, tail, traits]) {
    const ready = isReady(cursor);
    if (ready === true || (await ready)) customerNo = Math.min(customerNo, customerAt(cursor));
  }
  const ready = events.ready();
  return ready === true || (await ready) ? Math.min(customerNo, events.customerNo) : customerNo;
}

/** Each customer's facts from all of them together, appended in order. */
async function appendAll(
  ledger: LedgerFile,
  cursors: Cursors,
  report: (done: number) => void,
): Promise<void> {
  const { base, tail, traits, events } = cursors;
  const record = new CustomerRecord();
  const slab = new ValueSlab();
  let done = 0;
  let reported = 0;
  let lastNo = -1;
  for (;;) {
    const customerNo = await nextCustomer(cursors);
    if (customerNo > LAST_OF_ALL) break;
    assert(customerNo > lastNo, 'orders do not come by customer: the base is not sorted');
    lastNo = customerNo;
    record.clear();
    // A customer's rows may go on in the next chunk.
    while ((base.at < base.count || (await base.ready())) && customerAt(base) === customerNo) {
      const { columns, from, to } = base.takeUpTo(customerNo);
      record.appendOrders(columns, from, to);
      done += to - from;
    }
    while ((tail.at < tail.count || (await tail.ready())) && customerAt(tail) === customerNo) {
      const { columns, from, to } = tail.takeUpTo(customerNo);
      record.replaceOrders(columns, from, to);
      done += to - from;
    }
    while ((traits.at < traits.count || (await traits.ready())) && customerAt(traits) === customerNo) {
      const { columns, from, to } = traits.takeUpTo(customerNo);
      record.replaceTraits(columns, from, to);
    }
    for (;;) {
      const ready = events.ready();
      if (!(ready === true || (await ready)) || events.customerNo !== customerNo) break;
      events.take(customerNo, (rows, from, to) => addEvents(record, rows, from, to));
    }
    const value = record.write();
    if (!slab.fits(value.length)) await slab.appendTo(ledger);
    slab.add(customerNo, value);
    if (done - reported >= PROGRESS_ORDERS) {
      report(done);
      reported = done;
    }
  }
  await slab.appendTo(ledger);
}

/** Values on their way to one transaction. */
class ValueSlab {
  // LMDB reads values by address, which takes memory of its own.
  #bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #length = 0;
  readonly #customerNos: number[] = [];
  readonly #ends: number[] = [];

  fits(bytes: number): boolean {
    return this.#length + bytes <= this.#bytes.length;
  }

  /** Copies a value; one that does not fit the empty slab makes it larger. */
  add(customerNo: number, value: Buffer): void {
    if (value.length > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(2 * value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    this.#customerNos.push(customerNo);
    this.#ends.push(this.#length);
  }

  async appendTo(ledger: LedgerFile): Promise<void> {
    await ledger.write(this.#length, (change) => {
      let start = 0;
      for (let i = 0; i < this.#customerNos.length; i++) {
        const end = this.#ends[i]!;
        if (end > start) change.append(this.#customerNos[i]!, this.#bytes.subarray(start, end));
        start = end;
      }
    });
    this.#length = 0;
    this.#customerNos.length = 0;
    this.#ends.length = 0;
  }
}
