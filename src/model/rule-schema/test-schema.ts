/**
 * The written form of tests on what is measured: numbers, amounts of money, times since something. A
 * *ranked* test can also take its bounds from the population: the top so many percent, or quintiles.
 */
import { Type } from 'typebox';
import { closed, exclusive, needs, referTo } from './schema-part.ts';
import { windowSchema } from './window-schema.ts';

/** One quintile, or a range of them, inclusive. */
export type WrittenQuintile = number | { readonly atLeast?: number; readonly atMost?: number };

/** Bounds that the population sets; at most one of them. */
export interface WrittenRank {
  readonly topPercent?: number;
  readonly quintile?: WrittenQuintile;
}

export interface WrittenCountTest {
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly equals?: number;
}

export interface WrittenRankedCountTest extends WrittenCountTest, WrittenRank {}

export interface WrittenAmountTest extends WrittenRank {
  readonly atLeast?: number | string;
  readonly atMost?: number | string;
  readonly currency: string;
}

/** `within` w: less than w ago. `before` w: w ago or longer. */
export interface WrittenAgeTest {
  readonly within?: string;
  readonly before?: string;
}

export interface WrittenRankedAgeTest extends WrittenAgeTest {
  readonly quintile?: WrittenQuintile;
}

const BOUNDS = { anyOf: [needs('atLeast'), needs('atMost')] };

function quintileNumber(description: string) {
  return Type.Integer({ title: 'Quintile', description, examples: [5], minimum: 1, maximum: 5 });
}

/** Fifths of the population by what is measured. For the parameters of segment types too. */
export const QuintileSchema = Type.Union(
  [
    quintileNumber('In this quintile.'),
    Type.Object(
      {
        atLeast: Type.Optional(quintileNumber('In this quintile or a higher one.')),
        atMost: Type.Optional(quintileNumber('In this quintile or a lower one.')),
      },
      {
        ...closed,
        title: 'Range of quintiles',
        description: 'From one quintile to another, inclusive.',
        examples: [{ atLeast: 4 }],
        minProperties: 1,
      },
    ),
  ],
  {
    $id: 'Quintile',
    title: 'Quintile or range of them',
    description:
      'Fifths of the customers who have any of the facts looked at, by what is measured: 1 is the lowest, 5 the highest (of the last order, the most recent). Who ties is in the lower one. Taken anew at each calculation.',
    examples: [5, { atLeast: 4 }, { atLeast: 2, atMost: 3 }],
  },
);

/** The top so many percent of the population. */
export const TopPercentSchema = Type.Number({
  title: 'Number of percent',
  description:
    'Among the highest so many percent of the customers who have any of the facts looked at; who ties with the last of these is in. Taken anew at each calculation.',
  examples: [10],
  exclusiveMinimum: 0,
  maximum: 100,
});

const rank = {
  topPercent: Type.Optional(TopPercentSchema),
  quintile: Type.Optional(referTo<WrittenQuintile>('Quintile')),
};

/** The form of an amount of money. */
export function amountSchema(title: string, description: string) {
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

/** A currency. For the parameters of segment types too. */
export const CurrencySchema = Type.String({
  title: 'Currency',
  description:
    'ISO 4217; capitals do not matter. Only orders in this currency are looked at; empty text stands for orders without a currency.',
  examples: ['EUR'],
  pattern: '^(?:[A-Za-z][A-Za-z0-9]{2,9})?$',
});

/** A test on an amount that is measured over orders. */
export const AmountTestSchema = Type.Object(
  {
    atLeast: Type.Optional(amountSchema('Amount', 'The measure is this or more.')),
    atMost: Type.Optional(amountSchema('Amount', 'The measure is this or less.')),
    ...rank,
    currency: CurrencySchema,
  },
  {
    ...closed,
    $id: 'AmountTest',
    title: 'Test on an amount',
    description:
      'Inclusive bounds, at least one of them, or the top so many percent, or quintiles; and the currency. Decimals are exact to 4 places.',
    examples: [
      { atLeast: 200, currency: 'EUR' },
      { topPercent: 10, currency: 'EUR' },
    ],
    allOf: exclusive('atLeast, atMost or both, or topPercent, or quintile', [
      BOUNDS,
      needs('topPercent'),
      needs('quintile'),
    ]),
  },
);

function bound(title: string, description: string, least: number) {
  return Type.Integer({ title, description, examples: [3], minimum: least, maximum: 1_000_000_000 });
}

/** For the parameters of segment types: a number of orders from 1. */
export const OrderCountSchema = bound('Number of orders', 'This many orders or more.', 1);

const countBounds = {
  atLeast: Type.Optional(bound('Number', 'This many or more.', 0)),
  atMost: Type.Optional(bound('Number', 'This many or fewer.', 0)),
  equals: Type.Optional(bound('Number', 'Exactly this many.', 0)),
};

/** A test on how many there are. */
export const CountTestSchema = Type.Object(countBounds, {
  ...closed,
  $id: 'CountTest',
  title: 'Test on a number',
  description: 'Inclusive bounds, or an exact number.',
  examples: [{ atLeast: 3 }, { equals: 0 }],
  allOf: exclusive('either equals, or atLeast, atMost or both', [needs('equals'), BOUNDS]),
});

/** A test on how many there are, also by rank. */
export const RankedCountTestSchema = Type.Object(
  { ...countBounds, ...rank },
  {
    ...closed,
    $id: 'RankedCountTest',
    title: 'Test on a number',
    description: 'Inclusive bounds, an exact number, the top so many percent, or quintiles.',
    examples: [{ atLeast: 3 }, { equals: 0 }, { topPercent: 10 }, { quintile: { atLeast: 4 } }],
    allOf: exclusive('either equals, or atLeast, atMost or both, or topPercent, or quintile', [
      needs('equals'),
      BOUNDS,
      needs('topPercent'),
      needs('quintile'),
    ]),
  },
);

const ageBounds = {
  within: Type.Optional(windowSchema('It was less than this ago.')),
  before: Type.Optional(windowSchema('It was this long ago, or longer.')),
};
const AGE_BOUNDS = { anyOf: [needs('within'), needs('before')] };

/** A test on how long ago something was. */
export const AgeTestSchema = Type.Object(ageBounds, {
  ...closed,
  $id: 'AgeTest',
  title: 'Test on how long ago',
  description: 'Less than so long ago (within), at least so long ago (before), or both.',
  examples: [{ within: '30d' }, { before: '30d', within: '90d' }],
  allOf: [{ title: 'within, before or both', oneOf: [AGE_BOUNDS] }],
});

/** A test on how long ago the last order was, also by rank. */
export const RankedAgeTestSchema = Type.Object(
  { ...ageBounds, quintile: rank.quintile },
  {
    ...closed,
    $id: 'RankedAgeTest',
    title: 'Test on how long ago',
    description:
      'Less than so long ago (within), at least so long ago (before), or both; or quintiles, of which 5 is the most recent.',
    examples: [{ within: '30d' }, { before: '30d', within: '90d' }, { quintile: 5 }],
    allOf: exclusive('within, before or both, or quintile', [AGE_BOUNDS, needs('quintile')]),
  },
);
