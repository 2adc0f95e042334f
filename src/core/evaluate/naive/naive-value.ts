/** Conditions on what is known of a customer: traits, scores and lists; and tests on values that are text. */
import { strict as assert } from 'node:assert';
import { traitMoment, traitNumber } from '../../../model/fact.ts';
import type { ListedCondition, ScoreCondition, TraitCondition, ValueTest } from '../../../model/rule.ts';
import { isWithin, type NaiveOutcome, type NaiveQuestion } from './naive-outcome.ts';

const NOTHING: NaiveOutcome = { holds: false, value: null, orders: [], events: [] };

export function evaluateTraitNaive(
  { name, test }: TraitCondition,
  { facts, moment }: NaiveQuestion,
): NaiveOutcome {
  const value = facts.traits.get(name);
  if (value === undefined) return NOTHING;
  const outcome = { ...NOTHING, trait: { name, value } };
  if (test.kind !== 'age') return { ...outcome, holds: passesValueTest(test, value), value };
  const since = traitMoment(value);
  if (since === undefined) return outcome;
  return { ...outcome, holds: isWithin(moment - since, test), value: moment - since };
}

export function evaluateScoreNaive(
  condition: ScoreCondition,
  { facts, moment }: NaiveQuestion,
): NaiveOutcome {
  assert(condition.population === undefined, 'bounds of the population were not replaced before evaluation');
  const score = facts.scores.get(condition.model);
  if (score === undefined) return NOTHING;
  const counts = score.validUntil === undefined || moment < score.validUntil;
  if (!counts) return { ...NOTHING, score };
  return { ...NOTHING, holds: isWithin(score.value, condition), value: score.value, score };
}

export function evaluateListedNaive({ list }: ListedCondition, { facts }: NaiveQuestion): NaiveOutcome {
  return facts.lists.has(list) ? { ...NOTHING, holds: true, value: list, list } : NOTHING;
}

/** Whether a value that is there passes a test. */
export function passesValueTest(test: ValueTest, value: string): boolean {
  if (test.kind === 'exists') return true;
  if (test.kind === 'in') return test.values.includes(value);
  const number = traitNumber(value);
  return number !== undefined && isWithin(number, test);
}
