/** The written form of a condition on a trait. */
import { Type } from 'typebox';
import { closed, exclusive, nameText, truth } from './schema-part.ts';
import { VALUE_TESTS, valueTestFields, type WrittenValueTest } from './value-schema.ts';
import { windowSchema } from './window-schema.ts';

/** One test; `within` and `before` may stand together. */
export interface WrittenTrait extends WrittenValueTest {
  readonly name: string;
  readonly within?: string;
  readonly before?: string;
  readonly ahead?: string;
}

/** A test on one of a customer's traits. */
export const TraitSchema = Type.Object(
  {
    name: nameText('Name of a trait', 'As in the customer facts.', 'city'),
    ...valueTestFields,
    exists: Type.Optional(truth('Whether the customer has the trait at all.')),
    within: Type.Optional(windowSchema('The value is a date or moment that is past, less than this ago.')),
    before: Type.Optional(windowSchema('The value is a date or moment this long ago, or longer.')),
    ahead: Type.Optional(
      windowSchema('The value is a date or moment that is still to come, at most this far ahead.'),
    ),
  },
  {
    ...closed,
    $id: 'Trait',
    title: 'Condition on a trait',
    description:
      'A test on the latest value of a trait: equals, in, exists, a range, or how long ago or ahead the date is. A range holds for values that read as numbers, an age for those that read as a date.',
    examples: [
      { name: 'city', in: ['BCN', 'MAD'] },
      { name: 'age', atLeast: 18 },
      { name: 'signed_up', within: '14d' },
    ],
    allOf: exclusive(
      'one test: equals, in, exists, or atLeast, atMost or both, or within, before or both, or ahead',
      [
        ...VALUE_TESTS,
        { anyOf: [{ required: ['within'] }, { required: ['before'] }] },
        { required: ['ahead'] },
      ],
    ),
  },
);
