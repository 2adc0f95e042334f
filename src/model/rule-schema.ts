/**
 * The written form of rules, as a schema and as types: what people put under `params`. One schema serves
 * validation, OpenAPI and editor completion. The conditions are in `rule-schema/`, one file for each
 * source; schemas refer to each other by `$id`, see `definition-schema.ts` for how they are put together.
 */
import { type TSchema, Type } from 'typebox';
import type { WrittenEvent } from './rule-schema/event-schema.ts';
import type { WrittenOrders } from './rule-schema/orders-schema.ts';
import { closed, referTo } from './rule-schema/schema-part.ts';
import type { WrittenListed, WrittenScore } from './rule-schema/score-schema.ts';
import type { WrittenSequence } from './rule-schema/sequence-schema.ts';
import type { WrittenTrait } from './rule-schema/trait-schema.ts';

/** Exactly one of the fields is present. */
export interface WrittenRule {
  readonly all?: readonly WrittenRule[];
  readonly any?: readonly WrittenRule[];
  readonly not?: WrittenRule;
  readonly orders?: WrittenOrders;
  readonly event?: WrittenEvent;
  readonly trait?: WrittenTrait;
  readonly score?: WrittenScore;
  readonly listed?: WrittenListed;
  readonly sequence?: WrittenSequence;
  readonly segment?: string;
}

const RuleListSchema = (title: string, description: string) =>
  Type.Array(referTo<WrittenRule>('Rule'), {
    title,
    description,
    examples: [[{ orders: { within: '30d' } }, { trait: { name: 'city', equals: 'BCN' } }]],
    minItems: 1,
    maxItems: 1_000,
  });

const ruleFields = {
  all: Type.Optional(RuleListSchema('List of rules', 'Every one of these rules holds.')),
  any: Type.Optional(RuleListSchema('List of rules', 'At least one of these rules holds.')),
  not: Type.Optional(referTo<WrittenRule>('Rule')),
  orders: Type.Optional(referTo<WrittenOrders>('Orders')),
  event: Type.Optional(referTo<WrittenEvent>('Event')),
  trait: Type.Optional(referTo<WrittenTrait>('Trait')),
  score: Type.Optional(referTo<WrittenScore>('Score')),
  listed: Type.Optional(referTo<WrittenListed>('Listed')),
  sequence: Type.Optional(referTo<WrittenSequence>('Sequence')),
  segment: Type.Optional(
    Type.String({
      title: 'Key of a segment',
      description:
        'The rule of another segment holds. For an instance of a family: family@instance. References must not form a circle.',
      examples: ['lapsed-big-spender', 'new-at@s-104'],
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,199}(@[^\\u0000-\\u001f\\u007f]{1,512})?$',
    }),
  ),
};

/** Fields of a rule that are there without plug-ins. */
export const RULE_FIELDS: readonly string[] = Object.keys(ruleFields);

/** What a rule may be, in words. */
export const RULE_WORDS = `Exactly one of ${RULE_FIELDS.join(', ')}.`;

/** A rule: exactly one of its fields. */
export const RuleSchema = ruleSchema([]);

/** {@link RuleSchema} with a field for each source of plug-ins; its condition's schema has that `$id`. */
export function ruleSchema(sources: readonly string[]) {
  const ofPlugins: Record<string, TSchema> = Object.fromEntries(
    sources.map((source) => [source, Type.Optional(Type.Ref(source))]),
  );
  return Type.Object(
    { ...ruleFields, ...ofPlugins },
    {
      ...closed,
      $id: 'Rule',
      title: 'Rule',
      description:
        sources.length === 0 ? RULE_WORDS : `Exactly one of ${[...RULE_FIELDS, ...sources].join(', ')}.`,
      examples: [{ all: [{ orders: { within: '365d' } }, { not: { orders: { within: '30d' } } }] }],
      minProperties: 1,
      maxProperties: 1,
    },
  );
}
