/**
 * Random histories of facts, in batches as they are received, and what is known after some of them,
 * reconciled by the words of the design, without an engine.
 */
import fc from 'fast-check';
import type { CustomerFacts, EventFact, OrderFact, ScoreFact, StoreFact } from '../../../src/model/fact.ts';
import { MOMENT_MAX_S } from '../../../src/model/time.ts';
import { arbitraryFacts, type FactsReceived } from './fact.ts';
import { CENTRE_S, MODELS, WINDOWS_S } from './vocabulary.ts';

export type { FactsReceived } from './fact.ts';

/** Batches in the order of their receipt: batch number i + 1 is `received[i]`. */
export interface World {
  readonly received: readonly FactsReceived[];
  /** Moments to evaluate at, seconds since 1970. */
  readonly moments: readonly number[];
}

/** What is known after some batches. */
export interface Knowledge {
  readonly customers: ReadonlyMap<string, CustomerFacts>;
  readonly stores: ReadonlyMap<string, StoreFact>;
}

/** Moments near the centre, of which some differ by a window exactly. */
const moment = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(CENTRE_S, CENTRE_S - 1, CENTRE_S + 1) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...WINDOWS_S.slice(0, -1)).map((windowS) => CENTRE_S + windowS),
  },
  { weight: 1, arbitrary: fc.constantFrom(0, 30, CENTRE_S - WINDOWS_S[5], MOMENT_MAX_S) },
);

type Activation = NonNullable<FactsReceived['activates']>;

/** A wish: what is activated after a batch, if the version is known and not in force then. */
const activation: fc.Arbitrary<Activation | undefined> = fc.option(
  fc
    .constantFrom(...Object.entries(MODELS), ['churn', MODELS.churn!] as const)
    .chain(([model, versions]) =>
      fc.record({ model: fc.constant(model), version: fc.constantFrom(...versions) }),
    ),
  { nil: undefined, freq: 5 },
);

/** One to four batches about at most 20 customers, some followed by an activation, and three moments. */
export const arbitraryWorld: fc.Arbitrary<World> = fc.record({
  received: fc
    .array(fc.tuple(arbitraryFacts, activation), { minLength: 1, maxLength: 4, size: 'max' })
    .map(withActivations),
  moments: fc.uniqueArray(moment, { minLength: 3, maxLength: 3 }),
});

/** Puts activations between the batches, those that an engine carries out. */
function withActivations(wishes: readonly (readonly [FactsReceived, Activation | undefined])[]) {
  const received: FactsReceived[] = [];
  for (const [facts, activates] of wishes) {
    received.push(facts);
    if (activates === undefined) continue;
    const { inForce, versions } = modelsAfter(received);
    const isKnown = versions.has(JSON.stringify([activates.model, activates.version]));
    if (!isKnown || inForce.get(activates.model) === activates.version) continue;
    received.push({ orders: [], stores: [], traits: [], activates });
  }
  return received;
}

/** Model → version in force, and all versions: a model's first is in force at once, others when activated. */
function modelsAfter(received: readonly FactsReceived[]) {
  const versions = new Set<string>();
  const inForce = new Map<string, string>();
  for (const { scores = [], activates } of received) {
    for (const { model, version } of scores) {
      versions.add(JSON.stringify([model, version]));
      if (!inForce.has(model)) inForce.set(model, version);
    }
    if (activates) inForce.set(activates.model, activates.version);
  }
  return { versions, inForce };
}

/** Map of maps: customer → thing → its fact. */
class ByCustomer<T> extends Map<string, Map<string, T>> {
  of(customerId: string): Map<string, T> {
    const own = this.get(customerId) ?? new Map<string, T>();
    this.set(customerId, own);
    return own;
  }
}

class Reconciled {
  readonly orders = new ByCustomer<OrderFact>();
  readonly traits = new ByCustomer<string>();
  readonly events = new ByCustomer<EventFact>();
  readonly scores = new ByCustomer<ScoreFact>();
  /** Entries in force; on no list: false. */
  readonly lists = new ByCustomer<boolean>();
  readonly stores = new Map<string, StoreFact>();
  /** Whoever a fact is about; one that only says that somebody is on no list makes nobody known. */
  readonly known = new Set<string>();

  take(facts: FactsReceived): void {
    for (const fact of facts.orders) {
      this.orders.of(fact.customerId).set(fact.orderId, fact);
      // An order makes its store known, without attributes.
      if (fact.storeId !== undefined && !this.stores.has(fact.storeId)) {
        this.stores.set(fact.storeId, { storeId: fact.storeId });
      }
    }
    for (const fact of facts.traits) this.traits.of(fact.customerId).set(fact.name, fact.value);
    for (const fact of facts.stores) this.stores.set(fact.storeId, fact);
    for (const fact of facts.events ?? []) {
      const events = this.events.of(fact.customerId);
      if (!events.has(fact.eventId)) events.set(fact.eventId, fact);
    }
    for (const fact of facts.scores ?? []) {
      this.scores.of(fact.customerId).set(JSON.stringify([fact.model, fact.version]), fact);
    }
    for (const list of facts.emptiedLists ?? []) {
      for (const entries of this.lists.values()) entries.set(list, false);
    }
    for (const fact of facts.listEntries ?? []) {
      this.lists.of(fact.customerId).set(fact.list, fact.isListed);
      if (fact.isListed) this.known.add(fact.customerId);
    }
    const { orders, traits, events = [], scores = [] } = facts;
    for (const fact of [...orders, ...traits, ...events, ...scores]) this.known.add(fact.customerId);
  }

  /** @param inForce - Model → version. */
  factsOf(customerId: string, inForce: ReadonlyMap<string, string>): CustomerFacts {
    const scores = [...this.scores.of(customerId).values()];
    const lists = [...this.lists.of(customerId)];
    return {
      orders: [...this.orders.of(customerId).values()],
      traits: this.traits.of(customerId),
      events: [...this.events.of(customerId).values()],
      scores: new Map(
        scores
          .filter((score) => inForce.get(score.model) === score.version)
          .map((score) => [score.model, score]),
      ),
      lists: new Set(lists.filter(([, isListed]) => isListed).map(([list]) => list)),
    };
  }
}

/** Reconciles the first `batches` batches: the version received last wins, a customer's order by its id. */
export function knowledgeAfter(world: World, batches: number = world.received.length): Knowledge {
  const received = world.received.slice(0, batches);
  const reconciled = new Reconciled();
  for (const facts of received) reconciled.take(facts);
  const { inForce } = modelsAfter(received);
  const { known, stores } = reconciled;
  return {
    customers: new Map([...known].map((customerId) => [customerId, reconciled.factsOf(customerId, inForce)])),
    stores,
  };
}

/** What a test that fails says of a customer: maps and sets as lists. */
export function inWords(facts: CustomerFacts): string {
  return JSON.stringify(facts, (_, value) =>
    value instanceof Map || value instanceof Set ? [...value] : value,
  );
}
