/**
 * The Store as a few maps, for tests: slow and obvious, the oracle that other drivers are held to. It
 * lives and dies with its process.
 */
import { CoterieError } from '../../model/error.ts';
import type { AsOf, CustomerBatch, MembershipLoad, RowBatch, SegmentEntry } from '../../model/membership.ts';
import { directoryOf } from '../segment-directory.ts';
import type { Store, StoreView } from '../store.ts';

/** Opens an empty store. */
export function openMemoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  #view: StoreView | undefined;
  #loading = false;
  view(): StoreView | undefined {
    return this.#view;
  }

  async refresh(): Promise<boolean> {
    return false;
  }

  async beginLoad(): Promise<MembershipLoad> {
    if (this.#loading) throw new CoterieError('CALCULATION_RUNNING', 'a load into this store is running');
    this.#loading = true;
    return new MemoryLoad((view) => {
      this.#loading = false;
      if (view) this.#view = view;
    });
  }

  async close(): Promise<void> {
    this.#view = undefined;
  }
}

class MemoryLoad implements MembershipLoad {
  readonly #end: (view?: StoreView) => void;
  readonly #customerNos = new Map<string, number>();
  readonly #rows = new Map<number, Uint8Array>();
  #lastId: Buffer | undefined;
  #lastCustomerNo = -1;
  #ended = false;

  constructor(end: (view?: StoreView) => void) {
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
    const numbers = this.#customerNos;
    const rows = this.#rows;
    this.#end({
      asOf: end.asOf,
      customers: end.customers,
      directory: directoryOf(end.segments),
      row: (customerId) => {
        const customerNo = numbers.get(customerId);
        return customerNo === undefined ? undefined : rows.get(customerNo);
      },
      isKnown: (customerId) => numbers.has(customerId),
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
