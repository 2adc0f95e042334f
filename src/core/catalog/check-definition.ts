/**
 * Checks one definition against the schema and against what a schema cannot say. Sizes are checked first
 * and without recursion, so that nothing hostile reaches the recursive parts.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { definitionSchema, ruleSchemas } from '../../model/definition-schema.ts';
import { CoterieError } from '../../model/error.ts';
import { RULE_CONDITIONS_MAX, RULE_DEPTH_MAX, type Rule } from '../../model/rule.ts';
import type { Definition } from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import { mentionsInstance, readCheckedRule } from './normal-form.ts';
import {
  didYouMean,
  foundText,
  type Path,
  type Problem,
  placedProblem,
  problemAt,
  problemsError,
  problemsOf,
} from './problem.ts';

/** Deepest nesting of lists and maps in a definition: a rule takes at most two levels for each of its own. */
export const NESTING_MAX = 2 * RULE_DEPTH_MAX + 16;
/** Most values in a definition: a rule with a long list of stores fits, a hostile text does not. */
const VALUES_MAX = 300_000;
/**
 * Of a definition with more parts only the first problem is looked for: a validator that finds all takes
 * time with the square of their number, and hardly a rule that is allowed has so many.
 */
const PARTS_FOR_ALL_PROBLEMS_MAX = 5_000;

interface Validators {
  /** Stops at the first error: for the many definitions that have none. */
  readonly quick: ValidateFunction;
  /** Finds all errors, with what people need to know of them. */
  readonly thorough: () => ValidateFunction;
}

/** Compiled once for each set of types; a set lives as long as the process, mostly. */
const validatorsOf = new WeakMap<SegmentTypes, Validators>();

function validators(types: SegmentTypes): Validators {
  const known = validatorsOf.get(types);
  if (known !== undefined) return known;
  let thorough: ValidateFunction | undefined;
  const made: Validators = {
    quick: compile(types, false),
    thorough: () => {
      thorough ??= compile(types, true);
      return thorough;
    },
  };
  validatorsOf.set(types, made);
  return made;
}

function compile(types: SegmentTypes, allErrors: boolean): ValidateFunction {
  const ajv = new Ajv2020({ allErrors, verbose: true, strictTypes: false });
  for (const schema of ruleSchemas(types)) ajv.addSchema(schema);
  return ajv.compile(definitionSchema(types));
}

/**
 * Checks one definition from any source.
 *
 * @throws {CoterieError} `SEGMENT_TYPE_UNKNOWN`, `DEFINITION_INVALID` or `DEFINITION_TOO_LARGE`, with all
 * problems in `details.problems`.
 */
export function checkDefinition(value: unknown, types: SegmentTypes): asserts value is Definition {
  const problems = definitionProblems(value, types);
  if (problems.length === 0) return;
  const key = (value as { readonly key?: unknown } | null)?.key;
  const place = typeof key === 'string' && key.length <= 200 ? { key: foundKey(key) } : {};
  throw problemsError(problems.map((problem) => placedProblem(problem, place)));
}

function foundKey(key: string): string {
  return JSON.stringify(key).slice(1, -1);
}

/** All problems of one definition; none if it may be applied, as far as it alone can tell. */
export function definitionProblems(value: unknown, types: SegmentTypes): Problem[] {
  const size = measure(value);
  if (size.problem !== undefined) return [size.problem];
  const { quick, thorough } = validators(types);
  if (quick(value)) return meaningProblems(value as Definition, types);
  const validate = size.parts > PARTS_FOR_ALL_PROBLEMS_MAX ? quick : thorough();
  validate(value);
  const problems = problemsOf((validate.errors ?? []) as ErrorObject[]);
  const type = (value as { readonly type?: unknown } | null)?.type;
  if (typeof type !== 'string' || types.has(type)) return problems;
  return problems.map((problem) => (problem.path === 'type' ? typeProblem(type, types) : problem));
}

function typeProblem(type: string, types: SegmentTypes): Problem {
  const known = [...types.keys()];
  return problemAt(['type'], {
    code: 'SEGMENT_TYPE_UNKNOWN',
    expected: `one of ${known.join(', ')}`,
    found: `${foundText(type)}${didYouMean(type, known)}`,
  });
}

interface Measured {
  /** Values, without the elements of lists of nothing but text: those are store ids. */
  readonly parts: number;
  readonly problem?: Problem;
}

