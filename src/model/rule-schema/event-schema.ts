/** The written form of a condition on events. */
import { Type } from 'typebox';
import { atMostOne, closed, NAME_LENGTH_MAX, nameText, PLAIN_TEXT, referTo } from './schema-part.ts';
import type { WrittenAgeTest, WrittenCountTest } from './test-schema.ts';
import { PropertyTestSchema, type WrittenValue, type WrittenValueTest } from './value-schema.ts';
import { WindowSchema } from './window-schema.ts';

/** Which events are looked at, besides their time. */
export interface WrittenEventFilter {
  readonly name: string;
  readonly where?: Readonly<Record<string, WrittenValue | WrittenValueTest>>;
}

/** At most one measure; without any, one event or more. */
export interface WrittenEvent extends WrittenEventFilter {
  readonly within?: string;
  readonly count?: WrittenCountTest;
  readonly days?: WrittenCountTest;
  readonly first?: WrittenAgeTest;
  readonly last?: WrittenAgeTest;
}

/** Most properties that are tested at once. */
const WHERE_MAX = 20;

const eventFilter = {
  name: nameText('Name of an event', 'As in the event facts.', 'checkout_started'),
  where: Type.Optional(
    Type.Unsafe<WrittenEventFilter['where'] & object>({
      type: 'object',
      title: 'Filter by properties',
      description:
        'Name of a property → the value it has, or a test on it. Only events that pass all of these are looked at.',
      examples: [{ plan: 'pro' }, { city: { in: ['BCN', 'MAD'] }, amount: { atLeast: 20 } }],
      minProperties: 1,
      maxProperties: WHERE_MAX,
      propertyNames: {
        title: 'Name of a property',
        minLength: 1,
        maxLength: NAME_LENGTH_MAX,
        pattern: PLAIN_TEXT,
      },
      additionalProperties: PropertyTestSchema,
    }),
  ),
};

/** Which events a step of a sequence looks at. */
export const EventFilterSchema = Type.Object(eventFilter, {
  ...closed,
  $id: 'EventFilter',
  title: 'Filter of events',
  description: 'Events of this name whose properties pass every test.',
  examples: [{ name: 'checkout_started' }, { name: 'plan_changed', where: { plan: 'pro' } }],
});

/** Words for what can be measured over events. */
export const EVENT_MEASURES = ['count', 'days', 'first', 'last'] as const;

/** A test on a customer's events. */
export const EventSchema = Type.Object(
  {
    ...eventFilter,
    within: Type.Optional(WindowSchema),
    count: Type.Optional(referTo<WrittenCountTest>('CountTest')),
    days: Type.Optional(referTo<WrittenCountTest>('CountTest')),
    first: Type.Optional(referTo<WrittenAgeTest>('AgeTest')),
    last: Type.Optional(referTo<WrittenAgeTest>('AgeTest')),
  },
  {
    ...closed,
    $id: 'Event',
    title: 'Condition on events',
    description:
      'A test on the events of one name. Without a measure it holds for one event or more; without a window it looks at all time. Days are of UTC.',
    examples: [
      { name: 'checkout_started', count: { atLeast: 2 }, within: '7d' },
      { name: 'plan_changed', where: { plan: 'pro' }, last: { before: '30d' } },
    ],
    allOf: atMostOne(EVENT_MEASURES),
  },
);
