/**
 * SQL that reads the properties of an event: from columns of their own, and from a field that holds a JSON
 * object, which wins. Values are texts, absent where empty; names ascend by their bytes, so that an event
 * has one form, and one id where it came without (see `eventText` of the model, which tells what it is made of).
 */
import { ID_BYTES_MAX } from '../../../model/fact.ts';
import { TRAIT_BYTES_MAX } from '../../../model/fact-reason.ts';
import { compareBytes } from '../../../model/utf8.ts';
import type { ColumnPlan } from './import-columns.ts';
import { literal } from './quote-sql.ts';
import { jsonText, pointerOf } from './value-sql.ts';

/** Expressions over the fields of a row, by what they are for. */
export interface PropertyFields {
  /** Worked out once, before the others, which refer to it; absent: nothing need be. */
  readonly prepared: Readonly<Record<string, string>>;
  /** A JSON object of texts. */
  readonly object: string;
  /** What the id of an event is hashed of, after customer, name and moment. */
  readonly hashed: string;
  readonly isTooLong: string;
  readonly isNoObject: string;
}

/** One part of a text that is hashed: its number of bytes, a colon, itself and a comma. */
export const hashedPart = (text: string) => `strlen(${text})::VARCHAR || ':' || ${text} || ','`;

/** @param plan - Of events; its named columns are read as `named_0` and so on, in the plan's order. */
export function propertyFields(plan: ColumnPlan): PropertyFields {
  const columns = [...plan.named.keys()]
    .map((name, i) => ({ name, value: `named_${i}` }))
    .filter(({ name }) => Buffer.byteLength(name) <= ID_BYTES_MAX)
    .sort((a, b) => compareBytes(a.name, b.name));
  const isTooLong = columns.map(({ value }) => `coalesce(strlen(${value}) > ${TRAIT_BYTES_MAX}, false)`);
  if (!plan.fields.has('properties')) {
    const member = ({ name, value }: { name: string; value: string }) =>
      `${literal(`${JSON.stringify(name)}:`)} || to_json(${value})::VARCHAR`;
    const part = ({ name, value }: { name: string; value: string }) =>
      `coalesce(${literal(`${Buffer.byteLength(name)}:${name},`)} || ${hashedPart(value)}, '')`;
    return {
      prepared: {},
      object: `'{' || concat_ws(',', ${["''", ...columns.map(member)].slice(columns.length > 0 ? 1 : 0).join(', ')}) || '}'`,
      hashed: columns.length === 0 ? "''" : columns.map(part).join(' || '),
      isTooLong: isTooLong.length === 0 ? 'false' : isTooLong.join(' OR '),
      isNoObject: 'false',
    };
  }
  const ofColumns = columns.map(({ name, value }) => `{'name': ${literal(name)}, 'value': ${value}}`);
  const list = `[${ofColumns.join(', ')}]::STRUCT("name" VARCHAR, "value" VARCHAR)[]`;
  return {
    prepared: {
      property_object: `CASE WHEN json_valid(properties) THEN CASE WHEN json_type(properties) = 'OBJECT' THEN properties END END`,
      own_properties: `list_filter(
        list_transform(list_distinct(json_keys(property_object)), lambda key:
          {'name': key, 'value': ${jsonText('property_object', pointerOf('key'))}}),
        lambda own: own."name" <> '' AND own."value" <> '')`,
      all_properties: `list_sort(list_concat(
        coalesce(own_properties, []),
        list_filter(${list}, lambda other: other."value" IS NOT NULL
          AND NOT list_contains(coalesce(list_transform(own_properties, lambda own: own."name"), []), other."name"))))`,
    },
    object: `'{' || array_to_string(list_transform(all_properties, lambda one:
      to_json(one."name")::VARCHAR || ':' || to_json(one."value")::VARCHAR), ',') || '}'`,
    hashed: `array_to_string(list_transform(all_properties, lambda one:
      ${hashedPart('one."name"')} || ${hashedPart('one."value"')}), '')`,
    isTooLong: `list_bool_or(list_transform(all_properties, lambda one:
      strlen(one."name") > ${ID_BYTES_MAX} OR strlen(one."value") > ${TRAIT_BYTES_MAX}))`,
    isNoObject: 'properties IS NOT NULL AND property_object IS NULL',
  };
}
