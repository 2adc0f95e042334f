/** Expressions for tests: short names, and random ones over six conditions. */
import fc from 'fast-check';
import { type Expression, FALSE, not, TRUE } from './expression.ts';

export const CONDITIONS = 6;

export const all = (...of: readonly Expression[]): Expression => ({ op: 'all', of });
export const any = (...of: readonly Expression[]): Expression => ({ op: 'any', of });
export const condition = (number: number): Expression => ({ op: 'condition', condition: number });

export const { expression: arbitraryExpression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.nat(CONDITIONS - 1).map(condition),
    fc.constantFrom(TRUE, FALSE),
    tie('expression').map(not),
    fc.array(tie('expression'), { minLength: 1, maxLength: 4 }).map((of) => all(...of)),
    fc.array(tie('expression'), { minLength: 1, maxLength: 4 }).map((of) => any(...of)),
  ),
}));
