/** The written form of conditions on what models and lists say: scores and list entries. */
import { Type } from 'typebox';
import { closed, exclusive, nameText, needs, referTo, truth } from './schema-part.ts';
import { TopPercentSchema, type WrittenQuintile, type WrittenRank } from './test-schema.ts';

/** One test; `whenMissing` with any but `exists`. */
export interface WrittenScore extends WrittenRank {
  readonly model: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly exists?: boolean;
  readonly whenMissing?: boolean;
}

export interface WrittenListed {
  readonly list: string;
}

const bound = (description: string) => Type.Number({ title: 'Number', description, examples: [0.7] });

/** A test on a customer's score. */
export const ScoreSchema = Type.Object(
  {
    model: nameText('Name of a model', 'As in the score facts.', 'churn'),
    atLeast: Type.Optional(bound('The score is this or more.')),
    atMost: Type.Optional(bound('The score is this or less.')),
    topPercent: Type.Optional(TopPercentSchema),
    quintile: Type.Optional(referTo<WrittenQuintile>('Quintile')),
    exists: Type.Optional(truth('Whether the customer has a score that counts at all.')),
    whenMissing: Type.Optional(
      truth(
        'What holds for a customer without a score that counts: none received, of another version, or no longer valid. False when left out. Not with exists.',
      ),
    ),
  },
  {
    ...closed,
    $id: 'Score',
    title: 'Condition on a score',
    description:
      "A test on a model's score of the version in force: bounds, the top so many percent, quintiles, or that there is one.",
    examples: [
      { model: 'churn', atLeast: 0.7 },
      { model: 'churn', atMost: 0.2, whenMissing: true },
      { model: 'lifetime-value', topPercent: 10 },
    ],
    allOf: [
      ...exclusive('one test: atLeast, atMost or both, or topPercent, or quintile, or exists', [
        { anyOf: [needs('atLeast'), needs('atMost')] },
        needs('topPercent'),
        needs('quintile'),
        needs('exists'),
      ]),
      ...exclusive('either exists or whenMissing', [
        { not: needs('exists') },
        { ...needs('exists'), not: needs('whenMissing') },
      ]),
    ],
  },
);

/** That a customer is on a list. */
export const ListedSchema = Type.Object(
  { list: nameText('Name of a list', 'As it was uploaded.', 'do-not-contact') },
  {
    ...closed,
    $id: 'Listed',
    title: 'Condition on a list',
    description: 'The customer is on the list.',
    examples: [{ list: 'do-not-contact' }],
  },
);
