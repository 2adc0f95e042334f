/**
 * References between segments: `segment: key` is replaced by that segment's rule. Circles are refused
 * with the path printed. Replaced bottom-up in an order found without recursion, so that a chain of any
 * length ends in an answer; rules are shared, so that a rule referred to often is held once.
 */
import { CoterieError } from '../../model/error.ts';
import { RULE_CONDITIONS_MAX, RULE_DEPTH_MAX, type Rule } from '../../model/rule.ts';
import type { Definition } from '../../model/segment.ts';
import { throwTooLarge } from './check-definition.ts';

/** A segment whose rule may still hold references. */
export interface KeyedRule {
  readonly key: string;
  readonly definition: Definition;
  readonly instance?: string;
  readonly rule: Rule;
}

interface Size {
  readonly conditions: number;
  readonly depth: number;
}

interface Resolved extends Size {
  readonly rule: Rule;
}

/**
 * The same segments in the same order, without references.
 *
 * @throws {CoterieError} `SEGMENT_CYCLE`, `SEGMENT_REFERENCE_UNKNOWN`, `DEFINITION_TOO_LARGE`.
 */
export function replaceReferences<T extends KeyedRule>(segments: readonly T[]): readonly T[] {
  const references = new Map<string, readonly string[]>();
  for (const { key, rule } of segments) {
    const to = referencesOf(rule);
    if (to.length > 0) references.set(key, to);
  }
  return replaceGathered(segments, references);
}

/**
 * {@link replaceReferences} where it is known what refers to what.
 *
 * @param references - Keys of segments that refer to others, with {@link referencesOf} their rules.
 */
export function replaceGathered<T extends KeyedRule>(
  segments: readonly T[],
  references: ReadonlyMap<string, readonly string[]>,
): readonly T[] {
  if (references.size === 0) return segments;
  const involved = new Set([...references.keys(), ...[...references.values()].flat()]);
  const ruleOf = new Map<string, Rule>();
  for (const { key, rule } of segments) if (involved.has(key)) ruleOf.set(key, rule);
  const resolved = new Map<string, Resolved>();
  for (const key of bottomUp(references, ruleOf)) {
    resolved.set(key, replaceIn(key, ruleOf.get(key)!, resolved));
  }
  return segments.map((segment) =>
    references.has(segment.key) ? { ...segment, rule: resolved.get(segment.key)!.rule } : segment,
  );
}

/** Keys that a rule refers to, each once. */
export function referencesOf(rule: Rule): readonly string[] {
  if (rule.kind === 'segment') return [rule.key];
  if (rule.kind === 'not') return referencesOf(rule.rule);
  if (rule.kind !== 'all' && rule.kind !== 'any') return NONE;
  let found = NONE;
  for (const part of rule.rules) {
    const more = referencesOf(part);
    if (more.length > 0) found = found.length === 0 ? more : [...new Set([...found, ...more])];
  }
  return found;
}

const NONE: readonly string[] = [];

/** Every key that refers or is referred to, each after all that it refers to. */
function bottomUp(
  references: ReadonlyMap<string, readonly string[]>,
  known: ReadonlyMap<string, Rule>,
): readonly string[] {
  const order: string[] = [];
  const done = new Set<string>();
  const onPath = new Set<string>();
  for (const start of references.keys()) {
    const path: { readonly key: string; next: number }[] = [{ key: start, next: 0 }];
    if (done.has(start)) continue;
    onPath.add(start);
    while (path.length > 0) {
      const at = path.at(-1)!;
      const to = references.get(at.key)?.[at.next++];
      if (to === undefined) {
        path.pop();
        onPath.delete(at.key);
        done.add(at.key);
        order.push(at.key);
      } else if (!known.has(to)) {
        throwUnknown(at.key, to);
      } else if (onPath.has(to)) {
        const keys = path.map((step) => step.key);
        throwCycle([...keys.slice(keys.indexOf(to)), to]);
      } else if (!done.has(to)) {
        onPath.add(to);
        path.push({ key: to, next: 0 });
      }
    }
  }
  return order;
}

function throwCycle(keys: readonly string[]): never {
  const shown = keys.length > 20 ? [...keys.slice(0, 10), '…', ...keys.slice(-9)] : keys;
  throw new CoterieError('SEGMENT_CYCLE', `Segments refer to each other in a circle: ${shown.join(' → ')}`, {
    path: keys.slice(0, 1_000),
  });
}

function throwUnknown(key: string, to: string): never {
  throw new CoterieError(
    'SEGMENT_REFERENCE_UNKNOWN',
    `"${key}" refers to the segment "${to}", which is not defined (or is archived)`,
    { key, reference: to },
  );
}

function replaceIn(key: string, rule: Rule, resolved: ReadonlyMap<string, Resolved>): Resolved {
  const whole = replaceNode(rule, resolved);
  if (whole.depth > RULE_DEPTH_MAX) {
    throwTooLarge(
      key,
      `at most ${RULE_DEPTH_MAX} levels after references to segments are replaced`,
      `${whole.depth}`,
    );
  }
  if (whole.conditions > RULE_CONDITIONS_MAX) {
    throwTooLarge(
      key,
      `at most ${RULE_CONDITIONS_MAX} conditions after references to segments are replaced`,
      `${whole.conditions}`,
    );
  }
  return whole;
}

function replaceNode(rule: Rule, resolved: ReadonlyMap<string, Resolved>): Resolved {
  if (rule.kind === 'segment') {
    const target = resolved.get(rule.key)!;
    // A reference counts as a level, so that chains of references are bounded as well.
    return { ...target, depth: target.depth + 1 };
  }
  if (rule.kind === 'not') {
    const part = replaceNode(rule.rule, resolved);
    return { rule: { kind: 'not', rule: part.rule }, conditions: part.conditions, depth: part.depth + 1 };
  }
  if (rule.kind !== 'all' && rule.kind !== 'any') return { rule, conditions: 1, depth: 1 };
  let conditions = 0;
  let depth = 0;
  const rules = rule.rules.map((part) => {
    const replaced = replaceNode(part, resolved);
    conditions += replaced.conditions;
    depth = Math.max(depth, replaced.depth);
    return replaced.rule;
  });
  return { rule: { kind: rule.kind, rules }, conditions, depth: depth + 1 };
}
