/**
 * Reads the written form of a rule into the normal form (`model/rule.ts`): windows in seconds, amounts in
 * ten-thousandths, templates expanded. It reports what a schema cannot say: bounds that cross, currencies
 * that disagree, a time zone that does not exist. The conditions are in `normal-form/`, one file for each.
 * References to segments stay; see `resolve-segments.ts`.
 */
import { CoterieError } from '../../model/error.ts';
import type { Rule, SequenceStep, StoreSet } from '../../model/rule.ts';
import type { WrittenRule } from '../../model/rule-schema.ts';
import type { Definition, FamilyDimension } from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import { type Report, unexpected } from './normal-form/problem-report.ts';
import { readEvent } from './normal-form/read-event.ts';
import { readOrders } from './normal-form/read-orders.ts';
import { readPlugin } from './normal-form/read-plugin.ts';
import { readScore } from './normal-form/read-score.ts';
import { readSequence } from './normal-form/read-sequence.ts';
import { EACH } from './normal-form/read-stores.ts';
import { readTrait } from './normal-form/read-value-test.ts';
import type { Path } from './problem.ts';

/**
 * Reads the rule of a definition that was checked before. A family's rule is a template for
 * {@link ruleOfInstance}.
 *
 * @param report - Called for each problem; without it there must be none.
 */
export function readCheckedRule(
  definition: Definition,
  types: SegmentTypes,
  report: Report = unexpected,
): Rule {
  const type = types.get(definition.type);
  if (type === undefined) {
    throw new CoterieError(
      'SEGMENT_TYPE_UNKNOWN',
      `"${definition.key}" has the type "${definition.type}", which is not installed: known are ${[...types.keys()].join(', ')}`,
      { key: definition.key, type: definition.type, known: [...types.keys()] },
    );
  }
  const written = type.rule((definition.params ?? {}) as never);
  return readNode(written, [], { key: definition.key, types, report });
}

/** Whether a family's rule looks at the instance anywhere. */
export function mentionsInstance(rule: Rule): boolean {
  switch (rule.kind) {
    case 'all':
    case 'any':
      return rule.rules.some(mentionsInstance);
    case 'not':
      return mentionsInstance(rule.rule);
    case 'orders':
      return rule.stores === EACH;
    case 'sequence':
      return isOfInstance(rule.first) || isOfInstance(rule.second);
    default:
      return false;
  }
}

function isOfInstance(step: SequenceStep): boolean {
  return step.kind === 'orders' && step.filter.stores === EACH;
}

/** The stores that an instance of a family stands for. */
export function storesOfInstance(dimension: FamilyDimension, instance: string): StoreSet {
  return dimension === 'store'
    ? { kind: 'ids', ids: [instance] }
    : { kind: 'attributes', attributes: { [dimension]: [instance] } };
}

/**
 * The rule of one instance; what does not look at the instance is shared with the family's rule.
 *
 * @param stores - See {@link storesOfInstance}.
 */
export function ruleOfInstance(rule: Rule, stores: StoreSet): Rule {
  switch (rule.kind) {
    case 'all':
    case 'any': {
      const rules = rule.rules.map((part) => ruleOfInstance(part, stores));
      return rules.every((part, i) => part === rule.rules[i]) ? rule : { kind: rule.kind, rules };
    }
    case 'not': {
      const part = ruleOfInstance(rule.rule, stores);
      return part === rule.rule ? rule : { kind: 'not', rule: part };
    }
    case 'orders':
      return rule.stores === EACH ? { ...rule, stores } : rule;
    case 'sequence': {
      const first = stepOfInstance(rule.first, stores);
      const second = stepOfInstance(rule.second, stores);
      return first === rule.first && second === rule.second ? rule : { ...rule, first, second };
    }
    default:
      return rule;
  }
}

function stepOfInstance(step: SequenceStep, stores: StoreSet): SequenceStep {
  return step.kind === 'orders' && step.filter.stores === EACH
    ? { kind: 'orders', filter: { ...step.filter, stores } }
    : step;
}

/** What reading a rule needs besides the rule. */
interface Reader {
  /** Of the definition, for messages. */
  readonly key: string;
  readonly types: SegmentTypes;
  readonly report: Report;
}

function readNode(written: WrittenRule, path: Path, reader: Reader): Rule {
  const { report } = reader;
  if (written.all !== undefined) return readList('all', written.all, path, reader);
  if (written.any !== undefined) return readList('any', written.any, path, reader);
  if (written.not !== undefined)
    return { kind: 'not', rule: readNode(written.not, [...path, 'not'], reader) };
  if (written.orders !== undefined) return readOrders(written.orders, [...path, 'orders'], report);
  if (written.event !== undefined) return readEvent(written.event, [...path, 'event'], report);
  if (written.trait !== undefined) return readTrait(written.trait, [...path, 'trait'], report);
  if (written.score !== undefined) return readScore(written.score, [...path, 'score'], report);
  if (written.listed !== undefined) return { kind: 'listed', list: written.listed.list };
  if (written.sequence !== undefined) return readSequence(written.sequence, [...path, 'sequence'], report);
  if (written.segment !== undefined) return { kind: 'segment', key: written.segment };
  return readPlugin(written, path, { ...reader, sources: reader.types.sources });
}

function readList(kind: 'all' | 'any', written: readonly WrittenRule[], path: Path, reader: Reader): Rule {
  return { kind, rules: written.map((part, i) => readNode(part, [...path, kind, i], reader)) };
}
