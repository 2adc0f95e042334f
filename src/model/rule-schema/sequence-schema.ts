/** The written form of a sequence: one thing after another, or without it. */
import { Type } from 'typebox';
import type { WrittenEventFilter } from './event-schema.ts';
import type { WrittenOrderFilter } from './orders-schema.ts';
import { closed, exclusive, needs, referTo } from './schema-part.ts';
import { windowSchema } from './window-schema.ts';

/** Exactly one of the fields. */
export interface WrittenStep {
  readonly orders?: WrittenOrderFilter;
  readonly event?: WrittenEventFilter;
}

/** Exactly one of `then` and `without`. */
export interface WrittenSequence {
  readonly first: WrittenStep;
  readonly then?: WrittenStep;
  readonly without?: WrittenStep;
  readonly within: string;
  readonly lookback?: string;
}

function step(title: string, description: string) {
  return Type.Object(
    {
      orders: Type.Optional(referTo<WrittenOrderFilter>('OrderFilter')),
      event: Type.Optional(referTo<WrittenEventFilter>('EventFilter')),
    },
    {
      ...closed,
      title,
      description,
      examples: [{ event: { name: 'checkout_started' } }, { orders: { stores: { city: 'BCN' } } }],
      minProperties: 1,
      maxProperties: 1,
    },
  );
}

/** A test on the order of a customer's orders and events. */
export const SequenceSchema = Type.Object(
  {
    first: step('Step of a sequence', 'What came first: an order or an event.'),
    // biome-ignore lint/suspicious/noThenProperty: the word of the written form; nothing awaits a schema.
    then: Type.Optional(step('Step of a sequence', 'What came after it, within the time.')),
    without: Type.Optional(
      step('Step of a sequence', 'What did not come after it. Holds once the time has passed.'),
    ),
    within: windowSchema('How long after the first the second may come, this long included.'),
    lookback: Type.Optional(windowSchema('How far back to look for the first; ever when left out.')),
  },
  {
    ...closed,
    $id: 'Sequence',
    title: 'Sequence',
    description:
      'The customer did one thing, then another within a time; or did not do the other within that time, which has passed. Orders and events can be mixed; any first will do.',
    examples: [
      {
        first: { event: { name: 'basket_filled' } },
        without: { orders: {} },
        within: '24h',
        lookback: '7d',
      },
    ],
    allOf: exclusive('either then or without', [needs('then'), needs('without')]),
  },
);
