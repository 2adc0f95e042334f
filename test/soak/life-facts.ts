/**
 * Facts of a simulated life besides orders: events, traits, scores of two models, entries of lists, stores
 * that change and open, and customers who are erased and come back.
 */
import { eventIdOf } from '../../src/core/ingest/event-id.ts';
import type { EventFact, ListEntryFact, ScoreFact, StoreFact, TraitFact } from '../../src/model/fact.ts';
import { readEvent } from '../../src/model/read-fact.ts';
import { formatMoment } from '../../src/model/time.ts';
import { HOUR_S, type LifeDraw, many, oneOf, type Random } from './life-draw.ts';

/** The simulated history has these, and one that begins with this life. */
export const EVENT_NAMES = [
  'store_viewed',
  'push_opened',
  'basket_filled',
  'search_made',
  'checkout_started',
  'complaint',
] as const;
/** `churn` and the first two lists come with the simulated history too. */
export const MODELS = ['churn', 'lifetime'] as const;
export const LISTS = ['do-not-contact', 'vip', 'campaign'] as const;
type Model = (typeof MODELS)[number];

/** A value that is sometimes text that reads as a number, sometimes a number, sometimes neither. */
const MIXED = [5, '5', 19.5, '19.50', 60, '', 'many', true, false, null] as const;

/**
 * A new version of a model arrives over some hours, is put in force, and now and then the one before is
 * put back for a while.
 */
const ROUNDS: Readonly<
  Record<Model, { readonly everyH: number; readonly stagedH: number; readonly first: string }>
> = {
  churn: { everyH: 20, stagedH: 5, first: '2026-02' },
  lifetime: { everyH: 14, stagedH: 3, first: 'lifetime-0' },
};
/** Hours of a round before its version begins to arrive. */
const STAGED_FROM_H = 2;
/** A list that is replaced whole so often. */
const CAMPAIGN_HOURS = 6;
/** Erased customers who come back do so this much later. */
const READMITTED_AFTER_H = 7;

export class LifeFacts {
  readonly #draw: LifeDraw;
  readonly #isEvery: boolean;

  constructor(draw: LifeDraw) {
    this.#draw = draw;
    this.#isEvery = draw.options.everyKind > 0;
  }

