/**
 * Random facts: orders on the edges of windows, in the future, where clocks change, without a store,
 * cancelled, in several currencies; events with and without properties; traits that are dates; scores of
 * several versions that end around the moments; stores that change; customers who come and go on lists.
 */
import fc from 'fast-check';
import type {
  EventFact,
  ListEntryFact,
  OrderFact,
  ScoreFact,
  StoreFact,
  TraitFact,
} from '../../../src/model/fact.ts';
import { MOMENT_MAX_S } from '../../../src/model/time.ts';
import {
  AMOUNTS_E4,
  ATTRIBUTES,
  CENTRE_S,
  CLOCK_CHANGES_S,
  CURRENCIES,
  EVENTS,
  LISTS,
  MODELS,
  SCORES,
  SEQUENCE_WINDOWS_S,
  STORE_IDS,
  TRAITS,
  WINDOWS_S,
} from './vocabulary.ts';

/** One batch: facts that are put, or a version of a model that is activated. */
export interface FactsReceived {
  readonly orders: readonly OrderFact[];
  readonly stores: readonly StoreFact[];
  readonly traits: readonly TraitFact[];
  readonly events?: readonly EventFact[];
  readonly scores?: readonly ScoreFact[];
  readonly listEntries?: readonly ListEntryFact[];
  readonly emptiedLists?: readonly string[];
  /** The batch is this activation and nothing else. */
  readonly activates?: { readonly model: string; readonly version: string };
}

/** Few, so that each has many facts and most conditions see some of them. */
const CUSTOMERS = 20;
const customerId = fc.integer({ min: 1, max: CUSTOMERS }).map((n) => `customer ${n}`);

/** Without the fields that are undefined. */
function present<T extends object, K extends keyof T>(
  value: T,
  ...fields: readonly K[]
): Omit<T, K> & { [P in K]?: Exclude<T[P], undefined> } {
  const kept = { ...value };
  for (const field of fields) if (kept[field] === undefined) delete kept[field];
  return kept as Omit<T, K> & { [P in K]?: Exclude<T[P], undefined> };
}

/** Times of orders and events: on the edge of a window before the centre, or a second beside it. */
const happenedAt = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...WINDOWS_S.slice(0, -1)), fc.constantFrom(-1, 0, 1))
      .map(([windowS, shiftS]) => CENTRE_S - windowS + shiftS),
  },
  { weight: 3, arbitrary: fc.constantFrom(CENTRE_S - 1, CENTRE_S, CENTRE_S + 1, CENTRE_S + 60) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 29, 30, 31, MOMENT_MAX_S) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...CLOCK_CHANGES_S), fc.constantFrom(-3_600, -1, 0, 1_799, 1_800, 3_600))
      .map(([change, shiftS]) => change + shiftS),
  },
  { weight: 2, arbitrary: fc.integer({ min: CENTRE_S - 400 * 86_400, max: CENTRE_S + 86_400 }) },
);

const order: fc.Arbitrary<OrderFact> = fc
  .record({
    customerId,
    // Few ids, so that later batches correct what earlier ones brought.
    orderId: fc.integer({ min: 1, max: 8 }).map((n) => `order ${n}`),
    storeId: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom<(string | undefined)[]>(...STORE_IDS) },
      { weight: 2, arbitrary: fc.constant(undefined) },
    ),
    orderedAt: happenedAt,
    totalE4: fc.oneof(fc.constantFrom(...AMOUNTS_E4), fc.integer({ min: -10_000, max: 500_000 })),
    discountE4: fc.constantFrom(0, 0, 1, 20_000),
    currency: fc.oneof(
      { weight: 3, arbitrary: fc.constant('EUR') },
      { weight: 2, arbitrary: fc.constantFrom(...CURRENCIES) },
    ),
    status: fc.constantFrom<OrderFact['status'][]>(
      'completed',
      'completed',
      'completed',
      'completed',
      'completed',
      'cancelled',
      'refunded',
    ),
  })
  .map((fact) => present(fact, 'storeId'));

const store: fc.Arbitrary<StoreFact> = fc.record(
  {
    storeId: fc.constantFrom(...STORE_IDS),
    brand: fc.constantFrom(...ATTRIBUTES.brand),
    city: fc.constantFrom(...ATTRIBUTES.city),
    category: fc.constantFrom(...ATTRIBUTES.category),
    tags: fc.uniqueArray(fc.constantFrom(...ATTRIBUTES.tag), { maxLength: 3 }),
  },
  { requiredKeys: ['storeId'], noNullPrototype: true },
);

const trait: fc.Arbitrary<TraitFact> = fc
  .constantFrom(...Object.keys(TRAITS))
  .chain((name) =>
    fc.record({ customerId, name: fc.constant(name), value: fc.constantFrom(...(TRAITS[name] ?? [])) }),
  );

