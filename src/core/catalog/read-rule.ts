/**
 * From a definition to the rule that is evaluated: checked, and in the normal form of `model/rule.ts`.
 */
import { CoterieError } from '../../model/error.ts';
import type { Rule } from '../../model/rule.ts';
import type { Definition } from '../../model/segment.ts';
import type { SegmentTypes } from '../../model/segment-type.ts';
import { checkDefinition } from './check-definition.ts';
import { readCheckedRule, ruleOfInstance, storesOfInstance } from './normal-form.ts';

/**
 * Reads a definition's rule.
 *
 * @param instance - The store, brand, city or category, if the definition is a family.
 * @throws {CoterieError} as {@link checkDefinition}; `DEFINITION_INVALID` if an instance is missing or not wanted.
 */
export function readRule(definition: Definition, types: SegmentTypes, instance?: string): Rule {
  checkDefinition(definition, types);
  if ((definition.forEach === undefined) !== (instance === undefined)) {
    const wanted = definition.forEach === undefined ? 'is no family: it has no instances' : 'is a family';
    throw new CoterieError('DEFINITION_INVALID', `"${definition.key}" ${wanted}`, { key: definition.key });
  }
  const rule = readCheckedRule(definition, types);
  return instance === undefined
    ? rule
    : ruleOfInstance(rule, storesOfInstance(definition.forEach!, instance));
}
