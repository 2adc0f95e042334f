import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { conditionsOf, type Expression, evaluateExpression, not } from './expression.ts';
import { all, any, arbitraryExpression, CONDITIONS, condition } from './expression-cases.ts';
import { triggersOf } from './trigger.ts';

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
