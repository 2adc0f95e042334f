/**
 * Who was touched by the last batches, kept in memory for the tick that asks next. What lies further back
 * is asked of the tables. Invariant: it holds everything received after `since`, up to the ledger's mark.
 */
import type { CustomerBatch } from '../../../../model/membership.ts';
import type { ColumnBlock } from '../column-block.ts';
import { GrowingNumbers } from './growing-numbers.ts';

/** Entries kept; a batch that brings more is asked of the tables. 8 MiB. */
const ENTRIES_MAX = 1_000_000;

interface NewCustomer {
  readonly customerNo: number;
  readonly batchNo: number;
  readonly id: string;
}

export class ReceivedLog {
  readonly #customerNos = new GrowingNumbers();
  readonly #batchNos = new GrowingNumbers();
  #newCustomers: NewCustomer[] = [];
  #since: number;

  /** @param since - The ledger's mark, after which everything will be added. */
  constructor(since: number) {
    this.#since = since;
  }

  /** Questions about batches after this one can be answered. */
  get since(): number {
    return this.#since;
  }

  /** Forgets everything, to go on from a mark. */
  restart(since: number): void {
    this.#since = since;
    this.#customerNos.clear();
    this.#batchNos.clear();
    this.#newCustomers = [];
  }

  /** Rows of facts: the first column is the customer, the last the batch. */
  addRows({ columns, count }: ColumnBlock): void {
    const customerNos = columns[0]!;
    const batchNos = columns.at(-1)!;
    for (let i = 0; i < count; i++) this.add(customerNos[i]!, batchNos[i]!);
  }

  /**
   * Rows of traits, whose second column is the name.
   *
   * @param hiddenNames - Of scores that do not count, and so bring nobody.
   */
  addTraits({ columns, count }: ColumnBlock, hiddenNames: ReadonlySet<number>): void {
    const [customerNos, nameNos] = columns;
    const batchNos = columns.at(-1)!;
    for (let i = 0; i < count; i++) {
      if (!hiddenNames.has(nameNos![i]!)) this.add(customerNos![i]!, batchNos[i]!);
    }
  }

  add(customerNo: number, batchNo: number): void {
    if (
      this.#customerNos.count > 0 &&
      this.#customerNos.last === customerNo &&
      this.#batchNos.last === batchNo
    )
      return;
    this.#customerNos.push(customerNo);
    this.#batchNos.push(batchNo);
  }

  addNewCustomer(customerNo: number, batchNo: number, id: string): void {
    this.add(customerNo, batchNo);
    this.#newCustomers.push({ customerNo, batchNo, id });
  }

  addErased(customerNo: number, batchNo: number): void {
    this.add(customerNo, batchNo);
    // One of the same number that is first heard of later is another customer.
    this.#newCustomers = this.#newCustomers.filter(
      (known) => known.customerNo !== customerNo || known.batchNo >= batchNo,
    );
  }

  /** Called when a step has been taken in: lets go of what is too much to keep, or not asked for again. */
  settle(mark: number): void {
    if (this.#customerNos.count > ENTRIES_MAX) this.restart(mark);
  }

  /** Lets go of what was received up to a batch: nobody asks for it again. */
  forget(upTo: number): void {
    if (upTo <= this.#since) return;
    let kept = 0;
    for (let i = 0; i < this.#customerNos.count; i++) {
      if (this.#batchNos.at(i) <= upTo) continue;
      this.#customerNos.set(kept, this.#customerNos.at(i));
      this.#batchNos.set(kept++, this.#batchNos.at(i));
    }
    this.#customerNos.count = kept;
    this.#batchNos.count = kept;
    this.#newCustomers = this.#newCustomers.filter((known) => known.batchNo > upTo);
    this.#since = upTo;
  }

  /** See `LiveFacts.received`; only for batches after `since`. */
  after(batchNo: number): { readonly customers: Uint32Array; readonly newCustomers: CustomerBatch } {
    const customers = new GrowingNumbers();
    for (let i = 0; i < this.#customerNos.count; i++) {
      if (this.#batchNos.at(i) > batchNo) customers.push(this.#customerNos.at(i));
    }
    const fresh = this.#newCustomers
      .filter((known) => known.batchNo > batchNo)
      .map((known) => ({ ...known, bytes: Buffer.from(known.id) }))
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    return {
      customers: customers.ascending(),
      newCustomers: {
        ids: fresh.map((known) => known.id),
        customerNos: Uint32Array.from(fresh, (known) => known.customerNo),
      },
    };
  }
}
