/** A set of customers as bits by number: 250 KiB for two million. */
export class CustomerSet {
  #words = new Uint32Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(customerNo: number): void {
    const word = customerNo >>> 5;
    if (word >= this.#words.length) {
      const grown = new Uint32Array(Math.max(this.#words.length * 2, word + 1));
      grown.set(this.#words);
      this.#words = grown;
    }
    const bit = 1 << (customerNo & 31);
    if (this.#words[word]! & bit) return;
    this.#words[word]! |= bit;
    this.#size++;
  }

  remove(customerNo: number): void {
    const word = customerNo >>> 5;
    const bit = 1 << (customerNo & 31);
    if (word >= this.#words.length || !(this.#words[word]! & bit)) return;
    this.#words[word]! &= ~bit;
    this.#size--;
  }

  has(customerNo: number): boolean {
    return (((this.#words[customerNo >>> 5] ?? 0) >>> (customerNo & 31)) & 1) === 1;
  }

  /** Ascending. */
  *numbers(): Generator<number> {
    for (let word = 0; word < this.#words.length; word++) {
      for (let bits = this.#words[word]!; bits !== 0; bits &= bits - 1) {
        yield word * 32 + 31 - Math.clz32(bits & -bits);
      }
    }
  }
}