/** Depth and number of values, without recursion: a map that holds itself is one that is too deep. */
function measure(value: unknown): Measured {
  const pending: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  let values = 1;
  let parts = 1;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next.value !== 'object' || next.value === null) continue;
    if (next.depth > NESTING_MAX) {
      return { parts, problem: tooLarge(`at most ${NESTING_MAX} levels of nesting`, 'more') };
    }
    const inside: readonly unknown[] = Array.isArray(next.value) ? next.value : Object.values(next.value);
    values += inside.length;
    if (values > VALUES_MAX) return { parts, problem: tooLarge(`at most ${VALUES_MAX} values`, 'more') };
    if (Array.isArray(next.value) && inside.every((part) => typeof part === 'string')) continue;
    parts += inside.length;
    for (const part of inside) pending.push({ value: part, depth: next.depth + 1 });
  }
  return { parts };
}

function tooLarge(expected: string, found: string): Problem {
  return problemAt([], { code: 'DEFINITION_TOO_LARGE', expected, found });
}

/** What the schema cannot say, of a definition that follows it. */
function meaningProblems(definition: Definition, types: SegmentTypes): Problem[] {
  // A template may put one parameter in several places: what is wrong with it is told once.
  const found = new Map<string, Problem>();
  const rule = readCheckedRule(definition, types, (path, words) => {
    const problem = problemAt(fieldOf(definition, types, path), words);
    found.set(problem.message, problem);
  });
  const problems = [...found.values()];
  const { conditions, depth } = ruleSize(rule);
  if (depth > RULE_DEPTH_MAX)
    problems.push(tooLarge(`a rule of at most ${RULE_DEPTH_MAX} levels`, `${depth}`));
  if (conditions > RULE_CONDITIONS_MAX) {
    problems.push(tooLarge(`a rule of at most ${RULE_CONDITIONS_MAX} conditions`, `${conditions}`));
  }
  const mentions = mentionsInstance(rule);
  if (definition.forEach === undefined && mentions) {
    problems.push(
      problemAt([...(eachPath(definition.params, ['params']) ?? ['params'])], {
        expected: 'stores by id or attributes, or a family (forEach)',
        found: 'each: true outside a family',
      }),
    );
  }
  if (definition.forEach !== undefined && !mentions) {
    problems.push(
      problemAt(['forEach'], {
        expected: 'stores: {each: true} somewhere in params, which stands for the instance',
        found: 'a family whose instances would all be the same',
      }),
    );
  }
  return problems;
}

/** The place in the definition of a field of its rule; templates keep names, so the last name is looked for. */
function fieldOf(definition: Definition, types: SegmentTypes, path: Path): Path {
  if (definition.type === 'rule') return ['params', ...path];
  const params = (definition.params ?? {}) as Readonly<Record<string, unknown>>;
  const parameterOf = types.get(definition.type)?.parameterOf ?? {};
  const names = path.map((part) => parameterOf[part] ?? part);
  const name = names.findLast((part) => typeof part === 'string' && Object.hasOwn(params, part));
  return name === undefined ? ['params'] : ['params', name];
}

function eachPath(value: unknown, path: Path): Path | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    for (const [i, part] of value.entries()) {
      const found = eachPath(part, [...path, i]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  for (const [name, part] of Object.entries(value)) {
    const found = name === 'each' ? [...path, name] : eachPath(part, [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Conditions and levels of a rule; a reference to a segment counts as a condition. */
export function ruleSize(rule: Rule): { readonly conditions: number; readonly depth: number } {
  if (rule.kind === 'not') {
    const part = ruleSize(rule.rule);
    return { conditions: part.conditions, depth: part.depth + 1 };
  }
  if (rule.kind !== 'all' && rule.kind !== 'any') return { conditions: 1, depth: 1 };
  let conditions = 0;
  let depth = 0;
  for (const part of rule.rules) {
    const size = ruleSize(part);
    conditions += size.conditions;
    depth = Math.max(depth, size.depth);
  }
  return { conditions, depth: depth + 1 };
}

/** @throws {CoterieError} `DEFINITION_TOO_LARGE`, in words. */
export function throwTooLarge(key: string, expected: string, found: string): never {
  throw new CoterieError('DEFINITION_TOO_LARGE', `${key}: expected ${expected}, found ${found}`, {
    key,
    expected,
    found,
  });
}
