/**
 * The written form of rules, as a schema and as types: what people put under `params`. One schema serves
 * validation, OpenAPI and editor completion, so every field carries a title, a description and examples;
 * titles are nouns, since messages are made of them ("expected a window such as 30d").
 * Schemas refer to each other by `$id`; see `definition-schema.ts` for how they are put together.
 */
import { type TSchema, Type } from 'typebox';

export interface WrittenStoreFilter {
  readonly ids?: readonly string[];
  readonly each?: true;
  readonly brand?: string | readonly string[];
  readonly city?: string | readonly string[];
  readonly category?: string | readonly string[];
  readonly tag?: string | readonly string[];
}

/** Absent and `all` are the same. */
export type WrittenStores = 'all' | readonly string[] | WrittenStoreFilter;

export interface WrittenAmountTest {
  readonly atLeast?: number | string;
  readonly atMost?: number | string;
  readonly currency: string;
}

export interface WrittenOrders {
  readonly stores?: WrittenStores;
  readonly within?: string;
  readonly count?: { readonly atLeast?: number; readonly atMost?: number; readonly equals?: number };
  readonly sum?: WrittenAmountTest;
  readonly average?: WrittenAmountTest;
  readonly minimum?: WrittenAmountTest;
  readonly maximum?: WrittenAmountTest;
  readonly minimumTotal?: { readonly amount: number | string; readonly currency: string };
  readonly discounted?: boolean;
}

/** Text, or a number or truth value that stands for its shortest text. */
export type WrittenTraitValue = string | number | boolean;

