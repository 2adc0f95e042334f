/** The written form of a set of stores. */
import { Type } from 'typebox';
import { closed, exclusive, needs, plainText, VALUES_MAX } from './schema-part.ts';

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
        maxItems: VALUES_MAX,
      }),
    ],
    { title: `${title} or list of them`, description, examples: [example, [example]] },
  );
}

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
