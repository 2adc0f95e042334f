/** The written form of values that are text, as traits and properties of events have them, and tests on them. */
import { Type } from 'typebox';
import { closed, exclusive, needs, VALUES_MAX } from './schema-part.ts';

/** Text, or a number or truth value that stands for its shortest text. */
export type WrittenValue = string | number | boolean;

/** Tests on a value, of which one is written. */
export interface WrittenValueTest {
  readonly equals?: WrittenValue;
  readonly in?: readonly WrittenValue[];
  readonly exists?: boolean;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const kindsOfValue = [
  Type.String({ title: 'Text', description: 'Compared as text.', examples: ['BCN'], maxLength: 2_000 }),
  Type.Number({ title: 'Number', description: 'Stands for its shortest text.', examples: [3] }),
  Type.Boolean({ title: 'True or false', description: 'Stands for its text.', examples: [true] }),
];

const ValueSchema = Type.Union(kindsOfValue, {
  title: 'Text, number, or true or false',
  description: 'A value, compared as text.',
  examples: ['BCN', 3, true],
});

/** Fields that test a value, for a condition of its own or a property. */
export const valueTestFields = {
  equals: Type.Optional(ValueSchema),
  in: Type.Optional(
    Type.Array(ValueSchema, {
      title: 'List of values',
      description: 'Any of these values.',
      examples: [['BCN', 'MAD']],
      minItems: 1,
      maxItems: VALUES_MAX,
    }),
  ),
  atLeast: Type.Optional(
    Type.Number({ title: 'Number', description: 'The value is this or more.', examples: [18] }),
  ),
  atMost: Type.Optional(
    Type.Number({ title: 'Number', description: 'The value is this or less.', examples: [65] }),
  ),
};

/** Alternatives for {@link exclusive}, one of which {@link valueTestFields} must fit. */
export const VALUE_TESTS = [
  needs('equals'),
  needs('in'),
  needs('exists'),
  { anyOf: [needs('atLeast'), needs('atMost')] },
];

/** A value that a property has, or a test on it. */
export const PropertyTestSchema = Type.Union(
  [
    ...kindsOfValue,
    Type.Object(
      {
        ...valueTestFields,
        exists: Type.Optional(
          Type.Literal(true, {
            title: 'The word true',
            description: 'The event has the property.',
            examples: [true],
          }),
        ),
      },
      {
        ...closed,
        title: 'Test on a property',
        description: 'Equals, in, exists: true, or a range. A range holds for values that read as numbers.',
        examples: [{ in: ['BCN', 'MAD'] }, { atLeast: 20 }, { exists: true }],
        allOf: exclusive('one test: equals, in, exists: true, or atLeast, atMost or both', VALUE_TESTS),
      },
    ),
  ],
  {
    title: 'Value of a property or a test on it',
    description: 'The value that the property has, or a test on it. A property that is absent fails.',
    examples: ['pro', 3, { in: ['BCN', 'MAD'] }, { atLeast: 20 }],
  },
);
