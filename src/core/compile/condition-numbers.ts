/**
 * Numbers each distinct condition once, over all segments: same facts, same window, same filter and same
 * bounds are the same condition, however written.
 */
import type { Expression } from './expression.ts';

export class ConditionNumbers {
  readonly #numbers = new Map<string, number>();

  /** Conditions so far; they are numbered from 0. */
  get size(): number {
    return this.#numbers.size;
  }

  /** The condition with this key; `add` is called with its number when it is a new one. */
  of(key: string, add: (condition: number) => void): Expression {
    let condition = this.#numbers.get(key);
    if (condition === undefined) {
      condition = this.#numbers.size;
      this.#numbers.set(key, condition);
      add(condition);
    }
    return { op: 'condition', condition };
  }
}
