/**
 * Rules with more conditions than a truth table holds, and rules that run on few of theirs, as programs:
 * tests of one condition each that lead on or away, so that no more is asked than it takes to decide.
 *
 *     2 words a test: condition × 2 + (1 if it leads away where the condition holds, 0 where it does not),
 *     and where to: the word of another test, counted from the program's first, or `NO`
 *
 * What passes the last test is a yes.
 */
import type { Expression } from './expression.ts';

const TEST_WORDS = 2;
const NO = 0xffff_ffff;

/** Where a test leads; known once what is there has been written. */
interface Label {
  at: number;
}

/**
 * The words of an expression that is no constant and holds none.
 *
 * @param numberOf - Condition → its number, below 2^31, among those that `runProgram` is given.
 */
export function programOf(expression: Expression, numberOf: (condition: number) => number): number[] {
  const words: (number | Label)[] = [];
  const yes: Label = { at: 0 };
  /** @param next - `whenTrue` or `whenFalse`, whichever is written right behind. */
  const write = (node: Expression, whenTrue: Label, whenFalse: Label, next: Label): void => {
    switch (node.op) {
      case 'condition':
        if (next === whenTrue) words.push(numberOf(node.condition) * 2, whenFalse);
        else words.push(numberOf(node.condition) * 2 + 1, whenTrue);
        return;
      case 'not':
        write(node.of, whenFalse, whenTrue, next);
        return;
      case 'constant':
        throw new Error('constants are to be folded before a program is written');
      default:
        for (const [i, child] of node.of.entries()) {
          if (i === node.of.length - 1) {
            write(child, whenTrue, whenFalse, next);
            return;
          }
          const behind: Label = { at: 0 };
          if (node.op === 'all') write(child, behind, whenFalse, behind);
          else write(child, whenTrue, behind, behind);
          behind.at = words.length;
        }
    }
  };
  write(expression, yes, { at: NO }, yes);
  yes.at = words.length;
  return words.map((word) => (typeof word === 'number' ? word : word.at));
}

/**
 * Runs the words [from, to).
 *
 * @param held - Condition i holds if word 2 i is the epoch.
 */
export function runProgram(
  program: Uint32Array,
  from: number,
  to: number,
  held: Uint32Array,
  epoch: number,
): boolean {
  for (let at = from; at < to; ) {
    const test = program[at]!;
    const leadsAway = (test & 1) === 1;
    if ((held[test & ~1] === epoch) !== leadsAway) {
      at += TEST_WORDS;
      continue;
    }
    const target = program[at + 1]!;
    if (target === NO) return false;
    at = from + target;
  }
  return true;
}
