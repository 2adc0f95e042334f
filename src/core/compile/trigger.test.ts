import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { all, conditionsOf, type Expression, evaluateExpression, FALSE, not, TRUE } from './expression.ts';
import { triggersOf } from './trigger.ts';

const any = (...of: readonly Expression[]): Expression => ({ op: 'any', of });
const condition = (number: number): Expression => ({ op: 'condition', condition: number });
const CONDITIONS = 6;

const { expression: arbitraryExpression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.nat(CONDITIONS - 1).map(condition),
    fc.constantFrom(TRUE, FALSE),
    tie('expression').map(not),
    fc.array(tie('expression'), { minLength: 1, maxLength: 4 }).map((of) => all(...of)),
    fc.array(tie('expression'), { minLength: 1, maxLength: 4 }).map((of) => any(...of)),
  ),
}));

describe('triggers of a rule', () => {
  it('are the rarest conditions without which it says what it says by default', () => {
    const [ordered, inCity, isVip] = [condition(0), condition(1), condition(2)];
    const cost = (number: number) => [1, 1000, 50][number]!;
    const triggers = (expression: Expression) => [...triggersOf(expression, cost)];
    assert.deepEqual(triggers(all(inCity, ordered)), [0]);
    assert.deepEqual(triggers(any(inCity, ordered)), [1, 0]);
    assert.deepEqual(triggers(all(inCity, any(ordered, isVip))), [0, 2]);
    assert.deepEqual(triggers(any(not(ordered), inCity)), [0]);
    assert.deepEqual(triggers(all(not(ordered), not(inCity))), [0, 1]);
  });

  it('hold whenever the rule is not what it is by default', () => {
    fc.assert(
      fc.property(arbitraryExpression, fc.array(fc.nat(9)), (expression, costs) => {
        const triggers = triggersOf(expression, (number) => 1 + (costs[number] ?? 0));
        const isDefault = evaluateExpression(expression, () => false);
        for (const number of triggers) assert.ok(conditionsOf(expression).includes(number));
        for (let mask = 0; mask < 1 << CONDITIONS; mask++) {
          const holds = (number: number) => ((mask >>> number) & 1) === 1;
          if ([...triggers].some(holds)) continue;
          assert.equal(evaluateExpression(expression, holds), isDefault);
        }
      }),
      { verbose: true },
    );
  });
});
