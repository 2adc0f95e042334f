/**
 * How much may wait to become durable: whoever brings more is turned away, or waits for its turn. It is
 * what keeps memory from growing when facts arrive faster than they are written.
 */

export interface Load {
  readonly rows: number;
  readonly bytes: number;
}

interface Waiter extends Load {
  readonly enter: () => void;
}

export class Admission {
  readonly #most: Load;
  readonly #waiters: Waiter[] = [];
  #rows = 0;
  #bytes = 0;

  /** @param most - What may be inside at once; something larger enters when nothing else is. */
  constructor(most: Load) {
    this.#most = most;
  }

  /** What is inside. */
  get load(): Load {
    return { rows: this.#rows, bytes: this.#bytes };
  }

  /** Enters at once, or not at all: nobody goes past those who wait. */
  tryEnter(load: Load): boolean {
    if (this.#waiters.length > 0 || !this.#fits(load)) return false;
    this.#add(load, 1);
    return true;
  }

  /** Enters when there is room, in the order of asking. */
  enter(load: Load): Promise<void> {
    if (this.tryEnter(load)) return Promise.resolve();
    return new Promise((enter) => {
      this.#waiters.push({ ...load, enter });
    });
  }

  leave(load: Load): void {
    this.#add(load, -1);
    for (let next = this.#waiters[0]; next !== undefined && this.#fits(next); next = this.#waiters[0]) {
      this.#waiters.shift();
      this.#add(next, 1);
      next.enter();
    }
  }

  #fits({ rows, bytes }: Load): boolean {
    if (this.#rows === 0) return true;
    return this.#rows + rows <= this.#most.rows && this.#bytes + bytes <= this.#most.bytes;
  }

  #add({ rows, bytes }: Load, sign: 1 | -1): void {
    this.#rows += sign * rows;
    this.#bytes += sign * bytes;
  }
}
