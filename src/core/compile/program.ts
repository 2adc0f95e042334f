/**
 * Rules with more conditions than a truth table holds, as postfix programs in one array of numbers:
 * each word is an operation in its low 2 bits and an operand above them.
 */
import type { Expression } from './expression.ts';

const PUSH_CONDITION = 0;
const ALL_OF = 1;
const ANY_OF = 2;
/** Operand 0 negates; operands 1 and 2 push false and true. */
const OTHER = 3;

/**
 * Appends the words of an expression.
 *
 * @param sharedOf - Condition → its number among the shared ones, which `runProgram` is given.
 */
export function writeProgram(
  expression: Expression,
  sharedOf: (condition: number) => number,
  push: (word: number) => void,
): void {
  switch (expression.op) {
    case 'condition':
      push((sharedOf(expression.condition) * 4 + PUSH_CONDITION) >>> 0);
      return;
    case 'constant':
      push(((expression.value ? 2 : 1) << 2) | OTHER);
      return;
    case 'not':
      writeProgram(expression.of, sharedOf, push);
      push(OTHER);
      return;
    default:
      for (const child of expression.of) writeProgram(child, sharedOf, push);
      push((expression.of.length << 2) | (expression.op === 'all' ? ALL_OF : ANY_OF));
  }
}

/**
 * Runs the words [from, to) of a program.
 *
 * @param heldEpoch - Shared condition i holds if `heldEpoch[i] === epoch`.
 * @param stack - Room for as many values as the rule is wide and deep; scratch.
 */
export function runProgram(
  program: Uint32Array,
  from: number,
  to: number,
  heldEpoch: Uint32Array,
  epoch: number,
  stack: Uint8Array,
): boolean {
  let top = 0;
  for (let at = from; at < to; at++) {
    const word = program[at]!;
    const operand = word >>> 2;
    switch (word & 3) {
      case PUSH_CONDITION:
        stack[top++] = heldEpoch[operand] === epoch ? 1 : 0;
        break;
      case ALL_OF: {
        let value = 1;
        for (let i = 0; i < operand; i++) value &= stack[--top]!;
        stack[top++] = value;
        break;
      }
      case ANY_OF: {
        let value = 0;
        for (let i = 0; i < operand; i++) value |= stack[--top]!;
        stack[top++] = value;
        break;
      }
      default:
        if (operand === 0) stack[top - 1]! ^= 1;
        else stack[top++] = operand - 1;
    }
  }
  return stack[0] === 1;
}