/** Few ids, so that some come again and bring nothing, whatever they say then. */
const event: fc.Arbitrary<EventFact> = fc.constantFrom(...Object.keys(EVENTS)).chain((name) =>
  fc
    .record({
      customerId,
      eventId: fc.integer({ min: 1, max: 12 }).map((n) => `event ${n}`),
      name: fc.constant(name),
      occurredAt: happenedAt,
      properties: propertiesOf(name),
    })
    .map((fact) => ({ ...fact })),
);

/** Any of an event's properties, or none. */
function propertiesOf(name: string): fc.Arbitrary<Record<string, string>> {
  const values = Object.entries(EVENTS[name] ?? {}).map(
    ([property, texts]) => [property, fc.constantFrom(...texts)] as const,
  );
  return fc
    .record(Object.fromEntries(values), { requiredKeys: [], noNullPrototype: true })
    .map((properties) => properties as Record<string, string>);
}

/** Most models' first versions, which are in force unless others are activated; most end at a moment asked for. */
const score: fc.Arbitrary<ScoreFact> = fc
  .oneof(
    { weight: 4, arbitrary: fc.constant('churn') },
    { weight: 1, arbitrary: fc.constantFrom(...Object.keys(MODELS)) },
  )
  .chain((model) =>
    fc.record({
      customerId,
      model: fc.constant(model),
      value: fc.constantFrom(...SCORES),
      version: fc.constantFrom(MODELS[model]![0]!, ...MODELS[model]!),
      validUntil: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(CENTRE_S - 1, CENTRE_S, CENTRE_S + 1) },
        {
          weight: 3,
          arbitrary: fc.constantFrom(...WINDOWS_S.slice(0, -1)).map((windowS) => CENTRE_S + windowS),
        },
        { weight: 3, arbitrary: fc.integer({ min: CENTRE_S - 86_400, max: CENTRE_S + 40 * 86_400 }) },
        { weight: 1, arbitrary: fc.constantFrom(0, 1, MOMENT_MAX_S) },
        { weight: 3, arbitrary: fc.constant(undefined) },
      ),
    }),
  )
  .map((fact) => present(fact, 'validUntil'));

const listEntry: fc.Arbitrary<ListEntryFact> = fc.record({
  customerId,
  list: fc.constantFrom(...LISTS),
  isListed: fc.constantFrom(true, true, false),
});

/** One occurrence after another, a window apart or a second beside it, for sequences to find. */
const pair = fc
  .record({
    customerId,
    number: fc.integer({ min: 1, max: 4 }),
    at: fc.oneof(happenedAt, fc.integer({ min: CENTRE_S - 40 * 86_400, max: CENTRE_S })),
    windowS: fc.constantFrom(...SEQUENCE_WINDOWS_S),
    shiftS: fc.constantFrom(-1, 0, 0, 1),
    kinds: fc.tuple(fc.constantFrom('order', 'checkout'), fc.constantFrom('order', 'checkout')),
  })
  .filter(({ at, windowS, shiftS }) => at + windowS + shiftS <= MOMENT_MAX_S);

type Pair = typeof pair extends fc.Arbitrary<infer T> ? T : never;

function factsOfPair({ customerId, number, at, windowS, shiftS, kinds }: Pair) {
  const orders: OrderFact[] = [];
  const events: EventFact[] = [];
  for (const [i, kind] of kinds.entries()) {
    const id = `pair ${number}.${i}`;
    const time = i === 0 ? at : at + windowS + shiftS;
    if (kind === 'order') {
      const amount = { totalE4: 100_000, discountE4: 0, currency: 'EUR', status: 'completed' } as const;
      orders.push({ customerId, orderId: id, storeId: STORE_IDS[0], orderedAt: time, ...amount });
    } else events.push({ customerId, eventId: id, name: kind, occurredAt: time, properties: {} });
  }
  return { orders, events };
}

/** Within a batch too a fact may come twice: of an event the first row wins, of all others the later. */
export const arbitraryFacts: fc.Arbitrary<FactsReceived> = fc
  .record({
    pairs: fc.array(pair, { minLength: 5, maxLength: 50, size: 'max' }),
    orders: fc.array(order, { minLength: 5, maxLength: 160, size: 'max' }),
    stores: fc.array(store, { maxLength: STORE_IDS.length, size: 'max' }),
    traits: fc.array(trait, { maxLength: 16, size: 'max' }),
    events: fc.array(event, { minLength: 10, maxLength: 120, size: 'max' }),
    scores: fc.array(score, { minLength: 10, maxLength: 60, size: 'max' }),
    listEntries: fc.array(listEntry, { maxLength: 10, size: 'max' }),
    emptiedLists: fc.uniqueArray(fc.constantFrom(...LISTS), { maxLength: 1 }),
  })
  .map(({ pairs, orders, events, ...facts }) => {
    const paired = pairs.map(factsOfPair);
    return {
      ...facts,
      orders: [...orders, ...paired.flatMap((one) => one.orders)],
      events: [...events, ...paired.flatMap((one) => one.events)],
    };
  });
