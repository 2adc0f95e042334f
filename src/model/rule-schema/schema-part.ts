/**
 * What the schemas of rules are built from. Every field carries a title, a description and examples:
 * OpenAPI, editor completion and messages come from them. Titles are nouns, since messages are made of them
 * ("expected a window such as 30d").
 */
import { type TSchema, Type } from 'typebox';

/** What a schema says of itself; messages and documentation are made of it. */
export interface SchemaAnnotations {
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

/** The annotations of a schema, which its type does not show. */
export function annotationsOf(schema: TSchema): SchemaAnnotations {
  return schema as SchemaAnnotations;
}

/** Ids of the schemas that others refer to; all of them are in `RULE_SCHEMAS`. */
export type SchemaId =
  | 'Rule'
  | 'Stores'
  | 'Orders'
  | 'OrderFilter'
  | 'Trait'
  | 'Event'
  | 'EventFilter'
  | 'Score'
  | 'Listed'
  | 'Sequence'
  | 'CountTest'
  | 'RankedCountTest'
  | 'AmountTest'
  | 'AgeTest'
  | 'RankedAgeTest'
  | 'Quintile';

/** A reference to another of these schemas, with the type of what it describes. */
export function referTo<T>(id: SchemaId) {
  return Type.Unsafe<T>(Type.Ref(id));
}

/** For objects: no field but those described. */
export const closed = { additionalProperties: false } as const;

/** No control characters: these texts end up in logs, terminals and files of one line each. */
export const PLAIN_TEXT = '^[^\\u0000-\\u001f\\u007f]*$';

/** Longest name of a trait, event, property, model or list, in characters. */
export const NAME_LENGTH_MAX = 512;
/** Most values in a list of them. */
export const VALUES_MAX = 10_000;

/** Text of one line. */
export function plainText(options: {
  readonly title: string;
  readonly description: string;
  readonly examples: readonly string[];
  readonly maxLength: number;
  readonly minLength?: number;
}) {
  return Type.String({ minLength: 1, ...options, pattern: PLAIN_TEXT });
}

/** The name of a trait, event, model or list. */
export function nameText(title: string, description: string, example: string) {
  return plainText({ title, description, examples: [example], maxLength: NAME_LENGTH_MAX });
}

/** True or false, as a field. */
export function truth(description: string) {
  return Type.Boolean({ title: 'True or false', description, examples: [true] });
}

/** A schema in JSON that TypeBox has no word for: fields that must be there. */
export const needs = (...fields: readonly string[]) => ({ required: fields });

/** The keyword `allOf` for fields that exclude each other; the title says so in words. */
export const exclusive = (title: string, alternatives: readonly object[]) => [{ title, oneOf: alternatives }];

/** {@link exclusive} for at most one of some fields. */
export const atMostOne = (fields: readonly string[]) =>
  exclusive(`at most one of ${fields.join(', ')}`, [
    ...fields.map((field) => needs(field)),
    { not: { anyOf: fields.map((field) => needs(field)) } },
  ]);

/** One of some words, or a list of them. */
export function oneOrMoreOf<Word extends string>(words: readonly Word[], title: string, description: string) {
  const word = Type.Enum([...words], { title, description, examples: [words[0]!] });
  return Type.Unsafe<Word | readonly Word[]>(
    Type.Union(
      [
        word,
        Type.Array(word, {
          title: `List of ${title.toLowerCase()}s`,
          description: `Any of these. ${description}`,
          examples: [words.slice(0, 2)],
          minItems: 1,
          maxItems: words.length,
        }),
      ],
      { title: `${title} or list of them`, description, examples: [words[0]!, words.slice(0, 2)] },
    ),
  );
}
