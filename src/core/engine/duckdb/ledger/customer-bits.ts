/** A set of customers, one bit each: what many windows find again and again is found once. */

export class CustomerBits {
  #words = new Uint32Array(1024);
  #count = 0;

  add(customerNo: number): void {
    const word = customerNo >>> 5;
    if (word >= this.#words.length) {
      const larger = new Uint32Array(Math.max(2 * this.#words.length, word + 1));
      larger.set(this.#words);
      this.#words = larger;
    }
    const before = this.#words[word]!;
    const after = (before | (1 << (customerNo & 31))) >>> 0;
    if (before === after) return;
    this.#words[word] = after;
    this.#count++;
  }

  /** All of them, in ascending order. */
  ascending(): Uint32Array {
    const customerNos = new Uint32Array(this.#count);
    let at = 0;
    for (let word = 0; at < this.#count; word++) {
      for (let rest = this.#words[word]!; rest !== 0; rest = (rest & (rest - 1)) >>> 0) {
        customerNos[at++] = word * 32 + 31 - Math.clz32(rest & -rest);
      }
    }
    return customerNos;
  }
}
