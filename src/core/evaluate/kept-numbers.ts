/**
 * Times and dates that tallies keep of one customer's facts, all in one growing array: the tally above the
 * time, so that one sort arranges them by tally, then time. Each is kept once.
 */

/** A time, or a date, has 32 bits. */
const TALLY_UNIT = 2 ** 32;
/** Moves that cost about what the built-in sort does. */
const MOVES_PER_NUMBER = 64;

export class KeptNumbers {
  #numbers = new Float64Array(1024);
  #count = 0;
  /** By tally: its numbers, once arranged; from 0 to 0 where it has kept none. */
  readonly #start: Uint32Array;
  readonly #end: Uint32Array;

  constructor(tallies: number) {
    this.#start = new Uint32Array(tallies);
    this.#end = new Uint32Array(tallies);
  }

  add(tally: number, number: number): void {
    const kept = tally * TALLY_UNIT + number;
    // Facts of one date come one after another.
    if (this.#count > 0 && this.#numbers[this.#count - 1] === kept) return;
    if (this.#count === this.#numbers.length) {
      const grown = new Float64Array(this.#count * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.#count++] = kept;
  }

  /** Forgets all. */
  clear(): void {
    for (let i = 0; i < this.#count; i++) {
      const tally = Math.floor(this.#numbers[i]! / TALLY_UNIT);
      this.#start[tally] = 0;
      this.#end[tally] = 0;
    }
    this.#count = 0;
  }

  /** Sorts what was added, and drops what is there twice; before anything is asked. */
  arrange(): void {
    if (this.#count === 0) return;
    const numbers = this.#numbers;
    sortAscending(numbers, this.#count);
    let count = 0;
    let tally = -1;
    for (let i = 0; i < this.#count; i++) {
      const kept = numbers[i]!;
      if (count > 0 && numbers[count - 1] === kept) continue;
      const owner = Math.floor(kept / TALLY_UNIT);
      if (owner !== tally) {
        tally = owner;
        this.#start[tally] = count;
      }
      numbers[count++] = kept;
      this.#end[tally] = count;
    }
    this.#count = count;
  }

  /** How many different numbers a tally has kept. */
  countOf(tally: number): number {
    return this.#end[tally]! - this.#start[tally]!;
  }

  /** Whether one of the second's times comes after one of the first's, at most so much later. */
  isFollowedWithin(first: number, second: number, withinS: number): boolean {
    const numbers = this.#numbers;
    const shift = (second - first) * TALLY_UNIT;
    const end = this.#end[second]!;
    let next = this.#start[second]!;
    for (let i = this.#start[first]!; i < this.#end[first]!; i++) {
      const at = numbers[i]! + shift;
      while (next < end && numbers[next]! <= at) next++;
      if (next === end) return false;
      if (numbers[next]! <= at + withinS) return true;
    }
    return false;
  }

  /** Whether after one of the first's times none of the second's came for so long, and that time is over. */
  isMissedWithin(first: number, second: number, withinS: number, moment: number): boolean {
    const numbers = this.#numbers;
    const base = first * TALLY_UNIT;
    const shift = (second - first) * TALLY_UNIT;
    const end = this.#end[second]!;
    let next = this.#start[second]!;
    for (let i = this.#start[first]!; i < this.#end[first]!; i++) {
      const kept = numbers[i]!;
      if (kept - base + withinS > moment) return false;
      while (next < end && numbers[next]! <= kept + shift) next++;
      if (next === end || numbers[next]! > kept + shift + withinS) return true;
    }
    return false;
  }
}

/** What comes mostly in order is moved into it; the built-in sort, which looks at all, is for the rest. */
function sortAscending(numbers: Float64Array, count: number): void {
  let movesLeft = count * MOVES_PER_NUMBER;
  for (let i = 1; i < count; i++) {
    const number = numbers[i]!;
    let at = i;
    while (at > 0 && numbers[at - 1]! > number) {
      numbers[at] = numbers[at - 1]!;
      at--;
    }
    numbers[at] = number;
    movesLeft -= i - at;
    if (movesLeft < 0) {
      numbers.subarray(0, count).sort();
      return;
    }
  }
}
