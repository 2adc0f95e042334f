/**
 * Rows for the benchmark of serving: customers with about 137 exceptions each, as a full pass over 100,000
 * segments of a marketplace gives, some with ten, some with a thousand. The same for the same seed, so
 * that the Store and Redis hold the same.
 */

import type { SegmentEntry } from '../../src/model/membership.ts';
import { EXCEPTION_BYTES_MAX, encodeRow } from '../../src/model/row.ts';
import type { Store } from '../../src/store/store.ts';
import { randomFrom } from '../benchmark-segments.ts';

export interface RowsRequest {
  readonly customers: number;
  readonly segments: number;
  readonly seed: number;
}

const EXCEPTIONS_MEAN = 137;
/** Of the logarithm of the number of exceptions. */
const SPREAD = 0.8;
const EXCEPTIONS_MAX = 5_000;
const BATCH_CUSTOMERS = 5_000;

/** Ascending by bytes, as loads want them. */
export function customerId(index: number): string {
  return `customer-${String(index).padStart(9, '0')}`;
}

/** Each customer's exceptions, ascending, in one array that is used again for the next. */
export function* rowsOf(request: RowsRequest): Generator<Uint32Array> {
  const random = randomFrom(request.seed);
  const drawn = new Uint32Array(EXCEPTIONS_MAX);
  for (let customer = 0; customer < request.customers; customer++) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const wanted = Math.round(EXCEPTIONS_MEAN * Math.exp(SPREAD * normal - SPREAD ** 2 / 2));
    const count = Math.min(Math.max(1, wanted), EXCEPTIONS_MAX, Math.ceil(request.segments / 2));
    for (let i = 0; i < count; i++) drawn[i] = Math.floor(random() * request.segments);
    const sorted = drawn.subarray(0, count).sort();
    let distinct = 1;
    for (let i = 1; i < count; i++) if (sorted[i] !== sorted[distinct - 1]) sorted[distinct++] = sorted[i]!;
    yield sorted.subarray(0, distinct);
  }
}

/** Loads the rows into a store. @returns How many exceptions it holds. */
export async function loadRows(store: Store, request: RowsRequest, nowS: number): Promise<number> {
  const load = await store.beginLoad();
  for (let first = 0; first < request.customers; first += BATCH_CUSTOMERS) {
    const count = Math.min(BATCH_CUSTOMERS, request.customers - first);
    const customerNos = Uint32Array.from({ length: count }, (_, i) => first + i);
    await load.putCustomers({ ids: Array.from(customerNos, customerId), customerNos });
  }
  const exceptions = new Uint32Array(request.segments);
  let total = 0;
  const rows = new Uint8Array(BATCH_CUSTOMERS * EXCEPTIONS_MAX * EXCEPTION_BYTES_MAX);
  const offsets = new Uint32Array(BATCH_CUSTOMERS + 1);
  let first = 0;
  let count = 0;
  const flush = async () => {
    const customerNos = Uint32Array.from({ length: count }, (_, i) => first + i);
    await load.putRows({ count, customerNos, offsets, rows });
    first += count;
    count = 0;
  };
  for (const row of rowsOf(request)) {
    for (let i = 0; i < row.length; i++) exceptions[row[i]!]!++;
    total += row.length;
    offsets[count + 1] = encodeRow(row, row.length, rows, offsets[count]!);
    if (++count === BATCH_CUSTOMERS) await flush();
  }
  if (count > 0) await flush();
  await load.commit({
    asOf: { moment: nowS, batchNo: 1, catalogNo: request.segments, calculationNo: 1 },
    segments: segmentEntries(exceptions),
    customers: request.customers,
  });
  return total;
}

function* segmentEntries(exceptions: Uint32Array): Generator<SegmentEntry> {
  const types = ['new', 'recurrent', 'inactive'] as const;
  for (let segmentNo = 0; segmentNo < exceptions.length; segmentNo++) {
    const type = types[segmentNo % types.length]!;
    yield {
      segmentNo,
      key: `benchmark-${segmentNo}`,
      owner: `partner-${segmentNo % 997}`,
      tags: ['benchmark'],
      type,
      status: 'active',
      defaultMember: type === 'new',
      exceptions: exceptions[segmentNo]!,
    };
  }
}
