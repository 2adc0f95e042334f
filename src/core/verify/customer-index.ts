/** Customers by index from 0 without gaps, in the order in which they come, for bits that waste none. */
import type { CustomerBatch } from '../../model/membership.ts';

export class CustomerIndex {
  /** Customer number → index + 1; 0 for one who is not among them. */
  #places = new Uint32Array(1024);
  #count = 0;

  /** Reads the customers once; their numbers are held, not their ids. */
  static async read(customers: AsyncIterable<CustomerBatch>): Promise<CustomerIndex> {
    const index = new CustomerIndex();
    for await (const { customerNos } of customers) index.#add(customerNos);
    return index;
  }

  get count(): number {
    return this.#count;
  }

  /** 32-bit words that a bit for each customer takes. */
  get words(): number {
    return (this.#count + 31) >>> 5;
  }

  /** −1 for a customer who is not among them. */
  of(customerNo: number): number {
    return customerNo < this.#places.length ? this.#places[customerNo]! - 1 : -1;
  }

  /** The bits of a word that stand for a customer. */
  mask(word: number): number {
    const left = this.#count - word * 32;
    return left >= 32 ? -1 : (1 << left) - 1;
  }

  #add(customerNos: Uint32Array): void {
    for (const customerNo of customerNos) {
      if (customerNo >= this.#places.length) {
        const grown = new Uint32Array(Math.max(this.#places.length * 2, customerNo + 1));
        grown.set(this.#places);
        this.#places = grown;
      }
      this.#places[customerNo] = ++this.#count;
    }
  }
}
