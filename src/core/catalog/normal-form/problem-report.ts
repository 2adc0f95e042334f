/** How the readers of the normal form tell what is wrong with a rule. */
import { CoterieError } from '../../../model/error.ts';
import type { Path, Problem } from '../problem.ts';

/** Called for each problem found; the path is that of the field in the rule, such as `['orders', 'within']`. */
export type Report = (path: Path, problem: Pick<Problem, 'expected' | 'found'>) => void;

/** A {@link Report} where there must be no problem: the first one is thrown. */
export function unexpected(path: Path, problem: Pick<Problem, 'expected' | 'found'>): never {
  throw new CoterieError(
    'DEFINITION_INVALID',
    `${path.join('.')}: expected ${problem.expected}, found ${problem.found}`,
    { path: path.join('.'), ...problem },
  );
}
