import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { evaluateExpression, fold, not } from './expression.ts';
import { all, any, arbitraryExpression, CONDITIONS, condition } from './expression-cases.ts';
import { programOf, runProgram } from './program.ts';

const EPOCH = 7;

/** What a program says when the conditions of a mask hold, and how many tests it took. */
function run(words: readonly number[], mask: number): boolean {
  const held = new Uint32Array(CONDITIONS * 2);
  for (let number = 0; number < CONDITIONS; number++)
    held[number * 2] = (mask >>> number) & 1 ? EPOCH : EPOCH - 1;
  // Between other programs, whose words it must not run into.
  const program = Uint32Array.from([9, 9, ...words, 8, 8]);
  return runProgram(program, 2, 2 + words.length, held, EPOCH);
}

describe('programs', () => {
  it('say what their expressions say, whatever holds', () => {
    fc.assert(
      fc.property(arbitraryExpression, (written) => {
        const expression = fold(written);
        for (let mask = 0; mask < 1 << CONDITIONS; mask++) {
          const holds = (number: number) => ((mask >>> number) & 1) === 1;
          const wanted = evaluateExpression(written, holds);
          if (expression.op === 'constant') assert.equal(expression.value, wanted);
          else
            assert.equal(
              run(
                programOf(expression, (number) => number),
                mask,
              ),
              wanted,
            );
        }
      }),
    );
  });

  it('ask each condition once where it is named once, and are two words a condition long', () => {
    const [a, b, c] = [condition(0), condition(1), condition(2)];
    const words = programOf(any(all(a, b), not(c)), (number) => number + 10);
    assert.deepEqual(
      words.filter((_, i) => i % 2 === 0).map((test) => test >>> 1),
      [10, 11, 12],
    );
  });
});
