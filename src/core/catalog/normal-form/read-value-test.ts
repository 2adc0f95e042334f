/** Reads conditions on traits, and tests on values. */
import type { Rule, TraitCondition, ValueTest } from '../../../model/rule.ts';
import type { WrittenTrait } from '../../../model/rule-schema/trait-schema.ts';
import type { WrittenValueTest } from '../../../model/rule-schema/value-schema.ts';
import type { Path } from '../problem.ts';
import type { Report } from './problem-report.ts';
import { readAges, readBounds, readWindow } from './read-bound.ts';
import { distinct } from './read-stores.ts';

/** The normal form of a condition on a trait. */
export function readTrait(written: WrittenTrait, path: Path, report: Report): Rule {
  const { name } = written;
  const condition: TraitCondition = { kind: 'trait', name, test: readTraitTest(written, path, report) };
  return written.exists === false ? { kind: 'not', rule: condition } : condition;
}

function readTraitTest(written: WrittenTrait, path: Path, report: Report): TraitCondition['test'] {
  if (written.ahead !== undefined) {
    const aheadS = readWindow(written.ahead, [...path, 'ahead'], report);
    return { kind: 'age', atLeast: -aheadS, atMost: -1 };
  }
  if (written.within === undefined && written.before === undefined) {
    return readValueTest(written, path, report);
  }
  // What is still to come is not within any time past.
  return { kind: 'age', atLeast: 0, ...readAges(written, path, report) };
}

/** The normal form of a test on a value; `exists` whether true or false: the caller says *not*. */
export function readValueTest(written: WrittenValueTest, path: Path, report: Report): ValueTest {
  if (written.exists !== undefined) return { kind: 'exists' };
  const values = written.in ?? (written.equals === undefined ? undefined : [written.equals]);
  if (values !== undefined) return { kind: 'in', values: distinct(values.map(String)) };
  return { kind: 'range', ...readBounds(written, path, report) };
}
