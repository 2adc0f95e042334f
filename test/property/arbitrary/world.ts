/**
 * Random histories of facts, in batches as they are received: orders on the edges of windows, in the
 * future, without a store, cancelled, corrected, in several currencies; traits and stores that change.
 */
import fc from 'fast-check';
import type { CustomerFacts, OrderFact, StoreFact, TraitFact } from '../../../src/model/fact.ts';
import { MOMENT_MAX_S } from '../../../src/model/time.ts';
import { AMOUNTS_E4, ATTRIBUTES, CENTRE_S, CURRENCIES, STORE_IDS, TRAITS, WINDOWS_S } from './vocabulary.ts';

export interface FactsReceived {
  readonly orders: readonly OrderFact[];
  readonly stores: readonly StoreFact[];
  readonly traits: readonly TraitFact[];
}

/** Batches in the order of their receipt: batch number i + 1 is `received[i]`. */
export interface World {
  readonly received: readonly FactsReceived[];
  /** Moments to evaluate at, seconds since 1970. */
  readonly moments: readonly number[];
}

/** What is known after some batches, reconciled by the words of the design, without an engine. */
export interface Knowledge {
  readonly customers: ReadonlyMap<string, CustomerFacts>;
  readonly stores: ReadonlyMap<string, StoreFact>;
}

/** Few, so that each has many orders and most conditions see some of them. */
const CUSTOMERS = 20;
const customerId = fc.integer({ min: 1, max: CUSTOMERS }).map((n) => `customer ${n}`);

/** Moments near the centre, of which some differ by a window exactly. */
const moment = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(CENTRE_S, CENTRE_S - 1, CENTRE_S + 1) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...WINDOWS_S.slice(0, -1)).map((windowS) => CENTRE_S + windowS),
  },
  { weight: 1, arbitrary: fc.constantFrom(0, 30, CENTRE_S - WINDOWS_S[5], MOMENT_MAX_S) },
);

/** Times of orders: on the edge of a window before the centre, or a second beside it. */
const orderedAt = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...WINDOWS_S.slice(0, -1)), fc.constantFrom(-1, 0, 1))
      .map(([windowS, shiftS]) => CENTRE_S - windowS + shiftS),
  },
  { weight: 3, arbitrary: fc.constantFrom(CENTRE_S - 1, CENTRE_S, CENTRE_S + 1, CENTRE_S + 60) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 29, 30, 31, MOMENT_MAX_S) },
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
    orderedAt,
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
  .map(({ storeId, ...rest }) => (storeId === undefined ? rest : { ...rest, storeId }));

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

/** Within a batch too an order, a trait or a store may come twice: the later row wins. */
const facts: fc.Arbitrary<FactsReceived> = fc.record({
  orders: fc.array(order, { minLength: 5, maxLength: 160, size: 'max' }),
  stores: fc.array(store, { maxLength: STORE_IDS.length, size: 'max' }),
  traits: fc.array(trait, { maxLength: 12, size: 'max' }),
});

/** One to four batches about at most 20 customers, and three moments. */
export const arbitraryWorld: fc.Arbitrary<World> = fc.record({
  received: fc.array(facts, { minLength: 1, maxLength: 4, size: 'max' }),
  moments: fc.uniqueArray(moment, { minLength: 3, maxLength: 3 }),
});

/** Reconciles the first `batches` batches: the version received last wins, a customer's order by its id. */
export function knowledgeAfter(world: World, batches: number = world.received.length): Knowledge {
  const orders = new Map<string, Map<string, OrderFact>>();
  const traits = new Map<string, Map<string, string>>();
  const stores = new Map<string, StoreFact>();
  for (const facts of world.received.slice(0, batches)) {
    for (const fact of facts.orders) {
      if (!orders.has(fact.customerId)) orders.set(fact.customerId, new Map());
      orders.get(fact.customerId)?.set(fact.orderId, fact);
      // An order makes its store known, without attributes.
      if (fact.storeId !== undefined && !stores.has(fact.storeId)) {
        stores.set(fact.storeId, { storeId: fact.storeId });
      }
    }
    for (const fact of facts.traits) {
      if (!traits.has(fact.customerId)) traits.set(fact.customerId, new Map());
      traits.get(fact.customerId)?.set(fact.name, fact.value);
    }
    for (const fact of facts.stores) stores.set(fact.storeId, fact);
  }
  const customers = new Map<string, CustomerFacts>();
  for (const customer of new Set([...orders.keys(), ...traits.keys()])) {
    customers.set(customer, {
      orders: [...(orders.get(customer)?.values() ?? [])],
      traits: traits.get(customer) ?? new Map(),
    });
  }
  return { customers, stores };
}
