/**
 * Numbers pairs of numbers, each distinct one once, from 0. Keys of several numbers are chains of pairs:
 * hundreds of thousands of them cost no text and no objects, only two arrays.
 */

const ROOM_MIN = 64;
/** Odd constants of MurmurHash3. */
const MIX_1 = 0xcc9e2d51;
const MIX_2 = 0x1b873593;

export class PairNumbers {
  /** Both numbers of each pair. */
  #pairs = new Float64Array(2 * ROOM_MIN);
  #size = 0;
  /** Open addressing: one more than a pair's number, 0 where free. Twice the room, so that a search is short. */
  #slots = new Uint32Array(2 * ROOM_MIN);

  get size(): number {
    return this.#size;
  }

  /** The number of a pair, which is {@link size} before the call for a new one; any numbers but NaN. */
  of(first: number, second: number): number {
    const last = this.#slots.length - 1;
    for (let at = hashOf(first, second) & last; ; at = (at + 1) & last) {
      const number = this.#slots[at]! - 1;
      if (number < 0) return this.#add(first, second, at);
      if (this.#pairs[2 * number] === first && this.#pairs[2 * number + 1] === second) return number;
    }
  }

  #add(first: number, second: number, at: number): number {
    const number = this.#size++;
    this.#pairs[2 * number] = first;
    this.#pairs[2 * number + 1] = second;
    this.#slots[at] = this.#size;
    if (2 * this.#size === this.#pairs.length) this.#grow();
    return number;
  }

  #grow(): void {
    const pairs = new Float64Array(2 * this.#pairs.length);
    pairs.set(this.#pairs);
    const slots = new Uint32Array(2 * this.#slots.length);
    const last = slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let at = hashOf(pairs[2 * number]!, pairs[2 * number + 1]!) & last;
      while (slots[at] !== 0) at = (at + 1) & last;
      slots[at] = number + 1;
    }
    this.#pairs = pairs;
    this.#slots = slots;
  }
}

const doubles = new Float64Array(2);
const words = new Uint32Array(doubles.buffer);

function hashOf(first: number, second: number): number {
  // 0 and -0 are equal, so they must not differ in their bits.
  doubles[0] = first + 0;
  doubles[1] = second + 0;
  let hash = 0;
  for (let i = 0; i < 4; i++) {
    const word = Math.imul(words[i]!, MIX_1);
    hash ^= Math.imul((word << 15) | (word >>> 17), MIX_2);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
