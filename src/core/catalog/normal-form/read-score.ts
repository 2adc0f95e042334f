/** Reads conditions on scores. */
import type { Rule, ScoreCondition } from '../../../model/rule.ts';
import type { WrittenScore } from '../../../model/rule-schema/score-schema.ts';
import type { Path } from '../problem.ts';
import type { Report } from './problem-report.ts';
import { readBounds, readRank } from './read-bound.ts';

/** The normal form of a condition on a score; with `whenMissing: true`, two conditions. */
export function readScore(written: WrittenScore, path: Path, report: Report): Rule {
  const { model } = written;
  const counts: ScoreCondition = { kind: 'score', model };
  if (written.exists !== undefined) return written.exists ? counts : { kind: 'not', rule: counts };
  const population = readRank(written, path, report);
  const test: ScoreCondition =
    population === undefined
      ? { ...counts, ...readBounds(written, path, report) }
      : { ...counts, population };
  if (written.whenMissing !== true) return test;
  return { kind: 'any', rules: [test, { kind: 'not', rule: counts }] };
}
