/**
 * Growing typed arrays and lists of lists on shared memory: how the compiler builds its indexes without
 * an object per entry.
 */

export function sharedUint32(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(length * 4));
}

export function sharedFloat64(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * 8));
}

export function sharedUint8(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}

export function shareUint32(values: ArrayLike<number>): Uint32Array {
  const shared = sharedUint32(values.length);
  shared.set(values);
  return shared;
}

export function shareFloat64(values: ArrayLike<number>): Float64Array {
  const shared = sharedFloat64(values.length);
  shared.set(values);
  return shared;
}

export function shareInt32(values: ArrayLike<number>): Int32Array {
  const shared = new Int32Array(new SharedArrayBuffer(values.length * 4));
  shared.set(values);
  return shared;
}

export function shareUint8(values: ArrayLike<number>): Uint8Array {
  const shared = sharedUint8(values.length);
  shared.set(values);
  return shared;
}

/** A Uint32Array that grows by doubling. */
export class Uint32List {
  #values = new Uint32Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = new Uint32Array(this.#length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#length++] = value;
  }

  /** A view, valid until the next push. */
  view(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }
}

/** For every entry its place in a CSR order: sorted by list, and within a list in the order given. */
export interface CsrOrder {
  /** `lists + 1` long, shared. */
  readonly start: Uint32Array;
  /** `position[i]` is where entry i goes. */
  readonly position: Uint32Array;
}

/**
 * Orders entries by the list they belong to (a counting sort, stable).
 *
 * @param listOf - For each entry its list, below `lists`.
 */
export function csrOrder(listOf: Uint32Array, lists: number): CsrOrder {
  const start = sharedUint32(lists + 1);
  for (let i = 0; i < listOf.length; i++) start[listOf[i]! + 1]!++;
  for (let list = 0; list < lists; list++) start[list + 1]! += start[list]!;
  const next = start.slice();
  const position = new Uint32Array(listOf.length);
  for (let i = 0; i < listOf.length; i++) position[i] = next[listOf[i]!]!++;
  return { start, position };
}

/** Puts values where `csrOrder` says, on shared memory. */
export function arrange(order: CsrOrder, values: ArrayLike<number>): Uint32Array {
  const arranged = sharedUint32(order.position.length);
  for (let i = 0; i < order.position.length; i++) arranged[order.position[i]!] = values[i]!;
  return arranged;
}

/** Puts amounts, bounds and seconds where `csrOrder` says, on shared memory. */
export function arrangeFloat64(order: CsrOrder, values: ArrayLike<number>): Float64Array {
  const arranged = sharedFloat64(order.position.length);
  for (let i = 0; i < order.position.length; i++) arranged[order.position[i]!] = values[i]!;
  return arranged;
}

/** Puts codes where `csrOrder` says, on shared memory. */
export function arrangeUint8(order: CsrOrder, values: ArrayLike<number>): Uint8Array {
  const arranged = sharedUint8(order.position.length);
  for (let i = 0; i < order.position.length; i++) arranged[order.position[i]!] = values[i]!;
  return arranged;
}
