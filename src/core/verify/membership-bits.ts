/** Memberships of many customers in many segments, a bit for each pair: a segment's default, and exceptions. */
export class MembershipBits {
  readonly #defaults: readonly (boolean | undefined)[];
  readonly #words: number;
  readonly #exceptions: Uint32Array;

  /** @param defaults - By place of the segment; undefined: not served. */
  constructor(defaults: readonly (boolean | undefined)[], customers: number) {
    this.#defaults = defaults;
    this.#words = (customers + 31) >>> 5;
    this.#exceptions = new Uint32Array(defaults.length * this.#words);
  }

  /** Notes that the customer at this index differs from the default. */
  except(place: number, index: number): void {
    this.#exceptions[place * this.#words + (index >>> 5)]! |= 1 << (index & 31);
  }

  isServed(place: number): boolean {
    return this.#defaults[place] !== undefined;
  }

  /** Memberships of the customers `32 × word` to `32 × word + 31`; bits of nobody mean nothing. */
  word(place: number, word: number): number {
    const exceptions = this.#exceptions[place * this.#words + word]!;
    return this.#defaults[place] ? ~exceptions : exceptions;
  }
}

/** How many bits of a 32-bit word are set (Hacker's Delight, 5-2). */
export function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
