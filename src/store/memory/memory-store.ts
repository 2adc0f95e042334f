/**
 * The Store as a few maps, for tests: slow and obvious, the oracle that other drivers are held to. It
 * lives and dies with its process.
 */
import { CoterieError } from '../../model/error.ts';
import type {
  AsOf,
  CustomerBatch,
  MembershipChanges,
  MembershipLoad,
  RowBatch,
  SegmentEntry,
} from '../../model/membership.ts';
import { directoryOf } from '../segment-directory.ts';
import type { Store, StoreView } from '../store.ts';

/** Opens an empty store. */
export function openMemoryStore(): Store {
  return new MemoryStore();
}

/** What is served: every change makes a new one. */
interface Served {
  readonly asOf: AsOf;
  readonly segments: readonly SegmentEntry[];
  readonly customerNos: ReadonlyMap<string, number>;
  readonly rows: ReadonlyMap<number, Uint8Array>;
  /** Known customers, as the load counted them. */
  readonly customers: number;
}

class MemoryStore implements Store {
  #served: Served | undefined;
  #view: StoreView | undefined;
  #loading = false;

  view(): StoreView | undefined {
    return this.#view;
  }

  customers(): number {
    return this.view()?.customers ?? 0;
  }

  asOf(): AsOf | undefined {
    return this.#served?.asOf;
  }

  async refresh(): Promise<boolean> {
    return false;
  }

  async beginLoad(): Promise<MembershipLoad> {
    if (this.#loading) throw new CoterieError('CALCULATION_RUNNING', 'a load into this store is running');
    this.#loading = true;
    return new MemoryLoad((served) => {
      this.#loading = false;
      if (served) this.#serve(served);
    });
  }

  async apply(changes: MembershipChanges): Promise<void> {
    const served = this.#served;
    if (!served)
      throw new CoterieError('NOT_CALCULATED', 'nothing is loaded yet: a tick goes on top of a load');
    if (changes.asOf.calculationNo !== served.asOf.calculationNo) {
      throw new CoterieError(
        'CALCULATION_SUPERSEDED',
        `calculation ${served.asOf.calculationNo} is served, not ${changes.asOf.calculationNo}`,
      );
    }
    this.#serve(afterTick(served, changes));
  }

  async rows(customerNos: Uint32Array): Promise<readonly (Uint8Array | undefined)[]> {
    return Array.from(customerNos, (customerNo) => this.#served?.rows.get(customerNo)?.slice());
  }

  #serve(served: Served): void {
    const { asOf, customers, segments, customerNos, rows } = served;
    const directory = directoryOf(segments);
    this.#served = served;
    this.#view = {
      asOf,
      customers,
      directory,
      row: (customerId) => {
        const customerNo = customerNos.get(customerId);
        return customerNo === undefined ? undefined : rows.get(customerNo);
      },
      isKnown: (customerId) => customerNos.has(customerId),
    };
  }

  async close(): Promise<void> {
    this.#view = undefined;
    this.#served = undefined;
  }
}

function afterTick(served: Served, changes: MembershipChanges): Served {
  const customerNos = new Map(served.customerNos);
  const rows = new Map(served.rows);
  let { customers } = served;
  const forgottenNos = new Set<number>();
  for (const id of changes.forgottenCustomers ?? []) {
    const customerNo = customerNos.get(id);
    if (customerNo === undefined) continue;
    forgottenNos.add(customerNo);
    customerNos.delete(id);
    rows.delete(customerNo);
    customers--;
  }
  for (const [i, id] of (changes.newCustomers?.ids ?? []).entries()) {
    if (!customerNos.has(id)) customers++;
    const customerNo = changes.newCustomers!.customerNos[i]!;
    customerNos.set(id, customerNo);
    forgottenNos.delete(customerNo);
  }
  for (let i = 0; i < (changes.rows?.count ?? 0); i++) {
    const { customerNos: numbers, offsets, rows: bytes } = changes.rows!;
    const row = bytes.slice(offsets[i]!, offsets[i + 1]!);
    if (forgottenNos.has(numbers[i]!)) continue;
    if (row.length > 0) rows.set(numbers[i]!, row);
    else rows.delete(numbers[i]!);
  }
  const segments = new Map(served.segments.map((segment) => [segment.segmentNo, segment]));
  for (const segmentNo of changes.removedSegments ?? []) segments.delete(segmentNo);
  for (const segment of changes.segments ?? []) segments.set(segment.segmentNo, segment);
  return { asOf: changes.asOf, segments: [...segments.values()], customerNos, rows, customers };
}

class MemoryLoad implements MembershipLoad {
  readonly #end: (served?: Served) => void;
  readonly #customerNos = new Map<string, number>();
  readonly #rows = new Map<number, Uint8Array>();
  #lastId: Buffer | undefined;
  #lastCustomerNo = -1;
  #ended = false;

  constructor(end: (served?: Served) => void) {
    this.#end = end;
  }

  async putCustomers({ ids, customerNos }: CustomerBatch): Promise<void> {
    this.#checkLoading();
    for (const [i, id] of ids.entries()) {
      const bytes = Buffer.from(id);
      if (this.#lastId && Buffer.compare(this.#lastId, bytes) >= 0) {
        throw this.#failed(`customer ${JSON.stringify(id)} is not above the one before`);
      }
      this.#lastId = bytes;
      this.#customerNos.set(id, customerNos[i]!);
    }
  }

  async putRows({ count, customerNos, offsets, rows }: RowBatch): Promise<void> {
    this.#checkLoading();
    for (let i = 0; i < count; i++) {
      const customerNo = customerNos[i]!;
      if (customerNo <= this.#lastCustomerNo)
        throw this.#failed(`row ${customerNo} is not above the one before`);
      this.#lastCustomerNo = customerNo;
      const row = rows.slice(offsets[i]!, offsets[i + 1]!);
      if (row.length > 0) this.#rows.set(customerNo, row);
    }
  }

  async commit(end: {
    readonly asOf: AsOf;
    readonly segments: Iterable<SegmentEntry>;
    readonly customers: number;
  }): Promise<void> {
    this.#checkLoading();
    this.#ended = true;
    this.#end({
      asOf: end.asOf,
      segments: [...end.segments],
      customerNos: this.#customerNos,
      rows: this.#rows,
      customers: end.customers,
    });
  }

  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#end();
  }

  #checkLoading(): void {
    if (this.#ended) throw new Error('the load has ended');
  }

  #failed(message: string): Error {
    this.#ended = true;
    this.#end();
    return new Error(message);
  }
}
