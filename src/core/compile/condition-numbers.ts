/**
 * Numbers each distinct condition once, over all segments: same facts, same window, same filter and same
 * bounds are the same condition, however written.
 */
import type { Expression } from './expression.ts';

export class ConditionNumbers {
  readonly #expressions = new Map<string, Expression>();
  #size = 0;

  /** Conditions so far; they are numbered from 0. */
  get size(): number {
    return this.#size;
  }

  /** The number of a new condition, for sources that tell by other means than text which are the same. */
  add(): number {
    return this.#size++;
  }

  /** The condition with this key; `add` is called with its number when it is a new one. */
  of(key: string, add: (condition: number) => void): Expression {
    let expression = this.#expressions.get(key);
    if (expression === undefined) {
      const condition = this.add();
      expression = { op: 'condition', condition };
      this.#expressions.set(key, expression);
      add(condition);
    }
    return expression;
  }
}
