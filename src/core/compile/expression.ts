/**
 * A rule over numbered conditions, each of which holds only for customers with facts. Negative tests
 * ("at most 2 orders") have become *not* of positive ones ("at least 3"), so that every expression's
 * value with no condition true is the default membership.
 */

export type Expression =
  | { readonly op: 'all'; readonly of: readonly Expression[] }
  | { readonly op: 'any'; readonly of: readonly Expression[] }
  | { readonly op: 'not'; readonly of: Expression }
  | { readonly op: 'condition'; readonly condition: number }
  | { readonly op: 'constant'; readonly value: boolean };

export const TRUE: Expression = { op: 'constant', value: true };
export const FALSE: Expression = { op: 'constant', value: false };

export function not(of: Expression): Expression {
  return { op: 'not', of };
}

export function all(...of: readonly Expression[]): Expression {
  return { op: 'all', of };
}

/** The same without constants, unless it is one. */
export function fold(expression: Expression): Expression {
  if (expression.op === 'condition' || expression.op === 'constant') return expression;
  if (expression.op === 'not') {
    const of = fold(expression.of);
    return of.op === 'constant' ? constant(!of.value) : not(of);
  }
  // What decides an "all" is a part that never holds; an "any", one that always does.
  const decides = expression.op === 'any';
  const of: Expression[] = [];
  for (const child of expression.of) {
    const part = fold(child);
    if (part.op !== 'constant') of.push(part);
    else if (part.value === decides) return part;
  }
  if (of.length === 0) return constant(!decides);
  return of.length === 1 ? of[0]! : { op: expression.op, of };
}

function constant(value: boolean): Expression {
  return value ? TRUE : FALSE;
}

/** The distinct conditions of an expression, in order of first use. */
export function conditionsOf(expression: Expression): readonly number[] {
  // Most rules have one condition.
  if (expression.op === 'condition') return [expression.condition];
  if (expression.op === 'not') return conditionsOf(expression.of);
  const found = new Set<number>();
  gather(expression, found);
  return [...found];
}

function gather(expression: Expression, found: Set<number>): void {
  if (expression.op === 'condition') found.add(expression.condition);
  else if (expression.op === 'not') gather(expression.of, found);
  else if (expression.op !== 'constant') for (const child of expression.of) gather(child, found);
}

/** The value of an expression, given which conditions hold. */
export function evaluateExpression(expression: Expression, holds: (condition: number) => boolean): boolean {
  switch (expression.op) {
    case 'all':
      return expression.of.every((child) => evaluateExpression(child, holds));
    case 'any':
      return expression.of.some((child) => evaluateExpression(child, holds));
    case 'not':
      return !evaluateExpression(expression.of, holds);
    case 'condition':
      return holds(expression.condition);
    case 'constant':
      return expression.value;
  }
}

/** A truth table of up to 6 conditions: bit k is the value when the conditions of mask k hold. */
export interface TruthTable {
  readonly low: number;
  readonly high: number;
}

/** @param conditions - At most 6; condition i is bit i of the mask. */
export function truthTable(expression: Expression, conditions: readonly number[]): TruthTable {
  let low = 0;
  let high = 0;
  for (let mask = 0; mask < 1 << conditions.length; mask++) {
    if (!evaluateExpression(expression, (condition) => ((mask >>> conditions.indexOf(condition)) & 1) === 1))
      continue;
    if (mask < 32) low |= 1 << mask;
    else high |= 1 << (mask - 32);
  }
  return { low: low >>> 0, high: high >>> 0 };
}
