/**
 * The one schema of definitions (JSON Schema, draft 2020-12), put together from the parts in
 * `rule-schema.ts` and `rule-schema/` and the parameters of the segment types installed. Validation, OpenAPI, the published
 * file and editor completion all come from here. Parts refer to each other by `$id`.
 */
import { type TSchema, Type } from 'typebox';
import { EventFilterSchema, EventSchema } from './rule-schema/event-schema.ts';
import { OrderFilterSchema, OrdersSchema } from './rule-schema/orders-schema.ts';
import { annotationsOf, plainText } from './rule-schema/schema-part.ts';
import { ListedSchema, ScoreSchema } from './rule-schema/score-schema.ts';
import { SequenceSchema } from './rule-schema/sequence-schema.ts';
import { StoresSchema } from './rule-schema/stores-schema.ts';
import {
  AgeTestSchema,
  AmountTestSchema,
  CountTestSchema,
  QuintileSchema,
  RankedAgeTestSchema,
  RankedCountTestSchema,
} from './rule-schema/test-schema.ts';
import { TraitSchema } from './rule-schema/trait-schema.ts';
import { RuleSchema, ruleSchema } from './rule-schema.ts';
import type { SegmentTypes } from './segment-type.ts';

/** The parts that definitions refer to by `$id`. */
export const RULE_SCHEMAS: readonly TSchema[] = [
  RuleSchema,
  OrdersSchema,
  OrderFilterSchema,
  EventSchema,
  EventFilterSchema,
  TraitSchema,
  ScoreSchema,
  ListedSchema,
  SequenceSchema,
  StoresSchema,
  CountTestSchema,
  RankedCountTestSchema,
  AmountTestSchema,
  AgeTestSchema,
  RankedAgeTestSchema,
  QuintileSchema,
];

/** {@link RULE_SCHEMAS} with the conditions of plug-ins that are installed. */
export function ruleSchemas({ sources }: Pick<SegmentTypes, 'sources'>): readonly TSchema[] {
  if (sources.size === 0) return RULE_SCHEMAS;
  const [, ...parts] = RULE_SCHEMAS;
  const ofPlugins = [...sources.values()].map((source) => source.conditionSchema);
  return [ruleSchema([...sources.keys()]), ...parts, ...ofPlugins];
}

const KeySchema = Type.String({
  title: 'Key of letters, digits, ".", "_" and "-"',
  description:
    'The stable name of the segment, in checks and references: 1 to 200 characters, letters, digits, ".", "_" and "-", the first a letter or a digit.',
  examples: ['recurrent-burger-house'],
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
  minLength: 1,
  maxLength: 200,
});

const FreshnessSchema = Type.String({
  title: 'Freshness objective',
  description:
    'How old answers about the segment may be: a whole number from 1 to 9999 and a unit, s, m, h or d. Readiness and metrics count segments beyond it; answers are given all the same.',
  examples: ['10s', '1h'],
  pattern: '^[1-9][0-9]{0,3}(s|m|h|d)$',
});

/**
 * The schema of one definition, `$id` "Definition", for a set of segment types. It refers to
 * {@link ruleSchemas}: give those to the same validator or server first.
 */
export function definitionSchema(types: SegmentTypes) {
  const names = [...types.keys()];
  return Type.Object(
    {
      key: KeySchema,
      name: Type.Optional(
        plainText({
          title: 'Name',
          description: 'For people.',
          examples: ['Recurrent at Burger House'],
          maxLength: 200,
        }),
      ),
      description: Type.Optional(
        Type.String({
          title: 'Description',
          description: 'For people: what the segment is for. May have several lines.',
          examples: ['Gets the loyalty banner.'],
          maxLength: 2_000,
        }),
      ),
      owner: Type.Optional(
        plainText({
          title: 'Owner',
          description: 'The team or person to ask.',
          examples: ['marketing-es'],
          maxLength: 200,
        }),
      ),
      tags: Type.Optional(
        Type.Array(
          plainText({
            title: 'Tag',
            description: 'To find segments by.',
            examples: ['barcelona'],
            maxLength: 100,
          }),
          {
            title: 'List of tags',
            description: 'To find segments by.',
            examples: [['burger-house', 'barcelona']],
            maxItems: 100,
          },
        ),
      ),
      status: Type.Optional(
        Type.Enum(['active', 'paused', 'archived'], {
          title: 'Status',
          description:
            'active (the default); paused: not evaluated, nobody is in it; archived: as if it did not exist.',
          examples: ['active', 'paused', 'archived'],
        }),
      ),
      type: Type.Enum(names, {
        title: 'Segment type',
        description: names.map((name) => `${name}: ${types.get(name)!.description}`).join(' '),
        examples: names,
      }),
      params: Type.Optional(
        Type.Unknown({
          title: 'Parameters',
          description: 'What the type needs; for the type rule, the rule itself.',
          examples: [...types.values()].flatMap(
            (type) => annotationsOf(type.params).examples?.slice(0, 1) ?? [],
          ),
        }),
      ),
      forEach: Type.Optional(
        Type.Enum(['store', 'brand', 'city', 'category'], {
          title: 'Dimension of a family',
          description:
            'Makes the definition a family with one segment for every store (or brand, city, category), with keys family@instance. Somewhere in params, stores: {each: true} stands for the instance.',
          examples: ['store', 'brand'],
        }),
      ),
      freshness: Type.Optional(FreshnessSchema),
    },
    {
      $id: 'Definition',
      additionalProperties: false,
      title: 'Definition of a segment',
      description: 'A segment, or a family of segments, as people write it.',
      examples: [
        { key: 'new-at-burger-house', type: 'new', params: { stores: { brand: 'burger-house' } } },
        { key: 'new-at', type: 'new', forEach: 'store', params: { stores: { each: true } } },
      ],
      allOf: [...types.values()].map((type) => ({
        if: { properties: { type: { const: type.name } }, required: ['type'] },
        // biome-ignore lint/suspicious/noThenProperty: "then" is a keyword of JSON Schema.
        then: {
          properties: { params: type.params },
          ...(type.paramsOptional === true ? {} : { required: ['params'] }),
        },
      })),
    },
  );
}

/** Where the published schema is known to be; only a name, nothing is fetched from it. */
export const PUBLISHED_SCHEMA_ID = 'https://coterie.invalid/definition.schema.json';

/**
 * The schema of a file of definitions, whole in one document (references within it only): what
 * `docs/reference/definition.schema.json` holds and editors read.
 */
export function publishedSchema(types: SegmentTypes): Record<string, unknown> {
  const parts: readonly TSchema[] = [definitionSchema(types), ...ruleSchemas(types)];
  const ids = new Set<unknown>(parts.map((part) => annotationsOf(part).$id));
  const embedded = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(embedded);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name, content]) => !(name === '$id' && ids.has(content)))
        .map(([name, content]) =>
          name === '$ref' && ids.has(content) ? [name, `#/$defs/${content}`] : [name, embedded(content)],
        ),
    );
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: PUBLISHED_SCHEMA_ID,
    title: 'Definitions of Coterie segments',
    description: 'A file holds one definition or a list of them, in YAML or JSON.',
    anyOf: [{ $ref: '#/$defs/Definition' }, { type: 'array', items: { $ref: '#/$defs/Definition' } }],
    $defs: Object.fromEntries(parts.map((part) => [annotationsOf(part).$id, embedded(part)])),
  };
}