export interface WrittenTrait {
  readonly name: string;
  readonly equals?: WrittenTraitValue;
  readonly in?: readonly WrittenTraitValue[];
  readonly exists?: boolean;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Exactly one of the fields is present. */
export interface WrittenRule {
  readonly all?: readonly WrittenRule[];
  readonly any?: readonly WrittenRule[];
  readonly not?: WrittenRule;
  readonly orders?: WrittenOrders;
  readonly trait?: WrittenTrait;
  readonly segment?: string;
}

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

const closed = { additionalProperties: false } as const;
/** No control characters: these texts end up in logs, terminals and files of one line each. */
const PLAIN_TEXT = '^[^\\u0000-\\u001f\\u007f]*$';

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

/** A reference to another of these schemas, with the type of what it describes. */
export function referTo<T>(id: 'Rule' | 'Stores' | 'Orders' | 'Trait' | 'AmountTest') {
  return Type.Unsafe<T>(Type.Ref(id));
}

/** A window such as `30d`. For the parameters of segment types. */
export const WindowSchema = Type.String({
  title: 'Window',
  description: 'How far back to look: a whole number above 0 and a unit, s, m, h, d or w. At most 36525d.',
  examples: ['30d', '12h', '4w'],
  pattern: '^0*[1-9][0-9]{0,11}(s|m|h|d|w)$',
});

const StoreIdsSchema = Type.Array(
  plainText({
    title: 'Store id',
    description: 'The id of a store, as in the order facts.',
    examples: ['s-104'],
    maxLength: 512,
  }),
  {
    title: 'List of store ids',
    description: 'These stores, by id.',
    examples: [['s-104', 's-105']],
    minItems: 1,
    maxItems: 100_000,
  },
);

function attribute(title: string, description: string, example: string) {
  const value = plainText({ title, description, examples: [example], maxLength: 512 });
  return Type.Union(
    [
      value,
      Type.Array(value, {
        title: `List of values of ${title.toLowerCase()}`,
        description: `Any of these. ${description}`,
        examples: [[example]],
        minItems: 1,
        maxItems: 10_000,
      }),
    ],
    { title: `${title} or list of them`, description, examples: [example, [example]] },
  );
}

const needs = (...fields: string[]) => ({ required: fields });
const exclusive = (title: string, alternatives: readonly object[]) => [{ title, oneOf: alternatives }];

const StoreFilterSchema = Type.Object(
  {
    ids: Type.Optional(StoreIdsSchema),
    each: Type.Optional(
      Type.Literal(true, {
        title: 'The word true',
        description:
          'In a family (forEach): the store, brand, city or category that the instance stands for.',
        examples: [true],
      }),
    ),
    brand: Type.Optional(attribute('Brand', 'Stores of this brand.', 'burger-house')),
    city: Type.Optional(attribute('City', 'Stores in this city.', 'BCN')),
    category: Type.Optional(attribute('Category', 'Stores of this category.', 'grocery')),
    tag: Type.Optional(attribute('Tag', 'Stores with this tag.', '24h')),
  },
  {
    ...closed,
    title: 'Store filter',
    description: 'Stores by id, or by attributes: a store must have every attribute given.',
    examples: [{ brand: 'burger-house', city: ['BCN', 'MAD'] }, { each: true }],
    minProperties: 1,
    allOf: exclusive('either ids, or each: true, or attributes (brand, city, category, tag)', [
      needs('ids'),
      needs('each'),
      { anyOf: [needs('brand'), needs('city'), needs('category'), needs('tag')] },
    ]),
  },
);

/** Which stores a condition looks at. For the parameters of segment types: `referTo<WrittenStores>('Stores')`. */
export const StoresSchema = Type.Union(
  [
    Type.Literal('all', {
      title: 'The word all',
      description: 'All stores, and orders without a store.',
      examples: ['all'],
    }),
    StoreIdsSchema,
    StoreFilterSchema,
  ],
  {
    $id: 'Stores',
    title: 'Set of stores',
    description:
      'Which stores to look at: all (the default, which includes orders without a store), a list of store ids, or a filter by ids or attributes. A set by attributes follows stores that open and close.',
    examples: ['all', ['s-104', 's-105'], { brand: 'burger-house', city: 'BCN' }, { each: true }],
  },
);

function amount(title: string, description: string) {
  return Type.Union(
    [
      Type.Number({
        title,
        description,
        examples: [19.95],
        minimum: -999_999_999.9999,
        maximum: 999_999_999.9999,
      }),
      Type.String({
        title,
        description: `${description} Text, where exact decimals matter.`,
        examples: ['19.95'],
        pattern: '^-?[0-9]{1,9}(\\.[0-9]{1,4})?$',
      }),
    ],
    { title, description, examples: [19.95, '19.95'] },
  );
}

const CurrencySchema = Type.String({
  title: 'Currency',
  description:
    'ISO 4217. Only orders in this currency are looked at; empty text stands for orders without a currency.',
  examples: ['EUR'],
  pattern: '^(?:[A-Z][A-Z0-9]{2,9})?$',
});

/** A test on an amount that is measured over orders. */
export const AmountTestSchema = Type.Object(
  {
    atLeast: Type.Optional(amount('Amount', 'The measure is this or more.')),
    atMost: Type.Optional(amount('Amount', 'The measure is this or less.')),
    currency: CurrencySchema,
  },
  {
    ...closed,
    $id: 'AmountTest',
    title: 'Test on an amount',
    description: 'Inclusive bounds, at least one of them, and the currency. Decimals are exact to 4 places.',
    examples: [{ atLeast: 200, currency: 'EUR' }],
    allOf: [{ title: 'atLeast, atMost or both', oneOf: [{ anyOf: [needs('atLeast'), needs('atMost')] }] }],
  },
);

function bound(title: string, description: string, least: number) {
  return Type.Integer({ title, description, examples: [3], minimum: least, maximum: 1_000_000_000 });
}

/** For the parameters of segment types: a number of orders from 1. */
export const OrderCountSchema = bound('Number of orders', 'This many orders or more.', 1);

const CountTestSchema = Type.Object(
  {
    atLeast: Type.Optional(bound('Number of orders', 'This many orders or more.', 0)),
    atMost: Type.Optional(bound('Number of orders', 'This many orders or fewer.', 0)),
    equals: Type.Optional(bound('Number of orders', 'Exactly this many orders.', 0)),
  },
  {
    ...closed,
    title: 'Test on the number of orders',
    description: 'Inclusive bounds, or an exact number.',
    examples: [{ atLeast: 3 }, { equals: 0 }],
    allOf: exclusive('either equals, or atLeast, atMost or both', [
      needs('equals'),
      { anyOf: [needs('atLeast'), needs('atMost')] },
    ]),
  },
);

const MEASURES = ['count', 'sum', 'average', 'minimum', 'maximum'] as const;

/** A test on a customer's orders. */
export const OrdersSchema = Type.Object(
  {
    stores: Type.Optional(referTo<WrittenStores>('Stores')),
    within: Type.Optional(WindowSchema),
    count: Type.Optional(CountTestSchema),
    sum: Type.Optional(referTo<WrittenAmountTest>('AmountTest')),
    average: Type.Optional(referTo<WrittenAmountTest>('AmountTest')),
    minimum: Type.Optional(referTo<WrittenAmountTest>('AmountTest')),
    maximum: Type.Optional(referTo<WrittenAmountTest>('AmountTest')),
    minimumTotal: Type.Optional(
      Type.Object(
        { amount: amount('Amount', 'The smallest total that counts.'), currency: CurrencySchema },
        {
          ...closed,
          title: 'Amount with a currency',
          description: 'Only orders whose total is at least this are looked at.',
          examples: [{ amount: 20, currency: 'EUR' }],
        },
      ),
    ),
    discounted: Type.Optional(
      Type.Boolean({
        title: 'True or false',
        description: 'Only orders with (true) or without (false) a discount.',
        examples: [true],
      }),
    ),
  },
  {
    ...closed,
    $id: 'Orders',
    title: 'Condition on orders',
    description:
      'A test on the orders of a customer. Without a measure it holds for one order or more; without a window it looks at all time. Cancelled and refunded orders do not count.',
    examples: [{ stores: { brand: 'burger-house' }, within: '30d', count: { atLeast: 3 } }],
    allOf: exclusive(`at most one of ${MEASURES.join(', ')}`, [
      ...MEASURES.map((measure) => needs(measure)),
      { not: { anyOf: MEASURES.map((measure) => needs(measure)) } },
    ]),
  },
);

const TraitValueSchema = Type.Union(
  [
    Type.String({ title: 'Text', description: 'Compared as text.', examples: ['BCN'], maxLength: 2_000 }),
    Type.Number({ title: 'Number', description: 'Stands for its shortest text.', examples: [3] }),
    Type.Boolean({ title: 'True or false', description: 'Stands for its text.', examples: [true] }),
  ],
  {
    title: 'Text, number, or true or false',
    description: 'A value of the trait.',
    examples: ['BCN', 3, true],
  },
);

/** A test on one of a customer's traits. */
export const TraitSchema = Type.Object(
  {
    name: plainText({
      title: 'Name of a trait',
      description: 'As in the customer facts.',
      examples: ['city'],
      maxLength: 512,
    }),
    equals: Type.Optional(TraitValueSchema),
    in: Type.Optional(
      Type.Array(TraitValueSchema, {
        title: 'List of values',
        description: 'Any of these values.',
        examples: [['BCN', 'MAD']],
        minItems: 1,
        maxItems: 10_000,
      }),
    ),
    exists: Type.Optional(
      Type.Boolean({
        title: 'True or false',
        description: 'Whether the customer has the trait at all.',
        examples: [true],
      }),
    ),
    atLeast: Type.Optional(
      Type.Number({ title: 'Number', description: 'The value is this or more.', examples: [18] }),
    ),
    atMost: Type.Optional(
      Type.Number({ title: 'Number', description: 'The value is this or less.', examples: [65] }),
    ),
  },
  {
    ...closed,
    $id: 'Trait',
    title: 'Condition on a trait',
    description:
      'A test on the latest value of a trait: equals, in, exists, or a range. A range holds for values that read as numbers.',
    examples: [
      { name: 'city', in: ['BCN', 'MAD'] },
      { name: 'age', atLeast: 18 },
    ],
    allOf: exclusive('one test: equals, in, exists, or atLeast, atMost or both', [
      needs('equals'),
      needs('in'),
      needs('exists'),
      { anyOf: [needs('atLeast'), needs('atMost')] },
    ]),
  },
);

const RuleListSchema = (title: string, description: string) =>
  Type.Array(referTo<WrittenRule>('Rule'), {
    title,
    description,
    examples: [[{ orders: { within: '30d' } }, { trait: { name: 'city', equals: 'BCN' } }]],
    minItems: 1,
    maxItems: 1_000,
  });

/** A rule: exactly one of its fields. */
export const RuleSchema = Type.Object(
  {
    all: Type.Optional(RuleListSchema('List of rules', 'Every one of these rules holds.')),
    any: Type.Optional(RuleListSchema('List of rules', 'At least one of these rules holds.')),
    not: Type.Optional(referTo<WrittenRule>('Rule')),
    orders: Type.Optional(referTo<WrittenOrders>('Orders')),
    trait: Type.Optional(referTo<WrittenTrait>('Trait')),
    segment: Type.Optional(
      Type.String({
        title: 'Key of a segment',
        description:
          'The rule of another segment holds. For an instance of a family: family@instance. References must not form a circle.',
        examples: ['lapsed-big-spender', 'new-at@s-104'],
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,199}(@[^\\u0000-\\u001f\\u007f]{1,512})?$',
      }),
    ),
  },
  {
    ...closed,
    $id: 'Rule',
    title: 'Rule',
    description: 'Exactly one of all, any, not, orders, trait, segment.',
    examples: [{ all: [{ orders: { within: '365d' } }, { not: { orders: { within: '30d' } } }] }],
    minProperties: 1,
    maxProperties: 1,
  },
);
