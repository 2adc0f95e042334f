/** Numbers of 32 bits in an array that grows as they come. */

const CAPACITY_AT_FIRST = 64;

export class GrowingNumbers {
  #numbers = new Uint32Array(CAPACITY_AT_FIRST);
  count = 0;

  push(number: number): void {
    if (this.count === this.#numbers.length) {
      const larger = new Uint32Array(2 * this.count);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.count++] = number;
  }

  at(i: number): number {
    return this.#numbers[i]!;
  }

  /** Overwrites what was pushed. */
  set(i: number, number: number): void {
    this.#numbers[i] = number;
  }

  get last(): number {
    return this.#numbers[this.count - 1]!;
  }

  /** Forgets them, and gives the memory back. */
  clear(): void {
    this.#numbers = new Uint32Array(CAPACITY_AT_FIRST);
    this.count = 0;
  }

  /** A copy, sorted, each once. */
  ascending(): Uint32Array {
    const sorted = this.#numbers.slice(0, this.count).sort();
    let kept = 0;
    for (let i = 0; i < sorted.length; i++) {
      if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[kept++] = sorted[i]!;
    }
    return sorted.slice(0, kept);
  }
}
