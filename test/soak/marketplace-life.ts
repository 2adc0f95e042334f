/**
 * What happens in a simulated marketplace, hour by hour, the same for the same seed whatever was killed in
 * between: facts of every source, versions of models put in force, customers erased and readmitted, and
 * definitions of every kind of condition that are changed, paused, archived and added.
 */
import type { Engine } from '../../src/core/engine/engine.ts';
import type { Definition } from '../../src/model/segment.ts';
import { LifeDefinitions } from './life-definitions.ts';
import { LifeDraw, type LifeOptions } from './life-draw.ts';
import { LifeFacts } from './life-facts.ts';
import { LifeOrders } from './life-orders.ts';

export type Received = Parameters<Engine['put']>[0];

export class MarketplaceLife {
  readonly #draw: LifeDraw;
  readonly #definitions: LifeDefinitions;
  readonly #orders: LifeOrders;
  /** All but orders and definitions. */
  readonly facts: LifeFacts;

  constructor(options: LifeOptions) {
    this.#draw = new LifeDraw(options);
    this.#definitions = new LifeDefinitions(this.#draw);
    this.#orders = new LifeOrders(this.#draw);
    this.facts = new LifeFacts(this.#draw);
  }

  firstDefinitions(): Definition[] {
    return this.#definitions.first();
  }

  /** What is changed in an hour, before its facts. */
  definitions(hour: number): Definition[] {
    return this.#definitions.changed(hour);
  }

  /** Facts of an hour, in one to three batches: orders and events in each, all else in the first. */
  batches(hour: number): Received[] {
    const random = this.#draw.random(hour, 'batches');
    const events = this.facts.events(hour);
    const afterBaskets = events.flatMap(({ name, customerId, occurredAt: filledAt }, index) =>
      name === 'basket_filled' ? this.#orders.ofBasket({ hour, index, customerId, filledAt }) : [],
    );
    const orders = [...this.#orders.received(hour), ...afterBaskets];
    const parts = 1 + Math.floor(random() * 3);
    return Array.from({ length: parts }, (_, part) => ({
      orders: orders.filter((__, i) => i % parts === part),
      events: events.filter((__, i) => i % parts === part),
      ...(part > 0
        ? {}
        : {
            traits: this.facts.traits(hour),
            stores: this.facts.stores(hour),
            scores: this.facts.scores(hour),
            ...this.facts.lists(hour),
            customers: [`registered-${hour}`],
          }),
    }));
  }
}