  /** Read from rows as they are sent, some without an id, some twice, some with a known id and other content. */
  events(hour: number): EventFact[] {
    const random = this.#draw.random(hour, 'events');
    return many(this.#isEvery ? this.#draw.options.eventsPerHour : 0, (i) => {
      const occurredAt = this.#draw.momentIn(hour, random);
      const row = {
        customer_id: this.#draw.customer(random),
        name: oneOf(EVENT_NAMES, random),
        occurred_at: formatMoment(occurredAt),
        ...(random() < 0.8 ? { event_id: `life-${hour}-${i}` } : {}),
        properties: this.#properties(random),
      };
      const kind = random();
      if (kind < 0.03) return [row, row];
      if (kind < 0.06)
        return [row, { ...row, occurred_at: formatMoment(occurredAt - 60), name: 'complaint' }];
      return [row];
    })
      .flat()
      .flatMap((row) => {
        const reading = readEvent(row, eventIdOf);
        if ('reason' in reading) throw new Error(`${reading.reason}: ${JSON.stringify(row)}`);
        return [reading.fact];
      });
  }

  #properties(random: Random): Record<string, unknown> {
    return {
      device: oneOf(['android', 'ios', 'web'], random),
      ...(random() < 0.7 ? { total: oneOf(MIXED, random) } : {}),
      ...(random() < 0.3 ? { coupon: oneOf(['WELCOME', 'back', 10], random) } : {}),
    };
  }

  traits(hour: number): TraitFact[] {
    const random = this.#draw.random(hour, 'traits');
    return many(12, (i) => {
      const customerId = this.#draw.customer(random);
      if (i % 3 === 0)
        return { customerId, name: 'tier', value: oneOf(['bronze', 'silver', 'gold'], random) };
      if (i % 3 === 1)
        return { customerId, name: 'points', value: oneOf(['5', '5.0', '70', 'none', ''], random) };
      // A subscription that ends around now: its age is within reach of every window.
      const at = this.#draw.endOf(hour) + Math.floor((random() - 0.5) * 4 * 24 * HOUR_S);
      const moment = formatMoment(at);
      return { customerId, name: 'plus_until', value: random() < 0.5 ? moment : moment.slice(0, 10) };
    });
  }

  stores(hour: number): StoreFact[] {
    const random = this.#draw.random(hour, 'stores');
    const kind = random();
    const brand = `brand-${Math.floor(random() * 5)}`;
    if (kind < 0.1)
      return [{ storeId: this.#draw.store(random), brand, city: oneOf(['BCN', 'MAD'], random) }];
    if (kind < 0.14) return [{ storeId: `opened-${hour}`, brand, city: 'BCN', category: 'burger' }];
    return [];
  }

  /** Single updates to the versions in force, and a share of a version that is being prepared. */
  scores(hour: number): ScoreFact[] {
    if (!this.#isEvery) return [];
    const random = this.#draw.random(hour, 'scores');
    return MODELS.flatMap((model) => {
      const updates = many(15, () =>
        this.#score(
          hour,
          { model, version: this.#inForce(model, hour), customerId: this.#draw.customer(random) },
          random,
        ),
      );
      const { everyH, stagedH } = ROUNDS[model];
      const at = hour % everyH;
      // Not in the first hour: the first version that ever comes is in force at once.
      if (at < STAGED_FROM_H || at >= STAGED_FROM_H + stagedH) return updates;
      const version = versionOf(model, Math.ceil(hour / everyH));
      const staged: ScoreFact[] = [];
      for (let i = at - STAGED_FROM_H; i < this.#draw.options.customers; i += stagedH) {
        if (random() < 0.8)
          staged.push(this.#score(hour, { model, version, customerId: this.#draw.customerAt(i) }, random));
      }
      return [...updates, ...staged];
    });
  }

  #score(hour: number, of: Omit<ScoreFact, 'value'>, random: Random): ScoreFact {
    const score = { ...of, value: Math.floor(random() * 1_000) / 1_000 };
    const kind = random();
    if (kind < 0.5) return score;
    // Some ended before they came; most end within a day or two.
    return { ...score, validUntil: this.#draw.endOf(hour) + Math.floor((random() * 30 - 2) * HOUR_S) };
  }

  /** Versions that are put in force in an hour, after its facts. */
  activations(hour: number): { readonly model: Model; readonly version: string }[] {
    if (!this.#isEvery) return [];
    return MODELS.flatMap((model) => {
      const { everyH, stagedH } = ROUNDS[model];
      const round = Math.ceil(hour / everyH);
      const at = hour % everyH;
      const readyAt = STAGED_FROM_H + stagedH;
      if (at === readyAt || (isPutBack(round) && at === readyAt + 4))
        return [{ model, version: versionOf(model, round) }];
      if (isPutBack(round) && at === readyAt + 2) return [{ model, version: versionOf(model, round - 1) }];
      return [];
    });
  }

  /** The version in force when an hour begins. */
  #inForce(model: Model, hour: number): string {
    for (let before = hour - 1; before > 0; before--) {
      const found = this.activations(before).find((activation) => activation.model === model);
      if (found !== undefined) return found.version;
    }
    return versionOf(model, 0);
  }

  /** Entries added and removed; now and then one list is replaced whole. */
  lists(hour: number): { readonly listEntries: ListEntryFact[]; readonly emptiedLists: string[] } {
    if (!this.#isEvery) return { listEntries: [], emptiedLists: [] };
    const random = this.#draw.random(hour, 'lists');
    const entry = (list: string, isListed: boolean): ListEntryFact => ({
      customerId: this.#draw.customer(random),
      list,
      isListed,
    });
    const listEntries = many(15, () => entry(oneOf(LISTS, random), random() < 0.6));
    if (hour % CAMPAIGN_HOURS !== 0) return { listEntries, emptiedLists: [] };
    const campaign = many(Math.ceil(this.#draw.options.customers / 30), () => entry('campaign', true));
    return { listEntries: [...campaign, ...listEntries], emptiedLists: ['campaign'] };
  }

  /** Customers who are erased in an hour, after its facts. */
  erased(hour: number): string[] {
    const random = this.#draw.random(hour, 'erasures');
    if (hour < 1 || random() > 0.3) return [];
    return many(1 + Math.floor(random() * 2), () => this.#draw.customer(random));
  }

  /** Customers erased earlier whose facts count again from this hour on. */
  readmitted(hour: number): string[] {
    return this.erased(hour - READMITTED_AFTER_H).slice(0, 1);
  }
}

function versionOf(model: Model, round: number): string {
  return round === 0 ? ROUNDS[model].first : `${model}-${round}`;
}

function isPutBack(round: number): boolean {
  return round % 2 === 1;
}
